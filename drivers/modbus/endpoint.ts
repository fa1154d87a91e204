import { present } from "../../kernel/assert.ts";
import type { Clock, Timer } from "../../kernel/ports/clock.ts";
import type { PollMode } from "../../kernel/ports/device-io.ts";
import type { Random } from "../../kernel/ports/random.ts";
import { Connection, type ConnectionEvents } from "./connection.ts";
import type { ModbusDevice } from "./device.ts";
import type { Sign } from "./outcome.ts";

const CONNECT_TIMEOUT_MS = 500;
const RECONNECT_MS_MIN = 50;
const RECONNECT_MS_MAX = 2000;
/** So many time-outs in a row, of whichever devices, and the connection is taken for half-open. */
const SILENCE_COUNT_MAX = 2;

export interface EndpointOptions {
  readonly host: string;
  readonly port: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly dial: (host: string, port: number) => { readonly host: string; readonly port: number };
  /** Called whenever an exchange has ended or the connection was lost. */
  readonly progressed: () => void;
}

/** One host and port with the devices behind it (several unit ids behind a gateway): decides who uses the connection next. */
export class Endpoint implements ConnectionEvents {
  readonly #options: EndpointOptions;
  readonly #connection: Connection;
  readonly #devices: ModbusDevice[] = [];
  #turn = 0;
  #failureCount = 0;
  #silenceCount = 0;
  #retryTimer: Timer | null = null;
  #isWanted = false;
  #isClosed = false;

  constructor(options: EndpointOptions) {
    this.#options = options;
    this.#connection = new Connection(options.clock, this);
  }

  add(device: ModbusDevice): void {
    this.#devices.push(device);
  }

  /** A write is under way, or waits and could go out. */
  get isWriting(): boolean {
    return (
      this.#connection.hasUnansweredWrite ||
      (this.#connection.isOpen && this.#devices.some((device) => device.hasWaitingWrite))
    );
  }

  poll(mode: PollMode, nowMs: number): void {
    // A device with room for one master belongs to the leader.
    this.#isWanted =
      !this.#isClosed &&
      this.#devices.some((device) => !device.isForbidden) &&
      (mode === "full" || this.#devices.every((device) => device.config.profile.mastersMax > 1));
    if (!this.#isWanted) {
      this.#connection.reset("not wanted");
      return;
    }
    this.#connect();
    for (const device of this.#devices) device.poll(mode, nowMs);
    this.pump();
  }

  /** Puts the next piece of work on the wire, if the connection is free: proof of simulation, then writes, then reads. */
  pump(): void {
    if (!this.#connection.isFree) return;
    const count = this.#devices.length;
    for (const start of STARTS) {
      for (let i = 0; i < count; i++) {
        const device = present(this.#devices[(this.#turn + i) % count], "a device in turn");
        if (!start(device, this.#connection)) continue;
        this.#turn = (this.#turn + i + 1) % count;
        return;
      }
    }
  }

  /** A device tells what an exchange says about the connection. */
  settled(sign: Sign): void {
    if (sign === "alive") {
      this.#silenceCount = 0;
      this.#failureCount = 0;
    } else if (sign === "silent") this.#silenceCount++;
  }

  /** Drops what waits; resets the connection if a write on it is unanswered. */
  abandonWrites(): void {
    for (const device of this.#devices) device.abandonWrites("authority was lost");
    if (this.#connection.hasUnansweredWrite) this.#connection.reset("authority was lost");
  }

  close(done: () => void): void {
    this.#isClosed = true;
    this.#isWanted = false;
    this.#retryTimer?.cancel();
    this.#retryTimer = null;
    this.#connection.close(done);
  }

  connected(): void {
    this.#silenceCount = 0;
    for (const device of this.#devices) device.connected();
    this.pump();
  }

  lost(reason: string): void {
    const nowMs = this.#options.clock.monotonicMs();
    for (const device of this.#devices) device.lost(reason, nowMs);
    if (this.#isWanted) this.#retryLater(nowMs);
    this.#options.progressed();
  }

  freed(): void {
    if (this.#silenceCount >= SILENCE_COUNT_MAX) this.#connection.reset("does not answer");
    else this.pump();
    this.#options.progressed();
  }

  #connect(): void {
    if (!this.#connection.isClosed || this.#retryTimer !== null || !this.#isWanted) return;
    for (const device of this.#devices) device.connecting();
    const { host, port } = this.#options.dial(this.#options.host, this.#options.port);
    this.#connection.connect(host, port, CONNECT_TIMEOUT_MS);
  }

  /** Doubles from 50 ms to 2 s, with jitter, so that fifty devices that return at once are not met by fifty connections at once. */
  #retryLater(nowMs: number): void {
    const doubled = RECONNECT_MS_MIN * 2 ** Math.min(this.#failureCount, 16);
    const delayMs = Math.min(doubled, RECONNECT_MS_MAX) * (0.5 + 0.5 * this.#options.random.next());
    this.#failureCount++;
    this.#retryTimer = this.#options.clock.at(nowMs + delayMs, () => {
      this.#retryTimer = null;
      this.#connect();
    });
  }
}

const STARTS: readonly ((device: ModbusDevice, connection: Connection) => boolean)[] = [
  (device, connection) => device.startVerification(connection),
  (device, connection) => device.startWrite(connection),
  (device, connection) => device.startRead(connection),
];
