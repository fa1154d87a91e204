import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { read } from "../house/project-files.ts";
import { filesOfTest } from "../support/failover-page.ts";
import { FOLDERS, cache, editsOf, root } from "./apply-mutant.ts";
import type { Mutant } from "./mutants.ts";
import type { MutantResult } from "./run-mutant.ts";
import { testsBeside } from "./run-tests.ts";

/** What became of a mutant, in the world and in the tests of its rule. */
export interface MutantRow extends MutantResult {
  /** Tests of its rule that were run against it, and those of them that failed. */
  readonly tests: readonly string[];
  readonly failingTests: readonly string[];
}

/** What a run has found so far, for one that goes on where it was cut short. */
export interface Progress {
  /** Null where the mutant has not been run against this very code. */
  find(mutant: Mutant): MutantRow | null;
  add(mutant: Mutant, row: MutantRow): void;
}

/** @param isResumed - Whether what an earlier run found counts; else everything begins anew. */
export function openProgress(seedCountMax: number, isResumed: boolean): Progress {
  const path = join(cache, "progress.json");
  const code = codeHash();
  const keyOf = (mutant: Mutant) =>
    createHash("sha256")
      .update(JSON.stringify([mutant.world ?? "counter", seedCountMax, editsOf(mutant)]))
      .update(
        JSON.stringify(testsBeside(mutant).map((test) => [test, filesOfTest(test).map(read)])),
      )
      .digest("hex");
  const before = existsSync(path) ? (JSON.parse(readFileSync(path, "utf8")) as Found) : null;
  const found: Found = before?.code === code ? before : { code, rows: {} };
  return {
    find: (mutant) => (isResumed ? (found.rows[keyOf(mutant)] ?? null) : null),
    add(mutant, row) {
      found.rows[keyOf(mutant)] = row;
      mkdirSync(cache, { recursive: true });
      writeFileSync(path, `${JSON.stringify(found, null, 2)}\n`);
    },
  };
}

interface Found {
  readonly code: string;
  readonly rows: Record<string, MutantRow>;
}

/** Over the compiled code that mutants are made of: other code, other results. */
function codeHash(): string {
  const hash = createHash("sha256");
  for (const folder of FOLDERS) {
    const names = readdirSync(join(root, "dist", folder), { recursive: true, encoding: "utf8" });
    for (const name of names.filter((one) => one.endsWith(".js")).toSorted())
      hash.update(name).update(readFileSync(join(root, "dist", folder, name)));
  }
  return hash.digest("hex");
}
