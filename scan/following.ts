import { assert } from "../kernel/assert.ts";
import { RemsError } from "../kernel/errors.ts";
import type { EncodedFrame } from "../kernel/frame.ts";
import { decodeFrame } from "../kernel/frame.ts";
import type { FrameMessage, SnapshotMessage } from "../kernel/peer-message.ts";
import type { LoopObserver } from "./loop-options.ts";
import type { ReplicatedLog } from "./replicated-log.ts";

export interface FollowingOptions {
  readonly grid: string;
  readonly log: ReplicatedLog<unknown>;
  readonly observer: Pick<LoopObserver, "frame" | "snapshot">;
  readonly nowMs: () => number;
  readonly hash: ((text: string) => string) | undefined;
}

/** What a controller does with the frames and snapshots of a leader. */
export interface Following {
  /** @throws {@link RemsError} `REMS_MESSAGE_INVALID` if the message holds no frame of this grid, or one of a later epoch than its own. */
  decode(message: FrameMessage): EncodedFrame;
  /** Takes the frame decoded last into the log. It is applied in {@link applyAccepted}, after its acknowledgement went out. */
  accept(sequence: number): void;
  applyAccepted(): void;
  install(message: SnapshotMessage): void;
}

export function createFollowing({ grid, log, observer, nowMs, hash }: FollowingOptions): Following {
  let received: EncodedFrame | null = null;
  let unapplied: EncodedFrame[] = [];
  return {
    decode(message) {
      const encoded = decodeFrame(message.text, hash);
      const { frame } = encoded;
      if (frame.grid !== grid || frame.epoch > message.epoch) {
        throw new RemsError(
          "REMS_MESSAGE_INVALID",
          `a frame message of grid ${grid} holds a frame of ${frame.grid}, epoch ${frame.epoch}`,
        );
      }
      received = encoded;
      return encoded;
    },
    accept(sequence) {
      const encoded = received;
      assert(
        encoded !== null && encoded.position.sequence === sequence,
        "the accepted frame is the one just received",
      );
      log.append(encoded, nowMs());
      unapplied.push(encoded);
    },
    applyAccepted() {
      if (unapplied.length === 0) return;
      const accepted = unapplied;
      unapplied = [];
      for (const encoded of accepted) observer.frame(encoded, log.apply(encoded), false);
    },
    install(message) {
      log.install(message);
      observer.snapshot(message.state, message.position);
    },
  };
}
