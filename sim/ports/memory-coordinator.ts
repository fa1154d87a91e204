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
  /** Default 1. */
  readonly memberCount?: number;
}

/** The process that a client lives in, where that is not simply the world: its clock, and how answers reach it. */
export interface ClientProcess {
  readonly clock: Clock;
  run(callback: () => void): void;
}

/** One linearizable store of some members with any number of clients. */
export interface MemoryCoordinator {
  /** The coordinator as `node` sees it. */
  client(node: string, process?: ClientProcess): Coordinator;
  setFaults(node: string, faults: CoordinatorFaults): void;
  /** A member stops or comes back. Without its leader, or without a majority, nothing is answered until another leads. */
  setMember(member: number, isUp: boolean): void;
  /** The members elect a new leader, which takes so long; what is under way is lost or applied afterwards. */
  loseLeader(electionMs: number): void;
  /** Every write and linearizable read waits so much longer for the members' disks. */
  setSlow(diskMs: number): void;
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

/** How long the members take to elect a leader after one of them stopped. */
const ELECTION_MS = 300;

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
  const memberCount = options.memberCount ?? 1;
  const isMemberUp = Array.from({ length: memberCount }, () => true);
  let leader = 0;
  let term = 1;
  let isElecting = false;
  let diskMs = 0;
  /** Requests that came while nobody led. */
  let waiting: (() => void)[] = [];
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
      (request.expectedNonce === null || stored?.record.nonce === request.expectedNonce);
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

  const hasMajority = () => isMemberUp.filter((isUp) => isUp).length * 2 > memberCount;
  const isLucky = () => random === undefined || random.next() < 0.5;

  function elect(electionMs: number): void {
    term += 1;
    const ownTerm = term;
    isElecting = true;
    clock.at(clock.monotonicMs() + electionMs, () => {
      if (ownTerm !== term || !hasMajority()) return;
      isElecting = false;
      leader = isMemberUp.indexOf(true);
      const late = waiting;
      waiting = [];
      for (const proposed of late) propose(proposed);
    });
  }

  /** Runs `act` once the members agree on it; where their leader is lost meanwhile, later or never. */
  function propose(act: () => void): void {
    if (isElecting || !hasMajority()) {
      if (isLucky()) waiting.push(act);
      return;
    }
    if (diskMs === 0) return act();
    const ownTerm = term;
    clock.at(clock.monotonicMs() + diskMs, () => {
      if (ownTerm === term) act();
      else if (isLucky()) propose(act);
    });
  }

  /** One node's calls. Each goes to the member that answered last; one that fails is not repeated here, as in the client of etcd. */
  function caller(node: string, process: ClientProcess) {
    let member = endpointOf(node);
    const next = () => void (member = (member + 1) % memberCount);

    /** One request and its answer; `done` is called exactly once, with `late` at the deadline. */
    return <T>(deadlineMs: number, act: () => T, late: T, done: (t: T) => void): void => {
      const sentAtMs = process.clock.monotonicMs();
      const roundTripMs = latencyMs();
      const asked = member;
      let isDone = false;
      const finish = (outcome: T) => {
        if (isDone) return;
        isDone = true;
        deadline.cancel();
        if (outcome === late && asked === member) next();
        done(outcome);
      };
      const isRefused = isMemberUp[asked] !== true;
      const failMs = isRefused ? Math.min(hasMajority() ? 1 : 50, deadlineMs) : deadlineMs;
      const deadline = process.clock.at(sentAtMs + failMs, () => finish(late));
      if (isRefused) return;
      const arrivalMs = clock.monotonicMs() + roundTripMs / 2 + (faults(node).requestDelayMs ?? 0);
      clock.at(arrivalMs, () => {
        if (isCut(node) || isMemberUp[asked] !== true) return;
        propose(() => {
          const outcome = act();
          if (faults(node).isAnswerLost === true) return;
          clock.at(clock.monotonicMs() + roundTripMs / 2, () => {
            if (!isCut(node) && isMemberUp[asked] === true) process.run(() => finish(outcome));
          });
        });
      });
    };
  }

  const endpoints: string[] = [];
  /** Every node has its own first choice among the members. */
  function endpointOf(node: string): number {
    if (!endpoints.includes(node)) endpoints.push(node);
    return endpoints.indexOf(node) % memberCount;
  }

  function client(
    node: string,
    process: ClientProcess = { clock, run: (act) => act() },
  ): Coordinator {
    const call = caller(node, process);
    const own = new Set<() => void>();
    return {
      read(grid, deadlineMs, done) {
        const late: ReadOutcome = { type: "failed", reason: "no answer before the deadline" };
        call(deadlineMs, () => read(grid), late, done);
      },
      transact(request, deadlineMs, done) {
        const reason = "no answer before the deadline";
        const late: TransactionOutcome = { type: "unknown", reason };
        call(deadlineMs, () => apply(node, request), late, done);
      },
      watch(grid, hint) {
        const watch = { node, grid, hint: () => process.run(hint) };
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
    setMember(member, isUp) {
      isMemberUp[member] = isUp;
      const isLeaderless = !hasMajority() || isMemberUp[leader] !== true;
      if (isLeaderless || isElecting) elect(ELECTION_MS);
    },
    loseLeader: elect,
    setSlow: (value) => void (diskMs = value),
    record: (grid) => records.get(grid) ?? { revision: 0, record: null },
    history,
    presence: () => presence,
  };
}
