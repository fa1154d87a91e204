import { fork } from "node:child_process";
import { availableParallelism } from "node:os";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { RemsError } from "../../kernel/errors.ts";
import type { Gap } from "./run-world.ts";
import type { WorldKind } from "./scenario.ts";
import type { Batch, BatchResult, Failure } from "./seed-worker.ts";

/** Most of what a run makes is gone with its event: with more room for the young, little of it is copied before. */
const YOUNG_SPACE = "--max-semi-space-size=64";

export interface CampaignOptions {
  readonly kind: WorldKind;
  readonly first: number;
  readonly seedCount: number;
  /** From one seed to the next: kinds of scenarios recur. */
  readonly step: number;
  /** Processes at once. */
  readonly jobCount: number;
  readonly twiceEvery: number;
  readonly onProgress: (total: CampaignTotal) => void;
}

export interface CampaignTotal {
  seedCount: number;
  twiceCount: number;
  virtualMs: number;
  cpuMs: number;
  eventCount: number;
  readonly counts: Record<string, number>;
  readonly failures: Failure[];
  /** By formula of the bound: how many single faults, and the one that came nearest to it. */
  readonly gaps: Record<string, { faultCount: number; nearest: Gap }>;
}

const BATCH_SEED_COUNT: Readonly<Record<WorldKind, number>> = { counter: 50, vessel: 2 };
/** More failures than these tell nothing new. */
const FAILURE_COUNT_MAX = 100;

export const jobCountDefault = (): number => Math.max(1, Math.min(2, availableParallelism()));

/** Runs many seeds in worker processes. */
export async function runCampaign(options: CampaignOptions): Promise<CampaignTotal> {
  const total: CampaignTotal = {
    seedCount: 0,
    twiceCount: 0,
    virtualMs: 0,
    cpuMs: 0,
    eventCount: 0,
    counts: {},
    failures: [],
    gaps: {},
  };
  const { kind, step, twiceEvery } = options;
  let takenCount = 0;
  const takeBatch = (): Batch | null => {
    if (takenCount >= options.seedCount || total.failures.length >= FAILURE_COUNT_MAX) return null;
    const first = options.first + takenCount * step;
    const count = Math.min(BATCH_SEED_COUNT[kind], options.seedCount - takenCount);
    takenCount += count;
    return { kind, first, count, step, twiceEvery };
  };
  const jobs = Array.from({ length: options.jobCount }, () =>
    runJob(takeBatch, (result) => {
      add(total, result);
      options.onProgress(total);
    }),
  );
  await Promise.all(jobs);
  total.failures.sort((a, b) => a.seed - b.seed);
  return total;
}

function add(total: CampaignTotal, result: BatchResult): void {
  total.seedCount += result.seedCount;
  total.twiceCount += result.twiceCount;
  total.virtualMs += result.virtualMs;
  total.cpuMs += result.cpuMs;
  total.eventCount += result.eventCount;
  total.failures.push(...result.failures);
  for (const [name, value] of Object.entries(result.counts))
    total.counts[name] = (total.counts[name] ?? 0) + value;
  for (const gap of result.gaps) {
    const sofar = total.gaps[gap.formula] ?? { faultCount: 0, nearest: gap };
    const isNearer = gap.gapMs / gap.boundMs > sofar.nearest.gapMs / sofar.nearest.boundMs;
    const nearest = isNearer ? gap : sofar.nearest;
    total.gaps[gap.formula] = { faultCount: sofar.faultCount + 1, nearest };
  }
}

/** One worker process, given one batch after the other. */
function runJob(
  takeBatch: () => Batch | null,
  onResult: (result: BatchResult) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const path = fileURLToPath(new URL("./seed-worker.js", import.meta.url));
    const worker = fork(path, { execArgv: [...process.execArgv, YOUNG_SPACE] });
    let isDone = false;
    const advance = () => {
      const batch = takeBatch();
      if (batch !== null) {
        worker.send(batch);
        return;
      }
      isDone = true;
      worker.disconnect();
    };
    worker.on("message", (result: BatchResult) => {
      onResult(result);
      advance();
    });
    worker.on("error", reject);
    worker.on("exit", (code, signal) => {
      if (isDone) return resolve();
      const how = signal ?? `exit code ${String(code)}`;
      reject(
        new RemsError("REMS_PROGRAM_FAILED", `a process that ran seeds ended too early (${how})`),
      );
    });
    advance();
  });
}
