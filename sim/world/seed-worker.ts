import process from "node:process";
import type { Gap } from "./run-world.ts";
import { runWorld } from "./run-world.ts";
import type { WorldKind } from "./scenario.ts";

/** Seeds that one process runs before it reports: few enough that progress is seen, many enough that reporting costs nothing. */
export interface Batch {
  readonly kind: WorldKind;
  readonly first: number;
  readonly count: number;
  /** From one seed to the next. */
  readonly step: number;
  /** Every so many seeds one is run twice, the second time with every step computed by each replica, and must give the same trace hash; 0: none. */
  readonly twiceEvery: number;
}

export interface Failure {
  readonly seed: number;
  readonly check: string;
  readonly atMs: number;
  readonly text: string;
}

export interface BatchResult {
  readonly seedCount: number;
  readonly twiceCount: number;
  readonly virtualMs: number;
  readonly eventCount: number;
  /** Processor time: what a run costs, whoever else uses the machine. */
  readonly cpuMs: number;
  readonly counts: Readonly<Record<string, number>>;
  readonly failures: readonly Failure[];
  readonly gaps: readonly Gap[];
}

function runBatch({ kind, first, count, step, twiceEvery }: Batch): BatchResult {
  const counts: Record<string, number> = {};
  const failures: Failure[] = [];
  const gaps: Gap[] = [];
  const cpuBefore = process.cpuUsage();
  let virtualMs = 0;
  let eventCount = 0;
  let twiceCount = 0;
  for (let index = 0; index < count; index++) {
    const seed = first + index * step;
    const result = runWorld({ seed, kind });
    virtualMs += result.virtualMs;
    eventCount += result.eventCount;
    if (result.gap !== null) gaps.push(result.gap);
    for (const [name, value] of Object.entries(result.counts))
      counts[name] = (counts[name] ?? 0) + value;
    if (result.violation !== null) failures.push({ seed, ...result.violation });
    if (twiceEvery === 0 || seed % twiceEvery !== 0) continue;
    twiceCount++;
    const { traceHash, violation } = runWorld({ seed, kind, isUnshared: true });
    if (traceHash === result.traceHash) continue;
    const text = `two runs gave the trace hashes ${result.traceHash} and ${traceHash}`;
    failures.push({ seed, check: "determinism", atMs: violation?.atMs ?? 0, text });
  }
  const { user, system } = process.cpuUsage(cpuBefore);
  const cpuMs = (user + system) / 1000;
  return { seedCount: count, twiceCount, cpuMs, virtualMs, eventCount, counts, failures, gaps };
}

process.on("message", (batch: Batch) => void process.send?.(runBatch(batch)));
// Whoever started this process is gone.
process.on("disconnect", () => process.exit(0));
