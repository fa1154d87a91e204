import { randomUUID } from "node:crypto";
import type { OperatorRequest, OperatorRole } from "../../kernel/command.ts";
import { RemsError } from "../../kernel/errors.ts";
import type { PointValue, Quality } from "../../kernel/point.ts";
import {
  EXCEPTION,
  type ModbusAnswer,
  type ModbusRequest,
} from "../../drivers/modbus-server/modbus-frames.ts";
import type { ModbusConnection, ModbusUnit } from "../../drivers/modbus-server/modbus-server.ts";
import type { CommandDesk } from "../control-service.ts";
import type { NodeView } from "../node-view.ts";
import { gridFigures, type GridFigures } from "./grid-points.ts";
import {
  BLOCK_HEADER_LENGTH,
  COMMAND_LENGTH,
  HEADER_LENGTH,
  MAP_SIGNATURE,
  MAP_VERSION,
  NAME_LENGTH,
  REASON_LENGTH,
  type MapBlock,
  type MapPoint,
  type MapUnit,
} from "./modbus-map.ts";

/** What became of the last request of a block: the first register of its result. */
export const RESULT = { none: 0, pending: 1, accepted: 2, refused: 3 } as const;
export const ROLES: readonly OperatorRole[] = ["operator", "engineer"];

interface LastRequest {
  readonly result: number;
  readonly requestCount: number;
  readonly reason: string;
}

const NO_REQUEST: LastRequest = { result: RESULT.none, requestCount: 0, reason: "" };
const QUALITIES: Readonly<Record<Quality, number>> = { bad: 0, uncertain: 1, good: 2 };
const AGE_TENTHS_MAX = 0xfffe;
const AGE_UNKNOWN = 0xffff;
/** Figures of a grid are worked out at most so often, whoever reads. */
const FIGURES_MS = 100;

/** The points of one grid as registers; writes become operators' requests. */
export class OutwardRegisters implements ModbusUnit {
  readonly answerDelayMs = 0;
  readonly #view: NodeView;
  readonly #desk: Pick<CommandDesk, "decide">;
  readonly #map: MapUnit;
  readonly #requests = new Map<MapBlock, LastRequest>();
  readonly #figures = new Map<
    string,
    { readonly atMs: number; readonly figures: GridFigures | null }
  >();

  constructor(view: NodeView, desk: Pick<CommandDesk, "decide">, map: MapUnit) {
    this.#view = view;
    this.#desk = desk;
    this.#map = map;
  }

  answer(request: ModbusRequest, connection: ModbusConnection): ModbusAnswer {
    if (request.kind === "read") {
      if (request.table !== "holding" && request.table !== "input")
        return refusal("illegalFunction");
      const values = this.#read(request.address, request.count);
      return values === null ? refusal("illegalAddress") : { kind: "registers", values };
    }
    if (request.kind === "writeCoils") return refusal("illegalFunction");
    const block = this.#map.blocks.find(
      ({ commandAddress }) => commandAddress !== 0 && commandAddress === request.address,
    );
    // One request carries command, value, expiry and role, so that none of them can be of another's.
    if (block === undefined || request.values.length !== COMMAND_LENGTH)
      return refusal("illegalAddress");
    return this.#command(block, request.values, connection);
  }

  /** Gaps between blocks read as 0; beyond the last block there is nothing. */
  #read(address: number, count: number): number[] | null {
    const { blocks } = this.#map;
    const last = blocks.at(-1);
    const end = last === undefined ? HEADER_LENGTH : last.address + last.length;
    if (address + count > end) return null;
    const words = Array.from({ length: count }, () => 0);
    const put = (at: number, values: readonly number[]): void => {
      for (const [index, value] of values.entries()) {
        const place = at + index - address;
        if (place >= 0 && place < count) words[place] = value;
      }
    };
    if (address < HEADER_LENGTH) put(0, this.#header());
    for (const block of blocks) {
      if (block.address + block.length <= address || block.address >= address + count) continue;
      put(block.address, blockHeader(block));
      for (const point of block.points) put(point.address, this.#point(block, point));
      if (block.commandAddress !== 0)
        put(block.commandAddress + COMMAND_LENGTH, this.#result(block));
    }
    return words;
  }

  #header(): number[] {
    const { manifest, node, isSimulation } = this.#view;
    const { blocks, hash } = this.#map;
    const heartbeat = Math.floor(process.uptime()) % 0x10000;
    return [
      ...MAP_SIGNATURE,
      MAP_VERSION,
      blocks.length,
      hash >>> 16,
      hash & 0xffff,
      isSimulation ? 0 : 1,
      heartbeat,
      blocks[0]?.address ?? 0,
      manifest.modbusServer.takesCommands ? 1 : 0,
      ...textWords(manifest.installation.id, NAME_LENGTH),
      ...textWords(node.id, NAME_LENGTH),
    ];
  }

  #point(block: MapBlock, point: MapPoint): number[] {
    const { value, quality, ageMs } = this.#reading(block, point);
    const tenths = ageMs === null ? AGE_UNKNOWN : Math.min(AGE_TENTHS_MAX, Math.round(ageMs / 100));
    return [point.nameCode, QUALITIES[quality], tenths, ...floatWords(numberOf(value, point))];
  }

  #reading(
    block: MapBlock,
    point: MapPoint,
  ): {
    readonly value: PointValue | null;
    readonly quality: Quality;
    readonly ageMs: number | null;
  } {
    if (block.kind === "grid") {
      const figures = this.#figuresOf(block.grid);
      if (figures === null) return { value: null, quality: "bad", ageMs: null };
      const { quality, ageMs } = figures;
      return { value: figures.values.get(point.name) ?? null, quality, ageMs };
    }
    const replica = this.#view.replicas.get(block.grid);
    const sample = replica?.sampleOf(block.id, point.name) ?? null;
    if (replica === undefined || sample === null) {
      const held = replica?.heldLevelOf(block.id, point.name) ?? null;
      if (replica === undefined || held === null)
        return { value: null, quality: "bad", ageMs: null };
      return { value: held, quality: "good", ageMs: replica.frameAgeMs };
    }
    const [, value, quality] = sample;
    return { value, quality, ageMs: replica.ageMsOf(block.id, point.name) };
  }

  #figuresOf(grid: string): GridFigures | null {
    const nowMs = performance.now();
    const known = this.#figures.get(grid);
    if (known !== undefined && nowMs - known.atMs < FIGURES_MS) return known.figures;
    const figures = gridFigures(this.#view, grid);
    this.#figures.set(grid, { atMs: nowMs, figures });
    return figures;
  }

  #result(block: MapBlock): number[] {
    const { result, requestCount, reason } = this.#requests.get(block) ?? NO_REQUEST;
    return [result, requestCount, ...textWords(reason, REASON_LENGTH)];
  }

  /** Takes a request for the core. What is wrong with it is an exception at once; what the core answers stands in the result. */
  #command(block: MapBlock, values: readonly number[], connection: ModbusConnection): ModbusAnswer {
    const [code = 0, high = 0, low = 0, expiryS = 0, roleIndex = 0] = values;
    const { role: highest, expirySMax } = this.#view.manifest.modbusServer;
    const before = this.#requests.get(block) ?? NO_REQUEST;
    const requestCount = (before.requestCount + 1) % 0x10000;
    const tell = (result: number, reason: string): void =>
      void this.#requests.set(block, { result, requestCount, reason });
    const refuse = (why: keyof typeof EXCEPTION, reason: string): ModbusAnswer => {
      tell(RESULT.refused, reason);
      return refusal(why);
    };
    if (before.result === RESULT.pending) return refusal("busy");
    const command = block.commands.find((one) => one.code === code);
    if (command === undefined) return refuse("illegalValue", `no command ${code} here`);
    const value = floatOf(high, low);
    if (!Number.isFinite(value)) return refuse("illegalValue", "the value is not a finite number");
    if (expiryS < 1 || expiryS > expirySMax) {
      return refuse("illegalValue", `the expiry must be 1 to ${expirySMax} s`);
    }
    const role = ROLES[roleIndex];
    if (role === undefined || roleIndex > ROLES.indexOf(highest)) {
      return refuse("illegalValue", `the role must not be above ${highest}`);
    }
    const status = this.#view.statusOf(block.grid);
    if (status?.role !== "leading") {
      const leader = status?.leader?.node ?? "nobody";
      return refuse(
        "deviceFailure",
        `${this.#view.node.id} does not lead ${block.grid}; ${leader} does`,
      );
    }
    tell(RESULT.pending, "");
    const request: OperatorRequest = {
      requestId: `modbus-${randomUUID()}`,
      role,
      user: `modbus ${connection.writer}`.slice(0, 64),
      actor: this.#actorOf(block),
      command: command.name,
      arguments: command.name === "limit" ? { value, expiryS } : {},
    };
    this.#desk.decide(block.grid, request, 0, false).then(
      ({ isAccepted, reason }) => tell(isAccepted ? RESULT.accepted : RESULT.refused, reason),
      (error: unknown) =>
        tell(RESULT.refused, error instanceof RemsError ? error.message : "failed"),
    );
    return { kind: "written" };
  }

  #actorOf(block: MapBlock): string {
    const { plan } = this.#view.replicaOf(block.grid).core;
    return block.kind === "grid" ? plan.address : (plan.deviceById.get(block.id)?.address ?? "");
  }
}

function refusal(why: keyof typeof EXCEPTION): ModbusAnswer {
  return { kind: "exception", code: EXCEPTION[why] };
}

function blockHeader(block: MapBlock): number[] {
  const { kindCode, length, nextAddress, points, id, commandAddress } = block;
  const words = [
    kindCode,
    length,
    nextAddress,
    points.length,
    ...textWords(id, NAME_LENGTH),
    commandAddress,
  ];
  return [...words, ...Array.from({ length: BLOCK_HEADER_LENGTH - words.length }, () => 0)];
}

/** Not a number where nothing is known. */
function numberOf(value: PointValue | null, point: MapPoint): number {
  if (value === null) return Number.NaN;
  if (typeof value === "string") {
    const place = point.labels.indexOf(value);
    return place < 0 ? Number.NaN : place;
  }
  return Number(value);
}

/** A float32, high word first. */
function floatWords(value: number): number[] {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatBE(value);
  return [bytes.readUInt16BE(0), bytes.readUInt16BE(2)];
}

function floatOf(high: number, low: number): number {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt16BE(high, 0);
  bytes.writeUInt16BE(low, 2);
  // 100.1 is what was meant, not the float32 nearest to it.
  return Number(bytes.readFloatBE(0).toPrecision(7)) + 0;
}

/** Two characters of ASCII in a register, the first in the high byte; filled up with zeros. */
function textWords(text: string, length: number): number[] {
  const plain = text.replaceAll(/[^\u0020-\u007e]/g, "?").slice(0, length * 2);
  return Array.from(
    { length },
    (_value, index) =>
      ((plain.codePointAt(index * 2) ?? 0) << 8) | (plain.codePointAt(index * 2 + 1) ?? 0),
  );
}
