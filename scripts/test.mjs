// `npm test`: installs, builds and provides what is missing, then runs every check and the tests that fit ten minutes on two cores.
// `npm run test:full` adds the long forms. The last line counts the whole.
//
// The scenarios come first and have the machine for themselves. Worlds, models and mutants only compute too: they run at the lowest
// priority beside the tests that wait much. What judges real time to the millisecond has the machine for itself again, at the end.
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { constants, setPriority, tmpdir } from "node:os";
import { join } from "node:path";
import { provide } from "./debian-tools.mjs";
import { prepare, root } from "./prepare.mjs";
import { provideSurrealEngine } from "./surrealdb-engine.mjs";

const isFull = process.argv.includes("--full");
const results = join(root, ".cache", "test");
const bin = (name) => join(root, "node_modules", name);
const script = (name) => join(root, "scripts", name);
const node = process.execPath;
const fullEnvironment = isFull ? { R_EMS_TEST_FULL: "1" } : {};

let passedCount = 0;
let failedCount = 0;
const failures = [];

/** Runs a program to its end; its output is shown at once, or given back where `isBackground`, which also lowers its priority. */
function run(args, { isBackground = false, environment = {} } = {}) {
  const startedMs = Date.now();
  return new Promise((done) => {
    const child = spawn(node, args, {
      cwd: root,
      env: { ...process.env, ...environment },
      stdio: ["ignore", ...(isBackground ? ["pipe", "pipe"] : ["inherit", "inherit"])],
    });
    if (isBackground && child.pid !== undefined)
      setPriority(child.pid, constants.priority.PRIORITY_LOW);
    let output = "";
    child.stdout?.on("data", (text) => (output += text));
    child.stderr?.on("data", (text) => (output += text));
    child.on("error", (error) => (output += error.message));
    child.on("close", (status) =>
      done({ status, output, seconds: ((Date.now() - startedMs) / 1000).toFixed(1) }),
    );
  });
}

function count(name, passed, failed) {
  passedCount += passed;
  failedCount += failed;
  if (failed > 0) failures.push(name);
  return failed === 0 ? "ok  " : "FAIL";
}

/** A program that is one test: its exit code says whether it passed, and its output is shown where it did not. */
async function check(name, args) {
  const { status, output, seconds } = await run(args, { isBackground: true });
  const word = count(name, status === 0 ? 1 : 0, status === 0 ? 0 : 1);
  process.stdout.write(`${word} ${name} (${seconds} s)\n${status === 0 ? "" : output}`);
}

/** A program that prints its own lines and leaves its counts in `report`; one that leaves none has failed. */
async function counted(name, args, report, isBackground = true) {
  rmSync(report, { force: true });
  const { status, output, seconds } = await run(args, { isBackground });
  const counts = existsSync(report) ? JSON.parse(readFileSync(report, "utf8")) : null;
  const failed = Math.max(counts?.failed ?? 1, status === 0 ? 0 : 1);
  const word = count(name, counts?.passed ?? 0, failed);
  process.stdout.write(
    `${output}${word} ${name}: ${counts?.passed ?? 0} passed, ${failed} failed (${seconds} s)\n`,
  );
}

/** Runs one vitest project and adds its counts; a run that reports nothing is a failure. */
async function suite(project) {
  const report = join(results, `${project}.json`);
  const name = `tests: ${project}`;
  rmSync(report, { force: true });
  const args = ["run", "--project", project, "--reporter=default", "--reporter=json"];
  const { status, seconds } = await run(
    [bin("vitest/vitest.mjs"), ...args, `--outputFile.json=${report}`],
    { environment: fullEnvironment },
  );
  if (!existsSync(report)) {
    count(`${name} (no report)`, 0, 1);
    return;
  }
  const { numPassedTests, numFailedTests, numFailedTestSuites } = JSON.parse(
    readFileSync(report, "utf8"),
  );
  // A file that cannot even be loaded has no tests to count, but it has failed.
  const failed = Math.max(numFailedTests, numFailedTestSuites > 0 || status !== 0 ? 1 : 0);
  const word = count(name, numPassedTests, failed);
  process.stdout.write(
    `${word} ${name}: ${numPassedTests} passed, ${numFailedTests} failed (${seconds} s)\n`,
  );
}

async function checks() {
  const tsc = bin("typescript/bin/tsc");
  const buf = bin("@bufbuild/buf/bin/buf");
  const published = join(root, "proto", "published.binpb");
  await check("types of the tests", [tsc, "-p", "tsconfig.tests.json", "--noEmit"]);
  await check("lint", [bin("oxlint/bin/oxlint"), "--type-aware", "--deny-warnings"]);
  await check("format", [bin("oxfmt/bin/oxfmt"), "--check"]);
  await check("dead code", [bin("knip/bin/knip.js")]);
  await check("protos", [buf, "lint"]);
  await check("protos break no client", [buf, "breaking", "--against", published]);
}

async function scenarios() {
  const report = join(root, ".cache", "scenarios", "results.json");
  const how = isFull ? ["--kill-each-step", "--variants"] : ["--no-pause"];
  const args = [script("scenarios.mjs"), ...how, "--report", report];
  await counted("scenarios", args, report, false);
  if (!isFull) return;
  await check("scenarios: the same journal twice", [
    script("scenarios.mjs"),
    "--no-fault",
    "--twice",
    "blackout-closed-tie",
    "transfer-",
    "land-loss",
    "start-at",
    "thruster-",
    "dark-side",
  ]);
}

async function computations() {
  const world = (kind, seeds) =>
    check(`world: ${seeds} seeds of ${kind}`, [
      script("world.mjs"),
      "--world",
      kind,
      "--seeds",
      String(seeds),
    ]);
  await world("counter", isFull ? 20_000 : 3000);
  await world("vessel", isFull ? 1000 : 40);
  await counted(
    "models",
    [script("model.mjs"), ...(isFull ? ["--full"] : [])],
    join(root, ".cache", "model", "results.json"),
  );
  await counted(
    "mutants",
    [script("run-test-program.mjs"), "mutants/main.ts", "--args", ...(isFull ? [] : ["--sample"])],
    join(root, ".cache", "mutants", "results.json"),
  );
}

async function suites() {
  await suite("unit");
  await suite("processes");
}

prepare();
provide(["chromium", "etcd", "grpcio", "influxdb", "mbpoll", "pymodbus", "spin"]);
if (isFull) provide(["fish", "zsh"]);
provideSurrealEngine();
mkdirSync(results, { recursive: true });
// One folder for the temporary files of all tests: what one leaves behind that hangs or is killed goes with it.
const temporary = mkdtempSync(join(tmpdir(), "r-ems-test-"));
process.env.TMPDIR = temporary;
process.once("exit", () => rmSync(temporary, { recursive: true, force: true }));

await checks();
await scenarios();
await Promise.all([computations(), suites()]);
await suite("timing");

if (failures.length > 0) process.stdout.write(`Failed: ${failures.join("; ")}\n`);
process.stdout.write(`${passedCount} passed, ${failedCount} failed\n`);
process.exit(failedCount === 0 ? 0 : 1);
