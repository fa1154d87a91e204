import type { FailoverMessage } from "../../../apps/launcher/events.ts";
import type { TraceLine } from "../../support/trace-lines.ts";

/** Where the time of one failover went, from the fault to the first write at a device; milliseconds that add up to the gap. */
export interface Breakdown {
  /** From the last message that the successor heard of the old leader to the fault: negative shares of the wait. */
  readonly heardBeforeFaultMs: number;
  /** From the fault until the promise had run out: detection. */
  readonly promiseMs: number;
  /** From there to the sending of the takeover: rank, and lateness of the timer. */
  readonly staggerMs: number;
  /** The coordinator's transaction, with every repetition. */
  readonly transactionMs: number;
  /** Until the first frame of the new epoch stood. */
  readonly firstFrameMs: number;
  /** Until its outputs went to the driver. */
  readonly releaseMs: number;
  /** Until the first write arrived at a device. */
  readonly writeMs: number;
}

export const STAGES = [
  "promiseMs",
  "staggerMs",
  "transactionMs",
  "firstFrameMs",
  "releaseMs",
  "writeMs",
] as const satisfies readonly (keyof Breakdown)[];

/** @returns Null where the successor's trace does not show an ordinary takeover for this failover (a handover, or another epoch in between). */
export function breakdownOf(
  failover: FailoverMessage,
  trace: readonly TraceLine[],
): Breakdown | null {
  const own = trace.filter(
    ({ grid, atMs }) =>
      grid === failover.grid && atMs >= failover.faultAtMs && atMs <= failover.firstNewWriteMs,
  );
  const led = own.findLast(({ step }) => step === "led");
  if (led === undefined) return null;
  const before = own.filter(({ atMs }) => atMs <= led.atMs);
  const sent = before.find(({ step }) => step === "takeoverSent");
  const answered = before.findLast(({ step }) => step === "takeoverAnswered");
  const after = own.filter(({ atMs }) => atMs >= led.atMs);
  const frame = after.find(({ step }) => step === "firstFrame");
  const released = after.find(({ step }) => step === "released");
  if (sent === undefined || answered === undefined) return null;
  if (frame === undefined || released === undefined) return null;
  const { heardAtMs, promiseUntilMs } = sent;
  if (typeof heardAtMs !== "number" || typeof promiseUntilMs !== "number") return null;
  return {
    heardBeforeFaultMs: failover.faultAtMs - heardAtMs,
    promiseMs: promiseUntilMs - failover.faultAtMs,
    staggerMs: sent.atMs - promiseUntilMs,
    transactionMs: answered.atMs - sent.atMs,
    firstFrameMs: frame.atMs - answered.atMs,
    releaseMs: released.atMs - frame.atMs,
    writeMs: failover.firstNewWriteMs - released.atMs,
  };
}

/** A planned handover: the pause between the last outputs of the old leader and the first of the new one, and its parts; milliseconds. */
export interface HandoverParts {
  /** At most one scan where none was missed. */
  readonly intervalMs: number;
  /** Until the target sends its takeover: writes settled, authority given up, the message on its way. */
  readonly resigningMs: number;
  readonly transactionMs: number;
  readonly firstFrameMs: number;
  /** Until every member of the new record has acknowledged. */
  readonly releaseMs: number;
}

export function handoverPartsOf(
  failover: FailoverMessage,
  old: readonly TraceLine[],
  next: readonly TraceLine[],
): HandoverParts | null {
  const own = next.filter(({ grid, atMs }) => grid === failover.grid && atMs >= failover.faultAtMs);
  const first = own.find(({ step }) => step === "released");
  if (first === undefined) return null;
  const last = old.findLast(
    ({ step, grid, atMs }) => step === "released" && grid === failover.grid && atMs < first.atMs,
  );
  if (last === undefined) return null;
  const before = own.filter(({ atMs }) => atMs <= first.atMs);
  const atMs = (step: TraceLine["step"]) =>
    before.findLast((line) => line.step === step)?.atMs ?? first.atMs;
  const sentMs = before.find(({ step }) => step === "takeoverSent")?.atMs ?? first.atMs;
  return {
    intervalMs: first.atMs - last.atMs,
    resigningMs: sentMs - last.atMs,
    transactionMs: atMs("takeoverAnswered") - sentMs,
    firstFrameMs: atMs("firstFrame") - atMs("takeoverAnswered"),
    releaseMs: first.atMs - atMs("firstFrame"),
  };
}
