// `npm run bench:replay`: an hour of the vessel with three failovers, exported to one file and replayed elsewhere.
//   npm run bench:replay                 one hour, on virtual time; about ten minutes
//   npm run bench:replay -- --short      five minutes of it, about a minute
//   npm run bench:replay -- --in DIR     keeps the recording in DIR; one that is there already is measured again
import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { recordHour } from "./record-hour.ts";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const { values } = parseArgs({
  options: { short: { type: "boolean", default: false }, in: { type: "string" } },
});
const isShort = values.short;
const LASTS_MS = isShort ? 300_000 : 3_600_000;
const SPEED_MIN = 100;
const BACK_MS_MAX = 1000;
const FAILOVERS = [
  { share: 0.1, grid: "port" },
  { share: 0.4, grid: "starboard" },
  { share: 0.7, grid: "port" },
].map(({ share, grid }) => ({ atMs: LASTS_MS * share, grid }));

interface Verdict {
  readonly type: "verdict";
  readonly grid: string;
  readonly isEqual: boolean;
  readonly frameCount: number;
  readonly stateHashCount: number;
  readonly snapshotCount: number;
  readonly behaviourCount: number;
  readonly spanMs: number;
  readonly elapsedMs: number;
}
interface Total {
  readonly type: "total";
  readonly spanMs: number;
  readonly elapsedMs: number;
  readonly processorMs: number;
  readonly backMsMax: number;
  readonly speed: number;
}

const startedMs = performance.now();
const say = (text: string): void => {
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(0).padStart(5);
  process.stderr.write(`${seconds} s  ${text}\n`);
};
const mebibytes = (path: string): string => (statSync(path).size / 2 ** 20).toFixed(1);

function ctl(args: readonly string[], cwd: string): { readonly status: number; out: string } {
  const program = join(ROOT, "bin", "r-emsctl");
  const run = spawnSync(program, args, { cwd, encoding: "utf8", maxBuffer: 1 << 26 });
  if (run.stderr !== "") process.stderr.write(run.stderr);
  return { status: run.status ?? 1, out: run.stdout };
}

const { version } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as {
  version: string;
};
const directory = mkdtempSync(join(tmpdir(), "r-ems-replay-"));
let isMet = false;
try {
  isMet = run(values.in ?? join(directory, "nodes"));
} finally {
  rmSync(directory, { recursive: true, force: true });
}
process.exit(isMet ? 0 : 1);

function record(into: string): void {
  if (existsSync(into)) return say(`takes the recording in ${into}`);
  say(`records ${LASTS_MS / 60_000} minutes of the vessel, three failovers among them`);
  let saidAtMs = performance.now();
  // Only a whole recording gets the name.
  const partial = `${into}.part`;
  rmSync(partial, { recursive: true, force: true });
  recordHour({
    directory: partial,
    lastsMs: LASTS_MS,
    failovers: FAILOVERS,
    version,
    onProgress: (doneMs) => {
      if (performance.now() - saidAtMs < 10_000) return;
      saidAtMs = performance.now();
      say(`${(doneMs / 60_000).toFixed(1)} of ${LASTS_MS / 60_000} minutes`);
    },
  });
  renameSync(partial, into);
}

function run(recording: string): boolean {
  record(recording);
  const nodes = readdirSync(recording).map((node) => join(recording, node));
  const file = join(directory, "hour.incident");
  say("exports");
  const exportedAtMs = performance.now();
  const exported = ctl(["incident", "export", "--from", "start", "-o", file, ...nodes], directory);
  if (exported.status !== 0) return false;
  const exportS = (performance.now() - exportedAtMs) / 1000;
  // A machine that has nothing of the installation but the file.
  const elsewhere = join(directory, "elsewhere");
  mkdirSync(elsewhere);
  say("replays");
  const replayed = ctl(["--json", "replay", file], elsewhere);
  const lines = replayed.out.trim().split("\n");
  const messages = lines.map((line) => JSON.parse(line) as Verdict | Total | { type: "incident" });
  const verdicts = messages.filter((message) => message.type === "verdict");
  const total = messages.find((message) => message.type === "total");
  if (total === undefined) return false;
  const untilFailover = ctl(["--json", "replay", file, "--until", "failover"], elsewhere);
  report(verdicts, total, mebibytes(file), exportS);
  mkdirSync(join(ROOT, ".cache", "bench"), { recursive: true });
  writeFileSync(
    join(ROOT, ".cache", "bench", "replay.json"),
    JSON.stringify({ isShort, exportS, verdicts, total }),
  );
  return (
    replayed.status === 0 &&
    untilFailover.status === 0 &&
    total.speed >= SPEED_MIN &&
    total.backMsMax < BACK_MS_MAX &&
    verdicts.every(({ isEqual }) => isEqual)
  );
}

function report(verdicts: readonly Verdict[], total: Total, fileMib: string, exportS: number) {
  const rows = verdicts.map(
    ({ grid, frameCount, stateHashCount, snapshotCount, behaviourCount, isEqual }) =>
      `${grid.padEnd(10)} ${frameCount} frames, ${stateHashCount} hashes of the state, ${snapshotCount} whole states, ${behaviourCount} outputs: ${isEqual ? "all equal" : "DIFFERS"}`,
  );
  const seconds = (ms: number) => (ms / 1000).toFixed(1);
  process.stdout.write(
    `${rows.join("\n")}
one file of ${fileMib} MiB, exported in ${exportS.toFixed(0)} s (with a re-run that writes down what each frame brought about)
${verdicts.length} grids of ${seconds(total.spanMs)} s re-run in ${seconds(total.elapsedMs)} s by the clock: ${total.speed} times real time (at least ${SPEED_MIN}: ${total.speed >= SPEED_MIN ? "met" : "NOT met"}); ${seconds(total.processorMs)} s of processor time
stepping back ten seconds near the end took at most ${total.backMsMax} ms (under ${BACK_MS_MAX}: ${total.backMsMax < BACK_MS_MAX ? "met" : "NOT met"})
`,
  );
}
