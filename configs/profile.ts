import type { DeviceKind } from "../kernel/device-kinds.ts";
import type { PointValue } from "../kernel/point.ts";
import type { SunspecProfile } from "./sunspec/needs.ts";

/** Families of drivers; each has a folder under `drivers/` and an entry at the composition root. */
export type DriverFamilyName = "modbus" | "sunspec" | "mqtt";

/** A device as data: how its registers map to the standard points and commands of its kind. */
export interface DeviceProfile {
  readonly id: string;
  readonly name: string;
  readonly kind: DeviceKind;
  /** By which family of drivers it is spoken to. */
  readonly family: DriverFamilyName;
  /** Where the register facts come from. */
  readonly source: string;
  /** How the device's own signs map to R-EMS's, for people. */
  readonly signStatement: string;
  /** What the device does without us; null where it takes no commands. */
  readonly fallback: Fallback | null;
  /** `device`: it synchronises and checks by itself before it closes; `none`: it must never be asked to close onto a live bus. */
  readonly syncCheck: "device" | "none" | null;
  /** Masters that the device accepts at once. */
  readonly mastersMax: number;
  /** How long the device keeps the slot of a master that vanished. */
  readonly slotReleaseMs: number;
  /** Longest time that the device needs to act on a write, gateway delay included. */
  readonly writeMs: number;
  readonly requestTimeoutMs: number;
  /** Registers that tell a simulated device from a real one; null in profiles of real devices. */
  readonly signature: {
    readonly table: RegisterTable;
    readonly address: number;
    readonly value: number;
  } | null;
  /** What its Modbus side bears: sizes of requests, pace, addresses that must not be read. */
  readonly modbus: ModbusSettings;
  /** Where the device takes the leadership's epoch together with its set-points; written in the same request. */
  readonly epochRegister: { readonly address: number } | null;
  readonly points: readonly PointMapping[];
  readonly commands: readonly CommandMapping[];
  /** Commands, in this order, by which an orderly stop gives the device back where no other controller takes over. */
  readonly release: readonly string[];
  /** Family `sunspec`: what is needed of the device. Points and commands are laid out as in a device that has just that. */
  readonly sunspec: SunspecProfile | null;
  /** Family `mqtt`: topics of the device. Its points and commands have names only: their registers mean nothing. */
  readonly mqtt: MqttSettings | null;
}

/** How a device is spoken to over MQTT. `{device}` in a topic stands for the device's id. */
export interface MqttSettings {
  readonly availability: {
    readonly topic: string;
    readonly online: string;
    readonly offline: string;
  };
  /** A point not published for so long is uncertain; null: its last value counts while the device is available. */
  readonly maxAgeMs: number | null;
  readonly points: readonly MqttPoint[];
  readonly levels: readonly MqttLevel[];
  readonly commands: readonly {
    readonly command: string;
    readonly topic: string;
    readonly payload: string;
  }[];
}

export interface MqttPoint {
  readonly point: string;
  readonly topic: string;
  /** Keys and indices into a JSON payload; empty: the payload is the value. */
  readonly path: readonly string[];
  readonly scale: number;
  readonly offset: number;
  readonly labels: Readonly<Record<string, string>> | null;
  readonly trueValues: readonly string[];
}

export interface MqttLevel {
  readonly point: string;
  readonly topic: string;
  /** With `{value}`, and `{epoch}` where the device checks it. */
  readonly payload: string;
  readonly scale: number;
  readonly offset: number;
  readonly readBack: { readonly topic: string; readonly path: readonly string[] };
}

/** Limits of one device's Modbus side. */
export interface ModbusSettings {
  /** Least time from an answer to the next request, for devices that lose requests which come too fast. */
  readonly gapMs: number;
  /** Requests that the device takes at once on one connection; above 1 only over Modbus TCP. */
  readonly inFlightMax: number;
  readonly registersPerReadMax: number;
  readonly bitsPerReadMax: number;
  readonly registersPerWriteMax: number;
  /** Unused registers that are read along rather than asked for separately; null: by what the transport costs. */
  readonly registerGapMax: number | null;
  readonly bitGapMax: number | null;
  /** Ranges that are never read, not even along the way. `end` is the first address behind. */
  readonly forbidden: readonly {
    readonly table: RegisterTable;
    readonly address: number;
    readonly end: number;
  }[];
  /** No request reaches across one of these: it stands before the address. */
  readonly barriers: readonly { readonly table: RegisterTable; readonly address: number }[];
}

export interface Fallback {
  readonly behaviour: "droop" | "hold" | "limit" | "zero" | "none";
  readonly reason: string;
  readonly watchdogMs: number;
}

export type RegisterTable = "holding" | "input" | "coil" | "discrete";
export type RegisterType = "int16" | "uint16" | "int32" | "uint32" | "float32" | "bit";

/** `fast`: every scan. `slow`: at least twice within the time after which a value counts as old. `rare`: every ten seconds. */
export type PollClass = "fast" | "slow" | "rare";

export interface PointMapping {
  /** Name of a point of the kind, e.g. `activePowerKw`. */
  readonly point: string;
  readonly table: RegisterTable;
  /** Protocol address, counted from 0. */
  readonly address: number;
  readonly type: RegisterType;
  /** Bit of a register, 0…15, where `type` is `bit` and the table holds registers. */
  readonly bit: number | null;
  /** For 32-bit types: `big` has the high word first. */
  readonly wordOrder: "big" | "little";
  /** value = raw × scale + offset. */
  readonly scale: number;
  readonly offset: number;
  readonly access: "read" | "readWrite" | "write";
  readonly poll: PollClass;
  /** Raw value to label, where the point is a label. */
  readonly labels: Readonly<Record<number, string>> | null;
  /** Raw value by which the device says "not available"; the point is then `bad`. */
  readonly notAvailable: number | null;
  /** Switches: the raw values, or the bits of which any, that mean true; null where the bit itself does. */
  readonly trueWhen: { readonly values: readonly number[] } | { readonly mask: number } | null;
  /** A point that the device does not tell and the installation fixes: its value for as long as the register is read. */
  readonly constant: { readonly value: PointValue; readonly reason: string } | null;
  /** For levels: where the device shows the value that it holds, if not at the same register. */
  readonly readBack: { readonly table: RegisterTable; readonly address: number } | null;
  /** For levels; {@link SUPERVISION} elsewhere. */
  readonly supervision: LevelSupervision;
  /** For levels: registers that are written in the same request, right before and right after the level's own. */
  readonly writeWith: {
    readonly before: readonly number[];
    readonly after: readonly number[];
  } | null;
}

/** What a level owes after it was acknowledged, and what its register bears. */
export interface LevelSupervision {
  /** The device must show it by then. */
  readonly confirmWithinMs: number;
  /** The measured value that must come as close as `tolerance`, in the unit of the level, and not be apart for `withinMs`. */
  readonly followedBy: {
    readonly point: string;
    readonly tolerance: number;
    readonly withinMs: number;
  } | null;
  /** Writes that the register bears; null where it does not wear. Such a level is not re-served. */
  readonly writesPerDayMax: number | null;
}

/** Where a profile says nothing. */
export const SUPERVISION: LevelSupervision = {
  confirmWithinMs: 2000,
  followedBy: null,
  writesPerDayMax: null,
};

export interface CommandMapping {
  readonly command: string;
  readonly table: "holding" | "coil";
  readonly address: number;
  /** Raw value to write. */
  readonly value: number;
  /** Words of the registers right before, set along in the same request: the argument of a command code. */
  readonly before: readonly number[];
  /** The point that shows that the command took effect, where there is one. */
  readonly followedBy: {
    readonly point: string;
    readonly value: PointValue;
    readonly withinMs: number;
  } | null;
}
