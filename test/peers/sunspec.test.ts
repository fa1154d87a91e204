import { spawn, type ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterEach, expect, it } from "vitest";
import { loadProfiles } from "../../configs/load-profile.ts";
import type { DeviceProfile } from "../../configs/profile.ts";
import { device } from "../../drivers/modbus/profile-fixture.ts";
import { sunspecFamily } from "../../drivers/sunspec/sunspec-family.ts";
import { deviceImage } from "../../drivers/sunspec/sunspec-fixture.ts";
import { present } from "../../kernel/assert.ts";
import { createDriverBench, type DriverBench } from "../support/driver-bench.ts";
import { debianTool } from "./debian-tools.ts";

/** SunSpec devices that pymodbus of Debian serves: a published image, and the layouts of shipped profiles. */
let server: ChildProcess | null = null;
let lines: AsyncIterableIterator<string>;
let driver: DriverBench | null = null;

const nextLine = async (): Promise<string> => {
  const { value } = (await lines.next()) as IteratorResult<string, undefined>;
  return present(value, "the pymodbus server ended before it answered");
};
const register = async (...words: number[]): Promise<number> => {
  server?.stdin?.write(`${words.join(" ")}\n`);
  return Number(await nextLine());
};

async function serve(base: number, registers: readonly number[]): Promise<number> {
  const { program, environment } = debianTool("python3-pymodbus");
  const script = fileURLToPath(new URL("sunspec-server.py", import.meta.url));
  server = spawn(program, [script], {
    env: { ...process.env, ...environment },
    stdio: ["pipe", "pipe", "inherit"],
  });
  lines = createInterface({ input: present(server.stdout, "a pipe") })[Symbol.asyncIterator]();
  const image = registers.map((word) => word.toString(16).padStart(4, "0")).join("");
  server.stdin?.write(`${base} ${image}\n`);
  return Number(await nextLine());
}

async function connect(port: number, profile: DeviceProfile): Promise<DriverBench> {
  const bench = createDriverBench([device({ port, profile })], {}, sunspecFamily);
  driver = bench;
  await bench.until("it is read", () => bench.points.size > 0);
  return bench;
}

afterEach(async () => {
  await driver?.io.close();
  driver = null;
  const ended = new Promise((resolve) => server?.once("exit", resolve));
  server?.stdin?.end();
  await ended;
  server = null;
});

const shipped = (id: string) => present(loadProfiles().get(id), `the profile ${id} is shipped`);

it("reads the published IEEE 1547 device through a shipped profile", async () => {
  const { registers } = deviceImage("device-1547");
  const port = await serve(40000, registers);
  const bench = await connect(port, shipped("sunspec-der-inverter"));
  await bench.until("every point is read", () => bench.points.size === 6);
  expect(bench.points.get("bat1.activePowerKw")).toEqual([9.8, "good"]);
  expect(bench.points.get("bat1.powerLimitPct")).toEqual([100, "good"]);
  // The image leaves these two out: not implemented is no value.
  expect(bench.points.get("bat1.isClosed")?.[1]).toBe("bad");
  expect(bench.points.get("bat1.isTripped")?.[1]).toBe("bad");
});

it.each(["sunspec-inverter", "sunspec-der-inverter", "sunspec-storage", "sunspec-meter"])(
  "finds and reads what %s needs",
  async (id) => {
    const profile = shipped(id);
    const { fixedRegisters } = present(profile.sunspec, "a SunSpec profile");
    const port = await serve(0, fixedRegisters.words);
    const bench = await connect(port, profile);
    await bench.until("every point is read", () => bench.points.size === profile.points.length);
    expect(bench.states.get("bat1")).toBe("online");
  },
);

it("writes a limit together with its enable flag and revert timer", async () => {
  const profile = shipped("sunspec-inverter");
  const { fixedRegisters } = present(profile.sunspec, "a SunSpec profile");
  const port = await serve(fixedRegisters.address, fixedRegisters.words);
  const bench = await connect(port, profile);
  await bench.confirm("bat1", "powerLimitPct", 62.5);
  const limit = present(
    profile.points.find(({ point }) => point === "powerLimitPct"),
    "mapped",
  );
  const held: number[] = [];
  for (let i = 0; i < 5; i++) held.push(await register(limit.address + i));
  expect(held).toEqual([625, 0, 60, 0, 1]);
});
