import { afterEach, expect, it } from "vitest";
import {
  EXCEPTION,
  type ModbusAnswer,
  type ModbusRequest,
} from "../../../drivers/modbus-server/modbus-frames.ts";
import type { Outcome } from "../../../drivers/modbus/outcome.ts";
import { ModbusServer, type ModbusUnit } from "../../../drivers/modbus-server/modbus-server.ts";
import { NodeLink } from "../../../sim/devices/node-link.ts";
import { runTool } from "../testing/test-device.ts";
import type { DeviceLine } from "../../../api/device-probe/device-line.ts";
import { parseUnits } from "./scan-command.ts";
import { scanDevice } from "../../../api/device-probe/scan-device.ts";

const servers: ModbusServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

/** Holding registers; the rest is refused. */
class Registers implements ModbusUnit {
  readonly answerDelayMs = 0;
  readonly #words: ReadonlyMap<number, number>;

  constructor(words: Iterable<readonly [number, number]>) {
    this.#words = new Map(words);
  }

  answer(request: ModbusRequest): ModbusAnswer {
    const refused: ModbusAnswer = { kind: "exception", code: EXCEPTION.illegalAddress };
    if (request.kind !== "read" || request.table !== "holding") return refused;
    const values: number[] = [];
    for (let index = 0; index < request.count; index++) {
      const word = this.#words.get(request.address + index);
      if (word === undefined) return refused;
      values.push(word);
    }
    return { kind: "registers", values };
  }
}

/** SunSpec from 40000: the common model with its texts, then model 103 without content, then the end. */
function sunspecDevice(): Registers {
  const words = new Map<number, number>();
  const put = (at: number, ...values: readonly number[]) =>
    values.forEach((value, index) => words.set(at + index, value));
  const text = (at: number, content: string) => {
    for (let index = 0; index < 16; index++) {
      const pair = content.slice(index * 2, index * 2 + 2).padEnd(2, "\0");
      put(at + index, pair.charCodeAt(0) * 256 + pair.charCodeAt(1));
    }
  };
  put(40000, 0x5375, 0x6e53, 1, 66, ...Array.from({ length: 66 }, () => 0));
  text(40004, "Example\u001b[31m Works");
  text(40020, "Inverter 5");
  text(40052, "SN-0042");
  put(40070, 103, 50, ...Array.from({ length: 50 }, () => 0), 0xffff, 0);
  return new Registers(words);
}

/** Units without a wire between, so that no pace is kept. */
function memoryLine(units: ReadonlyMap<number, ModbusUnit>): Pick<DeviceLine, "read"> {
  const connection = { id: 1, writer: "test", openedAtMs: 0 };
  return {
    read(unitId, name, address, count) {
      const answer = units
        .get(unitId)
        ?.answer({ kind: "read", table: name, address, count }, connection);
      const outcome: Outcome =
        answer?.kind === "registers"
          ? { type: "data", words: answer.values, bytes: Buffer.alloc(0) }
          : { type: "exception", code: answer?.kind === "exception" ? answer.code : 11 };
      return Promise.resolve({ outcome, latencyMs: 1 });
    },
  };
}

async function serve(units: ReadonlyMap<number, ModbusUnit>): Promise<string> {
  const server = new ModbusServer(units, {
    nowMs: () => performance.now(),
    mastersMax: 4,
    slotReleaseMs: 1000,
  });
  servers.push(server);
  return `127.0.0.1:${await server.listen("127.0.0.1", 0, new NodeLink("test"), "test")}`;
}

it("unit ids behind a gateway are found, and SunSpec with its models and name", async () => {
  const plain = new Registers([[0, 7]]);
  const line = memoryLine(
    new Map([
      [3, sunspecDevice()],
      [5, plain],
    ]),
  );
  const { units, askedCount } = await scanDevice(line, [2, 3, 4, 5], 100, () => {});
  expect(askedCount).toBe(4);
  expect(units).toMatchObject([
    {
      unitId: 3,
      answer: "exception 2 (illegal data address)",
      sunspec: { baseAddress: 40000, models: [{ id: 1 }, { id: 103 }], remark: null },
      maker: "Example[31m Works",
      model: "Inverter 5",
      serial: "SN-0042",
    },
    { unitId: 5, answer: "registers", sunspec: null },
  ]);
});

it("a device that answers to any unit id is noticed, and the rest is left out", async () => {
  const one = new Registers([[0, 7]]);
  const ids = Array.from({ length: 247 }, (_value, index) => index + 1);
  const line = memoryLine(new Map(ids.map((id) => [id, one])));
  const result = await scanDevice(line, ids, 100, () => {});
  expect(result).toMatchObject({ askedCount: 6, isIdIgnored: true, units: [{ unitId: 1 }] });
});

it("device scan shows what it found", async () => {
  const host = await serve(new Map([[3, new Registers([[0, 7]])]]));
  const { code, out } = await runTool(["device", "scan", host, "--units", "2-3"]);
  expect(code).toBe(0);
  expect(out).toMatch(/^3 +registers +[\d.]+ ms +no$/m);
  expect(out).toContain("1 of 2 unit ids answered.");
});

it("device scan says that nobody answered, and ends with code 1", async () => {
  const host = await serve(new Map());
  const { code, out } = await runTool(["device", "scan", host, "--units", "1-2"]);
  expect([code, out]).toEqual([1, expect.stringContaining("none of 2 unit ids answered")]);
});

it("unit ids are read as numbers and ranges", () => {
  expect(parseUnits("1-3, 126,2")).toEqual([1, 2, 3, 126]);
  for (const text of ["", "3-1", "1-300", "a"]) expect(() => parseUnits(text)).toThrow("1-10,126");
});
