import { assert } from "../../kernel/assert.ts";
import type { TreeRun } from "./replicated-tree.ts";

/** One transition of an actor of either kind, as inspection shows it. */
export interface FeedEntry {
  readonly kind: "replicated" | "local";
  readonly address: string;
  /** Dotted paths of the states. */
  readonly from: string;
  readonly to: string;
  /** Type of the event; `actor.restarted` where supervision did it. */
  readonly event: string;
  readonly reason: string;
  /** Plant time for replicated actors, monotonic time for local ones. */
  readonly atMs: number;
}

export interface TransitionFeed {
  publish(entry: FeedEntry): void;
  /** Publishes the transitions of one run of a replicated tree. */
  publishRun(run: TreeRun, plantTimeMs: number): void;
  /** Calls `listener` for each entry from now on. A listener that throws is dropped. @returns the end of the subscription. */
  subscribe(listener: (entry: FeedEntry) => void): () => void;
  /** The last entries, oldest first. */
  recent(): readonly FeedEntry[];
}

const SUBSCRIBER_COUNT_MAX = 64;

/**
 * A feed that remembers the last `entryCountMax` transitions. Listeners are called at once and must not block; they cannot
 * hold up or break the actors that they watch.
 */
export function createTransitionFeed(entryCountMax = 1_000): TransitionFeed {
  assert(entryCountMax > 0, "a feed remembers at least one transition");
  const listeners = new Set<(entry: FeedEntry) => void>();
  let entries: FeedEntry[] = [];
  function publish(entry: FeedEntry): void {
    entries.push(entry);
    // Cut in blocks: shifting a long array for each entry would cost more than the entry.
    if (entries.length >= entryCountMax * 2) entries = entries.slice(-entryCountMax);
    for (const listener of listeners) {
      try {
        listener(entry);
      } catch {
        listeners.delete(listener);
      }
    }
  }
  return {
    publish,
    publishRun(run, plantTimeMs) {
      for (const { actor, from, to, event, reason } of run.transitions) {
        publish({ kind: "replicated", address: actor, from, to, event, reason, atMs: plantTimeMs });
      }
    },
    subscribe(listener) {
      assert(
        listeners.size < SUBSCRIBER_COUNT_MAX,
        `a feed has at most ${SUBSCRIBER_COUNT_MAX} subscribers`,
      );
      // Its own function, so that one listener may subscribe twice.
      const own = (entry: FeedEntry): void => listener(entry);
      listeners.add(own);
      return () => void listeners.delete(own);
    },
    recent: () => entries.slice(-entryCountMax),
  };
}
