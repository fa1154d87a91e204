import { planReads, splitRequest, type ReadItem, type ReadRequest } from "./request-plan.ts";

/** A register that the device refuses is tried again so often: its firmware or its mode may change. */
const REFUSED_RETRY_MS = 10_000;

/** One planned request of a device with what is known about it. */
export interface ScheduledRead {
  readonly request: ReadRequest;
  readonly isSlow: boolean;
  dueAtMs: number;
  isWaiting: boolean;
  isRefused: boolean;
  /** What the device said when it refused. */
  refusal: string;
  /** Last reply, to tell a reply that changes nothing. */
  lastBytes: Buffer | null;
}

/** Which reads of one device are due, and in which order. No I/O, no clock. */
export class ReadSchedule {
  readonly #fast: readonly ReadItem[];
  readonly #slow: readonly ReadItem[];
  readonly #slowMs: number;
  /** 0…1: moves this device's slow reads against the others', so that they do not fall into one scan. */
  readonly #phase: number;
  #reads: ScheduledRead[] = [];
  #skippedCount = 0;

  constructor(
    items: { fast: readonly ReadItem[]; slow: readonly ReadItem[] },
    slowMs: number,
    phase: number,
  ) {
    this.#fast = items.fast;
    this.#slow = items.slow;
    this.#slowMs = slowMs;
    this.#phase = phase;
    this.restart();
  }

  /** Fast reads that were left out because the ones before were still under way. */
  get skippedCount(): number {
    return this.#skippedCount;
  }

  get hasRefused(): boolean {
    return this.#reads.some((read) => read.isRefused);
  }

  /** What the device refuses now, with what it said. */
  refusedItems(): readonly { readonly item: ReadItem; readonly reason: string }[] {
    return this.#reads
      .filter((read) => read.isRefused)
      .flatMap((read) => read.request.items.map((item) => ({ item, reason: read.refusal })));
  }

  /** Begins again with the plan as the profile gives it: on every new connection, since the device may be another. */
  restart(): void {
    const fast = planReads(this.#fast).map((request) => scheduled(request, false));
    const slow = planReads(this.#slow).map((request) => scheduled(request, true));
    this.#reads = [...fast, ...slow];
  }

  /** Makes the fast reads wait, unless earlier ones still do or are under way, and the slow read that is most overdue. */
  requestFull(nowMs: number, isBusy: boolean): void {
    if (isBusy || this.#reads.some((read) => read.isWaiting && !read.isSlow)) this.#skippedCount++;
    else {
      for (const read of this.#reads) {
        if (!read.isSlow && (!read.isRefused || nowMs >= read.dueAtMs)) read.isWaiting = true;
      }
    }
    let oldest: ScheduledRead | null = null;
    for (const read of this.#reads) {
      if (!read.isSlow || read.isWaiting || nowMs < read.dueAtMs) continue;
      if (oldest === null || read.dueAtMs < oldest.dueAtMs) oldest = read;
    }
    if (oldest !== null) oldest.isWaiting = true;
  }

  /** Makes every read wait once: for a standby's probe. */
  requestAll(nowMs: number): void {
    for (const read of this.#reads) {
      if (!read.isRefused || nowMs >= read.dueAtMs) read.isWaiting = true;
    }
  }

  /** Makes one read wait: to see whether a silent device is back. */
  requestOne(): void {
    const [first] = this.#reads;
    if (first !== undefined) first.isWaiting = true;
  }

  get isEmpty(): boolean {
    return this.#reads.length === 0;
  }

  get isWaiting(): boolean {
    return this.#reads.some((read) => read.isWaiting);
  }

  /** The next read to send, fast ones first; it waits no longer. */
  take(): ScheduledRead | null {
    const read = this.#reads.find((candidate) => candidate.isWaiting) ?? null;
    if (read !== null) read.isWaiting = false;
    return read;
  }

  /** Nothing waits any more. */
  clear(): void {
    for (const read of this.#reads) read.isWaiting = false;
  }

  /** The read was answered. The first slow answer also spreads the later ones over the period. */
  answered(read: ScheduledRead, nowMs: number): void {
    const isFirst = read.dueAtMs === -Infinity;
    read.isRefused = false;
    read.dueAtMs = nowMs + this.#slowMs * (isFirst ? 0.5 + 0.5 * this.#phase : 1);
  }

  /**
   * The device refused the read with an exception. Where it holds several points it is divided, and the halves wait at once; a
   * single point is left out for a while.
   * @returns The points that are refused for good now; empty where the halves will tell.
   */
  refused(
    read: ScheduledRead,
    nowMs: number,
    isDivisible: boolean,
    reason: string,
  ): readonly ReadItem[] {
    read.lastBytes = null;
    const halves = isDivisible ? splitRequest(read.request) : null;
    const index = this.#reads.indexOf(read);
    if (halves === null || index < 0) {
      read.isRefused = true;
      read.refusal = reason;
      read.dueAtMs = nowMs + REFUSED_RETRY_MS;
      return read.request.items;
    }
    const parts = halves.map((request) => ({
      ...scheduled(request, read.isSlow),
      isWaiting: true,
    }));
    this.#reads.splice(index, 1, ...parts);
    return [];
  }
}

function scheduled(request: ReadRequest, isSlow: boolean): ScheduledRead {
  return {
    request,
    isSlow,
    dueAtMs: -Infinity,
    isWaiting: false,
    isRefused: false,
    refusal: "",
    lastBytes: null,
  };
}
