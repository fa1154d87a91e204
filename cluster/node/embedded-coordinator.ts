import type { Clock } from "../../kernel/ports/clock.ts";
import type {
  Coordinator,
  ReadOutcome,
  TransactionOutcome,
} from "../../kernel/ports/coordinator.ts";
import { callWithin } from "./call-within.ts";
import type { EmbeddedStore } from "./embedded-store.ts";

export interface EmbeddedCoordinatorOptions {
  readonly store: EmbeddedStore;
  readonly clock: Clock;
}

/** The coordinator of a single node: the record lives in the node's own store, in this process. */
export function createEmbeddedCoordinator(options: EmbeddedCoordinatorOptions): Coordinator {
  const { store, clock } = options;
  const cancellations = new Set<() => void>();
  let isReachable = true;
  return {
    read(grid, deadlineMs, done) {
      callWithin(clock, deadlineMs, store.read(grid), (answer) => {
        isReachable = answer.isAnswered;
        const outcome: ReadOutcome = answer.isAnswered
          ? { type: "read", ...answer.value }
          : { type: "failed", reason: answer.reason };
        done(outcome);
      });
    },
    transact(request, deadlineMs, done) {
      callWithin(clock, deadlineMs, store.transact(request), (answer) => {
        isReachable = answer.isAnswered;
        if (!answer.isAnswered) {
          done({ type: "unknown", reason: answer.reason });
          return;
        }
        const { isApplied, stored } = answer.value;
        const outcome: TransactionOutcome = isApplied
          ? { type: "applied", revision: stored.revision }
          : { type: "refused", ...stored };
        done(outcome);
      });
    },
    watch(grid, hint) {
      // Never from inside the call that changed the record.
      const cancelWatch = store.watch(grid, () => setImmediate(() => isWatching && hint()));
      let isWatching = true;
      const cancel = () => {
        isWatching = false;
        cancellations.delete(cancel);
        cancelWatch();
      };
      cancellations.add(cancel);
      return cancel;
    },
    announce: (node, value) => store.announce(node, value),
    status: () => ({ kind: "embedded", endpointCount: 1, reachableCount: isReachable ? 1 : 0 }),
    close() {
      for (const cancel of cancellations) cancel();
      return Promise.resolve();
    },
  };
}
