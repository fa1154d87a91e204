import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createModbusMap } from "../../api/modbus/modbus-map.ts";
import { openTestNode, type TestNode } from "../../apps/r-emsctl/testing/test-node.ts";
import { loadManifest } from "../../configs/load-manifest.ts";
import type { Manifest } from "../../configs/manifest.ts";
import { present } from "../../kernel/assert.ts";
import { debianTool } from "./debian-tools.ts";

/** Foreign masters at the Modbus server of a node: what another system reads of R-EMS, and what it asks for. */
const vessel: Manifest = {
  ...loadManifest("configs/vessel.toml"),
  modbusServer: { takesCommands: true, role: "operator", expirySMax: 300 },
};
/** "REMS" as two registers. */
const SIGNATURE = "values 21061 19795";
const blocks = createModbusMap(vessel).units.flatMap((unit) => unit.blocks);
const blockOf = (id: string) =>
  present(
    blocks.find((block) => block.id === id),
    `block ${id}`,
  );
const powerAt = present(
  blockOf("dg1").points.find(({ name }) => name === "activePowerKw"),
  "the power of dg1",
).address;

let node: TestNode;
let serving: NodeJS.Timeout;
const asked: string[] = [];
beforeAll(async () => {
  node = await openTestNode(vessel, 0);
  node.step({ points: [["dg1.activePowerKw", 350.5, "good"]] });
  serving = setInterval(() => {
    for (const one of node.api.takeCommands(16)) {
      if (one.type !== "request") continue;
      const { requestId, command, actor } = one.request;
      asked.push(`${actor} ${command}`);
      node.api.reply({ requestId, isAccepted: true, reason: "dg2 is now starting" });
    }
  }, 5);
});
afterAll(async () => {
  clearInterval(serving);
  await node.close();
});

const port = () => present(node.api.modbusPort, "the Modbus server is on");

describe("mbpoll", () => {
  async function mbpoll(...args: readonly string[]): Promise<string> {
    const { program, environment } = debianTool("mbpoll");
    const at = ["-m", "tcp", "-p", String(port()), "-a", "1", "-0", "-1", "127.0.0.1"];
    const child = spawn(program, [...at, ...args], { env: { ...process.env, ...environment } });
    let text = "";
    child.stdout.on("data", (chunk: Buffer) => (text += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (text += chunk.toString()));
    await once(child, "close");
    return text;
  }

  it("reads the signature, and a power as a float", async () => {
    expect(await mbpoll("-t", "4:hex", "-r", "0", "-c", "2")).toMatch(/0x5245[^]*0x4D53/i);
    const read = () => mbpoll("-t", "4:float", "-B", "-r", String(powerAt + 3), "-c", "1");
    await expect.poll(read, { timeout: 5000 }).toContain("350.5");
  });

  it("is refused where nothing stands", async () => {
    expect(await mbpoll("-t", "4", "-r", "60000", "-c", "1")).toContain("Illegal data address");
  });
});

describe("pymodbus", () => {
  it("reads the map, gives a command, and reads what became of it", async () => {
    const { program, environment } = debianTool("python3-pymodbus");
    const script = fileURLToPath(new URL("pymodbus-client.py", import.meta.url));
    const client = spawn(program, [script, String(port())], {
      env: { ...process.env, ...environment },
    });
    const lines = createInterface({ input: client.stdout });
    const answers = lines[Symbol.asyncIterator]();
    const ask = async (line: string): Promise<string> => {
      client.stdin.write(`${line}\n`);
      return String((await answers.next()).value);
    };
    const at = blockOf("dg2").commandAddress;
    try {
      expect(await ask("holding 0 2")).toBe(SIGNATURE);
      expect(await ask("input 0 2")).toBe(SIGNATURE);
      expect(await ask(`holding ${at} = 1 0 0 10 1`)).toBe("exception 3");
      expect(await ask(`holding ${at} = 1 0 0 10 0`)).toBe("values");
      await expect.poll(() => ask(`holding ${at + 5} 1`), { timeout: 5000 }).toBe("values 2");
      const reason = (await ask(`holding ${at + 7} 10`)).split(" ").slice(1).map(Number);
      const text = String.fromCharCode(...reason.flatMap((word) => [word >> 8, word & 0xff]));
      expect(text).toContain("dg2 is now starting");
      expect(asked).toEqual(["grids/port/devices/dg2 start"]);
    } finally {
      const ended = client.exitCode === null ? once(client, "exit") : null;
      client.stdin.end();
      await ended;
    }
  });
});
