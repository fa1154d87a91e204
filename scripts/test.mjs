// `npm test`: installs, builds and provides what is missing, then runs every check and the tests that fit ten minutes on two cores.
// `npm run test:full` adds the long forms. The last line counts the whole.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { provide } from "./debian-tools.mjs";
import { prepare, root } from "./prepare.mjs";
import { provideSurrealEngine } from "./surrealdb-engine.mjs";

const isFull = process.argv.includes("--full");
const results = join(root, ".cache", "test");
const bin = (name) => join(root, "node_modules", name);
const node = process.execPath;

let passedCount = 0;
let failedCount = 0;
const failures = [];

function check(name, command, args) {
  const startedMs = Date.now();
  const result = spawnSync(command, args, { cwd: root, encoding: "utf8", maxBuffer: 64 << 20 });
  const seconds = ((Date.now() - startedMs) / 1000).toFixed(1);
  if (result.status === 0) {
    passedCount++;
    process.stdout.write(`ok   ${name} (${seconds} s)\n`);
    return;
  }
  failedCount++;
  failures.push(name);
  process.stdout.write(
    `FAIL ${name} (${seconds} s)\n${result.stdout ?? ""}${result.stderr ?? ""}${result.error?.message ?? ""}\n`,
  );
}

/** Runs one vitest project and adds its counts; a run that reports nothing is a failure. */
function suite(project, environment = {}) {
  const report = join(results, `${project}.json`);
  rmSync(report, { force: true });
  const startedMs = Date.now();
  const result = spawnSync(
    node,
    [
      bin("vitest/vitest.mjs"),
      "run",
      "--project",
      project,
      "--reporter=default",
      "--reporter=json",
      `--outputFile.json=${report}`,
    ],
    { cwd: root, stdio: ["ignore", "inherit", "inherit"], env: { ...process.env, ...environment } },
  );
  const seconds = ((Date.now() - startedMs) / 1000).toFixed(1);
  if (!existsSync(report)) {
    failedCount++;
    failures.push(`tests: ${project} (no report)`);
    return;
  }
  const { numPassedTests, numFailedTests, numFailedTestSuites } = JSON.parse(
    readFileSync(report, "utf8"),
  );
  passedCount += numPassedTests;
  // A file that cannot even be loaded has no tests to count, but it has failed.
  const failed = Math.max(numFailedTests, numFailedTestSuites > 0 || result.status !== 0 ? 1 : 0);
  failedCount += failed;
  if (failed > 0) failures.push(`tests: ${project}`);
  process.stdout.write(
    `${failed === 0 ? "ok  " : "FAIL"} tests: ${project}: ${numPassedTests} passed, ${numFailedTests} failed (${seconds} s)\n`,
  );
}

/** Runs a program that prints its own lines and leaves its counts in `report`; one that leaves none has failed. */
function counted(name, script, args, report) {
  rmSync(report, { force: true });
  const result = spawnSync(node, [join(root, "scripts", script), ...args], {
    cwd: root,
    stdio: ["ignore", "inherit", "inherit"],
  });
  const counts = existsSync(report) ? JSON.parse(readFileSync(report, "utf8")) : null;
  passedCount += counts?.passed ?? 0;
  const failed = Math.max(counts?.failed ?? 1, result.status === 0 ? 0 : 1);
  failedCount += failed;
  if (failed > 0) failures.push(name);
}

prepare();
provide(["chromium", "etcd", "grpcio", "influxdb", "mbpoll", "pymodbus"]);
if (isFull) provide(["fish", "zsh"]);
provideSurrealEngine();
mkdirSync(results, { recursive: true });
// One folder for the temporary files of all tests: what one leaves behind that hangs or is killed goes with it.
const temporary = mkdtempSync(join(tmpdir(), "r-ems-test-"));
process.env.TMPDIR = temporary;
process.once("exit", () => rmSync(temporary, { recursive: true, force: true }));

check("types of the tests", node, [
  bin("typescript/bin/tsc"),
  "-p",
  "tsconfig.tests.json",
  "--noEmit",
]);
check("lint", node, [bin("oxlint/bin/oxlint"), "--type-aware", "--deny-warnings"]);
check("format", node, [bin("oxfmt/bin/oxfmt"), "--check"]);
check("dead code", node, [bin("knip/bin/knip.js")]);
check("protos", node, [bin("@bufbuild/buf/bin/buf"), "lint"]);
check("protos break no client", node, [
  bin("@bufbuild/buf/bin/buf"),
  "breaking",
  "--against",
  join(root, "proto", "published.binpb"),
]);
/** Kills take as long again as the scenarios themselves: each day one half of them gets one, all of them at every step in `test:full`. */
function killPart() {
  const day = Math.floor(Date.now() / 86_400_000);
  return `${(day % 2) + 1}/2`;
}
const world = (kind, seeds) =>
  check(`world: ${seeds} seeds of ${kind}`, node, [
    join(root, "scripts", "world.mjs"),
    "--world",
    kind,
    "--seeds",
    String(seeds),
  ]);
world("counter", isFull ? 20_000 : 3000);
world("vessel", isFull ? 1000 : 40);
counted(
  "scenarios",
  "scenarios.mjs",
  [
    ...(isFull ? ["--kill-each-step", "--variants"] : ["--no-pause", "--kill-part", killPart()]),
    "--report",
    join(root, ".cache", "scenarios", "results.json"),
  ],
  join(root, ".cache", "scenarios", "results.json"),
);
if (isFull) {
  check("scenarios: the same journal twice", node, [
    join(root, "scripts", "scenarios.mjs"),
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
counted(
  "models",
  "model.mjs",
  isFull ? ["--full"] : [],
  join(root, ".cache", "model", "results.json"),
);
counted(
  "mutants",
  "run-test-program.mjs",
  ["mutants/main.ts", "--args", ...(isFull ? [] : ["--sample"])],
  join(root, ".cache", "mutants", "results.json"),
);
suite("unit", isFull ? { R_EMS_TEST_FULL: "1" } : {});
suite("processes", isFull ? { R_EMS_TEST_FULL: "1" } : {});

if (failures.length > 0) process.stdout.write(`Failed: ${failures.join("; ")}\n`);
process.stdout.write(`${passedCount} passed, ${failedCount} failed\n`);
process.exit(failedCount === 0 ? 0 : 1);
