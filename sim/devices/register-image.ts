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
  /** Points that registers say by their value, of which several may share one, by address. */
  readonly #saying: Readonly<Record<"holding" | "input", ReadonlyMap<number, PointMapping[]>>>;

  constructor(profile: DeviceProfile) {
    this.#profile = profile;
    for (const mapping of profile.points) {
      this.#cells[mapping.table].push({ address: mapping.address, mapping });
      const { readBack } = mapping;
      if (readBack !== null) this.#cells[readBack.table].push({ ...readBack, mapping });
    }
    this.#saying = {
      holding: sayingIn(this.#cells.holding),
      input: sayingIn(this.#cells.input),
    };
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
    const fixed = table === "holding" ? this.#profile.sunspec?.fixedRegisters : undefined;
    const words = Array.from(
      { length: count },
      (_, index) => fixed?.words[address + index - fixed.address] ?? 0,
    );
    const put = (at: number, word: number) => {
      const index = at - address;
      if (index >= 0 && index < count) words[index] = (words[index] ?? 0) | word;
    };
    for (const cell of this.#cells[table]) {
      const value = points[cell.mapping.point];
      if (value === undefined || cell.mapping.constant !== null || isSaying(cell.mapping)) continue;
      for (const [index, word] of encodeWords(cell.mapping, value).entries()) {
        put(cell.address + index, word);
      }
    }
    for (const [at, mappings] of this.#saying[table]) {
      for (const [index, word] of wordsSaying(mappings, points).entries()) put(at + index, word);
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
      if (index >= 0 && index < count)
        bits[index] = bitOf(cell.mapping, points[cell.mapping.point]) === 1;
    }
    return bits;
  }

  /** Decodes a write of registers. Every register must be one that the profile lets write. */
  decodeRegisters(address: number, values: readonly number[]): DecodedWrite | WriteProblem {
    if (this.#isRelease(address, values)) return { epoch: null, levels: [], commands: ["release"] };
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
      for (const one of companions(mapping)) if (one >= address && one < end) covered.add(one);
      if (at >= end || at + size <= address) continue;
      if (at < address || at + size > end) return "address";
      const value = decodeWords(mapping, values.slice(at - address, at - address + size));
      if (!Number.isFinite(value)) return "value";
      levels.push({ point: mapping.point, value });
      for (let index = 0; index < size; index += 1) covered.add(at + index);
    }
    const commands: string[] = [];
    const own = this.#profile.commands.filter(
      ({ table, command }) =>
        table === "holding" && (command !== "release" || epochRegister !== null),
    );
    for (const at of new Set(own.map((one) => one.address))) {
      if (at < address || at >= end) continue;
      const there = own.filter((one) => one.address === at);
      const beforeCount = Math.max(...there.map(({ before }) => before.length));
      for (let one = Math.max(at - beforeCount, address); one <= at; one += 1) covered.add(one);
      if (word(at) === 0 && beforeCount === 0) continue;
      const known = there.find(
        ({ value, before }) =>
          value === word(at) && before.every((one, i) => one === word(at - before.length + i)),
      );
      if (known === undefined) return "value";
      commands.push(known.command);
    }
    if (covered.size !== values.length) return "address";
    return { epoch, levels, commands };
  }

  /** What gives the device back may write the very registers of a level: it is known by being just that. */
  #isRelease(address: number, values: readonly number[]): boolean {
    const { commands, epochRegister } = this.#profile;
    const release = commands.find(({ command }) => command === "release");
    if (release === undefined || release.table !== "holding" || epochRegister !== null)
      return false;
    const words = [...release.before, release.value];
    return (
      address === release.address - release.before.length &&
      words.length === values.length &&
      words.every((word, index) => word === values[index])
    );
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
      if (table === "holding") used.push(...companions(mapping));
    }
    for (const command of this.#profile.commands) {
      if (command.table !== table) continue;
      for (let back = 0; back <= command.before.length; back += 1)
        used.push(command.address - back);
    }
    const { signature, epochRegister, sunspec } = this.#profile;
    if (sunspec !== null && table === "holding") {
      const { address, words } = sunspec.fixedRegisters;
      words.forEach((_word, index) => used.push(address + index));
    }
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

function sayingIn(cells: readonly Cell[]): ReadonlyMap<number, PointMapping[]> {
  const byAddress = new Map<number, PointMapping[]>();
  for (const { address, mapping } of cells) {
    if (mapping.constant !== null || !isSaying(mapping)) continue;
    byAddress.set(address, [...(byAddress.get(address) ?? []), mapping]);
  }
  return byAddress;
}

/** Says what it says by a value, not by a number or a bit of its own. */
function isSaying(mapping: PointMapping): boolean {
  return mapping.type !== "bit" && (mapping.labels !== null || mapping.trueWhen !== null);
}

/** The bit that says a switch; `true_values = [0]` turns it round. */
function bitOf(mapping: PointMapping, value: PointValue | undefined): 0 | 1 {
  const { trueWhen } = mapping;
  const one = trueWhen === null || !("values" in trueWhen) || trueWhen.values.includes(1);
  return (value === true) === one ? 1 : 0;
}

/** Registers that each write of a level sets along. */
function companions(mapping: PointMapping): number[] {
  if (mapping.writeWith === null) return [];
  const { before, after } = mapping.writeWith;
  const end = mapping.address + wordCount(mapping);
  return [
    ...before.map((_word, index) => mapping.address - before.length + index),
    ...after.map((_word, index) => end + index),
  ];
}

/** The raw value that says most of what the points are: an enumeration cannot say everything that single switches can. */
function wordsSaying(
  mappings: readonly PointMapping[],
  points: Readonly<Record<string, PointValue>>,
): number[] {
  const said = (mapping: PointMapping, raw: number): PointValue | undefined => {
    const { trueWhen, labels } = mapping;
    if (labels !== null) return labels[raw];
    if (trueWhen === null) return raw !== 0;
    return "values" in trueWhen ? trueWhen.values.includes(raw) : (raw & trueWhen.mask) >>> 0 !== 0;
  };
  const masks = mappings.flatMap(({ point, trueWhen }) => {
    const mask = trueWhen !== null && "mask" in trueWhen ? trueWhen.mask : 0;
    return points[point] === true && mask !== 0 ? [(mask & -mask) >>> 0] : [];
  });
  const flags = masks.reduce((sum, mask) => (sum | mask) >>> 0, 0);
  const candidates = mappings.flatMap(({ labels, trueWhen }) => [
    ...Object.keys(labels ?? {}).map(Number),
    ...(trueWhen !== null && "values" in trueWhen ? trueWhen.values : []),
  ]);
  let best = flags;
  let bestCount = -1;
  for (const raw of [flags, ...candidates, 0, 1]) {
    const count = mappings.filter((one) => said(one, raw) === points[one.point]).length;
    if (count > bestCount) [best, bestCount] = [raw, count];
  }
  const [first] = mappings;
  if (first === undefined || wordCount(first) === 1) return [best & 0xffff];
  const words = [Math.floor(best / 0x10000), best % 0x10000];
  return first.wordOrder === "big" ? words : words.reverse();
}

function wordCount(mapping: PointMapping): number {
  return mapping.type === "int32" || mapping.type === "uint32" || mapping.type === "float32"
    ? 2
    : 1;
}

/** A point's value as registers, high word first unless the mapping says otherwise; what does not fit is cut to the range. */
export function encodeWords(mapping: PointMapping, value: PointValue): number[] {
  if (mapping.type === "bit") return [bitOf(mapping, value) << (mapping.bit ?? 0)];
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
