import {
  closeSync,
  fdatasyncSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  statSync,
  truncateSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";

/** Numbered files in one directory; blocking, for the history worker. Everything may throw an operating system's error. */
export interface SegmentDisk {
  /** Numbers of the segments, ascending. */
  list(): number[];
  size(segment: number): number;
  read(segment: number): Buffer;
  /** Milliseconds since it was written to last. */
  ageMs(segment: number): number;
  truncate(segment: number, byteCount: number): void;
  remove(segment: number): void;
  /** Makes an empty segment, or empties it. */
  create(segment: number): SegmentFile;
}

export interface SegmentFile {
  write(bytes: Buffer, at: number): void;
  /** Returns once all that was written is on the disk. */
  sync(): void;
  close(): void;
}

const SEGMENT_NAME = /^journal-(\d{8})\.rems$/;

const segmentName = (segment: number): string => `journal-${String(segment).padStart(8, "0")}.rems`;

/** Numbers of the segments in a directory, ascending. */
export function listSegments(directory: string): number[] {
  return readdirSync(directory)
    .map((name) => Number(SEGMENT_NAME.exec(name)?.[1] ?? Number.NaN))
    .filter((segment) => !Number.isNaN(segment))
    .sort((a, b) => a - b);
}

export function segmentPath(directory: string, segment: number): string {
  return join(directory, segmentName(segment));
}

/** Segments in `directory`, which is made if it is absent. */
export function openSegmentDisk(directory: string): SegmentDisk {
  mkdirSync(directory, { recursive: true });
  const pathOf = (segment: number): string => segmentPath(directory, segment);
  return {
    list: () =>
      readdirSync(directory)
        .map((name) => Number(SEGMENT_NAME.exec(name)?.[1] ?? Number.NaN))
        .filter((segment) => !Number.isNaN(segment))
        .sort((a, b) => a - b),
    size: (segment) => statSync(pathOf(segment)).size,
    read: (segment) => readFileSync(pathOf(segment)),
    ageMs: (segment) => Date.now() - statSync(pathOf(segment)).mtimeMs,
    truncate: (segment, byteCount) => truncateSync(pathOf(segment), byteCount),
    remove: (segment) => unlinkSync(pathOf(segment)),
    create(segment) {
      const file = openSync(pathOf(segment), "w");
      syncDirectory(directory);
      return {
        write(bytes, at) {
          for (let done = 0; done < bytes.length;) {
            done += writeSync(file, bytes, done, bytes.length - done, at + done);
          }
        },
        sync: () => fdatasyncSync(file),
        close: () => closeSync(file),
      };
    },
  };
}

/** Makes a new file's name durable. Windows cannot open directories and does not need it. */
function syncDirectory(directory: string): void {
  if (process.platform === "win32") return;
  const handle = openSync(directory, "r");
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
