import { assert } from "../../kernel/assert.ts";
import type { Clock } from "../../kernel/ports/clock.ts";
import type {
  Coordinator,
  ReadOutcome,
  RecordTransaction,
  TransactionOutcome,
} from "../../kernel/ports/coordinator.ts";
import type { LeadershipRecord } from "../../kernel/record.ts";
import type { SeededRandom } from "./seeded-random.ts";

/** How a client's calls fare from now on. A fault holds until it is set back. */
export interface CoordinatorFaults {
  /** Requests never arrive: reads fail, transactions end `unknown`, hints do not come. */
  readonly isCut?: boolean;
  /** Requests arrive, answers are lost: transactions are applied and end `unknown`. */
  readonly isAnswerLost?: boolean;
  /** Requests travel so much longer. Past the deadline they end `unknown` and are applied afterwards. */
  readonly requestDelayMs?: number;
  /** Watches stay silent, as on a partitioned etcd member. */
  readonly isWatchSilent?: boolean;
}

export interface MemoryCoordinatorOptions {
  readonly clock: Clock;
  /** Needed where `latencyMsMin` and `latencyMsMax` differ. */
  readonly random?: SeededRandom;
  /** Round trip, half of it before the request takes effect. Default 2. */
  readonly latencyMsMin?: number;
  readonly latencyMsMax?: number;
}

/** One linearizable store with any number of clients. */
export interface MemoryCoordinator {
  /** The coordinator as `node` sees it. */
  client(node: string): Coordinator;
  setFaults(node: string, faults: CoordinatorFaults): void;
  /** The whole store is unreachable for everybody, or reachable again. */
  setOutage(isOut: boolean): void;
  record(grid: string): { readonly revision: number; readonly record: LeadershipRecord | null };
  /** Every write that was applied, oldest first: for referees and tests. */
  readonly history: readonly AppliedWrite[];
  presence(): ReadonlyMap<string, string>;
}

export interface AppliedWrite {
  readonly atMs: number;
  readonly node: string;
  readonly grid: string;
  readonly revision: number;
  readonly record: LeadershipRecord;
}

interface Stored {
  readonly revision: number;
  readonly record: LeadershipRecord;
}

export function createMemoryCoordinator(options: MemoryCoordinatorOptions): MemoryCoordinator {
  const { clock, random } = options;
  const latencyMsMin = options.latencyMsMin ?? 2;
  const latencyMsMax = options.latencyMsMax ?? latencyMsMin;
  assert(latencyMsMax >= latencyMsMin, "the longest latency is at least the shortest");
  const records = new Map<string, Stored>();
  const history: AppliedWrite[] = [];
  const presence = new Map<string, string>();
  const faultsOf = new Map<string, CoordinatorFaults>();
  const watches = new Set<{ readonly node: string; readonly grid: string; hint: () => void }>();
  let revision = 1;
  let isOut = false;

  const latencyMs = () =>
    random === undefined ? latencyMsMin : random.between(latencyMsMin, latencyMsMax);
  const faults = (node: string): CoordinatorFaults => faultsOf.get(node) ?? {};
  const isCut = (node: string) => isOut || faults(node).isCut === true;

  function apply(node: string, request: RecordTransaction): TransactionOutcome {
    const stored = records.get(request.grid);
    const isExpected =
      (stored?.revision ?? 0) === request.expectedRevision &&
      (stored?.record.nonce ?? null) === request.expectedNonce;
    if (!isExpected) {
      return { type: "refused", revision: stored?.revision ?? 0, record: stored?.record ?? null };
    }
    revision += 1;
    const { grid, record } = request;
    records.set(grid, { revision, record });
    history.push({ atMs: clock.monotonicMs(), node, grid, revision, record });
    for (const watch of watches) {
      if (watch.grid !== grid) continue;
      clock.at(clock.monotonicMs() + latencyMs() / 2, () => {
        const isSilent = isCut(watch.node) || faults(watch.node).isWatchSilent === true;
        if (!isSilent && watches.has(watch)) watch.hint();
      });
    }
    return { type: "applied", revision };
  }

  function read(grid: string): ReadOutcome {
    const stored = records.get(grid);
    return { type: "read", revision: stored?.revision ?? 0, record: stored?.record ?? null };
  }

  /** One request and its answer; `done` is called exactly once, with `late` at the deadline. */
  function call<T>(node: string, deadlineMs: number, act: () => T, late: T, done: (t: T) => void) {
    const sentAtMs = clock.monotonicMs();
    const roundTripMs = latencyMs();
    let isDone = false;
    const finish = (outcome: T) => {
      if (isDone) return;
      isDone = true;
      deadline.cancel();
      done(outcome);
    };
    const deadline = clock.at(sentAtMs + deadlineMs, () => finish(late));
    clock.at(sentAtMs + roundTripMs / 2 + (faults(node).requestDelayMs ?? 0), () => {
      if (isCut(node)) return;
      const outcome = act();
      if (faults(node).isAnswerLost === true) return;
      clock.at(clock.monotonicMs() + roundTripMs / 2, () => {
        if (!isCut(node)) finish(outcome);
      });
    });
  }

  function client(node: string): Coordinator {
    const own = new Set<() => void>();
    return {
      read(grid, deadlineMs, done) {
        const late: ReadOutcome = { type: "failed", reason: "no answer before the deadline" };
        call(node, deadlineMs, () => read(grid), late, done);
      },
      transact(request, deadlineMs, done) {
        const reason = "no answer before the deadline";
        const late: TransactionOutcome = { type: "unknown", reason };
        call(node, deadlineMs, () => apply(node, request), late, done);
      },
      watch(grid, hint) {
        const watch = { node, grid, hint };
        watches.add(watch);
        const cancel = () => void watches.delete(watch);
        own.add(cancel);
        return cancel;
      },
      announce(name, value) {
        if (!isCut(node)) presence.set(name, value);
      },
      status: () => ({
        kind: "embedded",
        endpointCount: 1,
        reachableCount: isCut(node) ? 0 : 1,
      }),
      close() {
        for (const cancel of own) cancel();
        return Promise.resolve();
      },
    };
  }

  return {
    client,
    setFaults: (node, value) => void faultsOf.set(node, value),
    setOutage: (value) => void (isOut = value),
    record: (grid) => records.get(grid) ?? { revision: 0, record: null },
    history,
    presence: () => presence,
  };
}
