import type { DeviceConfig } from "../../configs/manifest.ts";
import type { DeviceProfile } from "../../configs/profile.ts";
import { DEVICE_KINDS } from "../../kernel/device-kinds.ts";
import type { PointValue } from "../../kernel/point.ts";
import {
  EXCEPTION,
  type ModbusAnswer,
  type ModbusRequest,
} from "../../drivers/modbus-server/modbus-frames.ts";
import type { ModbusConnection, ModbusUnit } from "../../drivers/modbus-server/modbus-server.ts";
import { type DecodedWrite, RegisterImage, type WriteProblem } from "./register-image.ts";

/** What a device does behind its registers. */
export interface DevicePlant {
  points(device: string): Readonly<Record<string, PointValue>>;
  setLevel(device: string, point: string, value: number): void;
  /** Null where the device does it; otherwise why not. */
  command(device: string, command: string): string | null;
  setFallback(device: string, isActive: boolean): void;
}

/** One write as the device saw it: what the referee judges by. */
export interface WriteEntry {
  /** Monotonic clock of the machine, ms. */
  readonly atMs: number;
  readonly grid: string;
  readonly device: string;
  /** Node id, or `tool:<port>`. */
  readonly writer: string;
  readonly connectionId: number;
  readonly connectionOpenedAtMs: number;
  /** The device holds an epoch register. */
  readonly isFenced: boolean;
  readonly hasWatchdog: boolean;
  readonly epoch: number | null;
  readonly levels: readonly {
    readonly point: string;
    readonly value: number;
    readonly unit: string;
  }[];
  readonly commands: readonly string[];
  /** Null where it was accepted. */
  readonly refusal: string | null;
}

/** Faults that a test, or whoever simulates a device by hand, switches on at one device. */
export interface DeviceFaults {
  isSilent: boolean;
  delayMs: number;
  /** Any request that touches one of these addresses is answered with the exception code. */
  readonly exceptions: Map<number, number>;
  /** Writes are acknowledged and have no effect. */
  isWriteIgnored: boolean;
  /** Points that show this value, whatever the device does. */
  readonly stuck: Map<string, PointValue>;
  /** `words`: the two registers of 32-bit values have changed places; `bytes`: the two bytes of every register. */
  endian: "right" | "words" | "bytes";
}

function noFaults(): DeviceFaults {
  return {
    isSilent: false,
    delayMs: 0,
    exceptions: new Map(),
    isWriteIgnored: false,
    stuck: new Map(),
    endian: "right",
  };
}

type WriteOf<Request> = Exclude<Request, { kind: "read" }>;

/** One simulated device at its Modbus address: registers, epoch rule, command watchdog, faults. */
export class SimulatedDevice implements ModbusUnit {
  readonly config: DeviceConfig;
  readonly grid: string;
  readonly faults: DeviceFaults = noFaults();
  /** The highest epoch that a write carried; a lower one is refused ever after. */
  highestEpoch = 0;
  isInFallback = false;
  /** The fallback began because a master gave the device back, not because none was heard. */
  wasReleased = false;
  readonly #rightImage: RegisterImage;
  readonly #swappedImage: RegisterImage;
  readonly #plant: DevicePlant;
  readonly #nowMs: () => number;
  readonly #onWrite: (entry: WriteEntry) => void;
  #lastWriteMs: number | null = null;

  constructor(
    config: DeviceConfig,
    grid: string,
    plant: DevicePlant,
    nowMs: () => number,
    onWrite: (entry: WriteEntry) => void,
  ) {
    this.config = config;
    this.grid = grid;
    this.#plant = plant;
    this.#nowMs = nowMs;
    this.#onWrite = onWrite;
    this.#rightImage = new RegisterImage(config.profile);
    this.#swappedImage = new RegisterImage(withWordsSwapped(config.profile));
  }

  get answerDelayMs(): number {
    return this.faults.isSilent ? Number.POSITIVE_INFINITY : this.faults.delayMs;
  }

  /** What the registers hold, where nothing is stuck. */
  points(): Readonly<Record<string, PointValue>> {
    return this.#plant.points(this.config.id);
  }

  get #image(): RegisterImage {
    return this.faults.endian === "words" ? this.#swappedImage : this.#rightImage;
  }

  answer(request: ModbusRequest, connection: ModbusConnection): ModbusAnswer {
    const count = request.kind === "read" ? request.count : request.values.length;
    for (const [address, code] of this.faults.exceptions) {
      const isTouched = address >= request.address && address < request.address + count;
      if (isTouched) return { kind: "exception", code };
    }
    if (request.kind === "read") return this.#read(request.table, request.address, count);
    return this.#write(this.#withBytesAsFaulted(request), connection);
  }

  /** Runs the command watchdog. It starts with the first set-point and is served by every accepted write. */
  checkWatchdog(): void {
    const { fallback } = this.config.profile;
    if (!hasWatchdog(this.config) || fallback === null) return;
    if (this.#lastWriteMs === null || this.isInFallback) return;
    if (this.#nowMs() - this.#lastWriteMs < fallback.watchdogMs) return;
    this.isInFallback = true;
    this.#plant.setFallback(this.config.id, true);
  }

  #read(
    table: "coil" | "discrete" | "holding" | "input",
    address: number,
    count: number,
  ): ModbusAnswer {
    const { stuck } = this.faults;
    const points =
      stuck.size === 0 ? this.points() : { ...this.points(), ...Object.fromEntries(stuck) };
    if (table === "holding" || table === "input") {
      const values = this.#image.readRegisters(table, address, count, points, this.highestEpoch);
      if (values !== null) {
        return {
          kind: "registers",
          values: this.faults.endian === "bytes" ? values.map(swapped) : values,
        };
      }
    } else {
      const values = this.#image.readBits(table, address, count, points);
      if (values !== null) return { kind: "bits", values };
    }
    return { kind: "exception", code: EXCEPTION.illegalAddress };
  }

  #withBytesAsFaulted(request: WriteOf<ModbusRequest>): WriteOf<ModbusRequest> {
    if (this.faults.endian !== "bytes" || request.kind !== "writeRegisters") return request;
    return { ...request, values: request.values.map(swapped) };
  }

  #write(request: WriteOf<ModbusRequest>, connection: ModbusConnection): ModbusAnswer {
    const decoded =
      request.kind === "writeRegisters"
        ? this.#image.decodeRegisters(request.address, request.values)
        : this.#image.decodeCoils(request.address, request.values);
    if (typeof decoded === "string") {
      const code = exceptionOf(decoded);
      this.#log(connection, null, `illegal ${decoded}`);
      return { kind: "exception", code };
    }
    const stale = this.#epochRefusal(decoded);
    if (stale !== null) {
      this.#log(connection, decoded, stale);
      return { kind: "exception", code: EXCEPTION.illegalValue };
    }
    if (this.faults.isWriteIgnored) {
      this.#log(connection, decoded, "ignored: a fault");
      return { kind: "written" };
    }
    return this.#apply(decoded, connection);
  }

  #apply(decoded: DecodedWrite, connection: ModbusConnection): ModbusAnswer {
    const { id } = this.config;
    if (decoded.epoch !== null) this.highestEpoch = decoded.epoch;
    // A master is back before its write acts: levels then count again.
    if (decoded.levels.length > 0 || this.#lastWriteMs !== null) this.#lastWriteMs = this.#nowMs();
    if (this.isInFallback) {
      this.isInFallback = false;
      this.wasReleased = false;
      this.#plant.setFallback(id, false);
    }
    for (const { point, value } of decoded.levels) this.#plant.setLevel(id, point, value);
    let refusal: string | null = null;
    for (const command of decoded.commands) {
      if (command === "release") this.#release();
      else refusal ??= this.#plant.command(id, command);
    }
    // The levels hold even where the device refuses the command: the write as such was accepted.
    this.#log(connection, decoded, null);
    if (refusal === null) return { kind: "written" };
    return { kind: "exception", code: EXCEPTION.deviceFailure };
  }

  /** A master gives the device back: it does at once what it would do once the watchdog had run out. */
  #release(): void {
    this.isInFallback = true;
    this.wasReleased = true;
    this.#plant.setFallback(this.config.id, true);
  }

  /** A device with an epoch register takes no set-point and no command without it, and none below the highest seen. */
  #epochRefusal(decoded: DecodedWrite): string | null {
    if (this.config.profile.epochRegister === null) return null;
    if (decoded.epoch === null) return "no epoch in the request";
    if (decoded.epoch < this.highestEpoch)
      return `epoch ${decoded.epoch} is below ${this.highestEpoch}`;
    return null;
  }

  #log(connection: ModbusConnection, decoded: DecodedWrite | null, refusal: string | null): void {
    const { kind, profile, id } = this.config;
    this.#onWrite({
      atMs: this.#nowMs(),
      grid: this.grid,
      device: id,
      writer: connection.writer,
      connectionId: connection.id,
      connectionOpenedAtMs: connection.openedAtMs,
      isFenced: profile.epochRegister !== null,
      hasWatchdog: hasWatchdog(this.config),
      epoch: decoded?.epoch ?? null,
      levels: (decoded?.levels ?? []).map((level) => ({
        ...level,
        unit: DEVICE_KINDS[kind].points[level.point]?.unit ?? "",
      })),
      commands: decoded?.commands ?? [],
      refusal,
    });
  }
}

/** Where the fallback is `none` nothing happens without a master, so there is nothing to watch. */
function hasWatchdog(config: DeviceConfig): boolean {
  const { fallback } = config.profile;
  return fallback !== null && fallback.behaviour !== "none";
}

function exceptionOf(problem: WriteProblem): number {
  return problem === "address" ? EXCEPTION.illegalAddress : EXCEPTION.illegalValue;
}

function swapped(word: number): number {
  return ((word & 0xff) << 8) | (word >> 8);
}

function withWordsSwapped(profile: DeviceProfile): DeviceProfile {
  return {
    ...profile,
    points: profile.points.map((point) => ({
      ...point,
      wordOrder: point.wordOrder === "big" ? "little" : "big",
    })),
  };
}
