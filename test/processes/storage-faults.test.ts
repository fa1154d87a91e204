import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { OperatorClient } from "../../apps/r-emsctl/operator-client.ts";
import { present } from "../../kernel/assert.ts";
import { AlarmService, rems } from "../../proto/generated/rems-v1.ts";
import { debianTool } from "../peers/debian-tools.ts";
import { eventually } from "../support/eventually.ts";
import { type DaemonProgram, FREE_PORTS, freePorts, useInstallation } from "./installation.ts";
import type { SimulatorProgram } from "./simulator-program.ts";

/**
 * A node whose storage fails in earnest: a disk of its own that is really full, a database overwritten under it, a real server that is killed.
 * What is promised: one active alarm for each cause, raised within two seconds, cleared within five of the cure, and control untouched.
 */

const RAISED_MS = 2000;
const CLEARED_MS = 5000;
const DISK_MB = 64;
/** Not `JOURNAL_SLOW`, which a busy machine raises rightly. */
const STORAGE = /^(?:DISK|HISTORY)_|^JOURNAL_FAILED$/;

const installation = useInstallation();
let simulator: SimulatorProgram;
let daemon: DaemonProgram;
let client: OperatorClient;
let influxPort: number;
let influxd: ChildProcess | null = null;

/** The daemon's data directory as it sees it: its disk is mounted for it alone. */
const inData = (...path: string[]) =>
  join(`/proc/${daemon.child.pid}/root`, daemon.dataDirectory, ...path);

async function activeAlarms(): Promise<string[]> {
  const request = rems.v1.ListAlarmsRequest.create({});
  const { alarms } = await client.call(AlarmService.listAlarms, request);
  return alarms.filter(({ isActive }) => isActive).map(({ code }) => code);
}
const storageAlarms = async () => (await activeAlarms()).filter((code) => STORAGE.test(code));

/** Waits until just these storage alarms are active. @returns How long that took, ms; whatever else is active meanwhile counts as wrong. */
async function until(codes: readonly string[], withinMs: number): Promise<number> {
  const startedMs = performance.now();
  const expected = [...codes, ...(await storageAlarms())];
  for (;;) {
    const found = await storageAlarms();
    const tookMs = performance.now() - startedMs;
    if (found.join() === codes.join()) return tookMs;
    // Nothing but what was, or is to be, may be there on the way: one cause is one alarm.
    for (const code of found) expect(expected).toContain(code);
    expect(new Set(found).size, found.join()).toBe(found.length);
    expect(tookMs, `alarms: ${found.join() || "none"}`).toBeLessThan(withinMs);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** What the plant saw of the fault: nothing. */
async function controlGoesOn(during: () => Promise<void>): Promise<void> {
  const before = present(simulator.newest("totals"), "totals");
  const roleCount = daemon.log.filter(({ msg }) => msg === "role").length;
  await during();
  const after = await simulator.totalsAfter(1);
  expect(after.writeCount).toBeGreaterThan(before.writeCount);
  expect(after).toMatchObject({ refusedCount: 0, overlapCount: 0 });
  expect(simulator.plant.devices.filter(({ isInFallback }) => isInFallback)).toEqual([]);
  expect(daemon.log.filter(({ msg }) => msg === "role")).toHaveLength(roleCount);
  expect(daemon.log.some((line) => line["code"] === "AUTHORITY_LOST")).toBe(false);
}

async function startInflux(): Promise<void> {
  const folder = join(installation.folder, "influx");
  influxd = spawn(debianTool("influxdb").program, [], {
    stdio: "ignore",
    env: {
      ...process.env,
      INFLUXDB_REPORTING_DISABLED: "true",
      INFLUXDB_BIND_ADDRESS: "127.0.0.1:0",
      INFLUXDB_HTTP_BIND_ADDRESS: `127.0.0.1:${influxPort}`,
      INFLUXDB_META_DIR: join(folder, "meta"),
      INFLUXDB_DATA_DIR: join(folder, "data"),
      INFLUXDB_DATA_WAL_DIR: join(folder, "wal"),
    },
  });
  const url = `http://127.0.0.1:${influxPort}/query?q=CREATE+DATABASE+rems`;
  const isThere = () =>
    fetch(url, { method: "POST" }).then(
      ({ ok }) => ok,
      () => false,
    );
  await eventually("InfluxDB answers", isThere, 30_000);
}

async function killInflux(): Promise<void> {
  const child = influxd;
  influxd = null;
  if (child === null) return;
  const gone = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGKILL");
  await gone;
}

beforeAll(async () => {
  [influxPort = 0] = await freePorts(1);
  const server = `\n[[history.servers]]\nid = "copy"\nkind = "influxdb"\nurl = "http://127.0.0.1:${influxPort}"\ndatabase = "rems"\n`;
  await startInflux();
  const manifest = await installation.manifest("single", (text) => text + server);
  simulator = await installation.simulator(manifest);
  const options = [...FREE_PORTS, ...installation.towards(simulator, "n1")];
  mkdirSync(join(installation.folder, "data"));
  // An ordinary user may mount in a name space of his own.
  const own = process.getuid?.() === 0 ? "-m" : "-Urm";
  const mount = `mount -t tmpfs -o size=${DISK_MB}m r-ems "$0" && exec "$@"`;
  const before = ["unshare", own, "sh", "-c", mount, join(installation.folder, "data")];
  daemon = installation.launch(manifest, options, "data", before);
  await daemon.untilReady();
  await daemon.untilRole("leading", 20_000);
  client = new OperatorClient(`127.0.0.1:${daemon.ready.operatorPort}`, 5000);
  await eventually("no alarm of its storage", async () => (await storageAlarms()).length === 0);
});
afterAll(async () => {
  client?.close();
  await killInflux();
});

describe("a node that controls a plant alone", () => {
  it("goes on with a disk that is full, and by itself once there is room", async () => {
    await controlGoesOn(async () => {
      const filler = openSync(inData("filler"), "w");
      for (const bytes of [1 << 20, 4096, 1]) {
        try {
          for (;;) writeSync(filler, Buffer.alloc(bytes));
        } catch (error) {
          expect((error as NodeJS.ErrnoException).code).toBe("ENOSPC");
        }
      }
      closeSync(filler);
      const raisedMs = await until(["DISK_FULL"], RAISED_MS);
      // Longer than the lease of a lone leader, which the record on this very disk renews.
      await simulator.totalsAfter(4);
      expect(await storageAlarms()).toEqual(["DISK_FULL"]);
      // That frames do not reach the disk in time is explained by it, and no alarm of its own.
      expect(await activeAlarms()).not.toContain("JOURNAL_SLOW");
      rmSync(inData("filler"));
      const clearedMs = await until([], CLEARED_MS);
      console.info(
        `disk full: raised after ${raisedMs.toFixed(0)} ms, cleared after ${clearedMs.toFixed(0)} ms`,
      );
    });
  });

  it("makes its database anew where it is overwritten", async () => {
    await controlGoesOn(async () => {
      const file = openSync(inData("history", "history.db"), "r+");
      writeSync(file, Buffer.alloc(4096, 0x5a), 0, 4096, 0);
      closeSync(file);
      const raisedMs = await until(["HISTORY_FAILED"], RAISED_MS);
      const clearedMs = await until([], CLEARED_MS);
      console.info(
        `database: raised after ${raisedMs.toFixed(0)} ms, cleared after ${clearedMs.toFixed(0)} ms`,
      );
    });
  });

  it("waits for a server of the history that is gone, and gives it what it missed", async () => {
    await controlGoesOn(async () => {
      await killInflux();
      const raisedMs = await until(["HISTORY_SERVER_LOST"], RAISED_MS);
      await startInflux();
      const clearedMs = await until([], CLEARED_MS);
      console.info(
        `server: raised after ${raisedMs.toFixed(0)} ms, cleared after ${clearedMs.toFixed(0)} ms`,
      );
    });
  });
});
