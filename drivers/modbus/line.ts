import type { DeviceConfig, SerialLine } from "../../configs/manifest.ts";
import type { Clock } from "../../kernel/ports/clock.ts";
import type { Dial } from "../driver-options.ts";
import { RtuFraming, TcpFraming, type Framing } from "./framing.ts";
import { SerialWire } from "./serial-wire.ts";
import { TcpWire } from "./tcp-wire.ts";
import type { AdmitWrite, Wire, WireEvents } from "./wire.ts";

/** How the devices of one address are reached: what a connection must know, and how it is opened. */
export interface Line {
  /** For people: `10.0.0.5:502`, `/dev/ttyUSB0`. */
  readonly name: string;
  readonly hasTransactions: boolean;
  /** Reads that may be under way at once. */
  readonly inFlightMax: number;
  /** Silence between two exchanges. */
  readonly gapMs: number;
  /** Time that so many bytes take on the line, both ways together; 0 where that is nothing. */
  transferMs(byteCount: number): number;
  createFraming(): Framing;
  open(functionCodeOffset: number, admit: AdmitWrite, events: WireEvents): Wire;
}

const CONNECT_TIMEOUT_MS = 500;
/** Start bit, eight data bits, parity or a second stop bit, stop bit (MODBUS over Serial Line V1.02, section 2.5.1). */
const BITS_PER_BYTE = 11;
/** Silence between frames: 3.5 characters, above 19,200 baud 1.75 ms (same, section 2.5.1.1). */
const GAP_CHARACTERS = 3.5;
const GAP_MS_MIN = 1.75;

/** Devices with the same key share a connection. */
export function lineKey(config: DeviceConfig): string {
  const { transport, serial, host, port } = config;
  return serial === null ? `${transport} ${host}:${port}` : `rtu ${serial.path}`;
}

/** The address for people. */
export function addressOf(config: DeviceConfig): string {
  return config.serial === null ? `${config.host}:${config.port}` : config.serial.path;
}

/** @param inFlightMax - Reads under way at once; on a line without transactions it is 1 whatever is asked for. */
export function createLine(
  config: Pick<DeviceConfig, "transport" | "serial" | "host" | "port">,
  inFlightMax: number,
  clock: Clock,
  dial: Dial,
  connectTimeoutMs: number = CONNECT_TIMEOUT_MS,
): Line {
  const { transport, serial } = config;
  if (serial !== null) return serialLine(serial);
  const isRtu = transport === "rtu-over-tcp";
  return {
    name: `${config.host}:${config.port}`,
    hasTransactions: !isRtu,
    inFlightMax: isRtu ? 1 : inFlightMax,
    gapMs: 0,
    transferMs: () => 0,
    createFraming: () => (isRtu ? new RtuFraming() : new TcpFraming()),
    open: (functionCodeOffset, admit, events) =>
      new TcpWire(
        dial(config.host, config.port),
        { functionCodeOffset, admit, clock, connectTimeoutMs },
        events,
      ),
  };
}

function serialLine(serial: SerialLine): Line {
  const byteMs = (BITS_PER_BYTE * 1000) / serial.baudRate;
  return {
    name: serial.path,
    hasTransactions: false,
    inFlightMax: 1,
    gapMs: serial.frameGapMs ?? Math.max(GAP_MS_MIN, GAP_CHARACTERS * byteMs),
    transferMs: (byteCount) => byteCount * byteMs,
    createFraming: () => new RtuFraming(),
    open: (functionCodeOffset, admit, events) =>
      new SerialWire(serial, { functionCodeOffset, admit }, events),
  };
}
