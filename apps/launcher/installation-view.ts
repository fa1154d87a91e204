import type { GridConfig, Manifest } from "../../configs/manifest.ts";
import type { GridStatus, NodeStatus } from "./operator-client.ts";

/** `down`: on purpose. `ended`: by itself, which is a finding. */
export type NodeState = "starting" | "up" | "paused" | "down" | "ended";

/** A node as the launcher sees it from outside. */
export interface NodeView {
  readonly id: string;
  readonly state: NodeState;
  readonly pid: number;
  /** Last answer of its operator service; null before the first and when it is too old. */
  readonly status: NodeStatus | null;
}

/** A grid as its leader knows it. */
export interface GridView {
  readonly config: GridConfig;
  /** Null where nobody leads with authority. */
  readonly leader: string | null;
  /** Of the leader; where there is none, of whoever knows the highest epoch. */
  readonly status: GridStatus | null;
  /** The other controllers by failover order. */
  readonly standbys: readonly StandbyView[];
}

export interface StandbyView {
  readonly node: string;
  readonly state: NodeState;
  readonly isInSync: boolean;
}

const isLeading = (status: GridStatus | undefined): boolean =>
  status?.role === "leading" && status.hasAuthority === true;

export function epochOf(status: GridStatus | null): number {
  return Number(status?.epoch ?? 0);
}

/** What the nodes that answer know about each grid, in the order of the manifest. */
export function viewGrids(manifest: Manifest, nodes: readonly NodeView[]): GridView[] {
  return manifest.grids.map((config) => {
    const known = nodes
      .filter(({ state }) => state === "up")
      .flatMap(({ id, status }) => {
        const own = status?.grids.find(({ grid }) => grid === config.id);
        return own === undefined ? [] : [{ id, own }];
      })
      .sort((a, b) => epochOf(b.own) - epochOf(a.own));
    const leading = known.find(({ own }) => isLeading(own));
    const status = (leading ?? known[0])?.own ?? null;
    return {
      config,
      leader: leading?.id ?? null,
      status,
      standbys: config.controllers
        .filter(({ node }) => node !== leading?.id)
        .map(({ node }) => ({
          node,
          state: nodes.find(({ id }) => id === node)?.state ?? "down",
          isInSync: leading !== undefined && (status?.inSync ?? []).includes(node),
        })),
    };
  });
}

/** Why a fault of a node would not be one fault: null where every grid is led and every living controller is in sync. */
export function whyUnsettled(manifest: Manifest, nodes: readonly NodeView[]): string | null {
  for (const { config, leader, standbys } of viewGrids(manifest, nodes)) {
    if (leader === null) return `nobody leads grid ${config.id}`;
    for (const { node, state, isInSync } of standbys) {
      const isExpected = state === "up" || state === "starting";
      if (isExpected && !isInSync) return `${node} is not in sync yet for grid ${config.id}`;
    }
  }
  return null;
}

/** Nodes whose process runs now. */
export function livingNodes(nodes: readonly NodeView[]): string[] {
  return nodes.filter(({ state }) => state === "up" || state === "starting").map(({ id }) => id);
}
