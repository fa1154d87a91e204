import { present } from "../../kernel/assert.ts";
import type { DeviceHealth } from "../../kernel/ports/device-io.ts";
import type { PointSample, PointValue, Quality } from "../../kernel/point.ts";
import type { PointCodec, Words } from "./codec.ts";
import type { MappedPoint } from "./device-map.ts";
import { RARE_MS } from "./read-schedule.ts";

const RARE_PERIODS = 2.5;

interface Slot {
  readonly id: string;
  codec: PointCodec;
  readonly staleMs: number;
  value: PointValue;
  quality: Quality;
  /** Never read where −Infinity. */
  readAtMs: number;
  drainedValue: PointValue | null;
  drainedQuality: Quality | null;
  /** To be told once more when it is read by a request that was sent from then on; null where nothing is owed. */
  owedFromMs: number | null;
}

/** The points of one device as last read, and what of them the control loop has not seen yet. No I/O, no clock. */
export class PointImage {
  readonly #slots: Slot[];

  /** @param staleMs - A point that was not read for so long is `uncertain`; one of the rare class after two and a half periods. */
  constructor(points: readonly MappedPoint[], staleMs: number) {
    this.#slots = points.map(({ id, codec, poll }) => ({
      id,
      codec,
      staleMs: poll === "rare" ? Math.max(staleMs, RARE_PERIODS * RARE_MS) : staleMs,
      value: codec.neutral,
      quality: "bad",
      readAtMs: -Infinity,
      drainedValue: null,
      drainedQuality: null,
      owedFromMs: null,
    }));
  }

  /** The registers mean something else from now on: what was read before is bad until it is read again. */
  remap(points: readonly MappedPoint[]): void {
    for (const [index, slot] of this.#slots.entries()) {
      slot.codec = present(points[index], "every point keeps its slot").codec;
      slot.quality = "bad";
    }
  }

  /** Takes a point from a reply. A value that the device says it does not have keeps the last one, as `bad`. */
  read(slot: number, words: Words, at: number, nowMs: number): void {
    const state = present(this.#slots[slot], "an item of a request has a slot");
    const value = state.codec.decode(words, at);
    state.readAtMs = nowMs;
    if (value === null) {
      state.quality = "bad";
      return;
    }
    state.value = value;
    state.quality = "good";
  }

  /** The device answered a read of this point with an exception. A point that was never read stays without a sample. */
  refused(slot: number, nowMs: number): void {
    const state = present(this.#slots[slot], "an item of a request has a slot");
    if (state.readAtMs === -Infinity) return;
    state.readAtMs = nowMs;
    state.quality = "bad";
  }

  /** The same reply as the last one: nothing but the time of reading changes. */
  touched(slot: number, nowMs: number): void {
    present(this.#slots[slot], "an item of a request has a slot").readAtMs = nowMs;
  }

  /** The next drain after each point was read anew tells it, changed or not. */
  tellAgain(nowMs: number): void {
    for (const slot of this.#slots) slot.owedFromMs = nowMs;
  }

  /** What was just taken came by a request that was sent then. */
  asked(slot: number, sentAtMs: number): void {
    const state = present(this.#slots[slot], "an item of a request has a slot");
    if (state.owedFromMs === null || sentAtMs < state.owedFromMs) return;
    state.owedFromMs = null;
    state.drainedQuality = null;
  }

  /** A number that is good now; null where it is not, or there is no such point. */
  goodNumber(id: string, nowMs: number): number | null {
    const slot = this.#slots.find((one) => one.id === id);
    if (slot === undefined || typeof slot.value !== "number") return null;
    return this.#qualityOf(slot, nowMs) === "good" ? slot.value : null;
  }

  /** Quality and age of every point, for people. */
  ages(nowMs: number): DeviceHealth["points"] {
    return this.#slots.map((slot) => ({
      point: slot.id,
      quality: slot.readAtMs === -Infinity ? "bad" : this.#qualityOf(slot, nowMs),
      ageMs: slot.readAtMs === -Infinity ? null : Math.max(0, nowMs - slot.readAtMs),
    }));
  }

  /** Appends what differs from the last drain. */
  drain(into: PointSample[], nowMs: number): void {
    for (const slot of this.#slots) {
      if (slot.readAtMs === -Infinity) continue;
      const quality = this.#qualityOf(slot, nowMs);
      if (slot.value === slot.drainedValue && quality === slot.drainedQuality) continue;
      slot.drainedValue = slot.value;
      slot.drainedQuality = quality;
      into.push([slot.id, slot.value, quality]);
    }
  }

  /** Appends every point that was ever read; the next drain starts from here. */
  all(into: PointSample[], nowMs: number): void {
    for (const slot of this.#slots) slot.drainedQuality = null;
    this.drain(into, nowMs);
  }

  #qualityOf(slot: Slot, nowMs: number): Quality {
    return slot.quality === "good" && nowMs - slot.readAtMs > slot.staleMs
      ? "uncertain"
      : slot.quality;
  }
}
