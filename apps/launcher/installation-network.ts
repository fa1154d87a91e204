import type { SimulatorCommand } from "../../sim/simulator/protocol.ts";
import { assert } from "../../kernel/assert.ts";
import { DELAY_MS_MAX } from "./network-protocol.ts";
import type { NetworkCommand } from "./network-protocol.ts";
import type { PacketFilter } from "./packet-filter.ts";

/** Which links of a node: to other nodes, to the coordinator, both, or only those over which it sends to other nodes. */
export type NetworkPart = "peers" | "coordinator" | "all" | "sent";

/** The network of a running installation: what can be cut, by what the system allows. */
export interface InstallationNetwork {
  /** How cuts are made. */
  readonly means: "packet filter" | "relays";
  /** Cuts may overlap, of the same part too: each that begins has to end once, and packets pass again when the last one is over. */
  setCut(node: string, part: NetworkPart, isCut: boolean): Promise<void>;
  /** Between a node and the devices, its power left on: what is under way waits for the end. Overlaps as `setCut` does. */
  setPlantCut(node: string, isCut: boolean): void;
  /** Every link, those to the devices too: no packet of the node arrives any more, nor any for it. */
  setPower(node: string, isOn: boolean): Promise<void>;
  /** What passes the node's links to other nodes and to the coordinator takes so much longer, each way; delays of one node add up. */
  changeDelay(node: string, byMs: number): void;
}

export interface NetworkParts {
  readonly links: readonly { readonly from: string; readonly to: string; readonly port: number }[];
  /** Ports at which a node finds the devices. */
  readonly devicePorts: (node: string) => readonly number[];
  readonly filter: PacketFilter | null;
  readonly tellNetwork: (command: NetworkCommand) => void;
  readonly simulate: (command: SimulatorCommand) => void;
}

export function createInstallationNetwork(parts: NetworkParts): InstallationNetwork {
  const { links, filter, tellNetwork, simulate } = parts;
  const portsOf = (node: string, part: NetworkPart): number[] =>
    links
      .filter(({ from, to }) => {
        const isToCoordinator = to === "";
        if (part === "sent") return from === node && !isToCoordinator;
        if (part === "coordinator") return from === node && isToCoordinator;
        const isOwn = from === node || to === node;
        return part === "all" ? isOwn : isOwn && !isToCoordinator;
      })
      .map(({ port }) => port);
  const portCuts = new Cuts<number>();
  const plantCuts = new Cuts<string>();
  const withoutPower = new Set<string>();
  const delaysMs = new Map<string, number>();
  const cutPorts = async (ports: readonly number[], isCut: boolean): Promise<void> => {
    const changed = portCuts.change(ports, isCut);
    if (filter === null) tellNetwork({ type: "cutPorts", ports: changed, isCut });
    else await filter.setCut(changed, isCut);
  };
  const tellDevices = (node: string) => {
    const isLost = filter === null && withoutPower.has(node);
    simulate({ type: isLost ? "powerCut" : plantCuts.has(node) ? "cut" : "heal", node });
  };
  return {
    means: filter === null ? "relays" : "packet filter",
    setCut: (node, part, isCut) => cutPorts(portsOf(node, part), isCut),
    setPlantCut(node, isCut) {
      plantCuts.change([node], isCut);
      tellDevices(node);
    },
    async setPower(node, isOn) {
      if (withoutPower.has(node) !== isOn) return;
      if (isOn) withoutPower.delete(node);
      else withoutPower.add(node);
      // A relay passes to the devices what the simulator, behind it, lets pass; the filter has their ports too.
      if (filter === null) tellDevices(node);
      const devicePorts = filter === null ? [] : parts.devicePorts(node);
      await cutPorts([...portsOf(node, "all"), ...devicePorts], !isOn);
    },
    changeDelay(node, byMs) {
      const delayMs = Math.max(0, (delaysMs.get(node) ?? 0) + byMs);
      delaysMs.set(node, delayMs);
      tellNetwork({ type: "delay", node, delayMs: Math.min(delayMs, DELAY_MS_MAX) });
    },
  };
}

/** By how many causes each thing is cut now. */
class Cuts<Key> {
  readonly #counts = new Map<Key, number>();

  has(key: Key): boolean {
    return (this.#counts.get(key) ?? 0) > 0;
  }

  /** @returns those of which this is the first cause, or was the last. */
  change(keys: readonly Key[], isCut: boolean): Key[] {
    return keys.filter((key) => {
      const count = (this.#counts.get(key) ?? 0) + (isCut ? 1 : -1);
      assert(count >= 0, "a cut that ends has begun");
      this.#counts.set(key, count);
      return count === (isCut ? 1 : 0);
    });
  }
}
