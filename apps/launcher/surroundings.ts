import { join } from "node:path";
import { RemsError } from "../../kernel/errors.ts";
import type { PlantSnapshot, SimulatorCommand } from "../../sim/simulator/protocol.ts";
import { simulatorMessage } from "../../sim/simulator/protocol.ts";
import type { Child } from "./child-program.ts";
import { startChild } from "./child-program.ts";
import type { InstallationOptions } from "./cluster.ts";
import type { Totals } from "./events.ts";
import type { NetworkCommand, NetworkMessage } from "./network-protocol.ts";
import { networkMessage } from "./network-protocol.ts";
import { compiledProgram } from "./project.ts";
import { WRITE_LOG } from "./run-files.ts";

const SURROUNDINGS_STOP_MS_MAX = 1200;

interface Started {
  readonly plantMaps: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly publicPorts: Readonly<Record<string, string>>;
  readonly network: Extract<NetworkMessage, { type: "ready" }>;
}

type Done = Extract<NetworkMessage, { type: "done" }>;

/** Everything around the nodes: the simulated plant, and the network with the coordinator. */
export class Surroundings {
  plant: PlantSnapshot | null = null;
  totals: Totals | null = null;
  isBroken = false;
  #simulator: Child | null = null;
  #network: Child | null = null;
  #isStopping = false;
  #requestCount = 0;
  readonly #requests = new Map<number, (done: Done) => void>();
  readonly #options: InstallationOptions;

  constructor(options: InstallationOptions) {
    this.#options = options;
  }

  async start(etcdProgram: string | null): Promise<Started> {
    const [simulator, network] = await Promise.all([
      this.#startSimulator(),
      this.#startNetwork(etcdProgram),
    ]);
    return { plantMaps: simulator.ports, publicPorts: simulator.publicPorts, network };
  }

  simulate(command: SimulatorCommand): void {
    this.#simulator?.send(command);
  }

  tellNetwork(command: NetworkCommand): void {
    this.#network?.send(command);
  }

  etcd(action: "leader" | "kill" | "restart", member = 0): Promise<number> {
    const requestId = ++this.#requestCount;
    return new Promise((resolve, reject) => {
      this.#requests.set(requestId, ({ member: index, problem }) => {
        if (problem === null) resolve(index);
        else reject(new RemsError("REMS_REQUEST_REFUSED", problem));
      });
      this.tellNetwork({ type: "etcd", requestId, action, member });
    });
  }

  #onDone(message: Done): void {
    this.#requests.get(message.requestId)?.(message);
    this.#requests.delete(message.requestId);
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    const children = [this.#simulator, this.#network].filter((child) => child !== null);
    await Promise.all(children.map((child) => child.stop(SURROUNDINGS_STOP_MS_MAX)));
  }

  #startSimulator(): Promise<{
    ports: Started["plantMaps"];
    publicPorts: Started["publicPorts"];
  }> {
    const { manifest, projectDirectory, seed, plantPath, refereeWindowMs, onEvent } = this.#options;
    return new Promise((resolve, reject) => {
      const program = compiledProgram(projectDirectory, "sim/simulator/main");
      this.#simulator = startChild({
        program,
        args: [
          "--config",
          manifest.path,
          "--seed",
          String(seed),
          ...(plantPath === undefined ? [] : ["--plant", plantPath]),
          ...(refereeWindowMs === undefined ? [] : ["--window-ms", String(refereeWindowMs)]),
          ...(this.#options.isTraced === true
            ? ["--write-log", join(this.#options.runDirectory, WRITE_LOG)]
            : []),
        ],
        directory: projectDirectory,
        onExit: (exit) => this.#onExit("the simulator", exit.tail, reject),
        onLine: (line) => {
          const message = simulatorMessage.parse(JSON.parse(line));
          if (message.type === "ready") resolve(message);
          else if (message.type === "plant") this.plant = message;
          else if (message.type === "totals") this.totals = message;
          else if (message.type === "failover") onEvent({ type: "failover", failover: message });
          else if (message.type === "error") {
            onEvent({ type: "action", isDone: false, text: message.text });
          } else {
            const { kind, grid, device, text } = message;
            onEvent({ type: "plant", kind, grid, device, text });
          }
        },
      });
    });
  }

  #startNetwork(etcdProgram: string | null): Promise<Started["network"]> {
    const { manifest, projectDirectory, runDirectory } = this.#options;
    return new Promise((resolve, reject) => {
      const program = compiledProgram(projectDirectory, "apps/launcher/network-worker");
      this.#network = startChild({
        program,
        args: [],
        directory: projectDirectory,
        onExit: (exit) => this.#onExit("the coordinator's process", exit.tail, reject),
        onLine: (line) => {
          const message = networkMessage.parse(JSON.parse(line));
          if (message.type === "ready") resolve(message);
          else if (message.type === "done") this.#onDone(message);
          else reject(new RemsError("REMS_PROGRAM_FAILED", message.text));
        },
      });
      const nodes = manifest.nodes.map(({ id, host, peerPort }) => ({ id, host, peerPort }));
      const directory = join(runDirectory, "coordinator");
      const { etcdTimings } = this.#options;
      this.tellNetwork({ type: "begin", etcdProgram, etcdTimings, directory, nodes });
    });
  }

  #onExit(what: string, tail: string, reject: (error: RemsError) => void): void {
    if (this.#isStopping) return;
    this.isBroken = true;
    const text = `${what} ended by itself: ${tail}`;
    reject(new RemsError("REMS_PROGRAM_FAILED", text));
    this.#options.onEvent({ type: "node", node: "", state: "ended", text });
  }
}
