import { present } from "../../kernel/assert.ts";
import type { Clock, Timer } from "../../kernel/ports/clock.ts";
import type { PollMode } from "../../kernel/ports/device-io.ts";
import type { Random } from "../../kernel/ports/random.ts";
import type { ConnectPacer } from "./connect-pacer.ts";
import { Connection, type ConnectionEvents } from "./connection.ts";
import type { ModbusDevice } from "./device.ts";
import type { Line } from "./line.ts";
import type { Sign } from "./outcome.ts";

const RECONNECT_MS_MIN = 50;
const RECONNECT_MS_MAX = 2000;
/** So many time-outs in a row, of whichever devices, and the connection is taken for half-open. */
const SILENCE_COUNT_MAX = 2;

export interface EndpointOptions {
  readonly line: Line;
  readonly clock: Clock;
  readonly random: Random;
  /** Shared by all endpoints of a driver. */
  readonly pacer: ConnectPacer;
  /** Called whenever an exchange has ended or the connection was lost. */
  readonly progressed: () => void;
}

/** One line with the devices on it (several unit ids behind a gateway, a serial line): decides who uses the connection next. */
export class Endpoint implements ConnectionEvents {
  readonly #options: EndpointOptions;
  readonly #connection: Connection;
  readonly #devices: ModbusDevice[] = [];
  #turn = 0;
  #failureCount = 0;
  #silenceCount = 0;
  #retryTimer: Timer | null = null;
  #pauseTimer: Timer | null = null;
  #isPumping = false;
  #isWanted = false;
  #isClosed = false;

  constructor(options: EndpointOptions) {
    this.#options = options;
    this.#connection = new Connection(options.clock, options.line, this);
  }

  add(device: ModbusDevice): void {
    this.#devices.push(device);
    const isSharing = this.#devices.length > 1;
    for (const one of this.#devices) one.isSharing = isSharing;
  }

  /** A write is under way, or waits and could go out. */
  get isWriting(): boolean {
    return (
      this.#connection.hasUnansweredWrite ||
      (this.#connection.isOpen && this.#devices.some((device) => device.hasWaitingWrite))
    );
  }

  poll(mode: PollMode, nowMs: number): void {
    // A device with room for one master belongs to the leader, and so does a serial line.
    this.#isWanted =
      !this.#isClosed &&
      this.#devices.some((device) => !device.isLeftAlone) &&
      (mode === "full" || this.#devices.every(({ config }) => hasRoomForStandby(config)));
    if (!this.#isWanted) {
      this.#connection.reset("not wanted");
      return;
    }
    this.#connect();
    for (const device of this.#devices) device.poll(mode, nowMs);
    this.pump();
  }

  /** Puts on the wire what the connection has room for: proof of simulation, then writes, then reads, the silent devices last. */
  pump(): void {
    // An exchange may end while it is begun (the gate refuses it): the loop goes on then, not a loop within it.
    if (this.#isPumping) return;
    this.#isPumping = true;
    while (this.#startNext());
    this.#isPumping = false;
    this.#pumpLater();
  }

  /** A device tells what an exchange says about the connection. */
  settled(sign: Sign): void {
    if (sign === "alive") {
      this.#silenceCount = 0;
      this.#failureCount = 0;
    } else if (sign === "silent") this.#silenceCount++;
  }

  /** Drops what waits, and what of an unanswered write has not arrived yet. */
  abandonWrites(): void {
    for (const device of this.#devices) device.abandonWrites("authority was lost");
    this.#connection.dropWrite("authority was lost");
  }

  /** What waits does not go out any more; what is out goes on to its answer or its time-out. */
  abandonWaiting(): void {
    for (const device of this.#devices) device.abandonWrites("the controller hands over");
  }

  close(done: () => void): void {
    this.#isClosed = true;
    this.#isWanted = false;
    this.#retryTimer?.cancel();
    this.#retryTimer = null;
    this.#connection.close(done);
    this.#pauseTimer?.cancel();
    this.#pauseTimer = null;
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
    if (this.#silenceCount >= SILENCE_COUNT_MAX && this.#connection.hasTransactions)
      this.#connection.reset("does not answer");
    else this.pump();
    this.#options.progressed();
  }

  #startNext(): boolean {
    const connection = this.#connection;
    if (!connection.isOpen) return false;
    const isWriteWaiting = this.#devices.some((device) => device.hasWaitingWrite);
    for (const step of STEPS) {
      // Nothing overtakes a write: it goes as soon as the reads under way are answered.
      if (step.isWrite ? !connection.mayWrite : !connection.mayRead || isWriteWaiting) continue;
      if (step.isLast && connection.inFlightCount > 0) continue;
      if (this.#startTurn(step.start)) return true;
    }
    return false;
  }

  #startTurn(start: Step["start"]): boolean {
    const count = this.#devices.length;
    for (let i = 0; i < count; i++) {
      const device = present(this.#devices[(this.#turn + i) % count], "a device in turn");
      if (!start(device, this.#connection)) continue;
      this.#turn = (this.#turn + i + 1) % count;
      return true;
    }
    return false;
  }

  /** Devices that ask for a pause between requests are looked at again when the first pause is over. */
  #pumpLater(): void {
    if (this.#pauseTimer !== null || !this.#connection.isOpen) return;
    const nowMs = this.#options.clock.monotonicMs();
    let atMs = Infinity;
    for (const { freeAtMs } of this.#devices) {
      if (freeAtMs > nowMs && freeAtMs < atMs) atMs = freeAtMs;
    }
    if (atMs === Infinity) return;
    this.#pauseTimer = this.#options.clock.at(atMs, () => {
      this.#pauseTimer = null;
      this.pump();
    });
  }

  #connect(): void {
    if (!this.#connection.isClosed || this.#retryTimer !== null || !this.#isWanted) return;
    const nowMs = this.#options.clock.monotonicMs();
    const waitMs = this.#options.pacer.waitMs(nowMs);
    if (waitMs > 0) this.#connectAt(nowMs + waitMs);
    else {
      for (const device of this.#devices) device.connecting();
      this.#connection.connect();
    }
  }

  /** Doubles from 50 ms to 2 s, with jitter, so that fifty devices that return at once are not met by fifty connections at once. */
  #retryLater(nowMs: number): void {
    const doubled = RECONNECT_MS_MIN * 2 ** Math.min(this.#failureCount, 16);
    const delayMs = Math.min(doubled, RECONNECT_MS_MAX) * (0.5 + 0.5 * this.#options.random.next());
    this.#failureCount++;
    this.#connectAt(nowMs + delayMs);
  }

  #connectAt(atMs: number): void {
    this.#retryTimer = this.#options.clock.at(atMs, () => {
      this.#retryTimer = null;
      this.#connect();
    });
  }
}

function hasRoomForStandby(config: ModbusDevice["config"]): boolean {
  return config.transport !== "rtu" && config.profile.mastersMax > 1;
}

interface Step {
  readonly isWrite: boolean;
  /** Only where nothing else is under way or waits. */
  readonly isLast: boolean;
  readonly start: (device: ModbusDevice, connection: Connection) => boolean;
}

const STEPS: readonly Step[] = [
  {
    isWrite: false,
    isLast: false,
    start: (device, connection) => !device.isSilent && device.startVerification(connection),
  },
  {
    isWrite: true,
    isLast: false,
    start: (device, connection) => device.startWrite(connection),
  },
  {
    isWrite: false,
    isLast: false,
    start: (device, connection) => !device.isSilent && device.startRead(connection),
  },
  {
    isWrite: false,
    isLast: true,
    start: (device, connection) =>
      device.isSilent && (device.startVerification(connection) || device.startRead(connection)),
  },
];
