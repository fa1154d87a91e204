import { assert } from "../../kernel/assert.ts";
import { clamp } from "../../kernel/math.ts";
import type { PointValue } from "../../kernel/point.ts";
import type { DeviceProfile, PointMapping, RegisterTable } from "../../configs/profile.ts";

/** What a write asks for, once it is decoded. */
export interface DecodedWrite {
  /** Null where the epoch is not in the request. */
  readonly epoch: number | null;
  readonly levels: readonly { readonly point: string; readonly value: number }[];
  readonly commands: readonly string[];
}

/** `address`: a register is not writable, or half of a value is missing. `value`: nothing that the device knows. */
export type WriteProblem = "address" | "value";

interface Cell {
  readonly address: number;
  readonly mapping: PointMapping;
}

interface Area {
  readonly first: number;
  readonly last: number;
}

/** The registers of one device as its profile lays them out: values encoded for reading, writes decoded into levels and commands. */
export class RegisterImage {
  readonly #profile: DeviceProfile;
  readonly #cells: Readonly<Record<RegisterTable, Cell[]>> = {
    holding: [],
    input: [],
    coil: [],
    discrete: [],
  };
  readonly #areas = new Map<RegisterTable, Area[]>();

  constructor(profile: DeviceProfile) {
    this.#profile = profile;
    for (const mapping of profile.points) {
      this.#cells[mapping.table].push({ address: mapping.address, mapping });
      const { readBack } = mapping;
      if (readBack !== null) this.#cells[readBack.table].push({ ...readBack, mapping });
    }
    for (const table of ["holding", "input", "coil", "discrete"] as const) {
      this.#areas.set(table, this.#areasOf(table));
    }
  }

  /**
   * The registers of a range.
   *
   * @returns Null where the range leaves what the profile maps. Gaps of up to 16 registers between mapped ones read as 0, so
   *   that a driver may group.
   */
  readRegisters(
    table: "holding" | "input",
    address: number,
    count: number,
    points: Readonly<Record<string, PointValue>>,
    epoch: number,
  ): number[] | null {
    if (!this.#isMapped(table, address, count)) return null;
    const words = Array.from({ length: count }, () => 0);
    const put = (at: number, word: number) => {
      const index = at - address;
      if (index >= 0 && index < count) words[index] = (words[index] ?? 0) | word;
    };
    for (const cell of this.#cells[table]) {
      const value = points[cell.mapping.point];
      if (value === undefined) continue;
      for (const [index, word] of encodeWords(cell.mapping, value).entries()) {
        put(cell.address + index, word);
      }
    }
    const { signature, epochRegister } = this.#profile;
    if (signature?.table === table) put(signature.address, signature.value);
    if (epochRegister !== null && table === "holding") {
      put(epochRegister.address, Math.floor(epoch / 65536));
      put(epochRegister.address + 1, epoch % 65536);
    }
    return words;
  }

  readBits(
    table: "coil" | "discrete",
    address: number,
    count: number,
    points: Readonly<Record<string, PointValue>>,
  ): boolean[] | null {
    if (!this.#isMapped(table, address, count)) return null;
    const bits = Array.from({ length: count }, () => false);
    for (const cell of this.#cells[table]) {
      const index = cell.address - address;
      if (index >= 0 && index < count) bits[index] = points[cell.mapping.point] === true;
    }
    return bits;
  }

  /** Decodes a write of registers. Every register must be one that the profile lets write. */
  decodeRegisters(address: number, values: readonly number[]): DecodedWrite | WriteProblem {
    const end = address + values.length;
    const covered = new Set<number>();
    const word = (at: number) => values[at - address] ?? 0;
    let epoch: number | null = null;
    const { epochRegister } = this.#profile;
    if (
      epochRegister !== null &&
      address <= epochRegister.address + 1 &&
      end > epochRegister.address
    ) {
      const at = epochRegister.address;
      if (address > at || end < at + 2) return "address";
      epoch = word(at) * 65536 + word(at + 1);
      covered.add(at).add(at + 1);
    }
    const levels: { point: string; value: number }[] = [];
    for (const { mapping, address: at } of this.#cells.holding) {
      const size = wordCount(mapping);
      if (mapping.access === "read" || at !== mapping.address) continue;
      if (at >= end || at + size <= address) continue;
      if (at < address || at + size > end) return "address";
      const value = decodeWords(mapping, values.slice(at - address, at - address + size));
      if (!Number.isFinite(value)) return "value";
      levels.push({ point: mapping.point, value });
      for (let index = 0; index < size; index += 1) covered.add(at + index);
    }
    const commands: string[] = [];
    const registers = new Set(
      this.#profile.commands.filter(({ table }) => table === "holding").map((one) => one.address),
    );
    for (const at of registers) {
      if (at < address || at >= end) continue;
      covered.add(at);
      if (word(at) === 0) continue;
      const known = this.#profile.commands.find(
        (one) => one.table === "holding" && one.address === at && one.value === word(at),
      );
      if (known === undefined) return "value";
      commands.push(known.command);
    }
    if (covered.size !== values.length) return "address";
    return { epoch, levels, commands };
  }

  decodeCoils(address: number, values: readonly boolean[]): DecodedWrite | WriteProblem {
    const commands: string[] = [];
    for (const [index, isSet] of values.entries()) {
      const at = address + index;
      const candidates = this.#profile.commands.filter(
        (one) => one.table === "coil" && one.address === at,
      );
      if (candidates.length === 0) return "address";
      const known = candidates.find((one) => one.value === (isSet ? 1 : 0));
      if (known !== undefined) commands.push(known.command);
    }
    return { epoch: null, levels: [], commands };
  }

  #isMapped(table: RegisterTable, address: number, count: number): boolean {
    const areas = this.#areas.get(table) ?? [];
    return areas.some((area) => address >= area.first && address + count - 1 <= area.last);
  }

  /** Runs of mapped registers; small gaps belong to them. */
  #areasOf(table: RegisterTable): Area[] {
    const used: number[] = [];
    for (const { address, mapping } of this.#cells[table]) {
      for (let index = 0; index < wordCount(mapping); index += 1) used.push(address + index);
    }
    for (const command of this.#profile.commands) {
      if (command.table === table) used.push(command.address);
    }
    const { signature, epochRegister } = this.#profile;
    if (signature?.table === table) used.push(signature.address);
    if (epochRegister !== null && table === "holding") {
      used.push(epochRegister.address, epochRegister.address + 1);
    }
    used.sort((a, b) => a - b);
    const areas: { first: number; last: number }[] = [];
    for (const address of used) {
      const current = areas.at(-1);
      if (current !== undefined && address - current.last <= 17) current.last = address;
      else areas.push({ first: address, last: address });
    }
    return areas;
  }
}

function wordCount(mapping: PointMapping): number {
  return mapping.type === "int32" || mapping.type === "uint32" || mapping.type === "float32"
    ? 2
    : 1;
}

/** A point's value as registers, high word first unless the mapping says otherwise; what does not fit is cut to the range. */
export function encodeWords(mapping: PointMapping, value: PointValue): number[] {
  if (mapping.type === "bit") return [value === true ? 1 << (mapping.bit ?? 0) : 0];
  const raw = rawNumber(mapping, value);
  const bytes = Buffer.alloc(4);
  switch (mapping.type) {
    case "int16":
      return [clamp(Math.round(raw), -32768, 32767) & 0xffff];
    case "uint16":
      return [clamp(Math.round(raw), 0, 65535)];
    case "int32":
      bytes.writeInt32BE(clamp(Math.round(raw), -2147483648, 2147483647));
      break;
    case "uint32":
      bytes.writeUInt32BE(clamp(Math.round(raw), 0, 4294967295));
      break;
    case "float32":
      bytes.writeFloatBE(raw);
      break;
    default:
      return mapping.type satisfies never;
  }
  const [high, low] = [bytes.readUInt16BE(0), bytes.readUInt16BE(2)];
  return mapping.wordOrder === "big" ? [high, low] : [low, high];
}

function rawNumber(mapping: PointMapping, value: PointValue): number {
  if (typeof value === "string") {
    const found = Object.entries(mapping.labels ?? {}).find(([, label]) => label === value);
    assert(found !== undefined, `the profile has no code for ${mapping.point} = ${value}`);
    return Number(found[0]);
  }
  if (typeof value === "boolean") return value ? 1 : 0;
  return (value - mapping.offset) / mapping.scale;
}

/** The number that registers hold, scale and offset applied. */
export function decodeWords(mapping: PointMapping, words: readonly number[]): number {
  const [first = 0, second = 0] = words;
  const [high, low] = mapping.wordOrder === "big" ? [first, second] : [second, first];
  const bytes = Buffer.alloc(4);
  bytes.writeUInt16BE(high, 0);
  bytes.writeUInt16BE(low, 2);
  let raw: number;
  switch (mapping.type) {
    case "bit":
      raw = (first >> (mapping.bit ?? 0)) & 1;
      break;
    case "int16":
      raw = (first << 16) >> 16;
      break;
    case "uint16":
      raw = first;
      break;
    case "int32":
      raw = bytes.readInt32BE(0);
      break;
    case "uint32":
      raw = bytes.readUInt32BE(0);
      break;
    case "float32":
      raw = bytes.readFloatBE(0);
      break;
    default:
      return mapping.type satisfies never;
  }
  return raw * mapping.scale + mapping.offset;
}
