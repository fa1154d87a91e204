import { present } from "../../kernel/assert.ts";
import type { DeviceHealth } from "../../kernel/ports/device-io.ts";
import type { PointSample, PointValue, Quality } from "../../kernel/point.ts";

interface Slot {
  readonly id: string;
  value: PointValue | null;
  isBad: boolean;
  toldAtMs: number;
  drainedValue: PointValue | null;
  drainedQuality: Quality | null;
  /** To be told once more, changed or not. */
  isOwed: boolean;
}

/**
 * What a device told of its points, and what of it the control loop has not seen yet. MQTT tells changes: a value counts for as long as
 * the device is available, or for `maxAgeMs` after it was told. No I/O, no clock.
 */
export class ValueImage {
  readonly #slots: Slot[];
  readonly #staleMs: number;
  readonly #maxAgeMs: number | null;
  #lostAtMs = -Infinity;
  #isAvailable = false;

  constructor(ids: readonly string[], staleMs: number, maxAgeMs: number | null) {
    this.#staleMs = staleMs;
    this.#maxAgeMs = maxAgeMs;
    this.#slots = ids.map((id) => ({
      id,
      value: null,
      isBad: false,
      toldAtMs: -Infinity,
      drainedValue: null,
      drainedQuality: null,
      isOwed: false,
    }));
  }

  /** Null: the payload held no value that can be understood. The last one is kept as `bad`. */
  told(slot: number, value: PointValue | null, nowMs: number): void {
    const state = present(this.#slots[slot], "a topic has a slot");
    state.toldAtMs = nowMs;
    state.isBad = value === null;
    if (value !== null) state.value = value;
  }

  setAvailable(isAvailable: boolean, nowMs: number): void {
    if (this.#isAvailable && !isAvailable) this.#lostAtMs = nowMs;
    this.#isAvailable = isAvailable;
  }

  /** Points whose last payload could not be understood. */
  badPoints(): readonly string[] {
    return this.#slots.filter(({ isBad }) => isBad).map(({ id }) => id.slice(id.indexOf(".") + 1));
  }

  /** A number that is good now; null where it is not, or there is no such point. */
  goodNumber(id: string, nowMs: number): number | null {
    const slot = this.#slots.find((one) => one.id === id);
    if (slot === undefined || typeof slot.value !== "number") return null;
    return this.#qualityOf(slot, nowMs) === "good" ? slot.value : null;
  }

  /** Quality and age of every point; the age is null where it was never told. */
  qualities(nowMs: number): DeviceHealth["points"] {
    return this.#slots.map((slot) => {
      const isTold = slot.value !== null;
      return {
        point: slot.id,
        quality: isTold ? this.#qualityOf(slot, nowMs) : "bad",
        ageMs: isTold ? nowMs - slot.toldAtMs : null,
      };
    });
  }

  /** The next drain tells everything once more: what a broker pushes is known to every node at once, so nothing need be waited for. */
  tellAgain(): void {
    for (const slot of this.#slots) slot.isOwed = true;
  }

  /** Appends what differs from the last drain, and what is owed. */
  drain(into: PointSample[], nowMs: number): void {
    for (const slot of this.#slots) {
      if (slot.value === null) continue;
      const quality = this.#qualityOf(slot, nowMs);
      const isSame = slot.value === slot.drainedValue && quality === slot.drainedQuality;
      if (isSame && !slot.isOwed) continue;
      slot.isOwed = false;
      this.#append(slot, quality, into);
    }
  }

  #append(slot: Slot, quality: Quality, into: PointSample[]): void {
    if (slot.value === null) return;
    slot.drainedValue = slot.value;
    slot.drainedQuality = quality;
    into.push([slot.id, slot.value, quality]);
  }

  /** Appends everything that was ever told; the next drain starts from here. */
  all(into: PointSample[], nowMs: number): void {
    for (const slot of this.#slots) this.#append(slot, this.#qualityOf(slot, nowMs), into);
  }

  #qualityOf(slot: Slot, nowMs: number): Quality {
    if (slot.isBad) return "bad";
    const isOld = this.#maxAgeMs !== null && nowMs - slot.toldAtMs > this.#maxAgeMs;
    const isLost = !this.#isAvailable && nowMs - this.#lostAtMs > this.#staleMs;
    return isOld || isLost ? "uncertain" : "good";
  }
}
