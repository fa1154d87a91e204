import { assert, present } from "../../kernel/assert.ts";
import type { Clock } from "../../kernel/ports/clock.ts";
import type { PeerMessage } from "../../kernel/peer-message.ts";
import type { PeerTransport } from "../../kernel/ports/peer-transport.ts";
import type { SeededRandom } from "./seeded-random.ts";

/** How one direction of a link behaves from now on. */
export interface LinkFaults {
  /** Packets vanish. After `breakDetectMs` the streams of both directions are given up; they are opened again when the cut ends. */
  readonly isCut?: boolean;
  /** Added to every message's delay. Order is kept, as on a stream. */
  readonly delayMs?: number;
}

export interface MemoryNetworkOptions {
  readonly clock: Clock;
  /** Needed where delays are drawn or streams break at random. */
  readonly random?: SeededRandom;
  /** One way. Default 0.5. */
  readonly delayMsMin?: number;
  readonly delayMsMax?: number;
  /** Probability that a message breaks its stream, which loses all that is under way on it. Default 0. */
  readonly breakProbability?: number;
  /** Silence after which a sender takes the stream for broken. Default 1000. */
  readonly breakDetectMs?: number;
  /** Time to open a stream where nothing is cut. Default 50. */
  readonly connectMs?: number;
  /** Messages under way on one stream at most; more are dropped. Default 1000. */
  readonly bufferCountMax?: number;
}

/** Nodes joined by streams in both directions, on a virtual clock. */
export interface MemoryNetwork {
  /** Attaches a node; its earlier life's streams are gone. */
  attach(node: string): PeerTransport;
  setLink(fromNode: string, toNode: string, faults: LinkFaults): void;
  /** Cuts or heals both directions between `node` and every other. */
  setIsolated(node: string, isIsolated: boolean): void;
  /** From now on so many of the messages break their stream. */
  setBreakProbability(probability: number): void;
  readonly deliveredCount: () => number;
  readonly droppedCount: () => number;
}

interface Stream {
  isOpen: boolean;
  underWayCount: number;
  /** Messages that met a cut: they wait in the sender's buffers, as with TCP, until the cut ends or the stream is given up. */
  held: PeerMessage[];
  /** Arrival of the message sent last: a later one never overtakes it. */
  lastArrivalMs: number;
}

interface Endpoint {
  readonly node: string;
  readonly streams: Map<string, Stream>;
  readonly messageHandlers: ((fromNode: string, message: PeerMessage) => void)[];
  readonly connectionHandlers: ((node: string, isConnected: boolean) => void)[];
  isClosed: boolean;
}

export function createMemoryNetwork(options: MemoryNetworkOptions): MemoryNetwork {
  const { clock, random } = options;
  const delayMsMin = options.delayMsMin ?? 0.5;
  const delayMsMax = options.delayMsMax ?? delayMsMin;
  let breakProbability = options.breakProbability ?? 0;
  const breakDetectMs = options.breakDetectMs ?? 1000;
  const connectMs = options.connectMs ?? 50;
  const bufferCountMax = options.bufferCountMax ?? 1000;
  assert(
    random !== undefined || (delayMsMin === delayMsMax && breakProbability === 0),
    "random delays and breaks need a source of randomness",
  );
  const endpoints = new Map<string, Endpoint>();
  const links = new Map<string, LinkFaults>();
  let deliveredCount = 0;
  let droppedCount = 0;
  const cuts = new Map<string, number>();
  let cutCount = 0;

  const key = (from: string, to: string) => `${from}>${to}`;
  const link = (from: string, to: string): LinkFaults => links.get(key(from, to)) ?? {};
  const isCut = (from: string, to: string) => link(from, to).isCut === true;

  function dropStream(from: Endpoint, to: string): void {
    const stream = from.streams.get(to);
    if (stream === undefined) return;
    stream.isOpen = false;
    droppedCount += stream.underWayCount;
    from.streams.delete(to);
    if (!from.isClosed) for (const handler of from.connectionHandlers) handler(to, false);
  }

  /** Tries to open the stream until it succeeds or the node is gone. A stream needs both directions to open. */
  function connect(from: Endpoint, to: string): void {
    clock.at(clock.monotonicMs() + connectMs, () => {
      if (from.isClosed || from.streams.has(to)) return;
      const peer = endpoints.get(to);
      if (peer === undefined || peer.isClosed || isCut(from.node, to) || isCut(to, from.node)) {
        connect(from, to);
        return;
      }
      from.streams.set(to, { isOpen: true, underWayCount: 0, held: [], lastArrivalMs: 0 });
      for (const handler of from.connectionHandlers) handler(to, true);
    });
  }

  function send(from: Endpoint, to: string, message: PeerMessage): boolean {
    const stream = from.streams.get(to);
    if (from.isClosed || stream === undefined || stream.underWayCount >= bufferCountMax) {
      droppedCount += 1;
      return false;
    }
    if (breakProbability > 0 && present(random, "checked above").next() < breakProbability) {
      droppedCount += 1;
      dropStream(from, to);
      connect(from, to);
      return false;
    }
    const delayMs =
      (random === undefined ? delayMsMin : random.between(delayMsMin, delayMsMax)) +
      (link(from.node, to).delayMs ?? 0);
    stream.lastArrivalMs = Math.max(clock.monotonicMs() + delayMs, stream.lastArrivalMs);
    stream.underWayCount += 1;
    clock.at(stream.lastArrivalMs, () => {
      if (!stream.isOpen) return;
      if (isCut(from.node, to) || stream.held.length > 0) stream.held.push(message);
      else deliver(from, to, stream, message);
    });
    return true;
  }

  function deliver(from: Endpoint, to: string, stream: Stream, message: PeerMessage): void {
    stream.underWayCount -= 1;
    const peer = endpoints.get(to);
    if (peer === undefined || peer.isClosed) return;
    deliveredCount += 1;
    for (const handler of peer.messageHandlers) handler(from.node, message);
  }

  /** After a cut: what was held arrives, in order, unless the stream was given up meanwhile. */
  function release(fromNode: string, toNode: string): void {
    const from = endpoints.get(fromNode);
    const stream = from?.streams.get(toNode);
    if (from === undefined || stream === undefined) return;
    clock.at(clock.monotonicMs() + delayMsMin, () => {
      if (!stream.isOpen || isCut(fromNode, toNode)) return;
      const held = stream.held;
      stream.held = [];
      for (const message of held) if (stream.isOpen) deliver(from, toNode, stream, message);
    });
  }

  function setLink(fromNode: string, toNode: string, faults: LinkFaults): void {
    const wasCut = isCut(fromNode, toNode);
    links.set(key(fromNode, toNode), faults);
    if (faults.isCut !== true) {
      if (wasCut) release(fromNode, toNode);
      return;
    }
    if (wasCut) return;
    cutCount += 1;
    const ownCut = cutCount;
    cuts.set(key(fromNode, toNode), ownCut);
    // A cut of either direction stops the acknowledgements too: both streams are given up.
    for (const [from, to] of [
      [fromNode, toNode],
      [toNode, fromNode],
    ] as const) {
      const endpoint = endpoints.get(from);
      const stream = endpoint?.streams.get(to);
      if (endpoint === undefined || stream === undefined) continue;
      clock.at(clock.monotonicMs() + breakDetectMs, () => {
        const isSameCut = isCut(fromNode, toNode) && cuts.get(key(fromNode, toNode)) === ownCut;
        if (!isSameCut || !stream.isOpen) return;
        dropStream(endpoint, to);
        connect(endpoint, to);
      });
    }
  }

  function detach(endpoint: Endpoint): void {
    endpoint.isClosed = true;
    for (const stream of endpoint.streams.values()) stream.isOpen = false;
    endpoint.streams.clear();
    for (const peer of endpoints.values()) {
      if (peer === endpoint || peer.isClosed) continue;
      dropStream(peer, endpoint.node);
      connect(peer, endpoint.node);
    }
  }

  function attach(node: string): PeerTransport {
    const previous = endpoints.get(node);
    if (previous !== undefined && !previous.isClosed) detach(previous);
    const endpoint: Endpoint = {
      node,
      streams: new Map(),
      messageHandlers: [],
      connectionHandlers: [],
      isClosed: false,
    };
    endpoints.set(node, endpoint);
    for (const peer of endpoints.values()) {
      if (peer === endpoint) continue;
      connect(endpoint, peer.node);
      if (!peer.isClosed && !peer.streams.has(node)) connect(peer, node);
    }
    return {
      send: (toNode, message) => send(endpoint, toNode, message),
      onMessage: (handler) => void endpoint.messageHandlers.push(handler),
      onConnectionChanged: (handler) => void endpoint.connectionHandlers.push(handler),
      isConnected: (toNode) => endpoint.streams.has(toNode),
      close() {
        if (!endpoint.isClosed) detach(endpoint);
        return Promise.resolve();
      },
    };
  }

  function setIsolated(node: string, isIsolated: boolean): void {
    for (const peer of endpoints.keys()) {
      if (peer === node) continue;
      setLink(node, peer, { isCut: isIsolated });
      setLink(peer, node, { isCut: isIsolated });
    }
  }

  return {
    attach,
    setLink,
    setIsolated,
    setBreakProbability(probability) {
      assert(
        random !== undefined || probability === 0,
        "random breaks need a source of randomness",
      );
      breakProbability = probability;
    },
    deliveredCount: () => deliveredCount,
    droppedCount: () => droppedCount,
  };
}
