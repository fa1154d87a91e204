import type {
  Coordinator,
  ReadOutcome,
  RecordTransaction,
  TransactionOutcome,
} from "../../kernel/ports/coordinator.ts";
import type { LeadershipRecord } from "../../kernel/record.ts";
import type { CoordinatorBench } from "./coordinator-bench.ts";

export const DEADLINE_MS = 1000;

/** 32 hexadecimal digits. */
export const hex = (value: number) => value.toString(16).padStart(32, "0");

export function recordOf(epoch: number, node = "n1"): LeadershipRecord {
  const leader = { node, incarnation: hex(1) };
  const members = { leader, inSync: [leader], order: [node] };
  return { epoch, ...members, nonce: hex(epoch), plantTimeMsMax: 1.5, issuedSequence: 0 };
}

/** Replaces the record of `epoch - 1`, which has this revision, by that of `epoch`. */
export function step(epoch: number, revision: number, grid = "port"): RecordTransaction {
  const expectedNonce = epoch === 1 ? null : hex(epoch - 1);
  return { grid, expectedRevision: revision, expectedNonce, record: recordOf(epoch) };
}

type UntilBench = Pick<CoordinatorBench, "until">;

export async function read(
  bench: UntilBench,
  client: Coordinator,
  deadlineMs = DEADLINE_MS,
  grid = "port",
): Promise<ReadOutcome> {
  const outcomes: ReadOutcome[] = [];
  client.read(grid, deadlineMs, (outcome) => outcomes.push(outcome));
  await bench.until("the read is answered", () => outcomes.length > 0);
  return outcomes[0] as ReadOutcome;
}

export async function transact(
  bench: UntilBench,
  client: Coordinator,
  request: RecordTransaction,
  deadlineMs = DEADLINE_MS,
): Promise<TransactionOutcome> {
  const outcomes: TransactionOutcome[] = [];
  client.transact(request, deadlineMs, (outcome) => outcomes.push(outcome));
  await bench.until("the transaction is answered", () => outcomes.length > 0);
  return outcomes[0] as TransactionOutcome;
}

/** The revision of a transaction that must have been applied; −1 where it was not. */
export function revisionOf(outcome: TransactionOutcome): number {
  return outcome.type === "applied" ? outcome.revision : -1;
}
