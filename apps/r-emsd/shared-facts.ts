import type { LogPosition } from "../../kernel/record.ts";

/** A grid of which no frame came for so long is led by nobody that this node hears. */
const SILENT_MS = 5000;

/** Of a controller, as it is now: a new incarnation has another loop. */
export interface SharingGrid {
  /** Of its last frame. */
  readonly last: () => Pick<LogPosition, "epoch" | "sequence"> | null;
  readonly setNodeFact: (fact: string, isTrue: boolean) => void;
}

export interface SharedFacts {
  set(fact: string, isTrue: boolean): void;
  /** Looks which grids live and tells them what they are to hear; a few times a second. */
  look(nowMs: number): void;
}

/**
 * What is wrong with something that every grid of a node rests on, as the coordinator, is one cause: it is told to one grid, so that it is one
 * alarm. That is the first of the node's grids whose frames come; one that nobody leads would raise nothing.
 *
 * @param grids - In the order of the manifest.
 */
export function createSharedFacts(grids: readonly SharingGrid[]): SharedFacts {
  const facts = new Map<string, boolean>();
  const seen = grids.map(() => ({ place: "", atMs: Number.NEGATIVE_INFINITY }));
  return {
    set: (fact, isTrue) => void facts.set(fact, isTrue),
    look(nowMs) {
      const isAlive = grids.map((grid, index) => {
        const last = grid.last();
        const place = last === null ? "" : `${last.epoch}:${last.sequence}`;
        if (place !== seen[index]?.place) seen[index] = { place, atMs: nowMs };
        return nowMs - (seen[index]?.atMs ?? nowMs) < SILENT_MS;
      });
      const told = Math.max(0, isAlive.indexOf(true));
      for (const [fact, isTrue] of facts) {
        for (const [index, grid] of grids.entries()) {
          grid.setNodeFact(fact, isTrue && index === told);
        }
      }
    },
  };
}
