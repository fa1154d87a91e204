import type { CommandMapping, DeviceProfile, PointMapping } from "../../configs/profile.ts";
import { assert, present } from "../../kernel/assert.ts";
import { DEVICE_KINDS } from "../../kernel/device-kinds.ts";
import { RemsError } from "../../kernel/errors.ts";
import { createPointCodec, type PointCodec } from "./codec.ts";

/** One write request on the wire; `words` are registers, for a coil 0 or 1. */
export interface WriteRequest {
  readonly functionCode: 5 | 6 | 16;
  readonly address: number;
  readonly words: readonly number[];
}

/** A level's registers: the place of it in {@link WriteLayout.levels} is its index everywhere. */
export interface LevelLayout {
  readonly point: string;
  readonly address: number;
  readonly codec: PointCodec;
  readonly mapping: PointMapping;
  /** Words that each write sets right before and right after the level's own. */
  readonly before: readonly number[];
  readonly after: readonly number[];
}

/** Where a device takes what it is told. Levels are in the order of their addresses. */
export interface WriteLayout {
  readonly levels: readonly LevelLayout[];
  /** First of the two registers of the epoch, high word first; null in a plain series. */
  readonly epochAddress: number | null;
  readonly commands: ReadonlyMap<string, CommandMapping>;
}

/** A request and the indices of the levels that it carries. */
export interface LevelWrite {
  readonly request: WriteRequest;
  readonly levels: readonly number[];
}

/** Most registers that one write carries (Modbus Application Protocol V1.1b3, function code 16). */
const WRITE_COUNT_MAX = 123;
const EPOCH_WORD_COUNT = 2;
export const EPOCH_MAX = 0xffffffff;

function invalid(profile: DeviceProfile, message: string): RemsError {
  return new RemsError("REMS_PROFILE_INVALID", `profile ${profile.id}: ${message}`);
}

function checkEpochBlock(profile: DeviceProfile, layout: WriteLayout, epochAddress: number): void {
  let next = epochAddress + EPOCH_WORD_COUNT;
  for (const level of layout.levels) {
    if (level.address !== next) {
      throw invalid(
        profile,
        `level ${level.point} at holding ${level.address} must follow the epoch and the other levels without a gap, at ${next}`,
      );
    }
    next += level.codec.wordCount;
  }
  for (const command of layout.commands.values()) {
    if (command.table !== "holding" || command.address !== next) {
      throw invalid(
        profile,
        `command ${command.command} at ${command.table} ${command.address} must follow the epoch and the levels, at holding ${next}`,
      );
    }
  }
  if (next + 1 - epochAddress > WRITE_COUNT_MAX) {
    throw invalid(profile, `epoch, levels and command take more than ${WRITE_COUNT_MAX} registers`);
  }
}

/**
 * Finds what a profile lets R-EMS write.
 * @throws {@link RemsError} `REMS_PROFILE_INVALID` where a level or command stands where it cannot be written as the rules demand.
 */
export function layoutWrites(profile: DeviceProfile): WriteLayout {
  const levels: LevelLayout[] = [];
  for (const mapping of profile.points) {
    const spec = DEVICE_KINDS[profile.kind].points[mapping.point];
    if (spec === undefined) {
      throw invalid(profile, `a ${profile.kind} has no point ${mapping.point}`);
    }
    if (spec.direction !== "level" || mapping.access === "read") continue;
    if (mapping.table !== "holding" || mapping.type === "bit") {
      throw invalid(profile, `level ${mapping.point} must be a number in holding registers`);
    }
    levels.push({
      point: mapping.point,
      address: mapping.address,
      codec: createPointCodec(mapping, spec),
      mapping,
      before: mapping.writeWith?.before ?? [],
      after: mapping.writeWith?.after ?? [],
    });
  }
  levels.sort((a, b) => a.address - b.address);
  for (const [index, level] of levels.entries()) {
    const before = levels[index - 1];
    if (before !== undefined && endOf(before) > startOf(level)) {
      throw invalid(profile, `levels ${before.point} and ${level.point} overlap`);
    }
  }
  const commands = new Map(profile.commands.map((command) => [command.command, command]));
  const epochAddress = profile.epochRegister?.address ?? null;
  const layout: WriteLayout = { levels, epochAddress, commands };
  if (epochAddress !== null) checkEpochBlock(profile, layout, epochAddress);
  return layout;
}

function startOf(level: LevelLayout): number {
  return level.address - level.before.length;
}

function endOf(level: LevelLayout): number {
  return level.address + level.codec.wordCount + level.after.length;
}

function epochWords(epoch: number): readonly number[] {
  assert(Number.isSafeInteger(epoch) && epoch >= 0 && epoch <= EPOCH_MAX, "an epoch fits 32 bits");
  return [Math.floor(epoch / 0x10000), epoch % 0x10000];
}

/**
 * The requests that bring the levels that are due to the device: in a plain series one for each contiguous run from its first
 * to its last due level, in an epoch series one from the epoch to the last level.
 *
 * @param image - Registers that each level should hold, from the set-points or as last read back; null where unknown.
 * @param isDue - Which levels must be written.
 * @returns The requests, or the reason why none can be made.
 */
export function planLevelWrites(
  layout: WriteLayout,
  image: readonly (readonly number[] | null)[],
  isDue: readonly boolean[],
  epoch: number,
): readonly LevelWrite[] | string {
  if (!isDue.includes(true)) return [];
  if (layout.epochAddress !== null) {
    const words = [...epochWords(epoch)];
    for (const [index, level] of layout.levels.entries()) {
      const held = image[index];
      if (held === null || held === undefined) return `the value of ${level.point} is not known`;
      words.push(...held);
    }
    const request: WriteRequest = { functionCode: 16, address: layout.epochAddress, words };
    return [{ request, levels: layout.levels.map((_level, index) => index) }];
  }
  const writes: LevelWrite[] = [];
  let run: {
    address: number;
    words: number[];
    levels: number[];
    dueWordCount: number;
    dueCount: number;
  } | null = null;
  const finish = () => {
    if (run === null) return;
    const { address, words, levels, dueWordCount, dueCount } = run;
    writes.push({
      request: { functionCode: 16, address, words: words.slice(0, dueWordCount) },
      levels: levels.slice(0, dueCount),
    });
    run = null;
  };
  for (const [index, level] of layout.levels.entries()) {
    const held = image[index];
    const continues =
      run !== null &&
      run.address + run.words.length === startOf(level) &&
      held &&
      run.words.length + endOf(level) - startOf(level) <= WRITE_COUNT_MAX;
    if (!continues) finish();
    if (!held || (run === null && isDue[index] !== true)) continue;
    run ??= { address: startOf(level), words: [], levels: [], dueWordCount: 0, dueCount: 0 };
    run.words.push(...level.before, ...held, ...level.after);
    run.levels.push(index);
    if (isDue[index] === true) {
      run.dueWordCount = run.words.length;
      run.dueCount = run.levels.length;
    }
  }
  finish();
  return writes;
}

/**
 * The request that gives a command: alone in a plain series; in an epoch series behind the epoch and the levels, so that the
 * device judges epoch and command together.
 *
 * @returns The request, or the reason why none can be made.
 */
export function planCommandWrite(
  layout: WriteLayout,
  command: string,
  image: readonly (readonly number[] | null)[],
  epoch: number,
): WriteRequest | string {
  const mapping = present(layout.commands.get(command), "the command was found in the profile");
  if (layout.epochAddress === null && mapping.before.length > 0) {
    const { before, address, value } = mapping;
    return { functionCode: 16, address: address - before.length, words: [...before, value] };
  }
  if (layout.epochAddress === null) {
    return {
      functionCode: mapping.table === "coil" ? 5 : 6,
      address: mapping.address,
      words: [mapping.value],
    };
  }
  const words = [...epochWords(epoch)];
  for (const [index, level] of layout.levels.entries()) {
    const held = image[index];
    if (held === null || held === undefined) return `the value of ${level.point} is not known`;
    words.push(...held);
  }
  words.push(mapping.value);
  return { functionCode: 16, address: layout.epochAddress, words };
}
