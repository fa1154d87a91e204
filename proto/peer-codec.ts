import { RemsError } from "../kernel/errors.ts";
import type { PeerMessage, Reach, StateHash } from "../kernel/peer-message.ts";
import type { LogPosition, Member } from "../kernel/record.ts";
import {
  counter,
  finite,
  id,
  invalid,
  member,
  members,
  position,
  required,
  text,
} from "./field-check.ts";
import type { WireInteger } from "./field-check.ts";
import { rems } from "./generated/rems-peer-v1.ts";
import type { Types } from "./generated/rems-peer-v1.ts";
import { fromWireGridMessage, toWireGridMessage } from "./grid-message-codec.ts";
import { asBuffer } from "./method-definition.ts";

type Wire = Types.rems.peer.v1.PeerMessage;
type WireLeaderFields = Types.rems.peer.v1.LeaderFields;
type LeaderMessage = Extract<PeerMessage, { type: "heartbeat" | "frame" }>;

/** Facts of one node about itself. */
const FACT_COUNT_MAX = 16;

/** Longest frame or state, in UTF-16 units and in bytes: a message must fit gRPC's 4 MB with its other fields. */
export const PEER_TEXT_LENGTH_MAX = 3_500_000;
/** Largest message that a peer accepts, bytes. */
export const PEER_MESSAGE_BYTES_MAX = 4_000_000;
/** Version of the peer protocol; streams of another version are refused. */
export const PEER_PROTOCOL_VERSION = 1;

const VERSION_LENGTH_MAX = 128;

/** First message of a stream: who sends, and to which installation it belongs. */
export interface PeerHello {
  readonly node: string;
  readonly installation: string;
  readonly protocolVersion: number;
}

export type PeerContent =
  | { readonly type: "hello"; readonly hello: PeerHello }
  | { readonly type: "message"; readonly message: PeerMessage };

export function encodePeerHello(hello: PeerHello): Buffer {
  return asBuffer(rems.peer.v1.ExchangeRequest.encode({ hello }).finish());
}

/**
 * Encodes a message for the stream between nodes. Numbers are exact up to 2^53 − 1.
 * @throws {@link RemsError} `REMS_MESSAGE_INVALID` if a frame or state is longer than {@link PEER_TEXT_LENGTH_MAX}.
 */
export function encodePeerMessage(message: PeerMessage): Buffer {
  if (message.type === "frame") checkText(message.text, "frame.text");
  if (message.type === "snapshot") checkText(message.state, "snapshot.state");
  const bytes = rems.peer.v1.ExchangeRequest.encode({ message: toWire(message) }).finish();
  return asBuffer(bytes);
}

/**
 * Decodes what a peer sent and checks every field: form, bounds, and the kernel's types.
 * @throws {@link RemsError} `REMS_MESSAGE_INVALID`, whatever the bytes are.
 */
export function decodePeerContent(bytes: Uint8Array): PeerContent {
  if (bytes.length > PEER_MESSAGE_BYTES_MAX) {
    throw invalid("message", `${bytes.length} bytes`, `at most ${PEER_MESSAGE_BYTES_MAX} bytes`);
  }
  let wire: Types.rems.peer.v1.ExchangeRequest;
  try {
    wire = rems.peer.v1.ExchangeRequest.decode(bytes);
  } catch (cause) {
    throw new RemsError("REMS_MESSAGE_INVALID", "a peer's message is not protobuf", { cause });
  }
  if (wire.message) return { type: "message", message: fromWire(wire.message) };
  if (wire.hello) {
    const { node, installation, protocolVersion } = wire.hello;
    const hello = {
      node: id(node, "hello.node"),
      installation: id(installation, "hello.installation"),
      protocolVersion,
    };
    return { type: "hello", hello };
  }
  throw invalid("message.content", "absent", "hello or message");
}

function toWire(message: PeerMessage): Wire {
  const { grid } = message;
  switch (message.type) {
    case "heartbeat": {
      const { last, stateHash } = message;
      return { grid, heartbeat: { from: toWireLeader(message), last, stateHash } };
    }
    case "frame":
      return { grid, frame: { from: toWireLeader(message), text: message.text } };
    case "acknowledge": {
      const { epoch, from, echoSentAtMs, last, reach } = message;
      return { grid, acknowledge: { epoch, from, echoSentAtMs, last, reach } };
    }
    case "join": {
      const { from, last, coreVersion, manifestHash } = message;
      return { grid, join: { from, last, coreVersion, manifestHash } };
    }
    case "snapshot": {
      const { epoch, leader, position, plantTimeMs, coreVersion, manifestHash, state } = message;
      const snapshot = { epoch, leader, position, plantTimeMs, coreVersion, manifestHash, state };
      return { grid, snapshot };
    }
    case "positionRequest":
      return { grid, positionRequest: { from: message.from } };
    case "position": {
      const { from, last, plantTimeMs } = message;
      return { grid, position: { from, last, plantTimeMs } };
    }
    case "resigned": {
      const { leader, epoch, sequence, revision, inSync } = message;
      return { grid, resigned: { leader, epoch, sequence, revision, inSync: [...inSync] } };
    }
    case "facts": {
      const facts = message.facts.map(([fact, isTrue]) => ({ fact, isTrue }));
      return { grid, facts: { from: message.from, facts } };
    }
    case "betweenGrids":
      return { grid, betweenGrids: toWireGridMessage(message.message) };
    default:
      return message satisfies never;
  }
}

function toWireLeader(message: LeaderMessage): WireLeaderFields {
  const { epoch, leader, sentAtMs, hasAuthority, reach, revision } = message;
  return { epoch, leader, sentAtMs, hasAuthority, reach, revision };
}

function fromWire(wire: Wire): PeerMessage {
  const grid = id(wire.grid, "grid");
  if (wire.heartbeat) {
    const { from, last, stateHash } = wire.heartbeat;
    return {
      type: "heartbeat",
      grid,
      ...leaderFields(from, "heartbeat.from"),
      last: optionalPosition(last, "heartbeat.last"),
      stateHash: optionalPosition(stateHash, "heartbeat.stateHash") satisfies StateHash | null,
    };
  }
  if (wire.frame) {
    return {
      type: "frame",
      grid,
      ...leaderFields(wire.frame.from, "frame.from"),
      text: text(wire.frame.text, "frame.text", PEER_TEXT_LENGTH_MAX),
    };
  }
  if (wire.acknowledge) {
    const { epoch, from, echoSentAtMs, last, reach } = wire.acknowledge;
    return {
      type: "acknowledge",
      grid,
      epoch: counter(epoch, "acknowledge.epoch"),
      from: member(from, "acknowledge.from"),
      echoSentAtMs: finite(echoSentAtMs, "acknowledge.echoSentAtMs"),
      last: optionalPosition(last, "acknowledge.last"),
      reach: reachOf(reach, "acknowledge.reach"),
    };
  }
  return fromWireRare(wire, grid);
}

/** The messages that do not come many times a second. */
function fromWireRare(wire: Wire, grid: string): PeerMessage {
  if (wire.join) {
    const { from, last, coreVersion, manifestHash } = wire.join;
    return {
      type: "join",
      grid,
      from: member(from, "join.from"),
      last: optionalPosition(last, "join.last"),
      coreVersion: text(coreVersion, "join.coreVersion", VERSION_LENGTH_MAX),
      manifestHash: text(manifestHash, "join.manifestHash", VERSION_LENGTH_MAX),
    };
  }
  if (wire.snapshot) {
    const snapshot = wire.snapshot;
    return {
      type: "snapshot",
      grid,
      epoch: counter(snapshot.epoch, "snapshot.epoch"),
      leader: member(snapshot.leader, "snapshot.leader"),
      position: position(
        required(snapshot.position, "snapshot.position"),
        "snapshot.position",
      ) satisfies LogPosition,
      plantTimeMs: finite(snapshot.plantTimeMs, "snapshot.plantTimeMs"),
      coreVersion: text(snapshot.coreVersion, "snapshot.coreVersion", VERSION_LENGTH_MAX),
      manifestHash: text(snapshot.manifestHash, "snapshot.manifestHash", VERSION_LENGTH_MAX),
      state: text(snapshot.state, "snapshot.state", PEER_TEXT_LENGTH_MAX),
    };
  }
  if (wire.positionRequest) {
    const from = member(wire.positionRequest.from, "positionRequest.from");
    return { type: "positionRequest", grid, from };
  }
  if (wire.position) {
    return {
      type: "position",
      grid,
      from: member(wire.position.from, "position.from"),
      last: optionalPosition(wire.position.last, "position.last"),
      plantTimeMs: finite(wire.position.plantTimeMs, "position.plantTimeMs"),
    };
  }
  if (wire.resigned) {
    const { leader, epoch, sequence, revision, inSync } = wire.resigned;
    return {
      type: "resigned",
      grid,
      leader: member(leader, "resigned.leader"),
      epoch: counter(epoch, "resigned.epoch"),
      sequence: counter(sequence, "resigned.sequence"),
      revision: counter(revision, "resigned.revision"),
      inSync: members(inSync, "resigned.inSync"),
    };
  }
  if (wire.facts) {
    const facts = wire.facts.facts ?? [];
    if (facts.length > FACT_COUNT_MAX) {
      throw invalid("facts.facts", `${facts.length} entries`, `at most ${FACT_COUNT_MAX}`);
    }
    return {
      type: "facts",
      grid,
      from: member(wire.facts.from, "facts.from"),
      facts: facts.map(({ fact, isTrue }) => [fact, isTrue] as const),
    };
  }
  if (wire.betweenGrids) {
    const message = fromWireGridMessage(wire.betweenGrids, "betweenGrids");
    return { type: "betweenGrids", grid, message };
  }
  throw invalid("message.content", "absent or unknown", "one of the messages of PeerMessage");
}

function leaderFields(wire: WireLeaderFields | null | undefined, path: string) {
  const from = required(wire, path);
  return {
    epoch: counter(from.epoch, `${path}.epoch`),
    leader: member(from.leader, `${path}.leader`) satisfies Member,
    sentAtMs: finite(from.sentAtMs, `${path}.sentAtMs`),
    hasAuthority: from.hasAuthority,
    reach: reachOf(from.reach, `${path}.reach`),
    revision: counter(from.revision, `${path}.revision`),
  };
}

function optionalPosition(
  wire: { epoch: WireInteger; sequence: WireInteger; hash: string } | null | undefined,
  path: string,
): { epoch: number; sequence: number; hash: string } | null {
  return wire === null || wire === undefined ? null : position(wire, path);
}

function reachOf(wire: Types.rems.peer.v1.Reach | null | undefined, path: string): Reach {
  const { reachedCount, criticalCount } = required(wire, path);
  if (reachedCount > criticalCount) {
    throw invalid(`${path}.reachedCount`, String(reachedCount), `at most ${criticalCount}`);
  }
  return { reachedCount, criticalCount };
}

function checkText(value: string, path: string): void {
  if (value.length * 3 <= PEER_TEXT_LENGTH_MAX) return;
  const byteCount = Buffer.byteLength(value);
  if (byteCount <= PEER_TEXT_LENGTH_MAX) return;
  throw invalid(path, `${byteCount} bytes long`, `at most ${PEER_TEXT_LENGTH_MAX} bytes`);
}
