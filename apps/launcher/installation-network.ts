import type { SimulatorCommand } from "../../sim/simulator/protocol.ts";
import type { NetworkCommand } from "./network-protocol.ts";
import type { PacketFilter } from "./packet-filter.ts";

/** Which links of a node: to other nodes, to the coordinator, both, or only those over which it sends to other nodes. */
export type NetworkPart = "peers" | "coordinator" | "all" | "sent";

/** The network of a running installation: what can be cut, by what the system allows. */
export interface InstallationNetwork {
  /** How cuts are made. */
  readonly means: "packet filter" | "relays";
  setCut(node: string, part: NetworkPart, isCut: boolean): Promise<void>;
  /** Every link, those to the devices too: no packet of the node arrives any more, nor any for it. */
  setPower(node: string, isOn: boolean): Promise<void>;
  /** Delays what passes the node's links to other nodes and to the coordinator, each way. */
  setDelay(node: string, delayMs: number): void;
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
  /** What cuts each port now: cuts may overlap, and packets pass again once the last one is over. */
  const causesByPort = new Map<number, Set<string>>();
  /** @returns the ports of which it is the first or was the last cause. */
  const changedPorts = (ports: readonly number[], cause: string, isCut: boolean): number[] =>
    ports.filter((port) => {
      const causes = causesByPort.get(port) ?? new Set();
      causesByPort.set(port, causes);
      const wasCut = causes.size > 0;
      if (isCut) causes.add(cause);
      else causes.delete(cause);
      return wasCut !== causes.size > 0;
    });
  return {
    means: filter === null ? "relays" : "packet filter",
    async setCut(node, part, isCut) {
      const ports = changedPorts(portsOf(node, part), `${part} of ${node}`, isCut);
      if (filter === null) tellNetwork({ type: "cutPorts", ports, isCut });
      else await filter.setCut(ports, isCut);
    },
    async setPower(node, isOn) {
      if (filter !== null) {
        const ports = [...portsOf(node, "all"), ...parts.devicePorts(node)];
        await filter.setCut(changedPorts(ports, `power of ${node}`, !isOn), !isOn);
        return;
      }
      tellNetwork({ type: "cut", node, isCut: !isOn });
      simulate(isOn ? { type: "heal", node } : { type: "powerCut", node });
    },
    setDelay: (node, delayMs) => tellNetwork({ type: "delay", node, delayMs }),
  };
}
