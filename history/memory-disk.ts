import { present } from "../kernel/assert.ts";
import { RemsError } from "../kernel/errors.ts";
import type { SegmentDisk } from "./segment-disk.ts";

/** A disk in memory that can fill up, fail, and lose power: the journal's adversary in tests and in the simulator. */
export interface MemoryDisk extends SegmentDisk {
  /** Operations fail as long as it is not empty. */
  failure: "" | "ENOSPC" | "EIO";
  /** Keeps of each file what was synced and, of the rest, at most `unsyncedBytes`: the start of what the kernel had not written. */
  losePower(unsyncedBytes: number): void;
  /** Time passes for all that is there. */
  passTime(ms: number): void;
  /** Bytes of a segment, to damage them. */
  bytesOf(segment: number): Buffer;
}

interface MemoryFile {
  bytes: Buffer;
  syncedBytes: number;
  ageMs: number;
}

export function createMemoryDisk(): MemoryDisk {
  const files = new Map<number, MemoryFile>();
  const fileOf = (segment: number): MemoryFile =>
    present(files.get(segment), `segment ${segment} exists`);
  const disk: MemoryDisk = {
    failure: "",
    losePower(unsyncedBytes) {
      for (const file of files.values()) {
        file.bytes = file.bytes.subarray(0, file.syncedBytes + unsyncedBytes);
      }
    },
    bytesOf: (segment) => fileOf(segment).bytes,
    list: () => [...files.keys()].sort((a, b) => a - b),
    size: (segment) => fileOf(segment).bytes.length,
    read: (segment) => Buffer.from(fileOf(segment).bytes),
    ageMs: (segment) => fileOf(segment).ageMs,
    passTime(ms) {
      for (const file of files.values()) file.ageMs += ms;
    },
    truncate(segment, byteCount) {
      const file = fileOf(segment);
      file.bytes = file.bytes.subarray(0, byteCount);
      file.syncedBytes = Math.min(file.syncedBytes, byteCount);
    },
    remove: (segment) => void files.delete(segment),
    create(segment) {
      const file: MemoryFile = { bytes: Buffer.alloc(0), syncedBytes: 0, ageMs: 0 };
      files.set(segment, file);
      return {
        write(bytes, at) {
          // Half of it arrives before the error, as with a real disk that fills up.
          const accepted = disk.failure === "" ? bytes.length : bytes.length >> 1;
          file.bytes = Buffer.concat([file.bytes.subarray(0, at), bytes.subarray(0, accepted)]);
          failIfToldTo();
        },
        sync() {
          failIfToldTo();
          file.syncedBytes = file.bytes.length;
        },
        close: () => {},
      };
    },
  };
  function failIfToldTo(): void {
    if (disk.failure !== "") throw new RemsError("REMS_JOURNAL_FAILED", disk.failure);
  }
  return disk;
}
