import { utf8ToBytes } from "@noble/hashes/utils.js";
import { assert } from "./assert.ts";

/**
 * A bounded queue of byte records between exactly two threads, one that writes and one that reads, over shared memory.
 *
 * Layout: four 32-bit control words (write position, read position, records dropped, unused), then the data area.
 * Positions count bytes, grow for ever and wrap at 2³²; the data area is a power of two, so that a position maps to a place by a
 * mask. A record is two 32-bit words (payload length, records dropped just before it) and the payload, padded to four bytes.
 */
const CONTROL_BYTES = 16;
const WRITTEN = 0;
const READ = 1;
const DROPPED = 2;
const HEADER_BYTES = 8;
const BYTES_MIN = 64;
const BYTES_MAX = 2 ** 28;

export interface RingRecord {
  readonly data: Uint8Array;
  /** Records that were dropped between the previous record and this one: a gap where it is not 0. */
  readonly lostCount: number;
}

export interface RingWriter {
  /**
   * Copies `data` (text as UTF-8) into the ring. Never blocks and never throws.
   * @returns False if there was no room: the record is dropped and counted, and the next one that fits marks the gap.
   */
  offer(data: Uint8Array | string): boolean;
  /** Records dropped since the ring was made. */
  droppedCount(): number;
}

export interface RingReader {
  /** The oldest record not taken yet, copied out; null if there is none. */
  take(): RingRecord | null;
  /** Records dropped since the ring was made, those behind the last record included. */
  droppedCount(): number;
}

/**
 * Makes the memory of a ring; hand it to both threads.
 * @param byteCount - Room for records, 64 bytes to 256 MiB, rounded up to a power of two. A record takes 8 bytes more than its payload.
 */
export function createRing(byteCount: number): SharedArrayBuffer {
  assert(byteCount >= BYTES_MIN && byteCount <= BYTES_MAX, "a ring holds 64 bytes to 256 MiB");
  let size = BYTES_MIN;
  while (size < byteCount) size *= 2;
  return new SharedArrayBuffer(CONTROL_BYTES + size);
}

/**
 * Room for what several seconds of an installation may need: 40 kB a device, at least 1 MiB. A ring that wraps has touched all of its
 * memory, so its size is what it costs.
 */
export function ringBytesFor(deviceCount: number): number {
  return Math.min(Math.max(1024 * 1024, deviceCount * 40_000), BYTES_MAX);
}

/** The writing end. There is one per ring. */
export function openRingWriter(buffer: SharedArrayBuffer): RingWriter {
  const { control, bytes, words, mask } = areas(buffer);
  let lostCount = 0;
  return {
    offer(data) {
      const payload = typeof data === "string" ? utf8ToBytes(data) : data;
      const written = Atomics.load(control, WRITTEN) >>> 0;
      const used = (written - Atomics.load(control, READ)) >>> 0;
      const needed = HEADER_BYTES + padded(payload.length);
      if (needed > mask + 1 - used) {
        lostCount += 1;
        Atomics.add(control, DROPPED, 1);
        return false;
      }
      words[(written & mask) >>> 2] = payload.length;
      words[((written + 4) & mask) >>> 2] = lostCount;
      const at = (written + HEADER_BYTES) & mask;
      const upToEnd = Math.min(payload.length, mask + 1 - at);
      bytes.set(payload.subarray(0, upToEnd), at);
      bytes.set(payload.subarray(upToEnd), 0);
      lostCount = 0;
      // The atomic store comes last: who sees the new position sees the bytes before it.
      Atomics.store(control, WRITTEN, (written + needed) | 0);
      return true;
    },
    droppedCount: () => Atomics.load(control, DROPPED) >>> 0,
  };
}

/** The reading end. There is one per ring. */
export function openRingReader(buffer: SharedArrayBuffer): RingReader {
  const { control, bytes, words, mask } = areas(buffer);
  return {
    take() {
      const read = Atomics.load(control, READ) >>> 0;
      const available = ((Atomics.load(control, WRITTEN) >>> 0) - read) >>> 0;
      if (available === 0) return null;
      const length = words[(read & mask) >>> 2] ?? 0;
      const lostCount = words[((read + 4) & mask) >>> 2] ?? 0;
      const needed = HEADER_BYTES + padded(length);
      assert(needed <= available, "a record lies wholly behind the write position");
      const data = new Uint8Array(length);
      const at = (read + HEADER_BYTES) & mask;
      const upToEnd = Math.min(length, mask + 1 - at);
      data.set(bytes.subarray(at, at + upToEnd), 0);
      data.set(bytes.subarray(0, length - upToEnd), upToEnd);
      Atomics.store(control, READ, (read + needed) | 0);
      return { data, lostCount };
    },
    droppedCount: () => Atomics.load(control, DROPPED) >>> 0,
  };
}

function areas(buffer: SharedArrayBuffer): {
  readonly control: Int32Array;
  readonly bytes: Uint8Array;
  readonly words: Uint32Array;
  readonly mask: number;
} {
  const size = buffer.byteLength - CONTROL_BYTES;
  assert(size >= BYTES_MIN && (size & (size - 1)) === 0, "the memory was made by createRing");
  return {
    control: new Int32Array(buffer, 0, CONTROL_BYTES / 4),
    bytes: new Uint8Array(buffer, CONTROL_BYTES),
    words: new Uint32Array(buffer, CONTROL_BYTES),
    mask: size - 1,
  };
}

function padded(length: number): number {
  return (length + 3) & ~3;
}
