import { afterEach, expect, it } from "vitest";
import { openTestDevice, runTool } from "../testing/test-device.ts";

const opened: { readonly server: { close(): Promise<void> } }[] = [];
afterEach(async () => {
  for (const { server } of opened.splice(0)) await server.close();
});
async function device(...args: Parameters<typeof openTestDevice>) {
  const one = await openTestDevice(...args);
  opened.push(one);
  return one;
}

interface CheckReport {
  readonly requestCount: number;
  readonly summary: Record<string, number>;
  readonly points: { readonly point: string; readonly verdict: string; readonly finding: string }[];
}

it("device read shows every point with register and raw value", async () => {
  const { host } = await device("sim-plain-pv", { set: ["activePowerKw=120"] });
  const { code, out } = await runTool(["device", "read", "sim-plain-pv", host]);
  expect(code).toBe(0);
  expect(out).toMatch(/^activePowerKw +120 +kW +input 1-2 +04b0 0000 /m);
});

it("device read can be asked for one point, and for registers without a profile", async () => {
  const { host } = await device("sim-plain-pv", { set: ["activePowerKw=120"] });
  const argv = ["--json", "device", "read", "sim-plain-pv", host, "--point", "activePowerKw"];
  expect(JSON.parse((await runTool(argv)).out)).toMatchObject({
    point: "activePowerKw",
    value: 120,
    unit: "kW",
    words: [1200, 0],
  });
  const { out } = await runTool(["device", "read", host, "--registers", "input:1:2"]);
  expect(out).toMatch(/input 1 +04b0 +1200/);
});

it("device check finds nothing at a device that is right", async () => {
  const { host } = await device("sim-plain-genset");
  const { code, out } = await runTool(["device", "check", "sim-plain-genset", host]);
  expect([code, out]).toEqual([0, expect.stringContaining("20 points in 3 requests: 20 ok")]);
});

it("device check tells illegal, implausible and slow points from the others, and keeps to five requests a second", async () => {
  const { host } = await device("sim-plain-genset", {
    set: ["isRunning=true", "frequencyHz=20"],
    faults: ["exception 51", "slow 260"],
  });
  const startedMs = performance.now();
  const { code, out } = await runTool(["--json", "device", "check", "sim-plain-genset", host]);
  const tookMs = performance.now() - startedMs;
  const report = JSON.parse(out) as CheckReport;
  const verdicts = Object.fromEntries(report.points.map((point) => [point.point, point.verdict]));
  expect(code).toBe(1);
  expect(verdicts).toMatchObject({
    runningHoursH: "illegal",
    fuelKgPerH: "slow",
    frequencyHz: "implausible",
  });
  expect(report.summary).toMatchObject({ illegal: 1, implausible: 1 });
  expect(report.requestCount).toBe(5);
  expect(tookMs).toBeGreaterThanOrEqual((report.requestCount - 1) * 200);
});

it.each([
  [["device", "read", "sim-plain-pv", "127.0.0.1:1"], 3, "no connection to 127.0.0.1:1"],
  [["device", "read", "sim-plain-pv"], 2, "is a profile; say behind it where the device is"],
  [["device", "read", "sim-plain-px"], 2, "write PROFILE HOST[:PORT]"],
  [["device", "read", "sim-plain-pv", "a:b:c"], 2, "HOST or HOST:PORT"],
  [["device", "check", "sim-plain-px", "127.0.0.1"], 2, 'did you mean "sim-plain-pv"'],
  [["device", "read", "127.0.0.1", "--registers", "holding:0:126"], 2, "at most 125"],
])("%s ends with code %i", async (argv, code, text) => {
  const result = await runTool(argv);
  expect([result.code, result.error]).toEqual([code, expect.stringContaining(text)]);
});

it("a device that answers nothing is given up after three requests, with what to do", async () => {
  const { host } = await device("sim-plain-genset", { faults: ["silent"] });
  const argv = ["device", "check", "sim-plain-genset", host, "--timeout-ms", "50"];
  const { code, error } = await runTool(argv);
  expect([code, error]).toEqual([3, expect.stringContaining("device scan")]);
});

it("another point than the profile has is named with those that it has", async () => {
  const { host } = await device("sim-plain-pv");
  const argv = ["device", "read", "sim-plain-pv", host, "--point", "activePower"];
  const { code, error } = await runTool(argv);
  expect([code, error]).toEqual([2, expect.stringContaining('did you mean "activePowerKw"')]);
});
