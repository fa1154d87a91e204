import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { RemsError } from "../kernel/errors.ts";
import type { GridMessage } from "../kernel/grid-message.ts";
import type { PeerMessage } from "../kernel/peer-message.ts";
import {
  decodePeerContent,
  encodePeerHello,
  encodePeerMessage,
  PEER_TEXT_LENGTH_MAX,
} from "./peer-codec.ts";

const counters = fc.oneof(fc.nat(), fc.maxSafeNat());
const finite = fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0);
const positive = finite.map(Math.abs);
const ids = fc.stringMatching(/^[a-z][a-z0-9_.-]{0,20}$/);
const hex128 = fc.stringMatching(/^[0-9a-f]{32}$/);
const member = fc.record({ node: ids, incarnation: hex128 });
const position = fc.record({ epoch: counters, sequence: counters, hash: hex128 });
const last = fc.option(position);
const reach = fc
  .tuple(fc.nat(100), fc.nat(100))
  .map(([a, b]) => ({ reachedCount: Math.min(a, b), criticalCount: Math.max(a, b) }));
const leader = {
  grid: ids,
  epoch: counters,
  leader: member,
  sentAtMs: finite,
  hasAuthority: fc.boolean(),
  reach,
  revision: counters,
};
const source = fc.record({
  device: ids,
  kind: ids,
  state: ids,
  isConnected: fc.boolean(),
  ratedKw: finite,
  powerKw: finite,
  availableKw: finite,
  runningForMs: positive,
  stepKw: fc.option(finite),
  runningHoursH: positive,
  fuelGPerKwh: positive,
  reactiveKvar: finite,
  apparentKva: positive,
  isBaseLoad: fc.boolean(),
  priority: fc.integer({ min: 0, max: 100 }),
  isRunning: fc.boolean(),
  isForming: fc.option(fc.boolean()),
  zeroEmission: fc.option(
    fc.record({
      dischargeLimitKw: positive,
      socPct: positive,
      startSocPct: positive,
      startPct: positive,
    }),
  ),
  minimumKw: positive,
  referenceKw: fc.option(finite),
});
const body: fc.Arbitrary<GridMessage["body"]> = fc.oneof(
  fc.record({
    kind: fc.constant("gridStatus" as const),
    capacityKw: finite,
    generationKw: finite,
    loadKw: finite,
    frequencyHz: finite,
    readySources: fc.array(ids, { maxLength: 5 }),
    isSettled: fc.boolean(),
    sources: fc.array(source, { maxLength: 3 }),
    joinedGrids: fc.array(ids, { maxLength: 3 }),
    sheddableKw: fc.array(positive, { maxLength: 4 }),
    sheddables: fc.array(
      fc.record({
        device: ids,
        stage: fc.nat(3),
        priority: fc.nat(100),
        powerKw: positive,
        isWhole: fc.boolean(),
      }),
      { maxLength: 4 },
    ),
    isDark: fc.boolean(),
    feedTie: fc.oneof(fc.constant(""), ids),
    feedKw: positive,
    wants: fc.record({
      mode: fc.string({ maxLength: 40 }),
      setCountMin: fc.nat(256),
      reserveKw: positive,
      isN1Required: fc.boolean(),
      isOnShore: fc.boolean(),
    }),
  }),
  fc.record({
    kind: fc.constant("islandTargets" as const),
    sharePu: finite,
    startDevice: fc.option(ids),
    stopDevice: fc.option(ids),
    reason: fc.string({ maxLength: 100 }),
    fixedPu: fc.option(finite),
    swingDevice: fc.option(ids),
    reactiveSharePu: fc.option(finite),
    reactivePerActive: fc.option(finite),
    isResting: fc.boolean(),
  }),
);
const gridMessage = fc.record({
  fromGrid: ids,
  toGrid: ids,
  epoch: counters,
  sequence: counters,
  validForMs: positive,
  body,
});
const type = <T extends PeerMessage["type"]>(name: T) => fc.constant(name);
const text = fc.string({ unit: "grapheme", maxLength: 500 });

/** Any message that the kernel's types allow. */
const peerMessage: fc.Arbitrary<PeerMessage> = fc.oneof(
  fc.record({ type: type("heartbeat"), ...leader, last, stateHash: last }),
  fc.record({ type: type("frame"), ...leader, text }),
  fc.record({
    type: type("acknowledge"),
    grid: ids,
    epoch: counters,
    from: member,
    echoSentAtMs: finite,
    last,
    reach,
  }),
  fc.record({
    type: type("join"),
    grid: ids,
    from: member,
    last,
    coreVersion: ids,
    manifestHash: hex128,
  }),
  fc.record({
    type: type("snapshot"),
    grid: ids,
    epoch: counters,
    leader: member,
    position,
    plantTimeMs: finite,
    coreVersion: ids,
    manifestHash: hex128,
    state: text,
  }),
  fc.record({ type: type("positionRequest"), grid: ids, from: member }),
  fc.record({ type: type("position"), grid: ids, from: member, last, plantTimeMs: finite }),
  fc.record({
    type: type("resigned"),
    grid: ids,
    leader: member,
    epoch: counters,
    sequence: counters,
    revision: counters,
    inSync: fc.array(member, { maxLength: 4 }),
  }),
  fc.record({
    type: type("facts"),
    grid: ids,
    from: member,
    facts: fc.array(fc.tuple(ids, fc.boolean()), { maxLength: 16 }),
  }),
  fc.record({ type: type("betweenGrids"), grid: ids, message: gridMessage }),
);

const frameOf = (value: string): PeerMessage => ({
  type: "frame",
  grid: "port",
  epoch: 1,
  leader: { node: "n1", incarnation: "0".repeat(32) },
  sentAtMs: 1,
  hasAuthority: true,
  reach: { reachedCount: 1, criticalCount: 1 },
  revision: 1,
  text: value,
});

describe("peer codec", () => {
  it("returns every message as it was, 64-bit numbers included", () => {
    fc.assert(
      fc.property(peerMessage, (message) => {
        const content = decodePeerContent(encodePeerMessage(message));
        expect(content).toEqual({ type: "message", message });
      }),
      { numRuns: 500 },
    );
  });

  it("returns the greeting of a stream", () => {
    const hello = { node: "n1", installation: "vessel", protocolVersion: 1 };
    expect(decodePeerContent(encodePeerHello(hello))).toEqual({ type: "hello", hello });
  });

  it("answers any bytes with a message or with REMS_MESSAGE_INVALID", () => {
    const check = (bytes: Uint8Array) => {
      try {
        decodePeerContent(bytes);
      } catch (error) {
        expect(RemsError.find(error, "REMS_MESSAGE_INVALID")).toBeDefined();
      }
    };
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), check), { numRuns: 500 });
    fc.assert(
      fc.property(peerMessage, fc.nat(), fc.nat(255), (message, at, byte) => {
        const bytes = encodePeerMessage(message);
        bytes[at % bytes.length] = byte;
        check(bytes);
        check(bytes.subarray(0, at % bytes.length));
      }),
      { numRuns: 1000 },
    );
  });

  it.each<[name: string, change: object, path: string]>([
    ["a counter beyond 2^53 - 1", { epoch: 2 ** 60 }, "frame.from.epoch"],
    ["a negative counter", { revision: -1 }, "frame.from.revision"],
    ["a time that is no number", { sentAtMs: Number.NaN }, "frame.from.sentAtMs"],
    ["an empty grid", { grid: "" }, "grid"],
    ["a grid with a slash", { grid: "a/b" }, "grid"],
    [
      "an incarnation that is not hexadecimal",
      { leader: { node: "n1", incarnation: "x".repeat(32) } },
      "frame.from.leader.incarnation",
    ],
    [
      "more devices reached than there are",
      { reach: { reachedCount: 2, criticalCount: 1 } },
      "frame.from.reach.reachedCount",
    ],
  ])("refuses %s and names the field", (_name, change, path) => {
    const bytes = encodePeerMessage({ ...frameOf("{}"), ...change });
    expect(() => decodePeerContent(bytes)).toThrow(
      expect.objectContaining({ code: "REMS_MESSAGE_INVALID", details: { path } }),
    );
  });

  it("takes a text of 3.5 MB and refuses to encode a longer one", () => {
    const longest = frameOf("x".repeat(PEER_TEXT_LENGTH_MAX));
    expect(decodePeerContent(encodePeerMessage(longest))).toEqual({
      type: "message",
      message: longest,
    });
    expect(() => encodePeerMessage(frameOf("x".repeat(PEER_TEXT_LENGTH_MAX + 1)))).toThrow(
      RemsError,
    );
    expect(() => encodePeerMessage(frameOf("€".repeat(1_200_000)))).toThrow(RemsError);
  });
});
