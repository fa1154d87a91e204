import type { PeerMessage } from "../kernel/peer-message.ts";
import type { LogPosition, Member } from "../kernel/record.ts";
import type { LeaderHeader } from "./leader-messages.ts";
import { catchUpMessages, frameMessage, heartbeatMessage } from "./leader-messages.ts";
import type { ReplicatedLog } from "./replicated-log.ts";

/** What a leader sends to the other controllers of its grid. */
export interface LeaderSender {
  frame(to: readonly string[], sequence: number): void;
  heartbeat(to: readonly string[]): void;
  /** What a joining controller lacks that stands at `last`. */
  catchUp(to: Member, last: LogPosition | null): void;
}

export interface LeaderSenderOptions {
  readonly core: { readonly coreVersion: string; readonly manifestHash: string };
  readonly log: ReplicatedLog<unknown>;
  readonly send: (toNode: string, message: PeerMessage) => boolean;
  /** What every message says, as it is now. */
  readonly header: () => LeaderHeader;
}

export function createLeaderSender({ core, log, send, header }: LeaderSenderOptions): LeaderSender {
  const sendTo = (nodes: readonly string[], message: PeerMessage): void => {
    for (const node of nodes) send(node, message);
  };
  return {
    frame(to, sequence) {
      const encoded = log.frames.at(sequence);
      if (encoded !== null) sendTo(to, frameMessage(header(), encoded));
    },
    heartbeat(to) {
      sendTo(to, heartbeatMessage(header(), log.frames.last(), log.stateHashes.newest()));
    },
    catchUp(to, last) {
      const source = {
        coreVersion: core.coreVersion,
        manifestHash: core.manifestHash,
        plantTimeMs: log.plantTimeMs(),
        state: () => log.replica.snapshot(),
      };
      for (const message of catchUpMessages(header(), log.frames, last, source))
        sendTo([to.node], message);
    },
  };
}
