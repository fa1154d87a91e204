import { loadManifest } from "../configs/load-manifest.ts";
import { encodeFrame, type EncodedFrame, type Frame } from "../kernel/frame.ts";
import { HASH_NONE } from "../kernel/hash.ts";
import type { ApiGridStatus } from "./api-messages.ts";

const SELF = { node: "n1", incarnation: "a".repeat(32) };
const OTHER = { node: "n3", incarnation: "b".repeat(32) };

export const testManifest = loadManifest(
  new URL("../configs/vessel.toml", import.meta.url).pathname,
);

/** Frames of the vessel's grid port as its leader n1 would make them. */
export class TestFrames {
  last: EncodedFrame | null = null;

  next(changes: Partial<Frame> = {}): EncodedFrame {
    const sequence = (this.last?.position.sequence ?? 0) + 1;
    this.last = encodeFrame({
      grid: "port",
      epoch: 1,
      sequence,
      previousHash: this.last?.position.hash ?? HASH_NONE,
      plantTimeMs: sequence * 100,
      wallTimeMs: 1_700_000_000_000 + sequence * 100,
      isFirstOfEpoch: sequence === 1,
      points: [],
      connections: [],
      fates: [],
      requests: [],
      messages: [],
      facts: [],
      leadership: null,
      ...changes,
    });
    return this.last;
  }

  /** With which an epoch begins. */
  first(): EncodedFrame {
    const leadership = { leader: SELF, inSync: [SELF, OTHER], origin: "cold" } as const;
    return this.next({ leadership });
  }
}

/** What n1 knows of the leadership of port while it leads. */
export function leadingStatus(changes: Partial<ApiGridStatus> = {}): ApiGridStatus {
  return {
    role: "leading",
    epoch: 1,
    leader: SELF,
    inSync: [SELF, OTHER],
    hasAuthority: true,
    ...changes,
  };
}
