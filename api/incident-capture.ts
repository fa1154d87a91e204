import type { IncidentJobResult } from "../history/incident-job.ts";
import type { FeedAlarm } from "./api-messages.ts";
import { shortAddress } from "./actor-address.ts";
import type { NodeChange, NodeView } from "./node-view.ts";

/** What is kept before and after each cause. */
const BEFORE_MS = 60_000;
const AFTER_MS = 30_000;
/** Causes that follow one another closely share a file, of at most this length. */
const SPAN_MS_MAX = 300_000;
const REASON_LENGTH_MAX = 300;
/** Ways to lead that nobody needs to look into. */
const QUIET_ORIGINS = new Set(["handover", "cold", "restart"]);

export interface CaptureOptions {
  /** Wall clock, ms. */
  readonly nowMs: () => number;
  readonly schedule: (afterMs: number, action: () => void) => { cancel: () => void };
  readonly capture: (what: CapturedSpan) => Promise<IncidentJobResult>;
  /** How a capture went. */
  readonly onDone: (result: IncidentJobResult, reason: string) => void;
}

export interface CapturedSpan {
  readonly fromWallMs: number;
  readonly toWallMs: number;
  readonly reason: string;
  readonly name: string;
}

/** A recording that goes on, or whose file is being written. */
export interface PendingCapture {
  readonly reason: string;
  readonly fromWallMs: number;
  /** When it ends if nothing more happens; in the past while its file is written. */
  readonly untilWallMs: number;
}

export interface IncidentCapture {
  /** The newest first. */
  pending(): readonly PendingCapture[];
  /** An alarm of this node's own. */
  onNodeAlarm(alarm: FeedAlarm): void;
  close(): void;
}

/**
 * Keeps what happened around every alarm of high priority (loss of authority and blackout among them) and every failover, by itself: a file
 * from a minute before the first cause to half a minute after the last.
 */
export function createIncidentCapture(view: NodeView, options: CaptureOptions): IncidentCapture {
  let open: {
    readonly fromMs: number;
    untilMs: number;
    readonly causes: string[];
    timer: { cancel: () => void };
  } | null = null;
  const writing = new Set<PendingCapture>();
  let isClosed = false;

  const finish = (): void => {
    const done = open;
    open = null;
    if (done === null || isClosed) return;
    const reason = reasonOf(done.causes);
    const span = {
      fromWallMs: done.fromMs - BEFORE_MS,
      toWallMs: options.nowMs(),
      reason,
      name: nameOf(done.fromMs, done.causes[0] ?? ""),
    };
    const told = { reason, fromWallMs: span.fromWallMs, untilWallMs: span.toWallMs };
    writing.add(told);
    void options.capture(span).then((result) => {
      writing.delete(told);
      options.onDone(result, reason);
    });
  };
  const note = (cause: string): void => {
    const nowMs = options.nowMs();
    if (open === null) {
      const timer = options.schedule(AFTER_MS, finish);
      open = { fromMs: nowMs, untilMs: nowMs + AFTER_MS, causes: [], timer };
    } else {
      open.timer.cancel();
      const roomMs = open.fromMs + SPAN_MS_MAX - BEFORE_MS - nowMs;
      const afterMs = Math.max(0, Math.min(AFTER_MS, roomMs));
      open.untilMs = nowMs + afterMs;
      open.timer = options.schedule(afterMs, finish);
    }
    if (!open.causes.includes(cause)) open.causes.push(cause);
  };
  const end = view.onChange((change) => {
    const cause = causeOf(change);
    if (cause !== null) note(cause);
  });
  return {
    pending() {
      const written = [...writing].toReversed();
      if (open === null) return written;
      const { fromMs, untilMs, causes } = open;
      const fromWallMs = fromMs - BEFORE_MS;
      return [{ reason: reasonOf(causes), fromWallMs, untilWallMs: untilMs }, ...written];
    },
    onNodeAlarm({ isActive, priority, code, grid }) {
      if (isActive && priority === "high") note(`alarm ${code} ${grid}`);
    },
    close() {
      isClosed = true;
      open?.timer.cancel();
      end();
    },
  };
}

const reasonOf = (causes: readonly string[]): string =>
  causes.join("; ").slice(0, REASON_LENGTH_MAX);

function causeOf(change: NodeChange): string | null {
  if (change.type === "failover") {
    const { from, to, origin } = change.failover;
    return QUIET_ORIGINS.has(origin)
      ? null
      : `failover ${change.grid} ${from} to ${to} (${origin})`;
  }
  if (change.type !== "alarm") return null;
  const { code, actor, priority, event } = change.alarm;
  return event === "raised" && priority === "high" ? `alarm ${code} ${shortAddress(actor)}` : null;
}

function nameOf(atMs: number, cause: string): string {
  const stamp = new Date(atMs).toISOString().slice(0, 19).replaceAll(/[-:]/g, "").replace("T", "-");
  const slug = cause
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .slice(0, 50)
    .replace(/-$/, "");
  return `${stamp}-${slug}.incident`;
}
