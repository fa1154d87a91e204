import type { NodeView } from "./installation-view.ts";

/** What a node says the state of a grid was after a frame. */
interface Known {
  readonly node: string;
  readonly stateHash: string;
}

/** Compares the states of replicas: nodes that name the same frame of a grid must name the same hash. */
export interface StateCompare {
  /** Takes what the nodes say now. @returns what differs, each case once. */
  look(nodes: readonly NodeView[]): string[];
  /** True once every one of `nodes` named one and the same frame of the grid since the last {@link reset}. */
  isAgreed(grid: string, nodes: readonly string[]): boolean;
  reset(): void;
}

const FRAME_COUNT_MAX = 200;

export function createStateCompare(): StateCompare {
  /** By grid and frame. */
  const frames = new Map<string, Known[]>();
  return {
    look(nodes) {
      const differences: string[] = [];
      for (const { id, status } of nodes) {
        for (const { grid, checkpoint } of status?.grids ?? []) {
          if (!checkpoint || (checkpoint.stateHash ?? "") === "") continue;
          const frame = `${Number(checkpoint.epoch)}:${Number(checkpoint.sequence)}`;
          const key = `${grid} ${frame}`;
          const known = frames.get(key) ?? [];
          frames.set(key, known);
          if (known.some(({ node }) => node === id)) continue;
          const stateHash = checkpoint.stateHash ?? "";
          const other = known.find((one) => one.stateHash !== stateHash);
          if (other !== undefined) {
            differences.push(
              `${grid}: after frame ${frame} ${id} has another state than ${other.node}`,
            );
          }
          known.push({ node: id, stateHash });
        }
      }
      const [oldest] = frames.keys();
      if (frames.size > FRAME_COUNT_MAX && oldest !== undefined) frames.delete(oldest);
      return differences;
    },
    isAgreed: (grid, nodes) =>
      [...frames].some(
        ([key, known]) =>
          key.startsWith(`${grid} `) &&
          nodes.every((node) => known.some((one) => one.node === node)),
      ),
    reset: () => frames.clear(),
  };
}
