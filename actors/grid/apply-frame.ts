import type { Frame, LeadershipInput } from "../../kernel/frame.ts";
import type { PointSample } from "../../kernel/point.ts";
import { contactsOf, type DeviceImage } from "../machines/device-image.ts";
import { NO_TIMERS } from "../../energy/start-stop.ts";
import type { GridPlan } from "./grid-plan.ts";
import { coldSupply } from "./supply-state.ts";
import type { GridState, HeartbeatState, LeadershipState, PositionState } from "./grid-state.ts";

/** A moving breaker keeps its last position for so long. */
const MOVING_MS = 1000;
/** Longest wait for critical points before a new leader commands. */
const READ_WAIT_MS = 2000;
/** After all controllers were gone nothing starts, stops, opens or closes for so long. */
const COLD_WAIT_MS = 10_000;
/** What a hot successor has not read itself counts as before for so long. */
const CARRY_MS = 1000;

/** Everything that comes with the frame, laid into the state. What is derived (positions, heartbeats) is brought up to date. */
export function applyFrame(plan: GridPlan, state: GridState, frame: Frame): GridState {
  const plantTimeMs = Math.max(state.plantTimeMs, frame.plantTimeMs);
  const now: GridState = {
    ...state,
    plantTimeMs,
    epoch: frame.epoch,
    sequence: frame.sequence,
    facts: nextFacts(state, frame),
    connections:
      frame.connections.length === 0
        ? state.connections
        : { ...state.connections, ...Object.fromEntries(frame.connections) },
  };
  const led = frame.leadership === null ? now : applyLeadership(now, frame.leadership, frame);
  const read = applyPoints(plan, led, frame);
  const bms = nextHeartbeats(plan, read);
  return {
    ...read,
    positions: nextPositions(plan, read),
    bms,
    leadership: settle(plan, read),
  };
}

const FACT_COUNT_MAX = 256;

/** A fact that names its node (`fact@node`) stands until that node takes it back; what the leader said of itself ends with its epoch. */
function nextFacts(state: GridState, frame: Frame): GridState["facts"] {
  const isNewEpoch = frame.isFirstOfEpoch && frame.epoch !== state.epoch;
  if (frame.facts.length === 0 && !isNewEpoch) return state.facts;
  const kept = Object.entries(state.facts).filter(([fact]) => !isNewEpoch || fact.includes("@"));
  const facts = Object.fromEntries(kept);
  for (const [fact, value] of frame.facts) {
    if (fact in facts || Object.keys(facts).length < FACT_COUNT_MAX) facts[fact] = value;
  }
  return facts;
}

/** A change of the in-sync set alone keeps everything; a new epoch decides what still counts. */
function applyLeadership(state: GridState, input: LeadershipInput, frame: Frame): GridState {
  const { plantTimeMs } = state;
  const members = { leader: input.leader.node, inSyncCount: input.inSync.length };
  if (!frame.isFirstOfEpoch) return { ...state, leadership: { ...state.leadership, ...members } };
  const isWarm = input.origin === "hot" || input.origin === "handover";
  const isCold = input.origin === "cold" || input.origin === "restart";
  const leadership: LeadershipState = {
    ...members,
    origin: input.origin,
    sinceMs: plantTimeMs,
    commandsFromMs: plantTimeMs + (isCold ? COLD_WAIT_MS : 0),
    isRead: isWarm,
    carriedUntilMs: isWarm ? plantTimeMs + CARRY_MS : 0,
    carried: [],
  };
  if (isWarm) return { ...state, leadership };
  // Nothing measured before counts; ramps begin at what is measured, timers at zero.
  const supply = coldSupply(state.supply);
  return { ...state, leadership, images: {}, levels: {}, timers: NO_TIMERS, targets: null, supply };
}

function applyPoints(plan: GridPlan, state: GridState, frame: Frame): GridState {
  const { leadership } = state;
  const isCarrying = leadership.carriedUntilMs > 0;
  if (frame.points.length === 0 && !isCarrying) return state;
  const images: { [device: string]: DeviceImage } = { ...state.images };
  const touched = new Set<string>();
  const carried = new Map(leadership.carried.map((sample) => [sample[0], sample]));
  const write = ([id, value, quality]: PointSample) => {
    const dot = id.indexOf(".");
    const device = id.slice(0, Math.max(0, dot));
    if (!plan.readDevices.has(device)) return;
    if (!touched.has(device)) {
      touched.add(device);
      images[device] = { ...images[device] };
    }
    (images[device] as { [point: string]: DeviceImage[string] })[id.slice(dot + 1)] = [
      value,
      quality,
    ];
  };
  const isOver = isCarrying && state.plantTimeMs >= leadership.carriedUntilMs;
  for (const sample of frame.points) {
    const [id, , quality] = sample;
    const isKept = isCarrying && !isOver && quality !== "good" && isGood(images, id);
    if (isKept) {
      carried.set(id, sample);
      continue;
    }
    carried.delete(id);
    write(sample);
  }
  if (!isCarrying) return { ...state, images };
  if (isOver) for (const sample of carried.values()) write(sample);
  return {
    ...state,
    images,
    leadership: {
      ...leadership,
      carried: isOver ? [] : [...carried.values()],
      carriedUntilMs: isOver ? 0 : leadership.carriedUntilMs,
    },
  };
}

function isGood(images: GridState["images"], id: string): boolean {
  const dot = id.indexOf(".");
  return images[id.slice(0, dot)]?.[id.slice(dot + 1)]?.[1] === "good";
}

const BREAKER_KINDS: ReadonlySet<string> = new Set([
  "genset",
  "battery",
  "busTie",
  "breaker",
  "feeder",
  "shore",
  "pv",
]);

function nextPositions(plan: GridPlan, state: GridState): GridState["positions"] {
  const changes: [string, PositionState][] = [];
  const check = (device: string) => {
    const before = state.positions[device];
    const next = nextPosition(before, state.images[device] ?? {}, state.plantTimeMs);
    if (next !== before) changes.push([device, next]);
  };
  for (const device of plan.devices) if (BREAKER_KINDS.has(device.kind)) check(device.id);
  for (const breaker of plan.foreignBreakers) check(breaker);
  if (changes.length === 0) return state.positions;
  return { ...state.positions, ...Object.fromEntries(changes) };
}

function nextPosition(
  before: PositionState | undefined,
  image: DeviceImage,
  nowMs: number,
): PositionState {
  const contacts = contactsOf(image);
  if (contacts !== "moving") {
    const isSame = before?.position === contacts && before.movingSinceMs === null;
    return isSame ? before : { position: contacts, movingSinceMs: null };
  }
  const movingSinceMs = before?.movingSinceMs ?? nowMs;
  const isOverdue = nowMs - movingSinceMs >= MOVING_MS;
  const position = isOverdue ? "unknown" : (before?.position ?? "unknown");
  const isSame = before?.position === position && before.movingSinceMs === movingSinceMs;
  return isSame ? before : { position, movingSinceMs };
}

function nextHeartbeats(plan: GridPlan, state: GridState): GridState["bms"] {
  const changes: [string, HeartbeatState][] = [];
  for (const { id, kind } of plan.devices) {
    if (kind !== "battery") continue;
    const sample = state.images[id]?.["bmsHeartbeatCount"];
    if (sample === undefined || sample[1] !== "good" || typeof sample[0] !== "number") continue;
    if (state.bms[id]?.count === sample[0]) continue;
    changes.push([id, { count: sample[0], sinceMs: state.plantTimeMs }]);
  }
  return changes.length === 0 ? state.bms : { ...state.bms, ...Object.fromEntries(changes) };
}

/** A leadership that began without its predecessor's memory waits until all critical devices were read. */
function settle(plan: GridPlan, state: GridState): LeadershipState {
  const { leadership, plantTimeMs } = state;
  if (leadership.isRead || leadership.origin === "none") return leadership;
  const isOverdue = plantTimeMs - leadership.sinceMs >= READ_WAIT_MS;
  const isComplete = plan.devices.every(
    ({ id, config }) => !config.isCritical || hasBeenRead(state.images[id]),
  );
  return isOverdue || isComplete ? { ...leadership, isRead: true } : leadership;
}

function hasBeenRead(image: DeviceImage | undefined): boolean {
  if (image === undefined) return false;
  const samples = Object.values(image);
  return samples.length > 0 && samples.every((sample) => sample[1] === "good");
}

/** True while commands may leave: a leadership is known, its plant was read, and the wait after a cold start is over. */
export function mayCommand(state: GridState): boolean {
  const { leadership, plantTimeMs } = state;
  return (
    leadership.origin !== "none" && leadership.isRead && plantTimeMs >= leadership.commandsFromMs
  );
}
