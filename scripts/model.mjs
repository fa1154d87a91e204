// Checks the failover rules' models (`cluster/core/model/*.pml`) with Spin: exhaustively within the bounds given, and once more with each
// rule taken away, which must give a counter-example.
//   npm run model                           the small bounds, and every rule's removal
//   npm run model -- --full                 the larger bounds too
//   npm run model -- --full --write-page    the same, and its figures into docs/07-resilience/proof.md
//   npm run model -- --full --resume        goes on where an earlier run was cut short, if models and bounds are the same
//   npm run model -- --only solo,NO_UNION   these models and rules
//   npm run model -- --without NO_SILENCE   the shortest counter-example, step by step
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { delimiter, join } from "node:path";
import { BOUNDS, REMOVALS, REMOVALS_OF_THREE } from "./model-table.mjs";
import { writeModelPage } from "./model-page.mjs";
import { isOnPath, provide } from "./debian-tools.mjs";
import { fail, root } from "./prepare.mjs";

const folder = join(root, ".cache", "model");
const PATH = [join(root, ".cache", "debian", "usr", "bin"), process.env.PATH ?? ""].join(delimiter);
const environment = { ...process.env, PATH };
/** Of one run, for states: what does not fit is a failure, never a check that was cut short. */
const MEMORY_MB = 6_000;
const DEPTH_MAX = 2_000_000;

const sourceOf = (model) => join(root, "cluster", "core", "model", `${model}.pml`);
const flagsOf = (defines) =>
  Object.entries(defines).map(([name, value]) =>
    value === true ? `-D${name}` : `-D${name}=${value}`,
  );

function run(command, args, cwd) {
  return new Promise((done) => {
    const child = spawn(command, args, { cwd, env: environment });
    let output = "";
    child.stdout.on("data", (text) => (output += text));
    child.stderr.on("data", (text) => (output += text));
    child.on("error", (error) => done({ status: 1, output: error.message }));
    child.on("close", (status) => done({ status, output }));
  });
}

/** One run of Spin. Breadth first finds the shortest counter-example; depth first needs less memory where there is none. */
async function verify(name, { model, defines, isLarge = false }, isBreadthFirst) {
  const cwd = join(folder, name);
  rmSync(cwd, { recursive: true, force: true });
  mkdirSync(cwd, { recursive: true });
  const flags = flagsOf(defines);
  const steps = [
    ["spin", [...flags, "-a", sourceOf(model)]],
    [
      "gcc",
      [
        // Compiling better takes longer than a small search.
        isLarge ? "-O2" : "-O1",
        "-w",
        "-DSAFETY",
        "-DNOREDUCE",
        "-DCOLLAPSE",
        ...(isBreadthFirst ? ["-DBFS"] : []),
        `-DMEMLIM=${MEMORY_MB}`,
        "-o",
        "pan",
        "pan.c",
      ],
    ],
    // `times` says, in its last line, what processor time the search took: what else runs on the machine does not count.
    [
      "sh",
      [
        "-c",
        `./pan -E -n ${isBreadthFirst ? "" : `-m${DEPTH_MAX}`}; status=$?; times; exit $status`,
      ],
    ],
  ];
  let output = "";
  for (const [command, args] of steps) {
    const result = await run(command, args, cwd);
    output = result.output;
    if (result.status !== 0) break;
  }
  const [, minutes = 0, rest = 0] = /\n(\d+)m([\d.]+)s \S+\s*$/.exec(output) ?? [];
  const read = (pattern) => Number(pattern.exec(output)?.[1] ?? Number.NaN);
  const errorCount = read(/errors: (\d+)/);
  const isCutShort = /Search not completed|max search depth too small|out of memory/.test(output);
  return {
    name,
    model,
    defines,
    stateCount: read(/([\d.e+]+) states, stored/),
    depth: read(/depth reached (\d+)/),
    memoryMb: read(/([\d.]+)\s+total actual memory usage/),
    violationDepth: read(/\(at depth (\d+)\)/),
    outcome:
      errorCount > 0 ? "violated" : errorCount === 0 && !isCutShort ? "holds" : "not completed",
    /** Of processor time, for the search alone. */
    seconds: Number(minutes) * 60 + Number(rest),
    output,
    cwd,
  };
}

async function inParallel(jobs, perform) {
  const results = [];
  const queue = [...jobs.entries()];
  const worker = async () => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      results[next[0]] = await perform(next[1]);
    }
  };
  await Promise.all(Array.from({ length: Math.min(2, availableParallelism()) }, worker));
  return results;
}

/** What was searched to its end so far, by the models' text and what defines the search. */
function openProgress() {
  const path = join(folder, "progress.json");
  const models = join(root, "cluster", "core", "model");
  const text = readdirSync(models)
    .filter((name) => name.endsWith(".pml"))
    .toSorted()
    .map((name) => readFileSync(join(models, name), "utf8"))
    .join();
  const keyOf = ({ model, defines, expected }) =>
    createHash("sha256")
      .update(JSON.stringify([text, model, defines, expected]))
      .digest("hex");
  const rows = isResumed && existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : {};
  return {
    find: (job) => rows[keyOf(job)],
    add(job, row) {
      if (row.outcome === "not completed") return;
      rows[keyOf(job)] = row;
      writeFileSync(path, JSON.stringify(rows));
    },
  };
}

const describeBounds = (defines) =>
  Object.entries(defines)
    .map(([name, value]) => (value === true ? name : `${name}=${value}`))
    .join(" ");

function report(job, result) {
  const isRight = result.outcome === job.expected;
  const what =
    result.outcome === "holds"
      ? `${result.stateCount.toLocaleString("en")} states, depth ${result.depth}, ${Math.ceil(result.memoryMb)} MB`
      : result.outcome === "violated"
        ? `counter-example of ${result.violationDepth} steps`
        : "not completed";
  process.stdout.write(
    `${isRight ? "ok  " : "FAIL"} ${job.model} ${describeBounds(job.defines)}: ${what} (${result.seconds.toFixed(1)} s)\n`,
  );
  if (!isRight)
    process.stdout.write(
      `${result.output
        .split("\n")
        .filter((line) => /States=|rror/.test(line))
        .slice(-5)
        .join("\n")}\n`,
    );
  return isRight;
}

async function story(job) {
  const result = await verify(`explain-${job.rule}`, job, true);
  if (result.outcome !== "violated") fail(`${job.rule} gives no counter-example: ${result.output}`);
  const trail = join(result.cwd, `${job.model}.pml.trail`);
  const { output } = await run(
    "spin",
    [...flagsOf(job.defines), "-t", "-k", trail, sourceOf(job.model)],
    result.cwd,
  );
  const lines = output.split("\n").map((line) => line.trim());
  const end = lines.findIndex((line) => line.startsWith("spin: trail ends"));
  process.stdout.write(
    `${job.what}: ${result.violationDepth} steps\n${lines.slice(0, end).join("\n")}\n`,
  );
}

const args = process.argv.slice(2);
const isFull = args.includes("--full");
const isPageWritten = args.includes("--write-page");
const isResumed = args.includes("--resume");
const withoutAt = args.indexOf("--without");
const allowed = Object.keys(REMOVALS);
const onlyAt = args.indexOf("--only");
const only = onlyAt >= 0 ? (args[onlyAt + 1] ?? "").split(",") : null;
const known = new Set([
  "--full",
  "--write-page",
  "--resume",
  "--without",
  "--only",
  ...(only === null ? [] : [args[onlyAt + 1]]),
  ...(withoutAt >= 0 ? [args[withoutAt + 1]] : []),
]);
if (args.some((arg) => !known.has(arg)) || (withoutAt >= 0 && !(args[withoutAt + 1] in REMOVALS))) {
  fail(
    `Usage: npm run model -- [--full [--write-page]] [--resume] [--only MODEL,RULE,...] [--without RULE]; rules: ${allowed.join(", ")}`,
  );
}
if (isPageWritten && (!isFull || only !== null)) fail("--write-page needs --full, and no --only");
provide(["spin"]);
if (!isOnPath("gcc")) {
  fail(
    "gcc is not here; it compiles the verifier that spin writes. Install it by your system's means (Debian, Ubuntu: apt-get install gcc libc6-dev).",
  );
}
mkdirSync(folder, { recursive: true });

const removalJob = (rule) => ({
  ...REMOVALS[rule],
  rule,
  defines: { ...REMOVALS[rule].defines, [rule]: true },
  expected: "violated",
});

if (withoutAt >= 0) {
  await story(removalJob(args[withoutAt + 1]));
} else {
  const jobs = [
    ...BOUNDS.filter(({ isLarge }) => isFull || !isLarge).map((job) => ({
      ...job,
      expected: "holds",
    })),
    ...allowed.map(removalJob),
    ...Object.entries(isFull ? REMOVALS_OF_THREE : {}).map(([rule, bounds]) => ({
      ...removalJob(rule),
      defines: { ...bounds, [rule]: true },
    })),
  ].filter((job) => only === null || only.includes(job.rule ?? job.model));
  const startedMs = Date.now();
  let passedCount = 0;
  const progress = openProgress();
  const rows = await inParallel(jobs, async (job) => {
    const about = { expected: job.expected, rule: job.rule ?? null, what: job.what ?? null };
    const found = progress.find(job);
    if (found !== undefined) {
      if (report(job, found)) passedCount++;
      return { ...found, ...about };
    }
    const name = `${job.model}-${describeBounds(job.defines).replaceAll(/[ =]/g, "-")}`;
    const {
      output: _output,
      cwd,
      ...row
    } = await verify(name, job, job.expected === "violated").then((result) => {
      if (report(job, result)) passedCount++;
      return result;
    });
    rmSync(cwd, { recursive: true, force: true });
    progress.add(job, row);
    return { ...row, ...about };
  });
  const summary = { passed: passedCount, failed: jobs.length - passedCount, rows };
  writeFileSync(join(folder, "results.json"), `${JSON.stringify(summary, null, 2)}\n`);
  process.stdout.write(
    `models: ${summary.passed} passed, ${summary.failed} failed (${((Date.now() - startedMs) / 1000).toFixed(1)} s)\n`,
  );
  if (isPageWritten && summary.failed === 0) writeModelPage(rows);
  process.exit(summary.failed === 0 ? 0 : 1);
}
