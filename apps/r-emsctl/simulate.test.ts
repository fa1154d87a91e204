import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { expect, it, onTestFinished } from "vitest";
import { closeClient, connectClient } from "../../sim/devices/testing/modbus-client.ts";
import { runCli } from "./cli.ts";

/** Runs the program with typed lines; `line(type)` waits for its next message of that type. */
function start(...argv: string[]) {
  const input = new PassThrough();
  const lines: string[] = [];
  const errors: string[] = [];
  let wake = (): void => {};
  const terminal = {
    out: (text: string) => {
      lines.push(text);
      wake();
    },
    error: (text: string) => void errors.push(text),
    hasColours: false,
    input,
  };
  const exitCode = runCli(argv, terminal, new AbortController().signal);
  const next = async (): Promise<string> => {
    while (lines.length === 0) await new Promise<void>((resolve) => (wake = resolve));
    return lines.shift() ?? "";
  };
  const message = async () => JSON.parse(await next()) as Record<string, unknown>;
  const type = (line: string) => void input.write(`${line}\n`);
  return { exitCode, next, message, type, errors };
}

it("simulate serves a profile, tells each write, and switches faults by lines", async () => {
  const argv = ["simulate", "sim-plain-pv", "--port=0", "--set", "availablePowerKw=120"];
  const run = start("--json", ...argv, "--fault", "exception 50 4");
  const listening = await run.message();
  expect(listening).toMatchObject({ type: "listening", profile: "sim-plain-pv" });
  const client = await connectClient(Number(listening["port"]));
  await client.writeRegisters(0, [500]);
  expect(await run.message()).toMatchObject({
    type: "write",
    levels: [{ point: "powerLimitPct" }],
  });
  run.type("slow 5");
  expect(await run.message()).toMatchObject({
    type: "state",
    points: { availablePowerKw: 120, powerLimitPct: 50 },
    faults: { delayMs: 5, exceptions: { 50: 4 } },
  });
  run.type("slo 5");
  expect(await run.message()).toMatchObject({ type: "error", error: "REMS_REQUEST_INVALID" });
  await closeClient(client);
  run.type("quit");
  expect(await run.exitCode).toBe(0);
});

it("simulate speaks to people", async () => {
  const run = start("simulate", "sim-plain-pv", "--port=0", "--for=0.05");
  expect(await run.next()).toMatch(/SIMULATED DEVICE.*\n.*Modbus TCP at 127.0.0.1:\d+, unit 1/);
  expect(await run.exitCode).toBe(0);
});

it.each([
  [["simulate", "sim-plain-pvv"], 'did you mean "sim-plain-pv"?'],
  [["simulate", "sim-plain-pv", "--set", "power=3"], "availablePowerKw"],
  [["simulate", "sim-plain-pv", "--fault", "slow"], "slow MS"],
  [["simulate", "sim-plain-pv", "--port", "x"], "from 0 to 65535"],
  [["simulate", "none.toml"], "there is no file none.toml"],
])("%s is refused with code 2", async (argv, text) => {
  const run = start(...argv);
  expect(await run.exitCode).toBe(2);
  expect(run.errors.join("\n")).toContain(text);
});

it("simulate plays a table into the device's points", async () => {
  const directory = mkdtempSync(join(tmpdir(), "r-ems-simulate-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const table = join(directory, "sun.csv");
  writeFileSync(table, "t,pv.availablePowerKw\n0,50\n3600,150\n");
  const run = start(
    "--json",
    "simulate",
    "sim-plain-pv",
    "--port=0",
    "--play",
    table,
    "--speed=20000",
  );
  expect(await run.message()).toMatchObject({ type: "listening" });
  const powerOf = async () => {
    run.type("show");
    const { points } = await run.message();
    return (points as Record<string, unknown>)["availablePowerKw"];
  };
  await expect.poll(powerOf, { timeout: 5000 }).toBe(150);
  run.type("quit");
  expect(await run.exitCode).toBe(0);
});
