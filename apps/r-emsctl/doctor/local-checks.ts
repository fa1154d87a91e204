import {
  closeSync,
  fdatasyncSync,
  existsSync,
  openSync,
  rmSync,
  statfsSync,
  writeSync,
} from "node:fs";
import { execFile } from "node:child_process";
import { dirname, join, resolve } from "node:path";
import { promisify } from "node:util";
import { setTimeout as wait } from "node:timers/promises";
import { whyNotListen } from "../../../api/setup/why-not-listen.ts";
import { failed, type Finding, ok, type Patient, warning } from "./finding.ts";
import { nodeAt } from "./plant-checks.ts";

const SYNC_COUNT = 50;
const RECORD_BYTES = 4096;
const FREE_MB_MIN = 1000;
const JITTER_TICK_MS = 20;
const JITTER_COUNT = 100;

/** The 99th percentile and the median, ms to a tenth. */
function figures(valuesMs: readonly number[]): { readonly p50Ms: number; readonly p99Ms: number } {
  const sorted = [...valuesMs].sort((a, b) => a - b);
  const at = (share: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
  return { p50Ms: Math.round(at(0.5) * 10) / 10, p99Ms: Math.round(at(0.99) * 10) / 10 };
}

export function checkVersion(): Finding {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  const isGood = (major === 20 && minor >= 19) || (major === 22 && minor >= 12) || major >= 24;
  return isGood
    ? ok("Node.js", process.version)
    : failed("Node.js", process.version, "install 20.19 or later, 22.12 or later, or 24");
}

/** A port is free, or this node's own program has it. */
export async function checkPorts({ manifest, localNodes, timeoutMs }: Patient): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const node of manifest.nodes.filter(({ id }) => localNodes.includes(id))) {
    const running = await nodeAt(`${node.host}:${node.operatorPort}`, timeoutMs);
    for (const [name, port] of [
      ["peer", node.peerPort],
      ["operator", node.operatorPort],
      ["HTTP", node.httpPort],
    ] as const) {
      const check = `${node.id} ${name} port ${port}`;
      const reason = await whyNotListen(node.host, port);
      const isFree = reason === null;
      if (running?.node === node.id) {
        findings.push(
          isFree
            ? failed(
                check,
                "r-emsd runs and does not listen here",
                "another manifest was loaded: compare with r-emsctl config show",
              )
            : ok(check, `r-emsd of ${node.id}`),
        );
      } else if (isFree) findings.push(ok(check, "free"));
      else
        findings.push(
          failed(check, reason, "end that program, or change the address in the manifest"),
        );
    }
  }
  return findings;
}

/** How long a record takes to reach the disk, and how much room there is. */
export async function checkDisks({ manifest, localNodes, told }: Patient): Promise<Finding[]> {
  const findings: Finding[] = [];
  const journalSyncMs = Math.min(...manifest.grids.map(({ timings }) => timings.journalSyncMs));
  for (const node of manifest.nodes.filter(({ id }) => localNodes.includes(id))) {
    const directory = nearest(resolve(node.dataDirectory));
    const check = `${node.id} disk`;
    told(`${check}: writing ${SYNC_COUNT} records to ${directory}`);
    try {
      const { p50Ms, p99Ms } = figures(await syncTimes(join(directory, `.doctor-${process.pid}`)));
      const text = `a record is on disk after ${p50Ms} ms (median), ${p99Ms} ms (99 %)`;
      findings.push(
        p99Ms <= journalSyncMs
          ? ok(check, text)
          : warning(
              check,
              text,
              `journal_sync_ms is ${journalSyncMs}: use a faster disk, or raise it`,
            ),
      );
      const { bavail, bsize } = statfsSync(directory);
      const freeMb = Math.floor((bavail * bsize) / 1_000_000);
      const wantedMb = manifest.history.journalSizeMbMax + manifest.history.sizeMbMax + FREE_MB_MIN;
      findings.push(
        freeMb >= wantedMb
          ? ok(`${node.id} room`, `${freeMb} MB free`)
          : warning(
              `${node.id} room`,
              `${freeMb} MB free`,
              `journal and history may take ${wantedMb - FREE_MB_MIN} MB: make room, or lower history.size_max_mb`,
            ),
      );
    } catch (error) {
      findings.push(
        failed(
          check,
          `${directory}: ${reasonOf(error)}`,
          "give the directory to the user that runs r-emsd",
        ),
      );
    }
  }
  return findings;
}

/** Before a node's first start its directory is not there yet: what holds it is on the same disk. */
function nearest(directory: string): string {
  let found = directory;
  while (!existsSync(found) && dirname(found) !== found) found = dirname(found);
  return found;
}

async function syncTimes(path: string): Promise<number[]> {
  const times: number[] = [];
  const handle = openSync(path, "w");
  try {
    const record = Buffer.alloc(RECORD_BYTES, 1);
    for (let count = 0; count < SYNC_COUNT; count++) {
      const startedMs = performance.now();
      writeSync(handle, record);
      fdatasyncSync(handle);
      times.push(performance.now() - startedMs);
      await wait(2);
    }
  } finally {
    closeSync(handle);
    rmSync(path, { force: true });
  }
  return times;
}

/** Pauses of this machine against the times of the failover rules. */
export async function checkTimers({ manifest, told }: Patient): Promise<Finding> {
  told("timers: two seconds of ticks");
  const late: number[] = [];
  let dueMs = performance.now();
  for (let count = 0; count < JITTER_COUNT; count++) {
    dueMs += JITTER_TICK_MS;
    await wait(Math.max(0, dueMs - performance.now()));
    late.push(Math.max(0, performance.now() - dueMs));
  }
  const maxMs = Math.round(Math.max(...late) * 10) / 10;
  const graceMs = Math.min(
    ...manifest.grids.map(({ timings }) => timings.graceMs - timings.leaseMs),
  );
  const shrinkMs = Math.min(...manifest.grids.map(({ timings }) => timings.shrinkMs));
  const text = `a tick comes up to ${maxMs} ms late`;
  if (maxMs < shrinkMs - Math.max(...manifest.grids.map(({ timings }) => timings.heartbeatMs)))
    return ok("timers", text);
  return warning(
    "timers",
    text,
    `standbys are dropped after ${shrinkMs} ms, and margins are ${graceMs} ms: use timing_set = "relaxed", or a machine of its own`,
  );
}

/** Whether the wall clock is kept by somebody: what people compare logs by. R-EMS itself does not rest on it. */
export async function checkClock(): Promise<Finding> {
  try {
    const { stdout } = await promisify(execFile)(
      "timedatectl",
      ["show", "-p", "NTPSynchronized", "--value"],
      { timeout: 2000 },
    );
    return stdout.trim() === "yes"
      ? ok("wall clock", "synchronised")
      : warning(
          "wall clock",
          "not synchronised",
          "run an NTP client, so that the logs of the nodes can be compared",
        );
  } catch {
    return warning(
      "wall clock",
      "nobody here can say whether it is synchronised",
      "run an NTP client (systemd-timesyncd, chrony)",
    );
  }
}

export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
