import { closeSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { present } from "../../kernel/assert.ts";
import { type DaemonProgram, FREE_PORTS, useInstallation } from "./installation.ts";
import type { SimulatorProgram } from "./simulator-program.ts";

const installation = useInstallation();
let simulator: SimulatorProgram;
let daemon: DaemonProgram;
let manifest: string;
let options: string[];

interface PointHistory {
  readonly mean: (number | null)[];
}

/** A command that may be asked before its answer is there. */
async function ask(...args: readonly string[]): Promise<string> {
  const { code, out } = await installation.ctl(daemon, "--json", "--timeout", "20", ...args);
  return code === 0 ? out : "";
}

async function alarms(): Promise<{ code: string }[]> {
  const status = JSON.parse((await ask("status")) || "{}") as {
    grids?: { alarms?: { code: string }[] }[];
  };
  return (status.grids ?? []).flatMap((grid) => grid.alarms ?? []);
}
const historyAlarms = async () =>
  (await alarms())
    .filter(({ code }) => /^(HISTORY|JOURNAL|DISK)_/.test(code))
    .map(({ code }) => code);

beforeAll(async () => {
  manifest = await installation.manifest("single");
  simulator = await installation.simulator(manifest);
  options = [...FREE_PORTS, ...installation.towards(simulator, "n1")];
  daemon = await installation.daemon(manifest, options);
  await daemon.untilRole("leading", 20_000);
});

const energy = async (): Promise<number> => {
  const out = await ask(
    "history",
    "points",
    "bat1.energyOutKwh",
    "house.energyInKwh",
    "--last",
    "10m",
  );
  const last = out.split("\n").at(-1) ?? "";
  if (last === "") return 0;
  return Math.max(0, ...(JSON.parse(last) as PointHistory).mean.map((value) => value ?? 0));
};

describe("the history of a running node", () => {
  it("has points, counters, events and alarms to be asked", async () => {
    await expect.poll(energy, { timeout: 60_000 }).toBeGreaterThan(0);
    const events = await ask("history", "events", "--last", "10m");
    expect(events).toMatch(/"kind":"leadership".*n1 leads, epoch 1/);
    expect(events).toContain('"kind":"transition"');
    // Nobody asked for anything; the manifest's parameters came into force.
    const audit = await ask("history", "audit", "--last", "10m");
    expect(audit).toContain("adoptManifest");
    expect(audit.split("\n").filter((line) => line.includes('"requested"'))).toHaveLength(1);
  });

  it("goes on after a kill: counters do not begin anew, and what was there is there", async () => {
    const before = await energy();
    await daemon.end("SIGKILL");
    daemon = await installation.daemon(manifest, options);
    await daemon.untilRole("leading", 20_000);
    await expect.poll(energy, { timeout: 60_000 }).toBeGreaterThanOrEqual(before);
    const events = await ask("history", "events", "--what", "leadership", "--last", "10m");
    expect(events.split("\n")).toHaveLength(2);
  });

  it("a database that is overwritten is one alarm, which ends by itself; control does not notice", async () => {
    expect(await historyAlarms()).toEqual([]);
    const before = present(simulator.newest("totals"), "totals").writeCount;
    const file = openSync(join(daemon.dataDirectory, "history", "history.db"), "r+");
    writeSync(file, Buffer.alloc(4096, 0x5a), 0, 4096, 0);
    closeSync(file);
    const raised = () =>
      ask("history", "alarms", "--what", "HISTORY_FAILED", "--last", "10m").then((out) =>
        [...out.matchAll(/"change":"(\w+)"/g)].map((match) => match[1]).reverse(),
      );
    // Newest first, turned: it came once and went once; nobody has acknowledged it.
    await expect.poll(raised, { timeout: 60_000 }).toEqual(["raised", "returned"]);
    expect(await historyAlarms()).toEqual([]);
    await expect.poll(energy, { timeout: 60_000 }).toBeGreaterThan(0);
    const after = await simulator.totalsAfter(1);
    expect(after.writeCount).toBeGreaterThan(before);
    expect(after).toMatchObject({ refusedCount: 0, overlapCount: 0 });
    expect(daemon.log.some((line) => line["cause"] === "corrupt")).toBe(true);
  });
});
