import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { watchHostPauses } from "../../../apps/launcher/host-pauses.ts";
import { createRunDirectory } from "../../../apps/launcher/run-directory.ts";
import { findProjectDirectory } from "../../../apps/launcher/project.ts";
import { RemsError } from "../../../kernel/errors.ts";
import { writeIntoPage } from "../../support/write-page.ts";
import type { Lane } from "./lanes.ts";
import { LANES } from "./lanes.ts";
import { parseBenchOptions } from "./options.ts";
import { jsonOf, reportOf, targetsOf } from "./report.ts";
import type { LaneResult } from "./run-lane.ts";
import { mergeShards, runLane } from "./run-lane.ts";

/** `npm run bench:failover`: the same faults at the same devices, with R-EMS and with what one would use instead. */

async function main(): Promise<number> {
  const options = parseBenchOptions(process.argv.slice(2));
  const projectDirectory = findProjectDirectory();
  const runDirectory = createRunDirectory(join(projectDirectory, ".cache", "run"), new Date(), 1);
  const abort = new AbortController();
  const stop = () => {
    if (abort.signal.aborted) process.exit(1);
    abort.abort();
  };
  process.on("SIGINT", stop);
  process.on("SIGTERM", stop);
  const hostPauses = watchHostPauses();
  const startedMs = performance.now();
  const say = (text: string) =>
    process.stderr.write(
      `${((performance.now() - startedMs) / 1000).toFixed(0).padStart(5)} s  ${text}\n`,
    );
  const results: LaneResult[] = [];
  const lanes = LANES.filter(({ id }) => options.lanes.includes(id));
  const run = (lane: Lane) => {
    const share = (count: number) => Math.ceil(count / lane.shardCount);
    const shards = Array.from({ length: lane.shardCount }, (_, shard) =>
      runShard(lane, shard, share),
    );
    for (const shard of shards) shard.catch(() => abort.abort());
    return Promise.allSettled(shards)
      .then(() => Promise.all(shards))
      .then(mergeShards);
  };
  const runShard = (lane: Lane, shard: number, share: (count: number) => number) =>
    runLane(lane, {
      projectDirectory,
      directory: join(runDirectory.path, String(shard)),
      killCount: share(options.killCount),
      freezeCount: share(Math.ceil(options.killCount / 10)),
      faults: options.faults,
      idleMs: options.idleMs,
      hostPauses,
      signal: abort.signal,
      say,
    });
  try {
    for (const lane of lanes.filter(({ isAlone }) => isAlone)) {
      if (abort.signal.aborted) break;
      results.push(await run(lane));
    }
    const sharing = abort.signal.aborted ? [] : lanes.filter(({ isAlone }) => !isAlone);
    const others = sharing.map(run);
    // One that fails ends the others in order, before it is told.
    for (const other of others) other.catch(() => abort.abort());
    await Promise.allSettled(others);
    results.push(...(await Promise.all(others)));
  } finally {
    await hostPauses.close();
    runDirectory.remove();
  }
  const minutes = (performance.now() - startedMs) / 60_000;
  const report = reportOf(results, minutes);
  process.stdout.write(`${report}\n`);
  if (options.isPageWritten) {
    const page = join(projectDirectory, "docs", "07-resilience", "failover-figures.md");
    writeIntoPage(page, `npm run bench:failover -- ${process.argv.slice(2).join(" ")}`, report);
  }
  mkdirSync(join(options.jsonPath, ".."), { recursive: true });
  writeFileSync(options.jsonPath, JSON.stringify(jsonOf(results, minutes), null, 2));
  process.stdout.write(`\nEvery single failover: ${options.jsonPath}\n`);
  const isWhole = results.every(({ problems }) => problems.length === 0) && !abort.signal.aborted;
  return isWhole && targetsOf(results).every(({ isMet }) => isMet) ? 0 : 1;
}

main().then(
  (exitCode) => process.exit(exitCode),
  (error: unknown) => {
    const isExpected = error instanceof RemsError;
    const text =
      error instanceof Error ? (isExpected ? error.message : error.stack) : String(error);
    process.stderr.write(`${text ?? ""}\n`);
    process.exit(isExpected ? 2 : 1);
  },
);
