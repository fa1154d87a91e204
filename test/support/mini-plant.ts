import type { DeviceConfig, GridConfig, Manifest } from "../../configs/manifest.ts";
import { createGridCore, type PlannedGridCore } from "../../actors/grid/grid-core.ts";
import type { GridState } from "../../actors/grid/grid-state.ts";
import { assert, present } from "../../kernel/assert.ts";
import { encodeCanonical } from "../../kernel/canonical.ts";
import type { CommandFate, OperatorRequest } from "../../kernel/command.ts";
import type { CoreOutputs } from "../../kernel/core.ts";
import type { FactSample, Frame, LeadershipOrigin } from "../../kernel/frame.ts";
import type { GridMessage } from "../../kernel/grid-message.ts";
import type { PointSample, PointValue, Quality } from "../../kernel/point.ts";

/** What a device of the mini plant is; public, so that tests set faults by writing to it. */
export interface MiniDevice {
  readonly id: string;
  readonly grid: string;
  readonly config: DeviceConfig;
  isClosed: boolean;
  isTripped: boolean;
  isRemote: boolean;
  isRunning: boolean;
  isReadyToLoad: boolean;
  isShutdown: boolean;
  isForming: boolean;
  isRequesting: boolean;
  isVoltagePresent: boolean;
  powerKw: number;
  /** Feeders and thrusters: what they want to draw. */
  demandKw: number;
  level: number;
  socPct: number;
  /** Gensets: hours run, and what they can give where they are derated. */
  hoursH: number;
  availableKw: number | null;
  heartbeatCount: number;
  isHeartbeatStopped: boolean;
  quality: Quality;
  /** What is to happen at a time. */
  agenda: { atMs: number; what: "run" | "close" | "halt" }[];
  /** Swallows commands as a dead controller does. */
  isDeaf: boolean;
}

export interface MiniGrid {
  readonly config: GridConfig;
  readonly core: PlannedGridCore;
  state: GridState;
  epoch: number;
  sequence: number;
  origin: LeadershipOrigin | null;
  inSyncCount: number;
  sent: Map<string, string>;
  requests: OperatorRequest[];
  fates: CommandFate[];
  /** Decides the fate of a command; null lets it be executed and confirmed. */
  fateOf: (command: string, device: string) => CommandFate["fate"] | null;
  inbox: GridMessage[];
  /** Of the next frame. */
  facts: FactSample[];
  isMuted: boolean;
  frequencyHz: number;
  log: CoreOutputs[];
}

const START_MS = 9000;
const SYNC_MS = 3000;
const TICK_MS = 100;

/**
 * A plant in steady-state steps of one scan, in closed loop with the cores of all its grids: droop sharing per island, ramps
 * and delays of devices, nothing faster. For tests of decisions; dynamics belong to the simulator.
 */
export function createMiniPlant(manifest: Manifest) {
  let nowMs = 0;
  const devices = new Map<string, MiniDevice>();
  const grids = new Map<string, MiniGrid>();
  for (const grid of manifest.grids) {
    for (const config of grid.devices) devices.set(config.id, newDevice(config, grid.id));
    grids.set(grid.id, newGrid(manifest, grid));
  }

  const device = (id: string) => present(devices.get(id), `no device ${id}`);
  const grid = (id: string) => present(grids.get(id), `no grid ${id}`);

  function tick(): void {
    nowMs += TICK_MS;
    for (const entry of devices.values()) runAgenda(entry, nowMs);
    for (const island of islandsOf(manifest, devices)) solve(island, grids, devices);
    const messages: GridMessage[] = [];
    for (const entry of grids.values()) messages.push(...scan(entry, devices, nowMs));
    for (const message of messages) grids.get(message.toGrid)?.inbox.push(message);
  }

  return {
    device,
    grid,
    now: () => nowMs,
    run(seconds: number): void {
      for (let i = 0; i < seconds * 10; i++) tick();
    },
    request(
      gridId: string,
      deviceId: string,
      command: string,
      role: OperatorRequest["role"] = "operator",
      args: OperatorRequest["arguments"] = {},
    ) {
      const requestId = `r${nowMs}-${grid(gridId).requests.length}-${deviceId}-${command}`;
      const actor = deviceId === "" ? `grids/${gridId}` : `grids/${gridId}/devices/${deviceId}`;
      grid(gridId).requests.push({
        requestId,
        role,
        user: "test",
        actor,
        command,
        arguments: args,
      });
      tick();
      const reply = grid(gridId)
        .log.at(-1)
        ?.replies.find((entry) => entry.requestId === requestId);
      return present(reply, "a request is answered in its scan");
    },
    takeOver(gridId: string, origin: LeadershipOrigin): void {
      const entry = grid(gridId);
      entry.epoch += 1;
      entry.origin = origin;
      entry.sent = new Map();
    },
    stateOf(deviceId: string): string {
      const entry = grid(device(deviceId).grid);
      const { plan } = entry.core;
      const index = plan.tree.indexByAddress.get(`grids/${entry.config.id}/devices/${deviceId}`);
      return present(entry.state.tree.actors[index ?? -1], "an actor").snapshot.state;
    },
    commands(gridId: string): string[] {
      return grid(gridId).log.flatMap((outputs) =>
        outputs.commands.map((command) => `${command.device} ${command.command}`),
      );
    },
  };
}

export type MiniPlant = ReturnType<typeof createMiniPlant>;

function newDevice(config: DeviceConfig, grid: string): MiniDevice {
  return {
    id: config.id,
    grid,
    config,
    isClosed: config.kind === "feeder" || config.kind === "battery",
    isTripped: false,
    isRemote: true,
    isRunning: config.kind === "thruster",
    isReadyToLoad: false,
    isShutdown: false,
    isForming: false,
    isRequesting: false,
    isVoltagePresent: false,
    powerKw: 0,
    demandKw: config.kind === "feeder" ? config.ratings.loadKw : 0,
    level: 0,
    socPct: 60,
    hoursH: 0,
    availableKw: null,
    heartbeatCount: 0,
    isHeartbeatStopped: false,
    quality: "good",
    agenda: [],
    isDeaf: false,
  };
}

function newGrid(manifest: Manifest, config: GridConfig): MiniGrid {
  const core = createGridCore(manifest, config.id);
  return {
    config,
    core,
    state: core.initial(),
    epoch: 1,
    sequence: 0,
    origin: "hot",
    inSyncCount: config.controllers.length,
    sent: new Map(),
    requests: [],
    fates: [],
    fateOf: () => null,
    inbox: [],
    facts: [],
    isMuted: false,
    frequencyHz: config.nominalFrequencyHz,
    log: [],
  };
}

const isStarting = ({ agenda }: MiniDevice): boolean => agenda.some(({ what }) => what === "run");

function runAgenda(device: MiniDevice, nowMs: number): void {
  if (!device.isHeartbeatStopped) device.heartbeatCount = (device.heartbeatCount + 1) % 65_536;
  for (const { what } of device.agenda.filter((entry) => entry.atMs <= nowMs)) {
    if (what === "run") device.isRunning = device.isReadyToLoad = true;
    else if (what === "close") device.isClosed = true;
    else device.isRunning = device.isReadyToLoad = false;
  }
  device.agenda = device.agenda.filter((entry) => entry.atMs > nowMs);
}

function islandsOf(manifest: Manifest, devices: ReadonlyMap<string, MiniDevice>): string[][] {
  const islands = manifest.grids.map((grid) => [grid.id]);
  for (const { breakers } of manifest.ties) {
    if (!breakers.every((breaker) => devices.get(breaker.device)?.isClosed)) continue;
    const [a, b] = breakers.map((breaker) =>
      islands.findIndex((island) => island.includes(breaker.grid)),
    );
    if (a === undefined || b === undefined || a === b) continue;
    islands[a]?.push(...(islands[b] ?? []));
    islands.splice(b, 1);
  }
  return islands;
}

/** Droop in steady state: what fixed sources do not give, sets take by rating and droop around their references. */
function solve(
  island: readonly string[],
  grids: ReadonlyMap<string, MiniGrid>,
  devices: ReadonlyMap<string, MiniDevice>,
): void {
  const members = [...devices.values()].filter((device) => island.includes(device.grid));
  const on = (kind: string) =>
    members.filter((device) => device.config.kind === kind && device.isClosed);
  const sets = on("genset").filter((device) => device.isRunning);
  const shores = on("shore").filter((device) => device.isVoltagePresent);
  const isLive = sets.length + shores.length > 0 || on("battery").some((entry) => entry.isForming);
  let loadKw = 0;
  for (const device of members) {
    const { kind } = device.config;
    if (kind === "feeder") device.powerKw = device.isClosed && isLive ? device.demandKw : 0;
    if (kind === "thruster") {
      const aimKw = device.isRequesting ? Math.min(device.demandKw, device.level) : 0;
      const rated = device.config.ratings.loadKw || device.config.ratings.powerKw;
      device.powerKw = isLive ? Math.min(aimKw, device.powerKw + rated * 0.02) : 0;
    }
    if (kind === "feeder" || kind === "thruster") loadKw += device.powerKw;
    if (kind === "battery") device.powerKw = device.isClosed && isLive ? device.level : 0;
    if (kind === "battery") loadKw -= device.powerKw;
    if (kind === "genset" && !sets.includes(device)) device.powerKw = 0;
  }
  for (const shore of shores)
    shore.powerKw = sets.length === 0 ? loadKw / shores.length : shore.level;
  for (const shore of shores) loadKw -= shore.powerKw;
  let stiffness = 0;
  let referencesKw = 0;
  // A battery that forms the bus takes part by its droop; what it holds as set-point is taken from the load above.
  const forming = shores.length > 0 ? [] : on("battery").filter((device) => device.isForming);
  for (const one of [...sets, ...forming]) {
    stiffness += one.config.ratings.powerKw / (one.config.ratings.droopPct / 100);
  }
  for (const set of sets) referencesKw += set.level;
  const perUnit = stiffness > 0 ? (loadKw - referencesKw) / stiffness : 0;
  for (const one of forming) {
    const { powerKw, droopPct } = one.config.ratings;
    one.powerKw += (perUnit * powerKw) / (droopPct / 100);
  }
  for (const set of sets) {
    const { powerKw, droopPct } = set.config.ratings;
    set.powerKw = set.level + (perUnit * powerKw) / (droopPct / 100);
  }
  for (const id of island) {
    const grid = grids.get(id);
    if (grid) grid.frequencyHz = isLive ? grid.config.nominalFrequencyHz * (1 - perUnit) : 0;
  }
}

function pointsOf(device: MiniDevice, grid: MiniGrid): [string, PointValue][] {
  const { frequencyHz } = grid;
  const volts = grid.config.nominalVoltageV;
  const breaker: [string, PointValue][] = [
    ["isClosed", device.isClosed],
    ["isOpen", !device.isClosed],
    ["isTripped", device.isTripped],
    ["isRemoteSelected", device.isRemote],
  ];
  const power: [string, PointValue][] = [
    ["activePowerKw", Math.round(device.powerKw * 10) / 10 + 0],
  ];
  switch (device.config.kind) {
    case "genset":
      return [
        ...breaker,
        ...power,
        ["isReadyToStart", !device.isRunning && !device.isShutdown && !isStarting(device)],
        ["isStartBlocked", false],
        ["isShutdownActive", device.isShutdown],
        ["isEmergencyStop", false],
        ["isRunning", device.isRunning],
        ["isReadyToLoad", device.isReadyToLoad],
        ["reactivePowerKvar", 0],
        ["voltageV", device.isRunning ? volts : 0],
        ["frequencyHz", device.isRunning ? frequencyHz : 0],
        ["runningHoursH", device.hoursH],
        ["availablePowerKw", device.availableKw ?? device.config.ratings.powerKw],
      ];
    case "battery":
      return [
        ...breaker,
        ...power,
        ["state", device.isForming ? "forming" : "following"],
        ["socPct", device.socPct],
        ["chargeLimitKw", device.config.ratings.powerKw],
        ["dischargeLimitKw", device.config.ratings.powerKw],
        ["isContactorClosed", true],
        ["bmsHeartbeatCount", device.heartbeatCount],
        ["isBmsFault", false],
        ["isGasOrFire", false],
        ["isEmergencyStop", false],
        ["isGridForming", device.isForming],
      ];
    case "shore":
      return [
        ...breaker,
        ...power,
        ["isVoltagePresent", device.isVoltagePresent],
        ["isPhaseRotationGood", device.isVoltagePresent],
        ["isEmergencyStop", false],
        ["voltageV", device.isVoltagePresent ? volts : 0],
        ["frequencyHz", device.isVoltagePresent ? grid.config.nominalFrequencyHz : 0],
      ];
    case "thruster":
      return [
        ...power,
        ["isRemoteSelected", device.isRemote],
        ["isRequesting", device.isRequesting],
        ["isRunning", device.isRunning],
        ["isTripped", device.isTripped],
        ["demandKw", device.demandKw],
      ];
    case "meter":
      return [
        ["voltageV", frequencyHz > 0 ? volts : 0],
        ["frequencyHz", frequencyHz],
      ];
    case "pv":
      return [...breaker, ...power, ["isRunning", device.isRunning]];
    case "feeder":
      return [...breaker, ...power];
    default:
      return breaker;
  }
}

function scan(
  grid: MiniGrid,
  devices: ReadonlyMap<string, MiniDevice>,
  nowMs: number,
): GridMessage[] {
  const points: PointSample[] = [];
  for (const device of devices.values()) {
    const isForeignBreaker = grid.core.plan.foreignBreakers.includes(device.id);
    if (device.grid !== grid.config.id && !isForeignBreaker) continue;
    for (const [point, value] of pointsOf(device, grid)) {
      const id = `${device.id}.${point}`;
      const text = encodeCanonical([value, device.quality]);
      if (grid.sent.get(id) === text) continue;
      grid.sent.set(id, text);
      points.push([id, value, device.quality]);
    }
  }
  grid.sequence += 1;
  const frame: Frame = {
    grid: grid.config.id,
    epoch: grid.epoch,
    sequence: grid.sequence,
    previousHash: "",
    plantTimeMs: nowMs,
    wallTimeMs: 0,
    isFirstOfEpoch: grid.origin !== null,
    points,
    connections: [],
    fates: grid.fates,
    requests: grid.requests,
    messages: grid.inbox,
    facts: grid.facts,
    leadership: grid.origin === null ? null : leadershipOf(grid, grid.origin),
  };
  grid.origin = null;
  grid.fates = [];
  grid.requests = [];
  grid.inbox = [];
  grid.facts = [];
  const before = grid.state;
  // Encoding twice a state that hardly changed is most of a test's time: what moves, and every tenth scan, is checked.
  const isChecked = grid.sequence % 10 === 0 || frame.requests.length + frame.fates.length > 0;
  const text = isChecked ? encodeCanonical(before) : "";
  const { state, outputs } = grid.core.step(before, frame);
  if (isChecked) {
    const restored = JSON.parse(text) as GridState;
    const again = grid.core.step(restored, JSON.parse(encodeCanonical(frame)) as Frame);
    assert(encodeCanonical(before) === text, "a step changed the state that it was given");
    assert(
      encodeCanonical(again) === encodeCanonical({ state, outputs }),
      "a restored state steps differently",
    );
  }
  grid.state = state;
  grid.log.push(outputs);
  act(grid, outputs, devices, nowMs);
  return grid.isMuted ? [] : [...outputs.messages];
}

function leadershipOf(grid: MiniGrid, origin: LeadershipOrigin) {
  const members = grid.config.controllers.slice(0, grid.inSyncCount).map(({ node }) => ({
    node,
    incarnation: "0".repeat(32),
  }));
  return { leader: present(members[0], "a leader"), inSync: members, origin };
}

function act(
  grid: MiniGrid,
  outputs: CoreOutputs,
  devices: ReadonlyMap<string, MiniDevice>,
  nowMs: number,
): void {
  for (const { device, point, value } of outputs.levels) {
    if (point.endsWith("Kvar")) continue;
    const entry = present(devices.get(device), "levels name devices");
    assert(typeof value === "number" && Number.isFinite(value), "levels are finite numbers");
    entry.level = value;
  }
  for (const { id, device: deviceId, command } of outputs.commands) {
    const fate = grid.fateOf(command, deviceId);
    grid.fates.push({ id, fate: fate ?? "confirmed", reason: "test" });
    if (fate === "dropped" || fate === "failed") continue;
    const device = present(devices.get(deviceId), "commands name devices");
    if (!device.isDeaf) execute(device, command, nowMs);
  }
}

function execute(device: MiniDevice, command: string, nowMs: number): void {
  switch (command) {
    case "release":
      device.level = 0;
      break;
    case "start":
      device.agenda.push({ atMs: nowMs + START_MS, what: "run" });
      break;
    case "stop":
      device.agenda = [{ atMs: nowMs + 2000, what: "halt" }];
      break;
    case "syncAndClose":
      device.agenda.push({ atMs: nowMs + SYNC_MS, what: "close" });
      break;
    case "close":
      device.isClosed = true;
      break;
    case "open":
      device.isClosed = false;
      device.agenda = device.agenda.filter((entry) => entry.what !== "close");
      break;
    case "setForming":
    case "setFollowing":
      device.isForming = command === "setForming";
      break;
    default:
      assert(false, `the mini plant knows no command ${command}`);
  }
}
