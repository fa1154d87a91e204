import { present } from "../../kernel/assert.ts";
import type { DeviceMap } from "./device-map.ts";
import type { ReadItem, ReadRequest } from "./request-plan.ts";

/** When a request was sent, and when its reply came. */
export interface ReadTimes {
  readonly sentAtMs: number;
  readonly readAtMs: number;
}

/** What of a reply waits until the registers that say what it means were seen behind it. */
export interface HeldReply extends ReadTimes {
  readonly request: ReadRequest;
  readonly items: readonly ReadItem[];
  readonly words: readonly number[];
  /** Slots of the guards that were not seen yet. */
  readonly missing: ReadonlySet<number>;
}

/** A request divided by what proves its items. */
interface Proof {
  readonly guardSlots: readonly number[];
  /** Points that come with all their guards, or have none. */
  readonly ready: readonly ReadItem[];
  /** Points of which a guard comes by another request. */
  readonly waiting: readonly ReadItem[];
  readonly missing: ReadonlySet<number>;
}

/** Of one request the oldest reply waits, so that it is proved in the end, and the newest. */
const HELD_PER_REQUEST_MAX = 2;

/**
 * A value and the scale factor that gives it its meaning may come by two requests, and both may change in between. So a value waits until
 * each of its guards was seen unchanged by a request that was sent after the value had come. No I/O, no clock.
 */
export class GuardedReplies {
  readonly #map: DeviceMap;
  readonly #proofs = new WeakMap<ReadRequest, Proof>();
  #held: HeldReply[] = [];

  constructor(map: DeviceMap) {
    this.#map = map;
  }

  /** Points of a reply that need no other reply to be believed. */
  ready(request: ReadRequest): readonly ReadItem[] {
    return this.#proofOf(request).ready;
  }

  /** Keeps the points of a reply that others must prove. @returns Slots of the guards that are to be read. */
  hold(request: ReadRequest, words: readonly number[], times: ReadTimes): ReadonlySet<number> {
    const { waiting: items, missing } = this.#proofOf(request);
    if (items.length === 0) return missing;
    const same = this.#held.filter((held) => held.request === request);
    if (same.length >= HELD_PER_REQUEST_MAX) {
      const newest = same.at(-1);
      this.#held = this.#held.filter((held) => held !== newest);
    }
    this.#held.push({ request, items, words, ...times, missing });
    return missing;
  }

  /**
   * A reply has shown its guards unchanged.
   * @param sentAtMs - When its request was sent: it proves nothing about what came later.
   * @returns What is proved by now, the oldest first.
   */
  proved(request: ReadRequest, sentAtMs: number): readonly HeldReply[] {
    const { guardSlots } = this.#proofOf(request);
    if (this.#held.length === 0 || guardSlots.length === 0) return [];
    const done: HeldReply[] = [];
    const held: HeldReply[] = [];
    for (const one of this.#held) {
      const isBehind = sentAtMs >= one.readAtMs;
      const left = [...one.missing].filter((slot) => !isBehind || !guardSlots.includes(slot));
      if (left.length === 0) done.push(one);
      else held.push({ ...one, missing: new Set(left) });
    }
    this.#held = held;
    return done;
  }

  /** Nothing that waits will be believed any more. */
  clear(): void {
    this.#held = [];
  }

  #proofOf(request: ReadRequest): Proof {
    const known = this.#proofs.get(request);
    if (known !== undefined) return known;
    const pointCount = this.#map.points.length;
    const slots = request.items.map(({ slot }) => slot);
    const ready: ReadItem[] = [];
    const waiting: ReadItem[] = [];
    const missing = new Set<number>();
    for (const item of request.items) {
      if (item.slot >= pointCount) continue;
      const guards = present(this.#map.guardsOfSlot[item.slot], "every point has its guards");
      const others = guards.filter((slot) => !slots.includes(slot));
      (others.length === 0 ? ready : waiting).push(item);
      for (const slot of others) missing.add(slot);
    }
    const guardSlots = slots.filter((slot) => slot >= pointCount);
    const proof = { guardSlots, ready, waiting, missing };
    this.#proofs.set(request, proof);
    return proof;
  }
}
