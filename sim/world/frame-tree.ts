import type { EncodedFrame } from "../../kernel/frame.ts";
import { HASH_NONE } from "../../kernel/hash.ts";

/** A frame that some leader built, as the referee keeps it. */
export interface KnownFrame {
  readonly hash: string;
  readonly previousHash: string;
  readonly epoch: number;
  readonly sequence: number;
  readonly plantTimeMs: number;
  readonly builtAtMs: number;
  readonly requestIds: readonly string[];
}

/** Every frame ever built, by hash: a tree, because a stale takeover or a lost leader leaves branches that nobody continued. */
export class FrameTree {
  readonly #byHash = new Map<string, KnownFrame>();
  readonly #byPlace = new Map<string, KnownFrame>();

  /** @returns Null if all is well, else the other frame that already stands at this epoch and sequence. */
  add({ frame, position }: EncodedFrame, builtAtMs: number): KnownFrame | null {
    const place = `${position.epoch}:${position.sequence}`;
    const before = this.#byPlace.get(place);
    if (before !== undefined) return before.hash === position.hash ? null : before;
    const known: KnownFrame = {
      hash: position.hash,
      previousHash: frame.previousHash,
      epoch: position.epoch,
      sequence: position.sequence,
      plantTimeMs: frame.plantTimeMs,
      builtAtMs,
      requestIds: frame.requests.map(({ requestId }) => requestId),
    };
    this.#byHash.set(known.hash, known);
    this.#byPlace.set(place, known);
    return null;
  }

  at(epoch: number, sequence: number): KnownFrame | undefined {
    return this.#byPlace.get(`${epoch}:${sequence}`);
  }

  get(hash: string): KnownFrame | undefined {
    return this.#byHash.get(hash);
  }

  /** True if the log that ends with frame `tip` holds `frame`. */
  holds(tip: string, frame: KnownFrame): boolean {
    let hash = tip;
    while (hash !== HASH_NONE) {
      if (hash === frame.hash) return true;
      const known = this.#byHash.get(hash);
      if (known === undefined || known.sequence <= frame.sequence) return false;
      hash = known.previousHash;
    }
    return false;
  }
}
