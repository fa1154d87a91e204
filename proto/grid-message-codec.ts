import type {
  GridMessage,
  GridStatus,
  GridWants,
  IslandTargets,
  SourceStatus,
  ZeroEmissionStatus,
} from "../kernel/grid-message.ts";
import { atLeastZero, counter, finite, id, invalid, list, text } from "./field-check.ts";
import type { Types } from "./generated/rems-peer-v1.ts";

type Wire = Types.rems.peer.v1.BetweenGrids;
type WireStatus = Types.rems.peer.v1.GridStatus;
type WireTargets = Types.rems.peer.v1.IslandTargets;
type WireSource = Types.rems.peer.v1.SourceStatus;

const SOURCE_COUNT_MAX = 256;
const STAGE_COUNT_MAX = 4;
const GRID_COUNT_MAX = 64;
const REASON_LENGTH_MAX = 1000;
const MODE_LENGTH_MAX = 200;

export function toWireGridMessage(message: GridMessage): Wire {
  const { fromGrid, toGrid, epoch, sequence, validForMs, body } = message;
  const common = { fromGrid, toGrid, epoch, sequence, validForMs };
  if (body.kind === "islandTargets") {
    return { ...common, islandTargets: { ...body, isResting: body.isResting ?? false } };
  }
  return {
    ...common,
    gridStatus: {
      ...body,
      readySources: [...body.readySources],
      sources: body.sources.map(toWireSource),
      joinedGrids: [...(body.joinedGrids ?? [])],
      sheddableKw: [...(body.sheddableKw ?? [])],
      sheddables: [...(body.sheddables ?? [])],
      isDark: body.isDark ?? false,
      feedTie: body.feedTie ?? "",
      feedKw: body.feedKw ?? 0,
      wants: body.wants ?? null,
    },
  };
}

function toWireSource(source: SourceStatus): WireSource {
  return {
    ...source,
    runningHoursH: source.runningHoursH ?? 0,
    fuelGPerKwh: source.fuelGPerKwh ?? 0,
    reactiveKvar: source.reactiveKvar ?? 0,
    apparentKva: source.apparentKva ?? 0,
    isBaseLoad: source.isBaseLoad ?? false,
    priority: source.priority ?? 0,
    isRunning: source.isRunning ?? false,
    zeroEmission: source.zeroEmission ?? null,
    isForming: source.isForming ?? null,
    minimumKw: source.minimumKw ?? 0,
    referenceKw: source.referenceKw ?? null,
  };
}

/** @throws RemsError `REMS_MESSAGE_INVALID` */
export function fromWireGridMessage(wire: Wire, path: string): GridMessage {
  return {
    fromGrid: id(wire.fromGrid, `${path}.fromGrid`),
    toGrid: id(wire.toGrid, `${path}.toGrid`),
    epoch: counter(wire.epoch, `${path}.epoch`),
    sequence: counter(wire.sequence, `${path}.sequence`),
    validForMs: atLeastZero(wire.validForMs, `${path}.validForMs`),
    body: readBody(wire, path),
  };
}

function readBody(wire: Wire, path: string): GridMessage["body"] {
  if (wire.gridStatus) return readStatus(wire.gridStatus, `${path}.gridStatus`);
  if (wire.islandTargets) return readTargets(wire.islandTargets, `${path}.islandTargets`);
  throw invalid(`${path}.body`, "absent", "gridStatus or islandTargets");
}

function readStatus(wire: WireStatus, path: string): GridStatus {
  return {
    kind: "gridStatus",
    capacityKw: finite(wire.capacityKw, `${path}.capacityKw`),
    generationKw: finite(wire.generationKw, `${path}.generationKw`),
    loadKw: finite(wire.loadKw, `${path}.loadKw`),
    frequencyHz: finite(wire.frequencyHz, `${path}.frequencyHz`),
    readySources: list(wire.readySources, `${path}.readySources`, SOURCE_COUNT_MAX).map(
      (source, i) => id(source, `${path}.readySources[${i}]`),
    ),
    isSettled: wire.isSettled,
    sources: list(wire.sources, `${path}.sources`, SOURCE_COUNT_MAX).map((source, i) =>
      readSource(source, `${path}.sources[${i}]`),
    ),
    joinedGrids: list(wire.joinedGrids, `${path}.joinedGrids`, GRID_COUNT_MAX).map((grid, i) =>
      id(grid, `${path}.joinedGrids[${i}]`),
    ),
    sheddableKw: list(wire.sheddableKw, `${path}.sheddableKw`, STAGE_COUNT_MAX).map((kw, i) =>
      atLeastZero(kw, `${path}.sheddableKw[${i}]`),
    ),
    sheddables: list(wire.sheddables, `${path}.sheddables`, SOURCE_COUNT_MAX).map((one, i) => ({
      device: id(one.device, `${path}.sheddables[${i}].device`),
      stage: one.stage,
      priority: one.priority,
      powerKw: atLeastZero(one.powerKw, `${path}.sheddables[${i}].powerKw`),
      isWhole: one.isWhole,
    })),
    isDark: wire.isDark,
    feedTie: wire.feedTie === "" ? "" : id(wire.feedTie, `${path}.feedTie`),
    feedKw: atLeastZero(wire.feedKw, `${path}.feedKw`),
    ...(wire.wants ? { wants: readWants(wire.wants, `${path}.wants`) } : {}),
  };
}

function readWants(wire: NonNullable<WireStatus["wants"]>, path: string): GridWants {
  return {
    mode: text(wire.mode, `${path}.mode`, MODE_LENGTH_MAX),
    setCountMin: Math.min(wire.setCountMin, SOURCE_COUNT_MAX),
    reserveKw: atLeastZero(wire.reserveKw, `${path}.reserveKw`),
    isN1Required: wire.isN1Required,
    isOnShore: wire.isOnShore,
  };
}

function readSource(wire: WireSource, path: string): SourceStatus {
  return {
    device: id(wire.device, `${path}.device`),
    kind: id(wire.kind, `${path}.kind`),
    state: text(wire.state, `${path}.state`, 64),
    isConnected: wire.isConnected,
    ratedKw: finite(wire.ratedKw, `${path}.ratedKw`),
    powerKw: finite(wire.powerKw, `${path}.powerKw`),
    availableKw: finite(wire.availableKw, `${path}.availableKw`),
    runningForMs: atLeastZero(wire.runningForMs, `${path}.runningForMs`),
    stepKw: finiteOrNull(wire.stepKw, `${path}.stepKw`),
    runningHoursH: atLeastZero(wire.runningHoursH, `${path}.runningHoursH`),
    fuelGPerKwh: atLeastZero(wire.fuelGPerKwh, `${path}.fuelGPerKwh`),
    reactiveKvar: finite(wire.reactiveKvar, `${path}.reactiveKvar`),
    apparentKva: atLeastZero(wire.apparentKva, `${path}.apparentKva`),
    isBaseLoad: wire.isBaseLoad,
    priority: wire.priority,
    isRunning: wire.isRunning,
    isForming: wire.isForming ?? null,
    zeroEmission: readZeroEmission(wire.zeroEmission, `${path}.zeroEmission`),
    minimumKw: atLeastZero(wire.minimumKw, `${path}.minimumKw`),
    referenceKw: finiteOrNull(wire.referenceKw, `${path}.referenceKw`),
  };
}

function readZeroEmission(
  wire: WireSource["zeroEmission"],
  path: string,
): ZeroEmissionStatus | null {
  if (wire === null || wire === undefined) return null;
  return {
    dischargeLimitKw: atLeastZero(wire.dischargeLimitKw, `${path}.dischargeLimitKw`),
    socPct: atLeastZero(wire.socPct, `${path}.socPct`),
    startSocPct: atLeastZero(wire.startSocPct, `${path}.startSocPct`),
    startPct: atLeastZero(wire.startPct, `${path}.startPct`),
  };
}

function finiteOrNull(value: number | null | undefined, path: string): number | null {
  return value === null || value === undefined ? null : finite(value, path);
}

function readTargets(wire: WireTargets, path: string): IslandTargets {
  const device = (value: string | null | undefined, field: string) =>
    value === null || value === undefined ? null : id(value, `${path}.${field}`);
  return {
    kind: "islandTargets",
    sharePu: finite(wire.sharePu, `${path}.sharePu`),
    startDevice: device(wire.startDevice, "startDevice"),
    stopDevice: device(wire.stopDevice, "stopDevice"),
    reason: text(wire.reason, `${path}.reason`, REASON_LENGTH_MAX),
    fixedPu: finiteOrNull(wire.fixedPu, `${path}.fixedPu`),
    swingDevice: device(wire.swingDevice, "swingDevice"),
    reactiveSharePu: finiteOrNull(wire.reactiveSharePu, `${path}.reactiveSharePu`),
    reactivePerActive: finiteOrNull(wire.reactivePerActive, `${path}.reactivePerActive`),
    isResting: wire.isResting,
  };
}
