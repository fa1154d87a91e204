import { patchFollowing } from "./draft.ts";
import { emit } from "./draft.ts";
import type { Draft } from "./draft.ts";
import type { ControllerEvent } from "./events.ts";
import {
  hear,
  isFromNewestLeader,
  takeLeaderMessage,
  takeResignation,
  takeSnapshot,
} from "./following.ts";
import { depose, takeAcknowledgement, takeJoin } from "./leading.ts";

type Received = Extract<ControllerEvent, { type: "message.received" }>;

/** Sorts messages of peers by kind. What is of another grid, or speaks for another node than it came from, is dropped. */
export function takeMessage(draft: Draft, { from, message, frame }: Received): void {
  if (message.grid !== draft.options.grid || from === draft.options.self) return;
  const { situation } = draft.state;
  switch (message.type) {
    case "heartbeat":
    case "frame":
      if (message.leader.node !== from || !isFromNewestLeader(draft.state, message)) return;
      depose(draft, `${from} leads epoch ${message.epoch}`);
      if (situation.role === "fenced") hear(draft, message);
      else takeLeaderMessage(draft, message, frame);
      return;
    case "snapshot":
      if (message.leader.node !== from || !isFromNewestLeader(draft.state, message)) return;
      takeSnapshot(draft, message);
      return;
    case "resigned":
      if (message.leader.node === from) takeResignation(draft, message);
      return;
    case "acknowledge":
      if (message.from.node === from) takeAcknowledgement(draft, message);
      return;
    case "join":
      if (message.from.node === from) takeJoin(draft, message);
      return;
    case "positionRequest":
      if (message.from.node === from) answerPosition(draft, from);
      return;
    case "position":
      if (message.from.node === from && draft.options.order.includes(from)) {
        const { positions } = draft.state.following;
        patchFollowing(draft, {
          positions: [
            ...positions.filter(({ node }) => node !== from),
            { node: from, last: message.last, atMs: draft.nowMs },
          ],
        });
      }
      return;
    case "facts":
    case "betweenGrids":
      return;
    default:
      message satisfies never;
  }
}

function answerPosition(draft: Draft, to: string): void {
  const { log, self } = draft.state;
  emit(draft, {
    type: "send",
    to,
    message: {
      type: "position",
      grid: draft.options.grid,
      from: self,
      last: log.isUnfit ? null : log.last,
      plantTimeMs: log.plantTimeMs,
    },
  });
}
