import { afterEach, expect, it } from "vitest";
import { runCli } from "../cli.ts";
import { openTestDevice, runTool } from "../testing/test-device.ts";

const opened: { readonly server: { close(): Promise<void> } }[] = [];
afterEach(async () => {
  for (const { server } of opened.splice(0)) await server.close();
});
async function pv() {
  const one = await openTestDevice("sim-plain-pv", { set: ["activePowerKw=120"] });
  opened.push(one);
  return one;
}

it("device scope prints one line per value for a script, until its time is over", async () => {
  const { host } = await pv();
  const where = ["--profile", "sim-plain-pv", "--host", host];
  const argv = ["--json", "device", "scope", "activePowerKw", ...where, "--for", "1"];
  const { code, out } = await runTool(argv);
  const lines = out.split("\n").map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(code).toBe(0);
  expect(lines.length).toBeGreaterThan(0);
  expect(lines.length).toBeLessThanOrEqual(6);
  expect(lines[0]).toMatchObject({ point: "activePowerKw", value: 120, unit: "kW" });
});

it("device scope draws for a person, and Ctrl-C ends it", async () => {
  const { host } = await pv();
  const ending = new AbortController();
  const screens: (readonly string[])[] = [];
  const terminal = {
    out: () => {},
    error: () => {},
    hasColours: false,
    columns: () => 40,
    draw: (lines: readonly string[]) => {
      screens.push(lines);
      if (screens.length === 2) ending.abort();
    },
  };
  const where = ["--profile", "sim-plain-pv", "--host", host];
  const argv = ["--address=127.0.0.1:9", "device", "scope", "activePowerKw", ...where];
  expect(await runCli(argv, terminal, ending.signal)).toBe(0);
  const [first] = screens;
  expect(first?.[1]).toMatch(/^activePowerKw {2}120 kW {3}last 0 s, answered in [\d.]+ ms$/);
  expect(first?.length).toBe(14);
  expect(first?.slice(2).every((line) => line.length === 39)).toBe(true);
});

it("device scope goes on through a new connection where the one it has falls silent", async () => {
  const { host, apply } = await pv();
  const ending = new AbortController();
  const values: unknown[] = [];
  const terminal = {
    out: (line: string) => {
      values.push((JSON.parse(line) as { value: unknown }).value);
      if (values.length === 1) apply("half-open");
      if (values.length > 1 && values.at(-1) !== null) ending.abort();
    },
    error: () => {},
    hasColours: false,
  };
  const where = ["--profile", "sim-plain-pv", "--host", host, "--timeout-ms", "50"];
  const argv = ["--address=127.0.0.1:9", "--json", "device", "scope", "activePowerKw", ...where];
  expect(await runCli(argv, terminal, ending.signal)).toBe(0);
  expect(values).toEqual([120, null, null, 120]);
});

it.each([
  ["activePowerKw", [], "DEVICE.POINT"],
  ["dg1.activePowerKw", ["--host", "127.0.0.1"], "both --profile and --host"],
  ["power", ["--profile", "sim-plain-pv", "--host", "127.0.0.1:1"], "activePowerKw"],
])("device scope %s %s is refused with code 2", async (point, options, text) => {
  const { code, error } = await runTool(["device", "scope", point, ...options]);
  expect([code, error]).toEqual([2, expect.stringContaining(text)]);
});
