import { HASH_NONE } from "../kernel/hash.ts";
import { comparePositions, type LogPosition } from "../kernel/record.ts";
import {
  entryPrefix,
  gapBody,
  parseBody,
  scanEntries,
  segmentBody,
  voidBody,
  type JournalEntry,
} from "./journal-entry.ts";
import {
  followLogs,
  hasSnapshot,
  segmentText,
  usableLog,
  type CarriedGrid,
  type PlacedEntry,
  type UsableLog,
} from "./journal-log.ts";
import type { SegmentDisk, SegmentFile } from "./segment-disk.ts";

export interface JournalLimits {
  /** A new segment is begun once this is reached. */
  readonly segmentBytesMax: number;
  /** Oldest segments are removed beyond this, never one that a recovery would need. */
  readonly totalBytesMax: number;
  /** Segments written to last before this are removed as well; never one that a recovery would need. By size alone where absent. */
  readonly ageMsMax?: number;
}

/** A grid's log as recovered, and what is known beside it. */
export interface RecoveredGrid extends UsableLog, CarriedGrid {}

export interface OpenedFile {
  readonly file: JournalFile;
  readonly recovered: ReadonlyMap<string, RecoveredGrid>;
  /** Torn or corrupt bytes: cut off the newest segment, passed over in older ones. */
  readonly cutByteCount: number;
}

interface GridTail {
  last: LogPosition | null;
  snapshot: LogPosition | null;
  /** Oldest segment that a recovery of this grid needs. */
  baseSegment: number | null;
  /** Nothing after `last` counts until a snapshot comes. */
  isBroken: boolean;
  epochMax: number;
  plantTimeMs: number;
  hasUnreported: boolean;
}

interface OpenSegment {
  readonly file: SegmentFile;
  readonly segment: number;
  /** Bytes known to be on disk. */
  bytes: number;
  hasEntries: boolean;
}

/** The journal's segments and their end, owned by one thread. Everything is blocking; disk errors are thrown by {@link flush}. */
export class JournalFile {
  readonly #disk: SegmentDisk;
  readonly #limits: JournalLimits;
  readonly #tails = new Map<string, GridTail>();
  /** Entries not known to be on disk. Kept until synced: after a failed sync they are written again, to a new segment. */
  #pending: Buffer[] = [];
  #open: OpenSegment | null = null;
  #nextSegment: number;

  private constructor(disk: SegmentDisk, limits: JournalLimits, nextSegment: number) {
    this.#disk = disk;
    this.#limits = limits;
    this.#nextSegment = nextSegment;
  }

  /** Reads what a start needs, newest segment first, cuts the torn end off, and begins a new segment with the first flush. */
  static open(disk: SegmentDisk, grids: readonly string[], limits: JournalLimits): OpenedFile {
    const segments = disk.list();
    const newest = segments.at(-1);
    let entries: PlacedEntry[] = [];
    let cutByteCount = 0;
    let logs = followLogs(entries);
    for (const segment of segments.toReversed()) {
      const bytes = disk.read(segment);
      const scanned = scanEntries(bytes);
      cutByteCount += bytes.length - scanned.goodBytes;
      if (segment === newest && scanned.goodBytes < bytes.length) {
        disk.truncate(segment, scanned.goodBytes);
      }
      entries = [...scanned.entries.map((entry) => ({ segment, entry })), ...entries];
      logs = followLogs(entries);
      if (grids.every((grid) => hasSnapshot(logs.get(grid)))) break;
    }
    const file = new JournalFile(disk, limits, (newest ?? 0) + 1);
    const recovered = new Map<string, RecoveredGrid>();
    for (const grid of new Set([...grids, ...logs.keys()])) {
      const log = logs.get(grid);
      const usable = usableLog(log);
      const { epochMax, plantTimeMs } = log ?? { epochMax: 0, plantTimeMs: 0 };
      recovered.set(grid, { ...usable, epochMax, plantTimeMs });
      if (
        log !== undefined &&
        log.items.length > 0 &&
        log.items.at(-1)?.entry.position.hash !== usable.last?.hash
      ) {
        // What could not be read stays in the file, marked, so that the next start follows the same chain as this run.
        file.#pending.push(...entryOf(voidBody(grid, usable.last ?? POSITION_NONE)));
      }
      file.#tails.set(grid, {
        last: usable.last,
        snapshot: usable.snapshot?.position ?? null,
        baseSegment: usable.baseSegment,
        isBroken: false,
        epochMax,
        plantTimeMs,
        hasUnreported: false,
      });
    }
    return { file, recovered, cutByteCount };
  }

  get pendingCount(): number {
    return this.#pending.length;
  }

  /** Grids whose log on disk stops short: they need a snapshot. */
  brokenGrids(): string[] {
    return [...this.#tails].filter(([, tail]) => tail.isBroken).map(([grid]) => grid);
  }

  /** Takes a body of `journal-entry.ts`. A body that is none is a defect of the caller and is passed over. */
  append(body: Buffer): void {
    const entry = parseBody(body);
    if (entry === null) return;
    if (entry.kind === "frame" || entry.kind === "snapshot" || entry.kind === "void") {
      if (!this.#follow(this.#tailOf(entry.grid), entry)) return;
    }
    this.#pending.push(...entryOf(body));
  }

  /** Entries were lost before they came here. */
  appendGap(lostCount: number): void {
    this.append(gapBody(lostCount));
    for (const tail of this.#tails.values()) tail.isBroken = true;
  }

  /**
   * Writes and syncs all that is pending.
   * @returns Last positions that are on disk now, of the grids where they moved.
   * @throws An operating system's error; call again later, nothing pending is lost.
   */
  flush(): [grid: string, position: LogPosition][] {
    if (this.#pending.length > 0) {
      try {
        const open = this.#open ?? this.#begin();
        const bytes = Buffer.concat(this.#pending);
        open.file.write(bytes, open.bytes);
        open.file.sync();
        open.bytes += bytes.length;
        open.hasEntries = true;
      } catch (error) {
        // After a failed sync the kernel may have thrown the pages away: this segment's end is never trusted again.
        this.#closeSegment();
        throw error;
      }
      this.#pending = [];
      if (this.#open !== null && this.#open.bytes >= this.#limits.segmentBytesMax) {
        this.#closeSegment();
        this.#retain();
      }
    }
    const moved: [string, LogPosition][] = [];
    for (const [grid, tail] of this.#tails) {
      if (tail.hasUnreported && tail.last !== null) moved.push([grid, tail.last]);
      tail.hasUnreported = false;
    }
    return moved;
  }

  close(): void {
    this.#closeSegment();
  }

  /** Moves a grid's tail. False if the entry is on disk already. */
  #follow(tail: GridTail, entry: JournalEntry): boolean {
    if (entry.kind === "void") {
      // Taking back a snapshot leaves nothing to start from.
      if (comparePositions(tail.snapshot, entry.position) > 0) tail.isBroken = true;
      if (comparePositions(tail.last, entry.position) > 0) tail.last = entry.position;
      return true;
    }
    tail.epochMax = Math.max(tail.epochMax, entry.position.epoch);
    tail.plantTimeMs = Math.max(tail.plantTimeMs, entry.plantTimeMs);
    if (entry.kind === "snapshot") {
      tail.snapshot = entry.position;
      tail.baseSegment = this.#segmentNow();
      tail.isBroken = false;
    } else {
      if (tail.last?.hash === entry.position.hash) return false;
      if (entry.previousHash !== (tail.last?.hash ?? HASH_NONE)) tail.isBroken = true;
      if (tail.isBroken) return true;
      tail.baseSegment ??= this.#segmentNow();
    }
    tail.last = entry.position;
    tail.hasUnreported = true;
    return true;
  }

  #tailOf(grid: string): GridTail {
    const tail = this.#tails.get(grid) ?? {
      last: null,
      snapshot: null,
      baseSegment: null,
      isBroken: false,
      epochMax: 0,
      plantTimeMs: 0,
      hasUnreported: false,
    };
    this.#tails.set(grid, tail);
    return tail;
  }

  /** Segment that pending entries will stand in, or an older one: never a newer. */
  #segmentNow(): number {
    return this.#open?.segment ?? this.#nextSegment;
  }

  #begin(): OpenSegment {
    const segment = this.#nextSegment;
    const file = this.#disk.create(segment);
    const open: OpenSegment = { file, segment, bytes: 0, hasEntries: false };
    this.#open = open;
    const body = segmentBody(segmentText(this.#tails));
    const header = Buffer.concat(entryOf(body));
    file.write(header, 0);
    open.bytes = header.length;
    return open;
  }

  #closeSegment(): void {
    const open = this.#open;
    this.#open = null;
    if (open === null) return;
    // A segment that holds nothing is made again under the same number: retries on a full disk leave no trail of files.
    if (open.hasEntries) this.#nextSegment = open.segment + 1;
    try {
      open.file.close();
    } catch {
      // All that counts is synced already; a failing close adds nothing to it.
    }
  }

  #retain(): void {
    const segments = this.#disk.list();
    const needed = [...this.#tails.values()].map((tail) => tail.baseSegment ?? Infinity);
    const neededFrom = Math.min(...needed, this.#nextSegment);
    const { totalBytesMax, ageMsMax } = this.#limits;
    let totalBytes = segments.reduce((sum, segment) => sum + this.#disk.size(segment), 0);
    for (const segment of segments) {
      const isOld = ageMsMax !== undefined && this.#disk.ageMs(segment) > ageMsMax;
      if ((totalBytes <= totalBytesMax && !isOld) || segment >= neededFrom) return;
      totalBytes -= this.#disk.size(segment);
      this.#disk.remove(segment);
    }
  }
}

const POSITION_NONE: LogPosition = { epoch: 0, sequence: 0, hash: HASH_NONE };

function entryOf(body: Buffer): [prefix: Buffer, body: Buffer] {
  return [entryPrefix(body), body];
}
