import { fork } from "node:child_process";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { RemsError } from "../../kernel/errors.ts";
import type { Batch, BatchResult } from "../../sim/world/seed-worker.ts";
import type { WorldKind } from "../../sim/world/scenario.ts";
import { applyMutant } from "./apply-mutant.ts";
import { afterRunningFor } from "./deadline.ts";
import type { Mutant } from "./mutants.ts";

/** What the world made of a mutant. `check` is null where every seed passed, `world` where it was not asked. */
export interface MutantResult {
  readonly name: string;
  readonly rule: string;
  readonly what: string;
  readonly world: WorldKind | null;
  readonly seedCount: number;
  readonly check: string | null;
  readonly text: string;
}

export function unseenByWorld({ name, rule, what }: Mutant): MutantResult {
  return { name, rule, what, world: null, seedCount: 0, check: null, text: "" };
}

/** Small at first: most mutants are caught by the first few seeds. */
const BATCH_SEED_COUNTS = [5, 20, 50];
/** A batch takes seconds; a world that does not end is a defect found too. */
const BATCH_S_MAX = 300;

/** Runs seeds 1, 2, 3 ... of the mutant's world against a mutant until one fails. */
export async function runMutant(
  mutant: Mutant,
  seedCountMax: number,
  onProgress: (seedCount: number) => void,
): Promise<MutantResult> {
  const { name, rule, what, world = "counter" } = mutant;
  const about = { name, rule, what, world };
  const folder = applyMutant(mutant);
  const worker = fork(join(folder, "sim", "world", "seed-worker.js"), { execArgv: [] });
  const hasEnded = new Promise<never>((_, reject) => {
    worker.once("exit", (code, signal) => {
      const how = signal ?? `exit code ${String(code)}`;
      reject(
        new RemsError(
          "REMS_PROGRAM_FAILED",
          `the world with mutant ${name} ended too early (${how})`,
        ),
      );
    });
  });
  // Waited for in every `ask`; an end between two of them comes up in the next.
  hasEnded.catch(() => {});
  const ask = async (batch: Batch): Promise<BatchResult | null> => {
    let endWait = () => {};
    const isLate = new Promise<null>((resolve) => {
      endWait = afterRunningFor(BATCH_S_MAX, () => resolve(null));
    });
    const answer = new Promise<BatchResult>((resolve) => worker.once("message", resolve));
    worker.send(batch);
    const result = await Promise.race([answer, isLate, hasEnded]);
    endWait();
    return result;
  };
  try {
    let seedCount = 0;
    for (let batchCount = 0; seedCount < seedCountMax; batchCount++) {
      const wanted = BATCH_SEED_COUNTS[Math.min(batchCount, BATCH_SEED_COUNTS.length - 1)] ?? 1;
      const count = Math.min(wanted, seedCountMax - seedCount);
      const result = await ask({
        kind: world,
        first: seedCount + 1,
        count,
        step: 1,
        twiceEvery: 0,
      });
      if (result === null)
        return {
          ...about,
          seedCount: seedCount + count,
          check: "no end",
          text: "a run did not end",
        };
      const [failure] = result.failures;
      if (failure !== undefined)
        return {
          ...about,
          seedCount: failure.seed,
          check: failure.check,
          text: failure.text,
        };
      seedCount += count;
      onProgress(seedCount);
    }
    return { ...about, seedCount, check: null, text: "" };
  } finally {
    worker.removeAllListeners("exit");
    worker.kill();
    rmSync(folder, { recursive: true, force: true });
  }
}
