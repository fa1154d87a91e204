import { assert } from "../../kernel/assert.ts";
import { decodeFrame } from "../../kernel/frame.ts";
import { HASH_NONE } from "../../kernel/hash.ts";
import type { PointSample } from "../../kernel/point.ts";
import type { LogPosition } from "../../kernel/record.ts";
import { noteOf, snapshotOf, type JournalEntry } from "../journal-entry.ts";
import { isHashTrue } from "../journal-places.ts";
import { recordOfNote, recordsOfFrame } from "./frame-records.ts";
import { GridCollector, type MeteredDevice, type MinuteBatch } from "./grid-collector.ts";
import { comparePlaces, JournalTail, type TailedEntry, type TailPlace } from "./journal-tail.ts";
import {
  DAY_MS,
  decodeBuckets,
  floorTo,
  HOUR_MS,
  layBuckets,
  MINUTES,
  QUARTERS,
} from "./levels.ts";
import { indexIn, type Series } from "./series.ts";
import { SeriesRegistry, type DeadBandOf } from "./series-registry.ts";
import { checkpointBefore, StoreDatabase, type Checkpoint } from "./store-database.ts";
import { nativeHashOf } from "../native-hash.ts";

export interface StoreOptions {
  /** The database file. */
  readonly path: string;
  /** Of the segments. */
  readonly journalDirectory: string;
  readonly grids: readonly { readonly id: string; readonly metered: readonly MeteredDevice[] }[];
  readonly deadBandOf: DeadBandOf;
}

interface VoidRange {
  readonly afterSequence: number;
  readonly until: TailPlace;
}

/** One grid on its way from the journal into the database. */
interface GridTrack {
  readonly grid: string;
  readonly metered: readonly MeteredDevice[];
  collector: GridCollector;
  last: LogPosition | null;
  /** Hashes of the last frames: after a failed sync the journal writes the same ones again. */
  recent: Set<string>;
  /** Entries before this place are in already. */
  doneTo: TailPlace;
  /** Image of a snapshot that the next frame continues. */
  image: readonly PointSample[] | null;
  /** Where the journal is read again: frames after these sequences, up to these places, are void. */
  voids: readonly VoidRange[];
}

const RECENT_COUNT_MAX = 2048;
const BEGINNING: TailPlace = { segment: 0, byteAt: 0 };

/**
 * The history of a node: follows the journal on disk and keeps what it says in the database.
 *
 * The database holds, with every minute of a grid, the place in the journal where that minute ended. So after a crash, a full disk
 * or a database made anew it goes on exactly there, and what the journal still has is never missing and never twice.
 * After any error of the database this object is done with: open another.
 */
export class HistoryStore {
  readonly database: StoreDatabase;
  readonly registry: SeriesRegistry;
  readonly #options: StoreOptions;
  readonly #tracks = new Map<string, GridTrack>();
  #tail: JournalTail;
  /** The entry being taken, for the minutes that end with it. */
  #place: TailPlace = BEGINNING;

  constructor(options: StoreOptions) {
    this.#options = options;
    this.database = new StoreDatabase(options.path);
    this.registry = new SeriesRegistry(
      this.database.series(),
      this.database.labels(),
      options.deadBandOf,
    );
    for (const { id, metered } of options.grids) {
      const [newest = null] = this.database.checkpoints(id);
      this.#tracks.set(id, this.#startTrack(id, metered, newest));
    }
    const from = [...this.#tracks.values()].map(({ doneTo }) => doneTo).sort(comparePlaces)[0];
    this.#tail = new JournalTail(options.journalDirectory, from ?? BEGINNING);
  }

  /** Takes what is new in the journal, up to about a megabyte, in one transaction. @returns False if there was nothing. */
  turn(): boolean {
    const taken = this.#tail.read();
    if (taken.length === 0) return false;
    this.database.transact(() => this.#takeAll(taken));
    return true;
  }

  collectorOf(grid: string): GridCollector | null {
    return this.#tracks.get(grid)?.collector ?? null;
  }

  /** Time up to which a grid's history reaches, UTC milliseconds; 0 before its first frame. */
  reachMs(grid: string): number {
    return this.#tracks.get(grid)?.collector.clock?.timeMs ?? 0;
  }

  close(): void {
    this.database.close();
  }

  #startTrack(
    grid: string,
    metered: readonly MeteredDevice[],
    checkpoint: Checkpoint | null,
  ): GridTrack {
    const { registry } = this;
    const state = checkpoint?.state ?? null;
    const onMinute = (batch: MinuteBatch) => this.#keepMinute(grid, batch);
    const collector = new GridCollector(grid, metered, registry, state, onMinute);
    if (checkpoint !== null) {
      const { minuteMs } = checkpoint.state;
      for (const series of collector.openSeries.values()) this.#loadOpenChunks(series, minuteMs);
    }
    return {
      grid,
      metered,
      collector,
      last: checkpoint?.position ?? null,
      recent: new Set(),
      doneTo: checkpoint?.place ?? BEGINNING,
      image: null,
      voids: [],
    };
  }

  /** The hour and the day that are open go on with what they had before `minuteMs`. */
  #loadOpenChunks(series: Series, minuteMs: number): void {
    for (const [level, buckets, spanMs] of [
      [MINUTES, series.minutes, HOUR_MS],
      [QUARTERS, series.quarters, DAY_MS],
    ] as const) {
      const startMs = floorTo(minuteMs, spanMs);
      for (const { data } of this.database.chunks(series.id, level.number, startMs, startMs + 1)) {
        const parts = decodeBuckets(data, series.isCounter);
        layBuckets(buckets, startMs, level.bucketMs, startMs, parts);
      }
      const from = indexIn(level, minuteMs);
      for (const part of [buckets.min, buckets.mean, buckets.max]) part.fill(Number.NaN, from);
    }
  }

  #takeAll(taken: readonly TailedEntry[]): void {
    for (const { entry, place } of taken) {
      const track = this.#tracks.get(entry.grid);
      if (track === undefined || comparePlaces(place, track.doneTo) < 0) continue;
      this.#place = place;
      // After something was taken back the journal is read again from there: the rest of this turn comes with it.
      if (this.#take(track, entry) === "again") return;
    }
  }

  #take(track: GridTrack, entry: JournalEntry): "again" | "done" {
    switch (entry.kind) {
      case "frame":
        return this.#takeFrame(track, entry);
      case "snapshot":
        return this.#takeSnapshot(track, entry);
      case "void": {
        const { sequence } = entry.position;
        if (track.last === null || track.last.sequence <= sequence) return "done";
        return this.#takeBack(track, sequence);
      }
      case "note":
        this.#takeNote(track, entry);
        return "done";
      default:
        return "done";
    }
  }

  #takeFrame(track: GridTrack, entry: JournalEntry): "again" | "done" {
    const { position, previousHash } = entry;
    const isKnown = position.hash === track.last?.hash || track.recent.has(position.hash);
    if (isKnown || this.#isSkipped(track, position.sequence) || !isHashTrue(entry)) return "done";
    const isNext = previousHash === (track.last?.hash ?? HASH_NONE);
    if (!isNext && track.last !== null && position.sequence <= track.last.sequence) {
      return this.#takeBack(track, position.sequence - 1);
    }
    const { frame } = decodeFrame(entry.text.toString("utf8"), nativeHashOf);
    const { collector, image } = track;
    collector.frame(frame, isNext && image === null, image ?? []);
    track.image = null;
    track.last = position;
    track.recent.add(position.hash);
    if (track.recent.size > RECENT_COUNT_MAX) forgetOldest(track.recent);
    const place = { timeMs: collector.clock?.timeMs ?? 0, position };
    for (const record of recordsOfFrame(frame, place, collector.connections)) {
      this.database.addRecord(record);
    }
    return "done";
  }

  #takeSnapshot(track: GridTrack, entry: JournalEntry): "again" | "done" {
    const { position } = entry;
    const isKnown = position.hash === track.last?.hash || track.recent.has(position.hash);
    if (isKnown || this.#isSkipped(track, position.sequence)) return "done";
    if (track.last !== null && position.sequence <= track.last.sequence) {
      return this.#takeBack(track, position.sequence - 1);
    }
    const snapshot = snapshotOf(entry);
    if (snapshot === null) return "done";
    track.image = pointsOf(snapshot.state);
    track.last = position;
    return "done";
  }

  #takeNote(track: GridTrack, entry: JournalEntry): void {
    const note = noteOf(entry);
    const { clock } = track.collector;
    if (note === null || clock === null || track.last === null) return;
    const isOfVoid =
      this.#isSkipped(track, track.last.sequence + 1) && note.plantTimeMs > clock.plantMs;
    if (isOfVoid) return;
    const record = recordOfNote(note, { timeMs: clock.timeMs, position: track.last });
    if (record !== null) this.database.addRecord(record);
  }

  #isSkipped({ voids }: GridTrack, sequence: number): boolean {
    return voids.some(
      ({ afterSequence, until }) =>
        sequence > afterSequence && comparePlaces(this.#place, until) < 0,
    );
  }

  /** Frames after `sequence` turned out void: back to the last minute before them, and from there again without them. */
  #takeBack(track: GridTrack, sequence: number): "again" {
    const until = this.#place;
    const { grid, metered } = track;
    assert(
      track.voids.every((range) => comparePlaces(range.until, until) !== 0),
      "what was taken back for an entry is not read again",
    );
    const all = this.database.checkpoints(grid);
    const checkpoint = checkpointBefore(all, sequence, until);
    const fromMs = checkpoint?.state.minuteMs ?? all.at(-1)?.state.minuteMs ?? 0;
    this.database.takeBack(grid, fromMs, sequence);
    this.registry.forget(grid);
    for (const other of this.#tracks.values()) {
      if (comparePlaces(other.doneTo, until) < 0) other.doneTo = until;
    }
    const again = this.#startTrack(grid, metered, checkpoint);
    again.voids = [...track.voids, { afterSequence: sequence, until }].filter(
      (range) => comparePlaces(range.until, again.doneTo) > 0,
    );
    this.#tracks.set(grid, again);
    this.#tail = new JournalTail(this.#options.journalDirectory, again.doneTo);
    return "again";
  }

  #keepMinute(grid: string, { rows, state }: MinuteBatch): void {
    const { database, registry } = this;
    const track = this.#tracks.get(grid);
    if (track === undefined || track.last === null) return;
    const { series, labels } = registry.news;
    for (const row of series) database.addSeries(row);
    for (const [id, text] of labels) database.addLabel(id, text);
    registry.clearNew();
    for (const row of rows) database.putChunk(row);
    // The frame being taken begins the next minute: its place is where to go on.
    database.putCheckpoint(grid, { place: this.#place, position: track.last, state });
  }
}

function pointsOf(state: string): readonly PointSample[] {
  try {
    return (JSON.parse(state) as { readonly points?: readonly PointSample[] }).points ?? [];
  } catch {
    return [];
  }
}

function forgetOldest(hashes: Set<string>): void {
  for (const hash of hashes) {
    hashes.delete(hash);
    return;
  }
}
