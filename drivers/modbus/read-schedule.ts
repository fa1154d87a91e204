import type { PollClass } from "../../configs/profile.ts";
import {
  planReads,
  splitRequest,
  type ReadItem,
  type ReadLimits,
  type ReadRequest,
  type Span,
} from "./request-plan.ts";

/** A register that the device refuses is tried again ever more rarely: its firmware or its mode may change. */
const REFUSED_RETRY_MS_MIN = 10_000;
const REFUSED_RETRY_MS_MAX = 600_000;
/** A value of the rare class is read so often. */
export const RARE_MS = 10_000;

/** One planned request of a device with what is known about it. */
export interface ScheduledRead {
  readonly request: ReadRequest;
  readonly poll: PollClass;
  /** Slow and rare reads: when the next is due; −Infinity until the first answer. Refused ones: when to try again. */
  dueAtMs: number;
  /** The one with the earliest goes first. */
  deadlineMs: number;
  isWaiting: boolean;
  isUnderWay: boolean;
  /** A piece of a refused request that was not answered yet. */
  isPiece: boolean;
  isRefused: boolean;
  refusedCount: number;
  /** What the device said when it refused. */
  refusal: string;
  /** Last reply, to tell a reply that changes nothing. */
  lastBytes: Buffer | null;
}

export interface ReadTiming {
  readonly scanMs: number;
  readonly slowMs: number;
  /** 0…1: moves this device's slow reads against the others', so that they do not fall into one scan. */
  readonly phase: number;
}

/**
 * Which reads of one device are due, and in which order: fast ones every scan, slow ones evenly over their period, and whichever must be
 * done first before the others. What the device refuses is divided until it stands alone, and left out. No I/O, no clock.
 */
export class ReadSchedule {
  readonly #items: Readonly<Record<PollClass, readonly ReadItem[]>>;
  readonly #limits: ReadLimits;
  readonly #timing: ReadTiming;
  #reads: ScheduledRead[] = [];
  #skippedCount = 0;
  /** A plan around what is refused was refused itself: from then on the pieces stay. */
  #hasReplanFailed = false;
  #isReplanned = false;
  /** Classes of which a request was divided since they were last planned. */
  readonly #divided = new Set<PollClass>();

  constructor(
    items: Readonly<Record<PollClass, readonly ReadItem[]>>,
    limits: ReadLimits,
    timing: ReadTiming,
  ) {
    this.#items = items;
    this.#limits = limits;
    this.#timing = timing;
    this.restart();
  }

  /** Scans in which fast reads were left out because the ones before had not been answered. */
  get skippedCount(): number {
    return this.#skippedCount;
  }

  get requestCount(): number {
    return this.#reads.length;
  }

  get hasRefused(): boolean {
    return this.#reads.some((read) => read.isRefused);
  }

  /** Nothing of the device can be read. */
  get isAllRefused(): boolean {
    return this.#reads.length > 0 && this.#reads.every((read) => read.isRefused);
  }

  /** What the device refuses now, with what it said. */
  refusedItems(): readonly { readonly item: ReadItem; readonly reason: string }[] {
    return this.#reads
      .filter((read) => read.isRefused)
      .flatMap((read) => read.request.items.map((item) => ({ item, reason: read.refusal })));
  }

  /** Begins again with the plan as the profile gives it: on every new connection, since the device may be another. */
  restart(): void {
    this.#hasReplanFailed = false;
    this.#isReplanned = false;
    this.#divided.clear();
    this.#reads = (["fast", "slow", "rare"] as const).flatMap((poll) =>
      planReads(this.#items[poll], this.#limits).map((request) => scheduled(request, poll)),
    );
  }

  /** One scan: makes the fast reads wait, unless earlier ones still do or are under way, and the slow reads that are due. */
  requestFull(nowMs: number): void {
    const deadlineMs = nowMs + this.#timing.scanMs;
    let isLeftOut = false;
    for (const read of this.#reads) {
      if (read.poll !== "fast" || read.isRefused) continue;
      if (read.isWaiting || read.isUnderWay) isLeftOut = true;
      else {
        read.isWaiting = true;
        read.deadlineMs = deadlineMs;
      }
    }
    if (isLeftOut) this.#skippedCount++;
    this.#requestDue("slow", nowMs);
    this.#requestDue("rare", nowMs);
    this.#requestRefused(nowMs);
  }

  /** Makes every read wait once: for a standby's probe. */
  requestAll(nowMs: number): void {
    for (const read of this.#reads) {
      if (read.isUnderWay || (read.isRefused && nowMs < read.dueAtMs)) continue;
      if (read.poll === "rare" && nowMs < read.dueAtMs) continue;
      read.isWaiting = true;
      read.deadlineMs = nowMs;
    }
  }

  /** Makes the reads wait that bring these slots; fast ones come with the next scan anyway. */
  requestSlots(slots: ReadonlySet<number>, nowMs: number): void {
    if (slots.size === 0) return;
    for (const read of this.#reads) {
      if (read.poll === "fast" || read.isUnderWay || read.isRefused || read.isWaiting) continue;
      if (!read.request.items.some(({ slot }) => slots.has(slot))) continue;
      read.isWaiting = true;
      read.deadlineMs = nowMs;
    }
  }

  /** Makes one read wait: to see whether a silent device is back. */
  requestOne(): void {
    const [first] = this.#reads;
    if (first !== undefined && !first.isUnderWay) first.isWaiting = true;
  }

  get isWaiting(): boolean {
    return this.#reads.some((read) => read.isWaiting);
  }

  /** The next read to send: the one whose deadline is the earliest. It waits no longer. */
  take(): ScheduledRead | null {
    let next: ScheduledRead | null = null;
    for (const read of this.#reads) {
      if (read.isWaiting && (next === null || read.deadlineMs < next.deadlineMs)) next = read;
    }
    if (next === null) return null;
    next.isWaiting = false;
    next.isUnderWay = true;
    return next;
  }

  /** Nothing waits any more. What is under way ends by itself: asked for again meanwhile, the older answer could come last. */
  clear(): void {
    for (const read of this.#reads) read.isWaiting = false;
  }

  /** The read was answered. */
  answered(read: ScheduledRead, nowMs: number): void {
    read.isUnderWay = false;
    read.isRefused = false;
    read.refusedCount = 0;
    read.dueAtMs = this.#nextDueMs(read, nowMs);
    read.isPiece = false;
    if (this.#divided.has(read.poll)) this.#replan(read.poll);
  }

  /** The read ended without an answer. */
  failed(read: ScheduledRead): void {
    read.isUnderWay = false;
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
    read.isUnderWay = false;
    const halves = isDivisible ? splitRequest(read.request) : null;
    const index = this.#reads.indexOf(read);
    if (halves !== null && index >= 0) {
      if (this.#isReplanned && !read.isPiece) this.#hasReplanFailed = true;
      const parts = halves.map((request) => ({
        ...scheduled(request, read.poll),
        isWaiting: true,
        isPiece: true,
        deadlineMs: nowMs,
      }));
      this.#reads.splice(index, 1, ...parts);
      this.#divided.add(read.poll);
      return [];
    }
    const waitMs = REFUSED_RETRY_MS_MIN * 2 ** Math.min(read.refusedCount, 6);
    read.isRefused = true;
    read.isPiece = false;
    read.refusedCount++;
    read.refusal = reason;
    read.dueAtMs = nowMs + Math.min(waitMs, REFUSED_RETRY_MS_MAX);
    if (this.#divided.has(read.poll)) this.#replan(read.poll);
    return read.request.items;
  }

  #periodMs(poll: PollClass): number {
    return poll === "rare" ? RARE_MS : this.#timing.slowMs;
  }

  /** Slow reads that are due, the oldest first, and no more in one scan than an even pace needs, so that no scan is a burst. */
  #requestDue(poll: "slow" | "rare", nowMs: number): void {
    const reads = this.#reads.filter((read) => read.poll === poll && !read.isRefused);
    if (reads.length === 0) return;
    const periodMs = this.#periodMs(poll);
    const countMax = Math.ceil((reads.length * this.#timing.scanMs) / periodMs) + 1;
    const due = reads
      .filter((read) => !read.isWaiting && !read.isUnderWay && read.dueAtMs <= nowMs)
      .sort((a, b) => a.dueAtMs - b.dueAtMs)
      .slice(0, countMax);
    for (const read of due) {
      read.isWaiting = true;
      // Half a period late it goes before the fast ones, so that a line that is too slow for them does not starve it.
      read.deadlineMs = Math.max(read.dueAtMs, nowMs - periodMs) + periodMs / 2;
    }
  }

  /** One of what was refused, where its time has come: behind everything else. */
  #requestRefused(nowMs: number): void {
    const read = this.#reads.find((one) => one.isRefused && !one.isWaiting && one.dueAtMs <= nowMs);
    if (read === undefined || read.isUnderWay) return;
    read.isWaiting = true;
    read.deadlineMs = Infinity;
  }

  /** Keeps each read's place in the period: the reads of a device follow each other evenly, and those of devices are shifted. */
  #nextDueMs(read: ScheduledRead, nowMs: number): number {
    if (read.poll === "fast") return -Infinity;
    const periodMs = this.#periodMs(read.poll);
    if (read.dueAtMs === -Infinity) {
      const peers = this.#reads.filter((one) => one.poll === read.poll);
      const place = (peers.indexOf(read) + this.#timing.phase) / Math.max(1, peers.length);
      return nowMs + periodMs * Math.min(1, Math.max(place, 0.1));
    }
    const nextMs = read.dueAtMs + periodMs;
    return nextMs > nowMs ? nextMs : nowMs + periodMs;
  }

  /**
   * What stands alone now costs nothing more: the pieces around it are put together again into the fewest requests that do not touch it.
   * Where the device refuses such a request too (it may take fewer registers at once than it should) the pieces stay as they are.
   */
  #replan(poll: PollClass): void {
    const reads = this.#reads.filter((read) => read.poll === poll);
    if (reads.some((read) => read.isPiece || read.isUnderWay)) return;
    this.#divided.delete(poll);
    const alone = reads.filter((read) => read.isRefused);
    if (this.#hasReplanFailed || alone.length === 0) return;
    const refused = alone.flatMap((read) => read.request.items);
    const forbidden: Span[] = refused.map(({ table, address, wordCount }) => ({
      table,
      address,
      end: address + wordCount,
    }));
    const others = this.#items[poll].filter((item) => !refused.includes(item));
    const plan = planReads(others, {
      ...this.#limits,
      forbidden: [...this.#limits.forbidden, ...forbidden],
    });
    if (plan.length + alone.length >= reads.length) return;
    this.#isReplanned = true;
    const replaced = reads.filter((read) => !read.isRefused);
    const dueAtMs = Math.min(...replaced.map((read) => read.dueAtMs));
    const deadlineMs = Math.min(...replaced.map((read) => read.deadlineMs));
    // What still waits in this scan must not be lost with the read that it was part of.
    const isWaiting = replaced.some((read) => read.isWaiting);
    this.#reads = [
      ...this.#reads.filter((read) => read.poll !== poll || read.isRefused),
      ...plan.map((request) => ({
        ...scheduled(request, poll),
        dueAtMs,
        deadlineMs,
        isWaiting,
      })),
    ];
  }
}

function scheduled(request: ReadRequest, poll: PollClass): ScheduledRead {
  return {
    request,
    poll,
    dueAtMs: -Infinity,
    deadlineMs: 0,
    isWaiting: false,
    isUnderWay: false,
    isPiece: false,
    isRefused: false,
    refusedCount: 0,
    refusal: "",
    lastBytes: null,
  };
}
