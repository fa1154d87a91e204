import { crc32 } from "node:zlib";
import { assert } from "../kernel/assert.ts";
import type { EncodedFrame } from "../kernel/frame.ts";
import { HASH_NONE } from "../kernel/hash.ts";
import { NOTE_KINDS, type JournalNote, type Snapshot } from "../kernel/ports/journal.ts";
import type { LogPosition } from "../kernel/record.ts";

/** Kinds of entries, as the byte that stands for them in the file. Never reuse a number. */
const ENTRY_KINDS = { segment: 1, frame: 2, snapshot: 3, void: 4, note: 5, gap: 6 } as const;
type EntryKind = keyof typeof ENTRY_KINDS;
const KIND_NAMES = new Map<number, EntryKind>(
  (Object.keys(ENTRY_KINDS) as EntryKind[]).map((kind) => [ENTRY_KINDS[kind], kind]),
);

/** Longest entry that is written or believed. */
export const ENTRY_BYTES_MAX = 16 * 1024 * 1024;
/** Length and CRC32 before each body. */
export const ENTRY_PREFIX_BYTES = 8;
/** Kind, length of the grid's name, epoch, sequence, plant time, hash, previous hash. */
const BODY_HEADER_BYTES = 1 + 1 + 8 + 8 + 8 + 16 + 16;
const NOTE_TEXT_LENGTH_MAX = 4096;

/** One entry of the journal; fields that a kind does not use are 0, {@link HASH_NONE} or empty. */
export interface JournalEntry {
  readonly kind: EntryKind;
  readonly grid: string;
  /** Place of the frame or snapshot; for a void mark the last place that still holds. */
  readonly position: LogPosition;
  readonly plantTimeMs: number;
  readonly previousHash: string;
  /** UTF-8; see the kinds in README.md. */
  readonly text: Buffer;
}

interface EntryFields {
  readonly kind: EntryKind;
  readonly grid: string;
  readonly position?: LogPosition;
  readonly plantTimeMs?: number;
  readonly previousHash?: string;
}

export function frameBody(encoded: EncodedFrame): Buffer {
  const { grid, plantTimeMs, previousHash } = encoded.frame;
  return entryBody(
    { kind: "frame", grid, position: encoded.position, plantTimeMs, previousHash },
    encoded.text,
  );
}

export function snapshotBody(snapshot: Snapshot): Buffer {
  const { grid, position, plantTimeMs, coreVersion, manifestHash, state } = snapshot;
  assert(!`${coreVersion}${manifestHash}`.includes("\n"), "versions and hashes are single lines");
  const text = `${coreVersion}\n${manifestHash}\n${state}`;
  return entryBody({ kind: "snapshot", grid, position, plantTimeMs }, text);
}

export function voidBody(grid: string, after: LogPosition): Buffer {
  return entryBody({ kind: "void", grid, position: after }, "");
}

export function noteBody(note: JournalNote): Buffer {
  const text = `${note.kind}\n${note.text.slice(0, NOTE_TEXT_LENGTH_MAX)}`;
  return entryBody({ kind: "note", grid: note.grid, plantTimeMs: note.plantTimeMs }, text);
}

export function gapBody(lostCount: number): Buffer {
  return entryBody({ kind: "gap", grid: "" }, String(lostCount));
}

export function segmentBody(text: string): Buffer {
  return entryBody({ kind: "segment", grid: "" }, text);
}

function entryBody(fields: EntryFields, text: string): Buffer {
  const grid = Buffer.from(fields.grid);
  assert(grid.length < 256, "a grid's id is shorter than 256 bytes");
  const textBytes = Buffer.byteLength(text);
  const body = Buffer.allocUnsafe(BODY_HEADER_BYTES + grid.length + textBytes);
  body[0] = ENTRY_KINDS[fields.kind];
  body[1] = grid.length;
  body.writeDoubleLE(fields.position?.epoch ?? 0, 2);
  body.writeDoubleLE(fields.position?.sequence ?? 0, 10);
  body.writeDoubleLE(fields.plantTimeMs ?? 0, 18);
  body.write(fields.position?.hash ?? HASH_NONE, 26, 16, "hex");
  body.write(fields.previousHash ?? HASH_NONE, 42, 16, "hex");
  grid.copy(body, BODY_HEADER_BYTES);
  body.write(text, BODY_HEADER_BYTES + grid.length, "utf8");
  return body;
}

/** Reads a body back; null if it is none. */
export function parseBody(body: Buffer): JournalEntry | null {
  if (body.length < BODY_HEADER_BYTES) return null;
  const kind = KIND_NAMES.get(body.readUInt8(0));
  const textAt = BODY_HEADER_BYTES + body.readUInt8(1);
  if (kind === undefined || textAt > body.length) return null;
  return {
    kind,
    grid: body.toString("utf8", BODY_HEADER_BYTES, textAt),
    position: {
      epoch: body.readDoubleLE(2),
      sequence: body.readDoubleLE(10),
      hash: body.toString("hex", 26, 42),
    },
    plantTimeMs: body.readDoubleLE(18),
    previousHash: body.toString("hex", 42, 58),
    text: body.subarray(textAt),
  };
}

/** The snapshot that an entry holds; null if it is damaged. */
export function snapshotOf(entry: JournalEntry): Snapshot | null {
  const text = entry.text.toString("utf8");
  const first = text.indexOf("\n");
  const second = text.indexOf("\n", first + 1);
  if (first < 0 || second < 0) return null;
  return {
    grid: entry.grid,
    position: entry.position,
    plantTimeMs: entry.plantTimeMs,
    coreVersion: text.slice(0, first),
    manifestHash: text.slice(first + 1, second),
    state: text.slice(second + 1),
  };
}

/** The line that an entry holds; null if it is damaged or of a kind that this version does not know. */
export function noteOf(entry: JournalEntry): JournalNote | null {
  const text = entry.text.toString("utf8");
  const end = text.indexOf("\n");
  const kind = NOTE_KINDS.find((known) => known === text.slice(0, end));
  if (end < 0 || kind === undefined) return null;
  const { grid, plantTimeMs } = entry;
  return { grid, plantTimeMs, kind, text: text.slice(end + 1) };
}

/** Length (little-endian) and CRC32 (ISO-HDLC, as in zlib) of the length and the body. */
export function entryPrefix(body: Buffer): Buffer {
  assert(body.length <= ENTRY_BYTES_MAX, "an entry is at most 16 MiB");
  const prefix = Buffer.allocUnsafe(ENTRY_PREFIX_BYTES);
  prefix.writeUInt32LE(body.length, 0);
  prefix.writeUInt32LE(checksum(prefix.subarray(0, 4), body), 4);
  return prefix;
}

export interface ScannedEntries {
  readonly entries: readonly JournalEntry[];
  /** Where each entry ends, in bytes from the start. */
  readonly ends: readonly number[];
  /** Bytes from the start that are whole entries; what follows is torn or corrupt. */
  readonly goodBytes: number;
}

/** Reads entries until the end or the first one that is torn or corrupt: nothing behind that place is believed. */
export function scanEntries(bytes: Buffer): ScannedEntries {
  const entries: JournalEntry[] = [];
  const ends: number[] = [];
  let at = 0;
  while (at + ENTRY_PREFIX_BYTES <= bytes.length) {
    const length = bytes.readUInt32LE(at);
    const bodyAt = at + ENTRY_PREFIX_BYTES;
    if (length > ENTRY_BYTES_MAX || bodyAt + length > bytes.length) break;
    const body = bytes.subarray(bodyAt, bodyAt + length);
    if (bytes.readUInt32LE(at + 4) !== checksum(bytes.subarray(at, at + 4), body)) break;
    const entry = parseBody(body);
    if (entry === null) break;
    entries.push(entry);
    at = bodyAt + length;
    ends.push(at);
  }
  return { entries, ends, goodBytes: at };
}

function checksum(length: Buffer, body: Buffer): number {
  return crc32(body, crc32(length));
}
