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

/** Pause between the last outputs of the old leader and the first of the new one: at most one scan where none was missed. */
export function handoverIntervalMs(
  failover: FailoverMessage,
  old: readonly TraceLine[],
  next: readonly TraceLine[],
): number | null {
  const isReleased = ({ step, grid }: TraceLine) => step === "released" && grid === failover.grid;
  const first = next.find((line) => isReleased(line) && line.atMs >= failover.faultAtMs);
  if (first === undefined) return null;
  const last = old.findLast((line) => isReleased(line) && line.atMs < first.atMs);
  return last === undefined ? null : first.atMs - last.atMs;
}
