import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openTestDevice, runTool } from "../testing/test-device.ts";

type TestDevice = Awaited<ReturnType<typeof openTestDevice>>;
let folder: string;
const devices: TestDevice[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "r-ems-audit-"));
});
afterEach(async () => {
  rmSync(folder, { recursive: true, force: true });
  for (const { server } of devices.splice(0)) await server.close();
});

const auditFile = () => join(folder, "audit.jsonl");
const auditLines = () =>
  readFileSync(auditFile(), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);

async function device(...args: Parameters<typeof openTestDevice>): Promise<TestDevice> {
  const one = await openTestDevice(...args);
  devices.push(one);
  return one;
}

/** Writes to the device as `argv` says, with its id typed out unless that says otherwise. */
async function write(one: TestDevice, ...argv: string[]) {
  const { id } = one.profile;
  const typed = argv.includes("--offline-device") ? [] : ["--offline-device", id];
  const audit = argv.includes("--audit-file") ? [] : ["--audit-file", auditFile()];
  return runTool(["device", "write", id, one.host, ...argv, ...typed, ...audit]);
}

describe("device write", () => {
  it("writes a set-point to a device whose breaker is open, reads it back, and leaves its audit lines", async () => {
    const one = await device("sim-plain-genset");
    const { code, out } = await write(one, "powerReferenceKw=100");
    expect([code, out]).toEqual([0, expect.stringMatching(/100 kW: .*and read back/)]);
    expect(one.writes).toMatchObject([{ levels: [{ point: "powerReferenceKw", value: 100 }] }]);
    expect(auditLines()).toMatchObject([
      { stage: "asked", what: "powerReferenceKw=100", because: "its breaker is open" },
      { stage: "done", device: "sim-plain-genset", tool: "device write" },
    ]);
  });

  it("keeps the epoch that the device holds, and its other set-points", async () => {
    const one = await device("sim-epoch-genset", { set: ["reactiveReferenceKvar=30"] });
    one.server.device.highestEpoch = 70_000;
    expect((await write(one, "powerReferenceKw=100")).code).toBe(0);
    expect(one.writes).toMatchObject([
      {
        epoch: 70_000,
        refusal: null,
        levels: [{ value: 100 }, { point: "reactiveReferenceKvar", value: 30 }],
      },
    ]);
  });

  it("tells a write that was acknowledged without effect", async () => {
    const one = await device("sim-plain-genset", { faults: ["ignore-writes"] });
    const { code, out } = await write(one, "powerReferenceKw=100");
    expect([code, out]).toEqual([1, expect.stringContaining("acknowledged without effect")]);
  });

  it("gives a command and waits for its feedback", async () => {
    const one = await device("sim-plain-genset", { set: ["isRunning=true"] });
    const { code, out } = await write(one, "--command", "stop");
    expect([code, out]).toEqual([0, expect.stringMatching(/stop: .*isRunning was false after/)]);
  });

  it.each<[string, string[], string[], string]>([
    [
      "a breaker that is closed",
      ["isClosed=true", "isRunning=true"],
      ["powerReferenceKw=1"],
      "neither an open breaker",
    ],
    [
      "an id that is not typed out",
      [],
      ["powerReferenceKw=1", "--offline-device", "dg1"],
      'is "dg1"',
    ],
    ["closing a breaker", [], ["--command", "syncAndClose"], "closes a breaker"],
    [
      "an audit file that cannot be written",
      [],
      ["powerReferenceKw=1", "--audit-file", "/dev/null/x"],
      "without it nothing is written",
    ],
    ["a value that the register cannot hold", [], ["powerReferenceKw=99999"], "cannot hold 99999"],
    ["a point that is no set-point", [], ["activePowerKw=1"], "powerReferenceKw"],
    ["a command among values", [], ["start"], "it is a command: --command start"],
    ["a command that there is not", [], ["--command", "fly"], "it has: start"],
    [
      "values and a command at once",
      [],
      ["powerReferenceKw=1", "--command", "stop"],
      "give either",
    ],
  ])("refuses %s, and nothing is written", async (_name, set, argv, text) => {
    const one = await device("sim-plain-genset", { set });
    const { code, error } = await write(one, ...argv);
    expect(code).toBeGreaterThan(0);
    expect(error).toContain(text);
    expect(one.writes).toEqual([]);
  });
});

describe("device learn", () => {
  it("measures the watchdog as it is, and says what the profile should state", async () => {
    const real = await device("sim-plain-pv", { watchdogMs: 1000, set: ["isClosed=false"] });
    const argv = ["--json", "device", "learn", "sim-plain-pv", real.host, "--reads", "2"];
    const options = [
      "--watch-s",
      "4",
      "--offline-device",
      "sim-plain-pv",
      "--audit-file",
      auditFile(),
    ];
    const { code, out } = await runTool([...argv, ...options]);
    const learned = JSON.parse(out) as {
      watchdog: { outcome: string; minMs: number; maxMs: number };
      advice: string[];
    };
    expect(code).toBe(1);
    expect(learned.watchdog.outcome).toBe("fired");
    expect(learned.watchdog.minMs).toBeLessThanOrEqual(1100);
    expect(learned.watchdog.maxMs).toBeGreaterThanOrEqual(1000);
    expect(learned.advice).toContainEqual(expect.stringMatching(/^watchdog_ms = .*states 60000$/));
  }, 20_000);

  it("without a typed id nothing is written", async () => {
    const one = await device("sim-plain-pv");
    const { code, error } = await runTool(["device", "learn", "sim-plain-pv", one.host]);
    expect([code, error, one.writes]).toEqual([
      1,
      expect.stringContaining("add --offline-device sim-plain-pv"),
      [],
    ]);
  });
});
