import modbusSerial from "modbus-serial";
import { assert } from "../../kernel/assert.ts";
import type { Clock, Timer } from "../../kernel/ports/clock.ts";
import type { Words } from "./codec.ts";
import { FrameGuard } from "./frame-guard.ts";
import { GatedSocket } from "./gated-socket.ts";
import type { Outcome } from "./outcome.ts";
import type { ReadRequest } from "./request-plan.ts";
import type { WriteRequest } from "./write-plan.ts";

// A CommonJS package: what Node calls its default holds the class under `default` once more, and so its types say.
const ModbusClient = modbusSerial.default;
type ModbusClient = InstanceType<typeof ModbusClient>;

export interface ConnectionEvents {
  connected(): void;
  /** The connection is gone, or did not come about; what was in flight has ended before. */
  lost(reason: string): void;
  /** An exchange has ended and the next may begin. */
  freed(): void;
}

interface Exchange {
  readonly isWrite: boolean;
  readonly admit: (() => string | null) | null;
  readonly done: (outcome: Outcome) => void;
  timer: Timer | null;
  isSent: boolean;
}

type Reply = {
  readonly data?: Words;
  readonly buffer?: Buffer;
  readonly address?: number;
  readonly value?: number;
  readonly state?: boolean;
  readonly length?: number;
};

/** modbus-serial numbers transactions 0…255; a late reply must not meet a number that is used again. */
const TRANSACTIONS_WITH_LATE_MAX = 200;

/**
 * One Modbus TCP connection: one request at a time, each ended in bounded time whatever the other side does. The socket is
 * ours; modbus-serial encodes, decodes and matches transactions. Its own time-outs and events are not relied on.
 */
export class Connection {
  readonly #clock: Clock;
  readonly #events: ConnectionEvents;
  #socket: GatedSocket | null = null;
  #client: ModbusClient | null = null;
  #connectTimer: Timer | null = null;
  #exchange: Exchange | null = null;
  #isOpen = false;
  /** Reads that timed out on this connection and whose reply may still come; transactions begun since the first of them. */
  #lateCount = 0;
  #sinceLateCount = 0;

  constructor(clock: Clock, events: ConnectionEvents) {
    this.#clock = clock;
    this.#events = events;
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Neither open nor being opened. */
  get isClosed(): boolean {
    return this.#socket === null;
  }

  /** Open, and nothing in flight. */
  get isFree(): boolean {
    return this.#isOpen && this.#exchange === null;
  }

  get hasUnansweredWrite(): boolean {
    return this.#exchange?.isWrite === true;
  }

  connect(host: string, port: number, timeoutMs: number): void {
    assert(this.#socket === null, "a connection is opened once at a time");
    const socket = new GatedSocket(
      () => this.#admitWrite(),
      (reason) => this.#refused(socket, reason),
    );
    this.#socket = socket;
    const guard = new FrameGuard();
    socket.on("connect", () => this.#connected(socket));
    socket.on("data", (chunk: Uint8Array) => {
      const problem = guard.feed(chunk);
      if (problem !== null && socket === this.#socket)
        this.reset(`reply is not Modbus: ${problem}`);
    });
    socket.on("end", () => this.#died(socket, "closed by the device"));
    socket.on("error", (error: NodeJS.ErrnoException) =>
      this.#died(socket, error.code ?? error.message),
    );
    socket.on("close", () => this.#died(socket, "closed"));
    this.#connectTimer = this.#clock.at(this.#clock.monotonicMs() + timeoutMs, () =>
      this.#died(socket, `no connection within ${timeoutMs} ms`),
    );
    socket.connect({ host, port, noDelay: true });
  }

  read(
    unitId: number,
    request: ReadRequest,
    timeoutMs: number,
    done: (outcome: Outcome) => void,
  ): void {
    const client = this.#begin(
      { isWrite: false, admit: null, done, timer: null, isSent: false },
      timeoutMs,
    );
    const { address, count } = request;
    const reply = this.#replyTo((result) => {
      const words = result.data;
      if (words === undefined || result.buffer === undefined) return null;
      const isBits = request.table === "coil" || request.table === "discrete";
      const isWhole = isBits
        ? words.length >= count && words.length < count + 8
        : words.length === count;
      return isWhole ? { type: "data", words, bytes: result.buffer } : null;
    });
    if (request.table === "coil") client.writeFC1(unitId, address, count, reply);
    else if (request.table === "discrete") client.writeFC2(unitId, address, count, reply);
    else if (request.table === "holding") client.writeFC3(unitId, address, count, reply);
    else client.writeFC4(unitId, address, count, reply);
  }

  /**
   * @param timeoutMs - The connection is reset where the answer takes longer, so that the kernel cannot deliver the write late.
   * @param admit - Asked as the frame goes to the kernel; a text is the reason why it must not.
   */
  write(
    unitId: number,
    request: WriteRequest,
    timeoutMs: number,
    admit: () => string | null,
    done: (outcome: Outcome) => void,
  ): void {
    const client = this.#begin(
      { isWrite: true, admit, done, timer: null, isSent: false },
      timeoutMs,
    );
    const { address, words } = request;
    const [value = 0] = words;
    const reply = this.#replyTo((result) => {
      const isEcho =
        result.address === address &&
        (request.functionCode === 16
          ? result.length === words.length
          : request.functionCode === 6
            ? result.value === value
            : result.state === (value !== 0));
      return isEcho ? { type: "acknowledged" } : null;
    });
    if (request.functionCode === 16) client.writeFC16(unitId, address, [...words], reply);
    else if (request.functionCode === 6) client.writeFC6(unitId, address, value, reply);
    else client.writeFC5(unitId, address, value !== 0, reply);
  }

  /** Closes so that the kernel delivers nothing more: what it still holds is discarded, and the device hears a reset. */
  reset(reason: string): void {
    const socket = this.#socket;
    if (socket !== null) this.#died(socket, reason);
  }

  /** Closes for good. `done` is called once the socket is gone. */
  close(done: () => void): void {
    const socket = this.#socket;
    if (socket === null || socket.closed) {
      done();
      return;
    }
    socket.once("close", () => done());
    this.reset("closed by us");
  }

  #connected(socket: GatedSocket): void {
    if (socket !== this.#socket) return;
    this.#connectTimer?.cancel();
    this.#connectTimer = null;
    const client = new ModbusClient();
    client.on("error", () => {});
    client.linkTCP(socket, { port: socket.remotePort ?? 0 }, () => {});
    this.#client = client;
    this.#isOpen = true;
    this.#lateCount = 0;
    this.#sinceLateCount = 0;
    this.#events.connected();
  }

  #begin(exchange: Exchange, timeoutMs: number): ModbusClient {
    const client = this.#client;
    assert(client !== null && this.isFree, "one request at a time, on an open connection");
    this.#exchange = exchange;
    exchange.timer = this.#clock.at(this.#clock.monotonicMs() + timeoutMs, () => {
      // Timers run before sockets are read: after a pause of this process the answer may lie in the kernel already.
      setImmediate(() => this.#expired(exchange));
    });
    return client;
  }

  /** The callback for modbus-serial, which may call it twice, late, or inside a `try` of its own that hides our defects. */
  #replyTo(check: (result: Reply) => Outcome | null) {
    const exchange = this.#exchange;
    return (error: (Error & { modbusCode?: number }) | null, result?: Reply): void => {
      if (exchange === null) return;
      queueMicrotask(() => this.#answered(exchange, error, result, check));
    };
  }

  #answered(
    exchange: Exchange,
    error: (Error & { modbusCode?: number }) | null,
    result: Reply | undefined,
    check: (result: Reply) => Outcome | null,
  ): void {
    if (exchange !== this.#exchange) {
      if (this.#lateCount > 0) this.#lateCount--;
      return;
    }
    if (error?.modbusCode !== undefined) {
      this.#end(exchange, { type: "exception", code: error.modbusCode });
      return;
    }
    const outcome = result === undefined ? null : check(result);
    if (outcome === null)
      this.reset(`reply does not fit the request${error ? `: ${error.message}` : ""}`);
    else this.#end(exchange, outcome);
  }

  #expired(exchange: Exchange): void {
    if (exchange !== this.#exchange) return;
    if (exchange.isWrite) {
      const socket = this.#socket;
      if (socket !== null)
        this.#died(socket, "a write was not answered in time", { type: "timedOut" });
      return;
    }
    this.#lateCount++;
    this.#end(exchange, { type: "timedOut" });
  }

  #end(exchange: Exchange, outcome: Outcome): void {
    exchange.timer?.cancel();
    this.#exchange = null;
    exchange.done(outcome);
    if (this.#lateCount === 0) this.#sinceLateCount = 0;
    else if (++this.#sinceLateCount > TRANSACTIONS_WITH_LATE_MAX) {
      this.reset("a reply is still owed, and its transaction number comes round");
      return;
    }
    if (this.isFree) this.#events.freed();
  }

  #admitWrite(): string | null {
    const exchange = this.#exchange;
    if (exchange === null || exchange.admit === null || exchange.isSent)
      return "no write was asked for";
    const reason = exchange.admit();
    exchange.isSent = reason === null;
    return reason;
  }

  #refused(socket: GatedSocket, reason: string): void {
    const exchange = this.#exchange;
    if (socket !== this.#socket || exchange === null) return;
    this.#end(exchange, { type: "dropped", reason });
  }

  #died(socket: GatedSocket, reason: string, outcome: Outcome = { type: "lost", reason }): void {
    if (socket !== this.#socket) return;
    const wasOpen = this.#isOpen;
    this.#socket = null;
    this.#client = null;
    this.#isOpen = false;
    this.#connectTimer?.cancel();
    this.#connectTimer = null;
    if (wasOpen && !socket.destroyed) socket.resetAndDestroy();
    else socket.destroy();
    const exchange = this.#exchange;
    this.#exchange = null;
    exchange?.timer?.cancel();
    exchange?.done(exchange.isWrite && !exchange.isSent ? { type: "dropped", reason } : outcome);
    this.#events.lost(reason);
  }
}
