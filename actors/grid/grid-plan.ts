import type { DeviceConfig, GridConfig, Manifest, TieConfig } from "../../configs/manifest.ts";
import type { SacrificeConfig } from "../../configs/power-config.ts";
import { present } from "../../kernel/assert.ts";
import type { DeviceKind } from "../../kernel/device-kinds.ts";
import { RemsError } from "../../kernel/errors.ts";
import { batteryMachine } from "../machines/battery.ts";
import { breakerMachine } from "../machines/breaker.ts";
import { busTieMachine } from "../machines/bus-tie.ts";
import { feederMachine } from "../machines/feeder.ts";
import { gensetMachine } from "../machines/genset.ts";
import { gridMachine } from "../machines/grid.ts";
import { meterMachine } from "../machines/meter.ts";
import { pvMachine } from "../machines/pv.ts";
import { shoreMachine } from "../machines/shore.ts";
import { thrusterMachine } from "../machines/thruster.ts";
import {
  replicate,
  type MachineInput,
  type ReplicatedMachine,
} from "../runtime/machine-adapter.ts";
import { createTree, type ReplicatedTree } from "../runtime/replicated-tree.ts";

/** One device as the core works with it. */
export interface PlannedDevice {
  readonly id: string;
  readonly kind: DeviceKind;
  readonly address: string;
  readonly config: DeviceConfig;
  readonly ratedKw: number;
  /** It synchronises and checks by itself; only then R-EMS may ask it to close onto a live busbar. */
  readonly hasSyncCheck: boolean;
  /** The set-point that R-EMS holds there, or null. */
  readonly levelPoint: string | null;
  readonly reactivePoint: string | null;
  readonly commands: ReadonlySet<string>;
}

/** A bus-tie seen from this grid: its own breaker and the other one, which it reads. */
export interface PlannedTie {
  readonly id: string;
  readonly ownBreaker: string;
  readonly otherBreaker: string;
  readonly otherGrid: string;
  readonly sacrifice: SacrificeConfig;
}

/** What a core works by: made from the manifest, or from it with other parameters; never part of the state. */
export interface GridPlan {
  /** The plan that the manifest alone makes. */
  readonly base: GridPlan;
  /** The plan that the same installation makes with another configuration of this grid. */
  readonly rebuild: (grid: GridConfig) => GridPlan;
  readonly grid: GridConfig;
  readonly isLand: boolean;
  readonly address: string;
  readonly devices: readonly PlannedDevice[];
  readonly deviceById: ReadonlyMap<string, PlannedDevice>;
  readonly deviceByAddress: ReadonlyMap<string, PlannedDevice>;
  readonly ties: readonly PlannedTie[];
  /** Breakers of other grids that this grid reads. */
  readonly foreignBreakers: readonly string[];
  /** Devices whose points count: own ones and those breakers. */
  readonly readDevices: ReadonlySet<string>;
  /** All grids, in the order of the manifest: the first of an island is its master. */
  readonly gridOrder: readonly string[];
  /** Nodes that control a grid before this one in the manifest too: what they share with others is told there. */
  readonly nodesOfEarlierGrids: ReadonlySet<string>;
  /** Genset ids in order of start. */
  readonly startOrder: readonly string[];
  readonly tree: ReplicatedTree;
}

const MACHINES: Readonly<Record<DeviceKind, ReplicatedMachine>> = {
  genset: replicate(gensetMachine),
  battery: replicate(batteryMachine),
  busTie: replicate(busTieMachine),
  breaker: replicate(breakerMachine),
  feeder: replicate(feederMachine),
  shore: replicate(shoreMachine),
  thruster: replicate(thrusterMachine),
  meter: replicate(meterMachine),
  pv: replicate(pvMachine),
};
const GRID_MACHINE = replicate(gridMachine);

const LEVEL_POINTS: Readonly<Partial<Record<DeviceKind, string>>> = {
  genset: "powerReferenceKw",
  battery: "powerSetpointKw",
  shore: "powerReferenceKw",
  thruster: "powerLimitKw",
  pv: "powerLimitPct",
};
const REACTIVE_POINTS: Readonly<Partial<Record<DeviceKind, string>>> = {
  genset: "reactiveReferenceKvar",
  battery: "reactiveSetpointKvar",
};
const SYNC_TIMEOUT_MS = 60_000;
/** A tie that is not unloaded by then is an alarm, and goes on trying. */
const DELOAD_TIMEOUT_MS = 30_000;
const START_AGAIN_MS = 5000;
/** Where nothing is written, a start is advised again only so often. */
const ADVISE_AGAIN_MS = 60_000;

/** @throws {@link RemsError} `REMS_NOT_FOUND` if the manifest has no such grid. */
export function planGrid(manifest: Manifest, gridId: string): GridPlan {
  const grid = manifest.grids.find((entry) => entry.id === gridId);
  if (grid === undefined) {
    const ids = manifest.grids.map((entry) => entry.id).join(", ");
    throw new RemsError("REMS_NOT_FOUND", `there is no grid ${gridId}; the manifest has ${ids}`);
  }
  const address = `grids/${grid.id}`;
  const devices = grid.devices.map((config) => planDevice(config, address));
  const ties = manifest.ties.flatMap((tie) => planTie(tie, grid.id));
  const gensets = devices.filter((device) => device.kind === "genset").map((device) => device.id);
  const listed = grid.power.startOrder.filter((id) => gensets.includes(id));
  const plan: Omit<GridPlan, "base"> = {
    rebuild: (changed) =>
      planGrid(
        { ...manifest, grids: manifest.grids.map((one) => (one.id === gridId ? changed : one)) },
        gridId,
      ),
    grid,
    isLand: manifest.installation.kind === "land",
    address,
    devices,
    deviceById: new Map(devices.map((device) => [device.id, device])),
    deviceByAddress: new Map(devices.map((device) => [device.address, device])),
    ties,
    foreignBreakers: [...new Set(ties.map((tie) => tie.otherBreaker))],
    readDevices: new Set([
      ...devices.map((device) => device.id),
      ...ties.map((tie) => tie.otherBreaker),
    ]),
    gridOrder: manifest.grids.map((entry) => entry.id),
    nodesOfEarlierGrids: new Set(
      manifest.grids
        .slice(0, manifest.grids.indexOf(grid))
        .flatMap(({ controllers }) => controllers.map(({ node }) => node)),
    ),
    startOrder: [...listed, ...gensets.filter((id) => !listed.includes(id))],
    tree: createTree([
      { address, machine: GRID_MACHINE, input: {} },
      ...devices.map((device) => ({
        address: device.address,
        machine: MACHINES[device.kind],
        input: inputOf(device, grid),
      })),
    ]),
  };
  return withBase(plan);
}

function withBase(plan: Omit<GridPlan, "base">): GridPlan {
  const complete: Omit<GridPlan, "base"> & { base?: GridPlan } = plan;
  complete.base = complete as GridPlan;
  return complete as GridPlan;
}

function planDevice(config: DeviceConfig, gridAddress: string): PlannedDevice {
  const { profile, ratings } = config;
  const maps = (point: string | undefined) =>
    point !== undefined && profile.points.some((mapping) => mapping.point === point);
  const levelPoint = LEVEL_POINTS[config.kind];
  const reactivePoint = REACTIVE_POINTS[config.kind];
  return {
    id: config.id,
    kind: config.kind,
    address: `${gridAddress}/devices/${config.id}`,
    config,
    ratedKw: config.kind === "thruster" ? ratings.loadKw || ratings.powerKw : ratings.powerKw,
    hasSyncCheck: profile.syncCheck === "device",
    levelPoint: levelPoint !== undefined && maps(levelPoint) ? levelPoint : null,
    reactivePoint: reactivePoint !== undefined && maps(reactivePoint) ? reactivePoint : null,
    commands: new Set(profile.commands.map((mapping) => mapping.command)),
  };
}

function planTie(tie: TieConfig, gridId: string): PlannedTie[] {
  const own = tie.breakers.find((breaker) => breaker.grid === gridId);
  if (own === undefined) return [];
  const other = present(
    tie.breakers.find((breaker) => breaker !== own),
    `tie ${tie.id} has two breakers`,
  );
  return [
    {
      id: tie.id,
      ownBreaker: own.device,
      otherBreaker: other.device,
      otherGrid: other.grid,
      sacrifice: tie.sacrifice,
    },
  ];
}

/** The stricter of the grid's and the device's control mode holds. */
function isCommanded(device: PlannedDevice, grid: GridConfig): boolean {
  return grid.control === "control" && (device.config.control ?? "control") === "control";
}

function inputOf(device: PlannedDevice, grid: GridConfig): MachineInput {
  const { hasSyncCheck } = device;
  switch (device.kind) {
    case "genset":
      return {
        startTimeoutMs: grid.power.startTimeoutS * 1000,
        cooldownMs: grid.power.cooldownS * 1000,
        startAgainMs: isCommanded(device, grid) ? START_AGAIN_MS : ADVISE_AGAIN_MS,
        hasSyncCheck,
      };
    case "battery":
    case "shore":
      return { hasSyncCheck };
    case "thruster": {
      const { consumer } = device.config;
      return {
        feedbackTimeoutMs: (consumer?.feedbackTimeoutS ?? 0) * 1000,
        isPulse: consumer?.request === "pulse",
      };
    }
    case "busTie":
      return { syncTimeoutMs: SYNC_TIMEOUT_MS, deloadTimeoutMs: DELOAD_TIMEOUT_MS };
    case "breaker":
    case "feeder":
      return { syncTimeoutMs: SYNC_TIMEOUT_MS, deloadTimeoutMs: 0 };
    default:
      return {};
  }
}
