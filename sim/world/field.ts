import type { PointValue, Quality } from "../../kernel/point.ts";
import type { Clock } from "../../kernel/ports/clock.ts";
import type { AuthorityGate, DeviceIo } from "../../kernel/ports/device-io.ts";
import type { SeededRandom } from "../ports/seeded-random.ts";
import { FieldIo } from "./field-io.ts";

/** A write as it arrived at a device. */
export interface FieldWrite {
  readonly grid: string;
  readonly device: string;
  readonly node: string;
  readonly epoch: number;
  /** Sequence of the frame that asked for it. */
  readonly sequence: number;
  readonly kind: "level" | "command";
  readonly values: readonly (readonly [name: string, value: PointValue])[];
  /** When the gate was asked, and when the write left for the device: the same, unless the process stood still in between. */
  readonly gatedAtMs: number;
  readonly arrivedAtMs: number;
  readonly isEpochChecked: boolean;
  readonly isAccepted: boolean;
}

/** What a device of the field is like. */
export interface FieldDevice {
  readonly id: string;
  /** It takes an epoch with each write and refuses a lower one. */
  readonly isEpochChecked: boolean;
  /** It serves one connection at a time. */
  readonly hasOneMaster: boolean;
  readonly isCritical: boolean;
  /** Without an accepted write for so long it falls back; null where it has no watchdog. */
  readonly watchdogMs: number | null;
  /** Values that it shows now; `good` where no quality is said. */
  read(): readonly (readonly [point: string, value: PointValue, quality?: Quality])[];
  /** Takes a level or does what a command says; false where it answers with an exception. */
  write(kind: "level" | "command", name: string, value: PointValue): boolean;
  setFallback(isActive: boolean): void;
}

/** How a device behaves from now on. */
export interface DeviceFaults {
  /** Added to the way to the device. */
  readonly delayMs?: number;
  /** It takes what comes and answers nothing. */
  readonly isSilent?: boolean;
  /** It answers every write with an exception. */
  readonly isRefusing?: boolean;
}

export interface FieldOptions {
  readonly clock: Clock;
  readonly random: SeededRandom;
  readonly devices: readonly FieldDevice[];
  /** One way. */
  readonly delayMsMin: number;
  readonly delayMsMax: number;
  /** Longest that a write is meant to take; the gate demands authority for so long. */
  readonly writeMs: number;
  readonly onWrite: (write: FieldWrite) => void;
}

/** How a node's driver reaches the field; what belongs to its process comes from there. */
export interface FieldPort {
  readonly node: string;
  readonly grid: string;
  readonly gate: AuthorityGate;
  /** The node's clock: late where the process stands still. */
  readonly clock: Clock;
  /** Calls back in the node's process. */
  readonly run: (callback: () => void) => void;
  /** Milliseconds that the process stands still right after the gate was asked: 0 but for that very fault. */
  readonly stallAfterGateMs: () => number;
  /** Devices of other grids are read and never written. */
  readonly devices: readonly { readonly id: string; readonly isOwn: boolean }[];
}

/** The devices of a simulated world and the network between them and the nodes; shared by all nodes. */
export class Field {
  readonly options: FieldOptions;
  readonly #devices: ReadonlyMap<string, FieldDevice>;
  readonly #faults = new Map<string, DeviceFaults>();
  readonly #epochs = new Map<string, number>();
  readonly #masters = new Map<string, object>();
  readonly #writtenAtMs = new Map<string, number>();
  readonly #inFallback = new Set<string>();
  readonly #cuts = new Set<string>();
  /** What met a cut: it waits in the sender's kernel until the cut ends or the connection is reset. */
  #held: { readonly link: string; readonly deliver: () => void }[] = [];

  constructor(options: FieldOptions) {
    this.options = options;
    this.#devices = new Map(options.devices.map((device) => [device.id, device]));
  }

  device(id: string): FieldDevice {
    const device = this.#devices.get(id);
    if (device === undefined) throw new TypeError(`the field has no device ${id}`);
    return device;
  }

  io(port: FieldPort): DeviceIo {
    return new FieldIo(this, port);
  }

  setFaults(device: string, faults: DeviceFaults): void {
    this.#faults.set(device, faults);
  }

  /** Packets between `node` and `device` vanish, or pass again. */
  setCut(node: string, device: string, isCut: boolean): void {
    const link = `${node}|${device}`;
    if (isCut) {
      this.#cuts.add(link);
      return;
    }
    this.#cuts.delete(link);
    const released = this.#held.filter((held) => held.link === link);
    this.#held = this.#held.filter((held) => held.link !== link);
    for (const { deliver } of released) deliver();
  }

  faultsOf(device: string): DeviceFaults {
    return this.#faults.get(device) ?? {};
  }

  /** One way between a node and a device. `deliver` asks itself whether its connection still stands. */
  carry(node: string, device: string, extraMs: number, deliver: (wasHeld: boolean) => void): void {
    const { clock, random, delayMsMin, delayMsMax } = this.options;
    const link = `${node}|${device}`;
    const delayMs = random.between(delayMsMin, delayMsMax) + extraMs;
    clock.at(clock.monotonicMs() + delayMs, () => {
      if (this.#cuts.has(link)) this.#held.push({ link, deliver: () => deliver(true) });
      else deliver(false);
    });
  }

  /** A device with one master gives its place to whoever comes while it is free. */
  admit(device: string, connection: object): boolean {
    if (!this.device(device).hasOneMaster) return true;
    const master = this.#masters.get(device);
    if (master !== undefined && master !== connection) return false;
    this.#masters.set(device, connection);
    return true;
  }

  /** The device has noticed that the connection is gone. */
  release(device: string, connection: object): void {
    if (this.#masters.get(device) === connection) this.#masters.delete(device);
  }

  /** Runs the devices' watchdogs: they start with the first write. */
  checkWatchdogs(): void {
    const nowMs = this.options.clock.monotonicMs();
    for (const [id, writtenAtMs] of this.#writtenAtMs) {
      const device = this.device(id);
      const { watchdogMs } = device;
      if (watchdogMs === null || this.#inFallback.has(id)) continue;
      if (nowMs - writtenAtMs < watchdogMs) continue;
      this.#fallBack(device);
    }
  }

  /** Nobody commands the device any more, or it was given back. */
  #fallBack(device: FieldDevice): void {
    this.#inFallback.add(device.id);
    device.setFallback(true);
  }

  /** A write has arrived. @returns Whether the device did it. */
  take(write: Omit<FieldWrite, "arrivedAtMs" | "isEpochChecked" | "isAccepted">): boolean {
    const device = this.device(write.device);
    const newest = this.#epochs.get(device.id) ?? 0;
    const isFenced = device.isEpochChecked && write.epoch < newest;
    let isAccepted = !isFenced && this.faultsOf(device.id).isRefusing !== true;
    if (isAccepted) {
      this.#epochs.set(device.id, Math.max(newest, write.epoch));
      this.#writtenAtMs.set(device.id, this.options.clock.monotonicMs());
      if (this.#inFallback.delete(device.id)) device.setFallback(false);
      for (const [name, value] of write.values) {
        if (write.kind === "command" && name === "release") this.#fallBack(device);
        else isAccepted = device.write(write.kind, name, value) && isAccepted;
      }
    }
    this.options.onWrite({
      arrivedAtMs: this.options.clock.monotonicMs(),
      ...write,
      isEpochChecked: device.isEpochChecked,
      isAccepted,
    });
    return isAccepted;
  }
}
