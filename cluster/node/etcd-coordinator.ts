import type { IKeyValue, IOptions, ITxnRequest } from "etcd3";
import { assert, present } from "../../kernel/assert.ts";
import type { Clock, Timer } from "../../kernel/ports/clock.ts";
import type {
  Coordinator,
  ReadOutcome,
  RecordTransaction,
  TransactionOutcome,
} from "../../kernel/ports/coordinator.ts";
import type { LeadershipRecord } from "../../kernel/record.ts";
import { decodeRecord, encodeRecord } from "../../proto/record-codec.ts";
import { createEtcdMember } from "./etcd-member.ts";
import type { EtcdMember } from "./etcd-member.ts";
import { createEtcdWatch, endOfPrefix } from "./etcd-watch.ts";
import type { NodeLog } from "./node-log.ts";
import { parseEndpoint } from "./rpc-options.ts";
import type { Dial } from "./rpc-options.ts";

export interface EtcdCoordinatorOptions {
  readonly installation: string;
  /** `host:port` of every member. The first is asked first. */
  readonly endpoints: readonly string[];
  readonly dial?: Dial;
  readonly clock: Clock;
  readonly log: NodeLog;
  /** Certificates, where etcd speaks TLS. */
  readonly credentials?: IOptions["credentials"];
}

/** Every member is asked so often whether it can reach the majority: keeps connections warm, and counts for `status()`. */
const PROBE_EVERY_MS = 1000;
const PROBE_DEADLINE_MS = 500;
/** Where no member answers, a call fails no sooner than this, so that a caller who asks again at once does no harm. */
const FAIL_MS_MIN = 50;
const PRESENCE_TTL_S = 10;
const PRESENCE_EVERY_MS = 3000;
const PRESENCE_DEADLINE_MS = 1000;

/** A member and how it fared. */
interface Tracked {
  readonly member: EtcdMember;
  isReachable: boolean;
  answeredAtMs: number;
  isProbing: boolean;
}

/**
 * The coordinator on etcd. Record and nonce stand in two keys, `r-ems/<installation>/grids/<grid>/record` and `.../nonce`,
 * that are only written together, because etcd compares values as a whole.
 *
 * Calls go to the member that answered last. One that fails is not repeated here (the caller alone knows whether it may be);
 * the next call goes to another member.
 *
 * @throws {@link RemsError} `REMS_CONFIG_INVALID` if an endpoint is not `host:port`.
 */
export function createEtcdCoordinator(options: EtcdCoordinatorOptions): Coordinator {
  const { clock, log, endpoints } = options;
  assert(endpoints.length > 0, "an etcd coordinator has an endpoint");
  const root = `r-ems/${options.installation}`;
  const gridsPrefix = `${root}/grids/`;
  const recordKey = (grid: string) => Buffer.from(`${gridsPrefix}${grid}/record`);
  const nonceKey = (grid: string) => Buffer.from(`${gridsPrefix}${grid}/nonce`);
  const dial: Dial = options.dial ?? ((host, port) => ({ host, port }));
  const all: readonly Tracked[] = endpoints.map((endpoint) => {
    const { host, port } = parseEndpoint(endpoint);
    const member = createEtcdMember(endpoint, dial(host, port), clock, options.credentials);
    return { member, isReachable: false, answeredAtMs: -Infinity, isProbing: false };
  });
  let preferred = present(all[0], "an etcd coordinator has an endpoint");
  let isClosed = false;
  const timers = new Set<Timer>();
  const hints = new Map<string, Set<() => void>>();
  const presence = new Map<string, string>();

  const watch = createEtcdWatch(gridsPrefix, clock, (key) => {
    for (const [grid, handlers] of hints) {
      if (key !== null && key !== recordKey(grid).toString()) continue;
      for (const handler of handlers) handler();
    }
  });

  function every(periodMs: number, act: () => void): void {
    const timer = clock.at(clock.monotonicMs() + periodMs, () => {
      timers.delete(timer);
      act();
      if (!isClosed) every(periodMs, act);
    });
    timers.add(timer);
  }

  function noteAnswer(tracked: Tracked): void {
    tracked.isReachable = true;
    tracked.answeredAtMs = clock.monotonicMs();
  }

  function noteFailure(tracked: Tracked, reason: string): void {
    tracked.isReachable = false;
    if (tracked !== preferred || isClosed || all.length === 1) return;
    const index = all.indexOf(tracked);
    // Starting after the one that failed, so that members of which nothing is known are taken in turn.
    const others = [...all.slice(index + 1), ...all.slice(0, index)];
    preferred = others.reduce((best, other) =>
      other.isReachable && (!best.isReachable || other.answeredAtMs > best.answeredAtMs)
        ? other
        : best,
    );
    log.info(
      { from: tracked.member.endpoint, to: preferred.member.endpoint, reason },
      "etcd member changed",
    );
    watch.moveTo(preferred.member);
  }

  /** Reports a failure: at once where another member may answer the next call. */
  function fail(sentAtMs: number, deadlineMs: number, report: () => void): void {
    if (all.some(({ isReachable }) => isReachable)) report();
    else clock.at(sentAtMs + Math.min(FAIL_MS_MIN, deadlineMs), report);
  }

  function probe(tracked: Tracked): void {
    if (tracked.isProbing) return;
    tracked.isProbing = true;
    const key = Buffer.from(gridsPrefix);
    const request = { key, range_end: endOfPrefix(key), limit: 1, keys_only: true };
    tracked.member.range(request, PROBE_DEADLINE_MS, (answer) => {
      tracked.isProbing = false;
      if (answer.isAnswered) noteAnswer(tracked);
      else noteFailure(tracked, answer.reason);
    });
  }

  function read(grid: string, deadlineMs: number, done: (outcome: ReadOutcome) => void): void {
    const tracked = preferred;
    const sentAtMs = clock.monotonicMs();
    // Linearizable: etcd's default, said aloud because everything rests on it.
    const request = { key: recordKey(grid), serializable: false };
    tracked.member.range(request, deadlineMs, (answer) => {
      if (!answer.isAnswered) {
        noteFailure(tracked, answer.reason);
        const { reason } = answer;
        fail(sentAtMs, deadlineMs, () => done({ type: "failed", reason }));
        return;
      }
      noteAnswer(tracked);
      const stored = readStored(answer.value.kvs[0]);
      done(
        stored.isValid
          ? { type: "read", ...stored.content }
          : { type: "failed", reason: stored.reason },
      );
    });
  }

  function transact(
    request: RecordTransaction,
    deadlineMs: number,
    done: (outcome: TransactionOutcome) => void,
  ): void {
    const tracked = preferred;
    const sentAtMs = clock.monotonicMs();
    const wire = transactionOf(request, recordKey(request.grid), nonceKey(request.grid));
    tracked.member.txn(wire, deadlineMs, (answer) => {
      if (!answer.isAnswered) {
        noteFailure(tracked, answer.reason);
        const { reason } = answer;
        fail(sentAtMs, deadlineMs, () => done({ type: "unknown", reason }));
        return;
      }
      noteAnswer(tracked);
      const { succeeded, header, responses } = answer.value;
      if (succeeded) {
        done({ type: "applied", revision: revisionOf(header.revision) });
        return;
      }
      const stored = readStored(responses[0]?.response_range.kvs[0]);
      done(
        stored.isValid
          ? { type: "refused", ...stored.content }
          : { type: "unknown", reason: stored.reason },
      );
    });
  }

  function renewPresence(): void {
    for (const [node, value] of presence) {
      const key = `${root}/presence/${node}`;
      preferred.member.putWithLease(key, value, PRESENCE_TTL_S, PRESENCE_DEADLINE_MS, (answer) => {
        if (!answer.isAnswered) log.debug({ node, reason: answer.reason }, "presence not renewed");
      });
    }
  }

  watch.moveTo(preferred.member);
  for (const tracked of all) probe(tracked);
  every(PROBE_EVERY_MS, () => {
    for (const tracked of all) probe(tracked);
  });
  every(PRESENCE_EVERY_MS, renewPresence);

  return {
    read,
    transact,
    watch(grid, hint) {
      const handlers = hints.get(grid) ?? new Set();
      hints.set(grid, handlers.add(hint));
      return () => void handlers.delete(hint);
    },
    announce(node, value) {
      presence.set(node, value);
      renewPresence();
    },
    status: () => ({
      kind: "etcd",
      endpointCount: all.length,
      reachableCount: all.filter(({ isReachable }) => isReachable).length,
    }),
    close() {
      isClosed = true;
      for (const timer of timers) timer.cancel();
      watch.close();
      for (const { member } of all) member.close();
      return Promise.resolve();
    },
  };
}

/** Compare-and-set of both keys; on failure the answer carries the record that stood in the way. */
function transactionOf(
  { expectedRevision, expectedNonce, record }: RecordTransaction,
  recordKey: Buffer,
  nonceKey: Buffer,
): ITxnRequest {
  const value = Buffer.from(encodeRecord(record));
  const isRevision = {
    key: recordKey,
    target: "Mod" as const,
    result: "Equal" as const,
    mod_revision: expectedRevision,
  };
  const isNonce = {
    key: nonceKey,
    target: "Value" as const,
    result: "Equal" as const,
    value: Buffer.from(expectedNonce ?? ""),
  };
  return {
    compare: expectedNonce === null ? [isRevision] : [isRevision, isNonce],
    success: [
      { request_put: { key: recordKey, value } },
      { request_put: { key: nonceKey, value: Buffer.from(record.nonce) } },
    ],
    failure: [{ request_range: { key: recordKey } }],
  };
}

type Stored =
  | {
      readonly isValid: true;
      readonly content: { readonly revision: number; readonly record: LeadershipRecord | null };
    }
  | { readonly isValid: false; readonly reason: string };

/** Somebody else may have written the key: what is no record counts as unreadable, never as absent. */
function readStored(kv: IKeyValue | undefined): Stored {
  if (kv === undefined) return { isValid: true, content: { revision: 0, record: null } };
  try {
    const record = decodeRecord(kv.value.toString());
    return { isValid: true, content: { revision: revisionOf(kv.mod_revision), record } };
  } catch (error) {
    return { isValid: false, reason: error instanceof Error ? error.message : String(error) };
  }
}

/** etcd's revisions are 64-bit; at a thousand writes a second, 2^53 lasts 285,000 years. */
function revisionOf(text: string): number {
  const revision = Number(text);
  assert(Number.isSafeInteger(revision), `etcd's revision ${text} is a safe integer`);
  return revision;
}
