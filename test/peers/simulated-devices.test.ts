import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadManifest } from "../../configs/load-manifest.ts";
import { present } from "../../kernel/assert.ts";
import { loadPlantFile } from "../../sim/simulator/load-plant-file.ts";
import { Simulator } from "../../sim/simulator/simulator.ts";
import { debianTool } from "./debian-tools.ts";

/**
 * Foreign masters at the simulated devices: what they read and write is what an engineer with such a tool sees. The battery has an
 * epoch register (holding 0 and 1, before the set-point at 2), the PV inverter has none (its limit is holding 0).
 */
const SIGNATURE = 60_000;
const EXCEPTION_ILLEGAL_VALUE = 3;
const EXCEPTION_ILLEGAL_ADDRESS = 2;

let simulator: Simulator;
let timer: NodeJS.Timeout;
const clients: ChildProcess[] = [];

beforeAll(async () => {
  const manifest = loadManifest(
    fileURLToPath(new URL("../../configs/single.toml", import.meta.url)),
  );
  simulator = await Simulator.open(manifest, loadPlantFile(manifest), {
    seed: 1,
    publicPortBase: 0,
    nowMs: () => performance.now(),
    send: () => {},
  });
  timer = setInterval(() => simulator.advance(), 10);
});

afterAll(async () => {
  clearInterval(timer);
  await Promise.all(
    clients.map(async (client) => {
      const ended = client.exitCode === null ? once(client, "exit") : null;
      client.stdin?.end();
      await ended;
    }),
  );
  await simulator.close();
});

function portOf(device: string): number {
  const { host, port } = present(simulator.servers.devices.get(device), device).config;
  return Number(
    present(simulator.servers.publicPorts[`${host}:${port}`], "its port").split(":")[1],
  );
}

const point = (device: string, name: string) => simulator.plant.points(device)[name];

/** Waits until the plant has made of a write what it makes of it. */
async function until(isSo: () => boolean): Promise<void> {
  await expect.poll(isSo, { timeout: 5000, interval: 10 }).toBe(true);
}

describe("mbpoll", () => {
  /** One call of mbpoll, PDU addresses. @returns Its output of both kinds. */
  async function mbpoll(device: string, ...args: readonly string[]): Promise<string> {
    const { program, environment } = debianTool("mbpoll");
    const at = ["-m", "tcp", "-p", String(portOf(device)), "-a", "1", "-0", "-1", "127.0.0.1"];
    const child = spawn(program, [...at, ...args], { env: { ...process.env, ...environment } });
    let text = "";
    child.stdout.on("data", (chunk: Buffer) => (text += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (text += chunk.toString()));
    await once(child, "close");
    return text;
  }
  /** Lines such as `[6]: 	550`. */
  const valuesOf = (text: string) =>
    [...text.matchAll(/^\[(\d+)\]:\s+(-?\d+)/gm)].map((match) => Number(match[2]));

  it("reads what the plant holds: state of charge, signature, the set-point's echo", async () => {
    const [soc] = valuesOf(await mbpoll("bat1", "-t", "3", "-r", "6", "-c", "1"));
    expect(soc).toBe(Math.round(Number(point("bat1", "socPct")) * 10));
    expect(valuesOf(await mbpoll("bat1", "-t", "4", "-r", String(SIGNATURE)))).toEqual([21069]);
  });

  it("cannot command a device with an epoch register: the write without an epoch is refused", async () => {
    const before = point("bat1", "powerSetpointKw");
    expect(await mbpoll("bat1", "-t", "4", "-r", "2", "--", "100")).toMatch(/illegal data value/i);
    expect(point("bat1", "powerSetpointKw")).toBe(before);
  });

  it("commands a plain device, and reads what that did", async () => {
    expect(await mbpoll("pv", "-t", "4", "-r", "0", "--", "250")).toMatch(/written 1 reference/i);
    await until(() => point("pv", "powerLimitPct") === 25);
    expect(valuesOf(await mbpoll("pv", "-t", "3", "-r", "4", "-c", "1"))).toEqual([250]);
  });

  it("is told by an exception where there is no register", async () => {
    expect(await mbpoll("pv", "-t", "3", "-r", "900", "-c", "1")).toMatch(/illegal data address/i);
  });
});

describe("python3-pymodbus", () => {
  /** A client that stays connected. */
  function pymodbus(device: string): (request: string) => Promise<string> {
    const { program, environment } = debianTool("python3-pymodbus");
    const script = fileURLToPath(new URL("pymodbus-client.py", import.meta.url));
    const client = spawn(program, [script, String(portOf(device))], {
      env: { ...process.env, ...environment },
      stdio: ["pipe", "pipe", "inherit"],
    });
    clients.push(client);
    const lines = createInterface({ input: client.stdout })[Symbol.asyncIterator]();
    return async (request) => {
      client.stdin.write(`${request}\n`);
      const { value } = (await lines.next()) as IteratorResult<string, undefined>;
      return present(value, "the pymodbus client ended before it answered");
    };
  }

  it("takes the epoch along with its set-point, and is refused once a higher one was seen", async () => {
    const ask = pymodbus("bat1");
    expect(await ask("holding 0 = 0 7 200")).toBe("values");
    await until(() => point("bat1", "powerSetpointKw") === 20);
    await until(() => Number(point("bat1", "activePowerKw")) > 19);
    // Highest epoch seen and set-point, as the device shows them.
    expect(await ask("holding 0 3")).toBe("values 0 7 200");
    expect(await ask("holding 0 = 0 6 0"), "a lower epoch").toBe(
      `exception ${EXCEPTION_ILLEGAL_VALUE}`,
    );
    expect(await ask("holding 2 = 0"), "no epoch").toBe(`exception ${EXCEPTION_ILLEGAL_VALUE}`);
    expect(point("bat1", "powerSetpointKw")).toBe(20);
    expect(await ask(`holding 0 = 1 0 ${0x10000 - 50}`)).toBe("values");
    await until(() => point("bat1", "powerSetpointKw") === -5);
  });

  it("commands a plain device without one, and reads several registers in one request", async () => {
    const ask = pymodbus("pv");
    expect(await ask("holding 0 = 500")).toBe("values");
    await until(() => point("pv", "powerLimitPct") === 50);
    const [word, status, , , available, limit] = (await ask("input 0 5")).split(" ");
    expect(word).toBe("values");
    expect(Number(status) & 1, "bit 0: breaker closed").toBe(1);
    expect(Number(available)).toBe(Math.round(Number(point("pv", "availablePowerKw")) * 10));
    expect(limit).toBe("500");
    expect(await ask("input 900 1")).toBe(`exception ${EXCEPTION_ILLEGAL_ADDRESS}`);
  });
});
