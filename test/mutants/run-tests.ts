import { spawn } from "node:child_process";
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { RemsError } from "../../kernel/errors.ts";
import { filesOfTest, patternOfTest, rowsOfFailoverPage } from "../support/failover-page.ts";
import { cache, root } from "./apply-mutant.ts";
import { afterRunningFor } from "./deadline.ts";
import type { Mutant } from "./mutants.ts";

/** Code that was broken may never end. */
const RUN_S_MAX = 120;

/** What runs now, as process groups: vitest's workers do not end with it where they never come back from a test. */
const running = new Set<number>();
const endAll = () => running.forEach(endGroup);
process.once("exit", endAll);
for (const signal of ["SIGINT", "SIGTERM"] as const)
  process.once(signal, () => process.exit(signal === "SIGINT" ? 130 : 143));

function endGroup(pid: number): void {
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // It has ended already.
  }
}

/** The tests that the page of the failover rules names beside a mutant. */
export function testsBeside({ name }: Mutant): readonly string[] {
  const rows = rowsOfFailoverPage().filter(({ codes }) => codes.includes(name));
  return [...new Set(rows.flatMap(({ tests }) => tests))];
}

interface Report {
  readonly testResults: readonly {
    readonly message: string;
    readonly assertionResults: readonly { readonly title: string; readonly status: string }[];
  }[];
}

/**
 * Runs the tests of a mutant's rule against it.
 * @returns the names of those that fail, as the page has them; all of them where the run does not end.
 * @throws {@link RemsError} `REMS_PROGRAM_FAILED` where they could not be run.
 */
export async function findFailingTests(mutant: Mutant): Promise<readonly string[]> {
  const tests = testsBeside(mutant);
  if (tests.length === 0) return [];
  mkdirSync(cache, { recursive: true });
  const path = join(cache, `${mutant.name}.json`);
  rmSync(path, { force: true });
  const output = await runVitest(mutant.name, tests, path);
  if (output === null) return tests;
  const results = readReport(path)?.testResults.flatMap((one) => one.assertionResults) ?? [];
  rmSync(path, { force: true });
  const ran = results.filter(({ status }) => status === "passed" || status === "failed");
  if (ran.length === 0) {
    const text = `no test of "${tests.join('", "')}" ran against ${mutant.name}`;
    throw new RemsError("REMS_PROGRAM_FAILED", `${text}: ${output.slice(-2000)}`);
  }
  const failed = ran.filter(({ status }) => status === "failed");
  return tests.filter((test) =>
    failed.some(({ title }) => new RegExp(patternOfTest(test)).test(title)),
  );
}

function readReport(path: string): Report | null {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as Report;
  } catch {
    return null;
  }
}

/** Null where it did not end. */
function runVitest(name: string, tests: readonly string[], path: string): Promise<string | null> {
  const args = [
    join(root, "node_modules", "vitest", "vitest.mjs"),
    "run",
    "--config",
    join(root, "test", "mutants", "vitest.config.ts"),
    "--maxWorkers=1",
    "--reporter=json",
    `--outputFile=${path}`,
    "-t",
    tests.map(patternOfTest).join("|"),
    ...new Set(tests.flatMap(filesOfTest)),
  ];
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, {
      cwd: root,
      env: { ...process.env, R_EMS_MUTANT: name },
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
    });
    const pid = child.pid ?? 0;
    if (pid > 0) running.add(pid);
    let output = "";
    const keep = (chunk: Buffer) => (output = (output + chunk.toString()).slice(-20_000));
    child.stdout.on("data", keep);
    child.stderr.on("data", keep);
    let isLate = false;
    const endWait = afterRunningFor(RUN_S_MAX, () => {
      isLate = true;
      if (pid > 0) endGroup(pid);
    });
    child.on("error", reject);
    child.on("close", () => {
      endWait();
      running.delete(pid);
      resolve(isLate ? null : output);
    });
  });
}
