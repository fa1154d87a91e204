import type { WriteEntry } from "../devices/simulated-device.ts";

/** One leadership of a grid as the devices saw it. */
export interface Term {
  readonly grid: string;
  readonly writer: string;
  /** Null where only plain devices were written. */
  readonly epoch: number | null;
  /** First accepted write. */
  readonly startMs: number;
  /** Who led before; null for the first of the run. */
  readonly from: string | null;
}

/** A leader comes back: its plain devices may be written this much before its first fenced one tells the new epoch. */
const RETURN_MS = 300;
/** Without any fenced device a former leader counts as returned when the present one has been silent for so long. */
const SILENT_MS = 1000;

/**
 * Tells the leaderships of one grid apart from its accepted writes, by epoch where a device holds one, else by writer, and counts
 * the writes of whoever should have been silent.
 */
export class TermTracker {
  /** Accepted writes of a former leader at a device that its successor had written before. */
  overlapCount = 0;
  /** Of those at plain devices, the first on a connection older than the successor's first write: its kernel had it already. */
  lateWriteCount = 0;
  #current: Term | null = null;
  #currentLastMs = 0;
  /** First write of the present term by device. */
  #firstByDevice = new Map<string, number>();
  /** Writes of the former leader that may turn out to be the beginning of its return. */
  #strays: WriteEntry[] = [];
  readonly #lateConnections = new Set<number>();
  #hasFenced = false;

  /** Who leads as the devices see it. */
  get writer(): string | null {
    return this.#current?.writer ?? null;
  }

  /**
   * Takes an accepted write of a node.
   *
   * @param isOnNewConnection - A fault was announced and the connection is younger than it.
   * @param isStruck - A fault of the present leader was announced: whoever writes now where no device knows epochs follows it.
   * @returns The term that this write opened, if any.
   */
  onWrite(entry: WriteEntry, isOnNewConnection: boolean, isStruck = false): Term | null {
    this.#hasFenced ||= entry.isFenced;
    const current = this.#current;
    if (current === null) return this.#open(entry, entry.atMs, null);
    if (entry.epoch !== null) {
      if (current.epoch === null && entry.writer === current.writer) {
        // The term was opened by a plain write; here is its epoch.
        this.#current = { ...current, epoch: entry.epoch };
        return this.#keep(entry);
      }
      if (current.epoch === null || entry.epoch > current.epoch) return this.#openReturn(entry);
    }
    if (entry.writer === current.writer) {
      const isReborn = !this.#hasFenced && isOnNewConnection && this.#isSilentFor(entry, RETURN_MS);
      return isReborn ? this.#open(entry, entry.atMs, current.writer) : this.#keep(entry);
    }
    const isFormer = entry.writer === current.from;
    if (entry.epoch === null && !isFormer) return this.#open(entry, entry.atMs, current.writer);
    if (!this.#hasFenced && (isStruck || this.#isSilentFor(entry, SILENT_MS))) {
      return this.#open(entry, entry.atMs, current.writer);
    }
    this.#strays.push(entry);
    return null;
  }

  /** Counts the strays that were not the beginning of a return. */
  settle(nowMs: number): void {
    while (this.#strays.length > 0) {
      const [stray] = this.#strays;
      if (stray === undefined || nowMs - stray.atMs < RETURN_MS) return;
      this.#strays.shift();
      this.#count(stray);
    }
  }

  #count(stray: WriteEntry): void {
    const firstMs = this.#firstByDevice.get(stray.device);
    if (firstMs === undefined || stray.atMs < firstMs) return;
    const isLate =
      !stray.isFenced &&
      stray.connectionOpenedAtMs < firstMs &&
      !this.#lateConnections.has(stray.connectionId);
    if (isLate) {
      this.#lateConnections.add(stray.connectionId);
      this.lateWriteCount += 1;
    } else this.overlapCount += 1;
  }

  #isSilentFor(entry: WriteEntry, silentMs: number): boolean {
    return entry.atMs - this.#currentLastMs >= silentMs;
  }

  #keep(entry: WriteEntry): null {
    this.#currentLastMs = entry.atMs;
    if (!this.#firstByDevice.has(entry.device)) this.#firstByDevice.set(entry.device, entry.atMs);
    return null;
  }

  /** A higher epoch: the writer's own strays of a moment ago belong to it already. */
  #openReturn(entry: WriteEntry): Term {
    const isOwn = (stray: WriteEntry) =>
      stray.writer === entry.writer && entry.atMs - stray.atMs < RETURN_MS;
    const own = this.#strays.filter(isOwn);
    for (const stray of this.#strays) if (!isOwn(stray)) this.#count(stray);
    const term = this.#open(entry, own[0]?.atMs ?? entry.atMs, this.#current?.writer ?? null);
    for (const stray of own) this.#firstByDevice.set(stray.device, stray.atMs);
    return term;
  }

  #open(entry: WriteEntry, startMs: number, from: string | null): Term {
    const { grid, writer, epoch } = entry;
    this.#current = { grid, writer, epoch, startMs, from };
    this.#firstByDevice = new Map();
    this.#strays = [];
    this.#lateConnections.clear();
    this.#keep(entry);
    return this.#current;
  }
}
