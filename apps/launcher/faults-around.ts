import { RemsError } from "../../kernel/errors.ts";
import type { Installation } from "./cluster.ts";
import type { NetworkPart } from "./installation-network.ts";
import type { NodeProcess } from "./node-process.ts";
import type { ActionAround } from "./schedule.ts";

export interface FaultTools {
  /** Tells the referee the instant of a fault of nodes; to be called immediately before it. */
  readonly mark: (type: ActionAround["type"], nodes: readonly string[]) => void;
  readonly after: (ms: number, act: () => void) => void;
  readonly leaderOf: (grid: string) => NodeProcess;
}

/** Faults of what surrounds the nodes: network, coordinator, disk and clock. */
export interface FaultsAround {
  perform(action: ActionAround): Promise<string>;
}

const PARTS = {
  "cut-node": { part: "all", text: "reaches neither the other nodes nor the coordinator" },
  "cut-peers": { part: "peers", text: "and the other nodes do not reach each other" },
  "cut-coordinator": { part: "coordinator", text: "does not reach the coordinator" },
  "cut-one-way": { part: "sent", text: "is not heard by the other nodes, but hears them" },
} as const satisfies Record<string, { part: NetworkPart; text: string }>;

const refused = (text: string) => new RemsError("REMS_REQUEST_REFUSED", text);
const seconds = (ms: number) => `${ms / 1000} s`;

export function createFaultsAround(installation: Installation, tools: FaultTools): FaultsAround {
  const { mark, after, leaderOf } = tools;
  const { network, disturbances } = installation;

  async function cut(action: Extract<ActionAround, { type: keyof typeof PARTS }>): Promise<string> {
    const { type, durationMs } = action;
    const { id } = installation.node(action.node);
    const { part, text } = PARTS[type];
    mark(type, [id]);
    await network.setCut(id, part, true);
    after(durationMs, () => void network.setCut(id, part, false));
    return `${id} ${text} for ${seconds(durationMs)}`;
  }

  function delay(node: string, delayMs: number, durationMs: number): string {
    const { id } = installation.node(node);
    mark("delay", [id]);
    network.changeDelay(id, delayMs);
    after(durationMs, () => network.changeDelay(id, -delayMs));
    return `${id}: everything between it and the others takes ${delayMs} ms longer, for ${seconds(durationMs)}`;
  }

  async function killEtcd(member: number | "leader", durationMs: number): Promise<string> {
    const index = member === "leader" ? await installation.etcd("leader") : member - 1;
    await installation.etcd("kill", index);
    restartEtcdLater(index, durationMs);
    const whose = member === "leader" ? ", the leader," : "";
    return `etcd member ${index + 1}${whose} killed for ${seconds(durationMs)}`;
  }

  function restartEtcdLater(index: number, durationMs: number): void {
    after(durationMs, () => void installation.etcd("restart", index).catch(() => {}));
  }

  async function killWithEtcd(grid: string, durationMs: number): Promise<string> {
    const node = leaderOf(grid);
    const index = await installation.etcd("leader");
    mark("kill-with-etcd", [node.id]);
    node.kill();
    await installation.etcd("kill", index);
    restartEtcdLater(index, durationMs);
    return `${node.id} and etcd's leader, member ${index + 1}, killed together`;
  }

  return {
    async perform(action) {
      switch (action.type) {
        case "cut-node":
        case "cut-peers":
        case "cut-coordinator":
        case "cut-one-way":
          return cut(action);
        case "delay":
          return delay(action.node, action.delayMs, action.durationMs);
        case "kill-etcd":
          return killEtcd(action.member, action.durationMs);
        case "kill-with-etcd":
          return killWithEtcd(action.grid, action.durationMs);
        case "fill-disk": {
          const { node, durationMs } = action;
          if (disturbances.disk === null) throw refused("no small disk was prepared for the nodes");
          await disturbances.disk.setFull(installation.node(node), true);
          const { disk } = disturbances;
          after(durationMs, () => void disk.setFull(installation.node(node), false));
          return `${node}: its disk is full for ${seconds(durationMs)}`;
        }
        case "step-clock": {
          const { node, stepMs } = action;
          if (disturbances.clock === null) throw refused("no clock was prepared that can be set");
          disturbances.clock.step(installation.node(node).id, stepMs);
          return `${node}: its wall clock jumps by ${seconds(stepMs)}`;
        }
        default:
          return action satisfies never;
      }
    },
  };
}
