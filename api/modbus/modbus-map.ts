import type { GridConfig, Manifest } from "../../configs/manifest.ts";
import { DEVICE_KINDS, type DeviceKind } from "../../kernel/device-kinds.ts";

/**
 * The registers that R-EMS offers: one unit id for each grid, with a header, a block of the grid and one for each of its devices. Every
 * block says what it is, how long it is and where the next one stands. Unit ids and addresses follow from the order of the manifest
 * alone: a grid or a device that is appended moves nothing.
 */

export const MAP_VERSION = 1;
/** "REMS" as two registers. */
export const MAP_SIGNATURE: readonly [number, number] = [0x5245, 0x4d53];
export const HEADER_LENGTH = 64;
/** 32 characters, two in a register. */
export const NAME_LENGTH = 16;
export const NO_BLOCK = 0xffff;

const GRID_AT = 100;
const DEVICES_AT = 500;
/** A grid has at most 200 devices: all fit. */
const DEVICE_PITCH = 250;
/** Kind, length, next block, number of points, id, address of the commands, and three to come. */
export const BLOCK_HEADER_LENGTH = 24;
/** Code of the name, quality, age, and the value as a float32. */
export const POINT_LENGTH = 5;
/** Command, its value as a float32, expiry, role: written together. */
export const COMMAND_LENGTH = 5;
/** Result, count of requests, and the reason in 64 characters: read. */
export const RESULT_LENGTH = 34;
export const REASON_LENGTH = 32;

const GRID_CODE = 1;
const DEVICE_CODES: Readonly<Record<DeviceKind, number>> = {
  genset: 10,
  battery: 11,
  busTie: 12,
  breaker: 13,
  feeder: 14,
  shore: 15,
  thruster: 16,
  meter: 17,
  pv: 18,
};

/** Fixed for ever: other systems hold them in their configuration. */
export const COMMAND_CODES: Readonly<Record<string, number>> = {
  start: 1,
  stop: 2,
  syncAndClose: 3,
  open: 4,
  close: 5,
  setForming: 6,
  setFollowing: 7,
  reset: 8,
  limit: 9,
  auto: 20,
  semi: 21,
};

/** Figures of a grid, in the order of its block; new ones are appended. */
export const GRID_POINTS: readonly Omit<MapPoint, "address" | "nameCode">[] = [
  { name: "frequencyHz", unit: "Hz", labels: [], meaning: "frequency of the busbar" },
  { name: "voltageV", unit: "V", labels: [], meaning: "line voltage of the busbar" },
  { name: "loadKw", unit: "kW", labels: [], meaning: "load of the island" },
  { name: "capacityKw", unit: "kW", labels: [], meaning: "firm capacity of the connected sources" },
  { name: "freeKw", unit: "kW", labels: [], meaning: "not drawn and not reserved" },
  { name: "loadPct", unit: "%", labels: [], meaning: "load in percent of the capacity" },
  { name: "reservedKw", unit: "kW", labels: [], meaning: "reserved for consumers that start" },
  { name: "batteryReserveKw", unit: "kW", labels: [], meaning: "what batteries could add" },
  {
    name: "busState",
    unit: "",
    labels: ["unknown", "live", "dead"],
    meaning: "whether the busbar is certainly live or dead",
  },
  {
    name: "mode",
    unit: "",
    labels: ["SWBD", "SEMI", "AUTO"],
    meaning: "operated from the switchboard, by operators, or by R-EMS",
  },
  { name: "isN1Held", unit: "", labels: [], meaning: "any one source may be lost" },
  {
    name: "isLeadingHere",
    unit: "",
    labels: [],
    meaning: "this node leads: commands are taken here",
  },
  { name: "hasLeader", unit: "", labels: [], meaning: "some node leads the grid" },
  { name: "alarmCount", unit: "", labels: [], meaning: "alarms that stand" },
];

export interface MapPoint {
  readonly name: string;
  readonly unit: string;
  /** The value is the place of its label, counted from 0; empty for numbers, and for switches, which are 0 or 1. */
  readonly labels: readonly string[];
  readonly meaning: string;
  /** Address of its five registers. */
  readonly address: number;
  /** Says in the registers which point this is. */
  readonly nameCode: number;
}

export interface MapCommand {
  readonly name: string;
  readonly code: number;
}

export interface MapBlock {
  readonly kind: DeviceKind | "grid";
  readonly kindCode: number;
  readonly id: string;
  /** The grid itself, or the one that owns the device. */
  readonly grid: string;
  readonly address: number;
  readonly length: number;
  readonly nextAddress: number;
  readonly points: readonly MapPoint[];
  /** Where commands are written; 0 where the block takes none. */
  readonly commandAddress: number;
  readonly commands: readonly MapCommand[];
}

/** What stands behind one unit id. */
export interface MapUnit {
  readonly unitId: number;
  readonly grid: string;
  readonly blocks: readonly MapBlock[];
  /** Changes when any address, point or command does. */
  readonly hash: number;
}

export interface ModbusMap {
  readonly units: readonly MapUnit[];
}

/** The map of an installation. Pure. */
export function createModbusMap(manifest: Manifest): ModbusMap {
  const { takesCommands } = manifest.modbusServer;
  return {
    units: manifest.grids.map((grid, index) => {
      const blocks = blocksOf(grid, takesCommands);
      return { unitId: index + 1, grid: grid.id, blocks, hash: code32(JSON.stringify(blocks)) };
    }),
  };
}

function blocksOf(grid: GridConfig, takesCommands: boolean): MapBlock[] {
  const drafts = [
    {
      kind: "grid" as const,
      kindCode: GRID_CODE,
      id: grid.id,
      grid: grid.id,
      address: GRID_AT,
      points: GRID_POINTS,
      commandNames: ["auto", "semi"],
    },
    ...grid.devices.map((device, index) => ({
      kind: device.kind,
      kindCode: DEVICE_CODES[device.kind],
      id: device.id,
      grid: grid.id,
      address: DEVICES_AT + index * DEVICE_PITCH,
      points: devicePoints(device.kind),
      commandNames: deviceCommands(device.kind, device.profile.commands),
    })),
  ];
  return drafts.map((draft, index): MapBlock => {
    const { points, commandNames, ...head } = draft;
    const pointsAt = draft.address + BLOCK_HEADER_LENGTH;
    const hasCommands = takesCommands && commandNames.length > 0;
    const commandAddress = hasCommands ? pointsAt + points.length * POINT_LENGTH : 0;
    const commandLength = hasCommands ? COMMAND_LENGTH + RESULT_LENGTH : 0;
    return {
      ...head,
      length: BLOCK_HEADER_LENGTH + points.length * POINT_LENGTH + commandLength,
      nextAddress: drafts[index + 1]?.address ?? NO_BLOCK,
      points: points.map((point, place) => ({
        ...point,
        address: pointsAt + place * POINT_LENGTH,
        nameCode: code16(point.name),
      })),
      commandAddress,
      commands: hasCommands
        ? commandNames.map((name) => ({ name, code: COMMAND_CODES[name] ?? 0 }))
        : [],
    };
  });
}

/** All points of the kind, also those that the profile does not map: another profile moves nothing. */
function devicePoints(kind: DeviceKind): Omit<MapPoint, "address" | "nameCode">[] {
  return Object.entries(DEVICE_KINDS[kind].points).map(([name, spec]) => ({
    name,
    unit: spec.unit,
    labels: spec.labels ?? [],
    meaning: spec.meaning,
  }));
}

function deviceCommands(
  kind: DeviceKind,
  offered: readonly { readonly command: string }[],
): string[] {
  const names = offered.map(({ command }) => command);
  // As operators have them: what the core answers, see actors/grid/answer-requests.ts.
  if (kind === "genset") names.push("reset");
  if (kind === "pv" || kind === "thruster") names.push("limit");
  return names.filter((name) => COMMAND_CODES[name] !== undefined);
}

/** FNV-1a (Fowler, Noll, Vo), 32 bits. */
function code32(text: string): number {
  let code = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) {
    code = Math.imul(code ^ byte, 0x01000193) >>> 0;
  }
  return code;
}

/** The same, folded to 16 bits. */
export function code16(text: string): number {
  const code = code32(text);
  return (code >>> 16) ^ (code & 0xffff);
}
