import { present } from "../../kernel/assert.ts";
import {
  type PlantSnapshot,
  type SimulatorCommand,
  type SimulatorMessage,
  simulatorMessage,
} from "../../sim/simulator/protocol.ts";
import { inProject, Program } from "./program.ts";

export type MessageOf<T extends SimulatorMessage["type"]> = Extract<SimulatorMessage, { type: T }>;

/** The plant simulator as a process, on free ports. */
export class SimulatorProgram extends Program {
  constructor(manifest: string) {
    const main = inProject("dist/sim/simulator/main.js");
    super("simulator", process.execPath, [main, "--config", manifest, "--public-port-base", "0"]);
  }

  async untilReady(): Promise<void> {
    await this.until("ready", () => this.all("ready").length > 0);
  }

  send(command: SimulatorCommand): void {
    this.child.stdin?.write(`${JSON.stringify(command)}\n`);
  }

  /** All messages of a type that it sent, oldest first. */
  all<T extends SimulatorMessage["type"]>(type: T): MessageOf<T>[] {
    const start = `{"type":"${type}"`;
    return this.out
      .filter((line) => line.startsWith(start))
      .map((line) => simulatorMessage.parse(JSON.parse(line)) as MessageOf<T>);
  }

  /** The newest message of a type. */
  newest<T extends SimulatorMessage["type"]>(type: T): MessageOf<T> | null {
    const line = this.out.findLast((candidate) => candidate.startsWith(`{"type":"${type}"`));
    return line === undefined ? null : (simulatorMessage.parse(JSON.parse(line)) as MessageOf<T>);
  }

  /** Address of the manifest to address on this machine, as one node finds it. */
  addressesOf(node: string): Readonly<Record<string, string>> {
    return present(this.newest("ready")?.ports[node], `the simulator serves node ${node}`);
  }

  /** Port at which tools find the device whose manifest says this port. */
  publicPort(manifestPort: number): number {
    const address = this.newest("ready")?.publicPorts[`127.0.0.1:${manifestPort}`];
    return Number(present(address, `the simulator serves port ${manifestPort}`).split(":")[1]);
  }

  get plant(): PlantSnapshot {
    return present(this.newest("plant"), "the simulator tells the plant");
  }

  /** Who commands a grid, as its devices see it. */
  writerOf(grid: string): string | null {
    return this.newest("plant")?.grids.find(({ id }) => id === grid)?.writer ?? null;
  }

  /** Waits until so many more totals came: each tells the second before it. */
  async totalsAfter(count: number): Promise<MessageOf<"totals">> {
    const wanted = this.all("totals").length + count;
    await this.until("totals", () => this.all("totals").length >= wanted, count * 1000 + 5000);
    return present(this.newest("totals"), "there are totals");
  }
}
