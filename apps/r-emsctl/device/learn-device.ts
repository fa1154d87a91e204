import { setTimeout } from "node:timers/promises";
import { RemsError } from "../../../kernel/errors.ts";
import { latencyFigures, type LatencyFigures } from "./latencies.ts";
import type { OfflineSession } from "./offline-session.ts";

export interface WatchdogMeasure {
  /** `fired`: the set-point was given up. `kept`: it was not within `watchedMs`. `invisible`: the fallback changes nothing to be read. */
  readonly outcome: "fired" | "kept" | "invisible";
  /** While other requests went on, or only in silence. */
  readonly isServedByReads: boolean;
  /** Between the last read that showed the set-point and the first that did not, from the write; null unless fired. */
  readonly minMs: number | null;
  readonly maxMs: number | null;
  readonly watchedMs: number;
  /** What the device showed then. */
  readonly fallbackValue: number | null;
}

export interface Learned {
  readonly reads: LatencyFigures | null;
  readonly failedReadCount: number;
  readonly level: string;
  readonly value: number;
  readonly writeMs: number;
  /** From the acknowledgement until the device showed the set-point; null where it never did. */
  readonly shownAfterMs: number | null;
  readonly watchdog: WatchdogMeasure;
}

export interface LearnPlan {
  readonly level: string;
  readonly value: number;
  readonly readCount: number;
  readonly watchMs: number;
}

const SHOWN_MS_MAX = 3000;

/**
 * Measures how a device answers and when it gives up its set-point: reads, one write, then no further write. Where the set-point
 * stands while reads go on, the same once more in silence.
 *
 * @param told - What it is doing, for people.
 */
export async function learnDevice(
  session: OfflineSession,
  plan: LearnPlan,
  told: (text: string) => void,
  signal: AbortSignal,
): Promise<Learned> {
  const { level, value } = plan;
  const latenciesMs: number[] = [];
  let failedReadCount = 0;
  for (let count = 0; count < plan.readCount; count++) {
    told(`read ${count + 1} of ${plan.readCount}`);
    const { latencyMs, failure } = await session.read(level);
    if (failure === null) latenciesMs.push(latencyMs);
    else failedReadCount++;
  }
  const writeMs = await session.write({ levels: new Map([[level, value]]) });
  const shownAfterMs = await waitForValue(session, plan, told);
  const base = {
    reads: latencyFigures(latenciesMs),
    failedReadCount,
    level,
    value,
    writeMs,
    shownAfterMs,
  };
  const behaviour = session.profile.fallback?.behaviour;
  if (
    shownAfterMs === null ||
    behaviour === "hold" ||
    behaviour === "none" ||
    behaviour === undefined
  ) {
    const watchdog = {
      outcome: "invisible",
      isServedByReads: false,
      minMs: null,
      maxMs: null,
      watchedMs: 0,
      fallbackValue: null,
    } as const;
    return { ...base, watchdog };
  }
  const watchdog = await watch(session, plan, told, signal);
  return { ...base, watchdog };
}

async function waitForValue(
  session: OfflineSession,
  { level, value }: LearnPlan,
  told: (text: string) => void,
): Promise<number | null> {
  const startedMs = performance.now();
  for (;;) {
    told(`waiting for ${level} = ${value}`);
    const shown = await session.read(level);
    const tookMs = performance.now() - startedMs;
    if (shown.value === value) return tookMs;
    if (tookMs > SHOWN_MS_MAX) return null;
  }
}

async function watch(
  session: OfflineSession,
  plan: LearnPlan,
  told: (text: string) => void,
  signal: AbortSignal,
): Promise<WatchdogMeasure> {
  const { level, value, watchMs } = plan;
  // Written again, so that the time counts from an act whose moment is known.
  await session.write({ levels: new Map([[level, value]]) });
  const writtenMs = performance.now();
  let lastKeptMs = 0;
  for (let nowMs = 0; nowMs < watchMs;) {
    told(
      `no write for ${Math.round(nowMs / 1000)} of ${Math.round(watchMs / 1000)} s; ${level} stands`,
    );
    const shown = await session.read(level);
    nowMs = performance.now() - writtenMs;
    if (shown.failure === null && shown.value !== value) {
      const fallbackValue = typeof shown.value === "number" ? shown.value : null;
      return {
        outcome: "fired",
        isServedByReads: false,
        minMs: lastKeptMs,
        maxMs: nowMs,
        watchedMs: nowMs,
        fallbackValue,
      };
    }
    if (shown.failure === null) lastKeptMs = nowMs;
  }
  await session.write({ levels: new Map([[level, value]]) });
  const silentFromMs = performance.now();
  told(`no request at all for ${Math.round(watchMs / 1000)} s`);
  try {
    await setTimeout(watchMs, undefined, { signal });
  } catch (cause) {
    throw new RemsError("REMS_TIMEOUT", "interrupted", { cause });
  }
  const shown = await session.read(level);
  const silentMs = performance.now() - silentFromMs;
  const isFired = shown.failure === null && shown.value !== value;
  return {
    outcome: isFired ? "fired" : "kept",
    isServedByReads: isFired,
    minMs: null,
    maxMs: isFired ? silentMs : null,
    watchedMs: silentMs,
    fallbackValue: isFired && typeof shown.value === "number" ? shown.value : null,
  };
}
