import { assert } from "../../kernel/assert.ts";
import type { Clock, Timer } from "../../kernel/ports/clock.ts";
import type { FramedReply, Framing } from "./framing.ts";
import type { Outcome } from "./outcome.ts";
import { ModbusLibrary } from "./modbus-library.ts";
import { isReply, replyShapeOf, type ReplyShape } from "./pdu.ts";
import type { ReadRequest } from "./request-plan.ts";
import type { Line } from "./line.ts";
import type { Wire } from "./wire.ts";
import type { WriteRequest } from "./write-plan.ts";

export interface ConnectionEvents {
  connected(): void;
  /** The connection is gone, or did not come about; what was in flight has ended before. */
  lost(reason: string): void;
  /** The next exchange may begin. */
  freed(): void;
}

interface Exchange {
  readonly id: number;
  /** The library's number of it. */
  readonly slot: number;
  readonly unitId: number;
  readonly shape: ReplyShape;
  readonly isWrite: boolean;
  readonly admit: (() => string | null) | null;
  readonly done: (outcome: Outcome) => void;
  timer: Timer | null;
  isSent: boolean;
}

/** A reply to something that is not under way ends the connection where more than so many come in a row: nobody is that late. */
const STRAY_COUNT_MAX = 100;

/**
 * One line to devices, open or not: reads side by side as far as the line allows, a write alone. Each exchange is ended once, in
 * bounded time, whatever the other side does, and a value is only taken from a reply that fits its request in every byte.
 */
export class Connection {
  readonly #clock: Clock;
  readonly #line: Line;
  readonly #events: ConnectionEvents;
  readonly #exchanges = new Map<number, Exchange>();
  readonly #library = new ModbusLibrary();
  #wire: Wire | null = null;
  #framing: Framing | null = null;
  #isOpen = false;
  #lastId = 0;
  #strayCount = 0;
  #write: Exchange | null = null;
  #pauseTimer: Timer | null = null;

  constructor(clock: Clock, line: Line, events: ConnectionEvents) {
    this.#clock = clock;
    this.#line = line;
    this.#events = events;
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Neither open nor being opened. */
  get isClosed(): boolean {
    return this.#wire === null;
  }

  /** True where a late reply is known as late. */
  get hasTransactions(): boolean {
    return this.#line.hasTransactions;
  }

  get inFlightCount(): number {
    return this.#exchanges.size;
  }

  /** A read may begin. */
  get mayRead(): boolean {
    return (
      this.#isOpen &&
      this.#write === null &&
      this.#pauseTimer === null &&
      this.#exchanges.size < this.#line.inFlightMax
    );
  }

  /** A write may begin: nothing else is under way, so that the device acts on it at once. */
  get mayWrite(): boolean {
    return this.#isOpen && this.#exchanges.size === 0 && this.#pauseTimer === null;
  }

  get hasUnansweredWrite(): boolean {
    return this.#write !== null;
  }

  connect(): void {
    assert(this.#wire === null, "a connection is opened once at a time");
    const framing = this.#line.createFraming();
    this.#framing = framing;
    const wire: Wire = this.#line.open(framing.functionCodeOffset, () => this.#admitWrite(), {
      opened: () => {
        this.#isOpen = true;
        this.#strayCount = 0;
        this.#events.connected();
      },
      received: (chunk) => {
        // All of it must make sense before any of it counts: a torn reply is filled up by the next one, whose rest gives it away.
        const replies: FramedReply[] = [];
        const problem = framing.feed(chunk, (reply) => replies.push(reply));
        if (problem !== null) {
          if (framing === this.#framing) this.reset(`reply is not Modbus: ${problem}`);
          return;
        }
        for (const reply of replies) if (framing === this.#framing) this.#replied(reply);
      },
      died: (reason) => {
        if (framing === this.#framing) this.#ended(reason);
      },
      refused: (reason) => {
        if (framing !== this.#framing || this.#write === null) return;
        this.#end(this.#write, { type: "dropped", reason });
      },
    });
    this.#wire = wire;
  }

  read(
    unitId: number,
    request: ReadRequest,
    timeoutMs: number,
    done: (outcome: Outcome) => void,
  ): void {
    assert(this.mayRead, "a read begins where the line has room");
    this.#begin(unitId, request, timeoutMs, null, done);
  }

  /**
   * @param timeoutMs - What of the write is still unsent is discarded where the answer takes longer: on TCP with a reset.
   * @param admit - Asked as the frame goes to the kernel; a text is the reason why it must not.
   */
  write(
    unitId: number,
    request: WriteRequest,
    timeoutMs: number,
    admit: () => string | null,
    done: (outcome: Outcome) => void,
  ): void {
    assert(this.mayWrite, "a write goes alone, on an open connection");
    this.#begin(unitId, request, timeoutMs, admit, done);
  }

  /** Discards an unanswered write, so that nothing of it arrives late. */
  dropWrite(reason: string): void {
    const write = this.#write;
    if (write === null) return;
    if (this.#wire?.discard() === true) this.#end(write, { type: "lost", reason });
    else this.reset(reason);
  }

  /** Closes so that the kernel delivers nothing more: what it still holds is discarded, and the device hears a reset. */
  reset(reason: string): void {
    const wire = this.#wire;
    if (wire === null) return;
    wire.reset();
    this.#ended(reason);
  }

  /** Closes for good. `done` is called once nothing of it is left. */
  close(done: () => void): void {
    const wire = this.#wire;
    if (wire === null) {
      done();
      return;
    }
    this.reset("closed by us");
    wire.whenClosed(done);
  }

  #begin(
    unitId: number,
    request: ReadRequest | WriteRequest,
    timeoutMs: number,
    admit: (() => string | null) | null,
    done: (outcome: Outcome) => void,
  ): void {
    const framing = this.#framing;
    assert(framing !== null && this.#wire !== null, "the connection is open");
    this.#lastId = (this.#lastId + 1) & 0xffff;
    const id = this.#lastId;
    const slot = this.#freeSlot();
    const pdu = this.#library.request(slot, unitId, request);
    const shape = replyShapeOf(request, pdu);
    const isWrite = admit !== null;
    const exchange: Exchange = {
      id,
      slot,
      unitId,
      shape,
      isWrite,
      admit,
      done,
      timer: null,
      isSent: false,
    };
    this.#exchanges.set(id, exchange);
    if (isWrite) this.#write = exchange;
    framing.expect({ id, unitId, functionCode: shape.functionCode, replyLength: shape.length });
    const frame = framing.frame(id, unitId, pdu);
    const waitMs = timeoutMs + this.#line.transferMs(frame.length + shape.length);
    exchange.timer = this.#clock.at(this.#clock.monotonicMs() + waitMs, () => {
      // Timers run before sockets are read: after a pause of this process the answer may lie in the kernel already.
      setImmediate(() => this.#expired(exchange));
    });
    this.#wire.send(frame);
  }

  #freeSlot(): number {
    const taken = new Set([...this.#exchanges.values()].map((exchange) => exchange.slot));
    let slot = 0;
    while (taken.has(slot)) slot++;
    return slot;
  }

  #replied(reply: FramedReply): void {
    const exchange = this.#exchanges.get(reply.id);
    if (exchange === undefined) {
      // Late, or a transaction that never was: nobody's.
      if (++this.#strayCount > STRAY_COUNT_MAX) this.reset("replies that nobody asked for");
      return;
    }
    const fits = reply.unitId === exchange.unitId && isReply(exchange.shape, reply.pdu);
    const outcome = fits ? this.#library.reply(exchange.slot, reply.unitId, reply.pdu) : null;
    if (outcome === null) {
      this.reset("reply does not fit the request");
      return;
    }
    this.#strayCount = 0;
    this.#end(exchange, outcome);
  }

  #expired(exchange: Exchange): void {
    if (this.#exchanges.get(exchange.id) !== exchange) return;
    if (exchange.isWrite && this.#wire?.discard() !== true) {
      this.#wire?.reset();
      this.#ended("a write was not answered in time", { type: "timedOut" });
      return;
    }
    this.#end(exchange, { type: "timedOut" });
  }

  #end(exchange: Exchange, outcome: Outcome): void {
    const wire = this.#wire;
    this.#take(exchange);
    this.#framing?.expect(null);
    this.#pause();
    exchange.done(outcome);
    if (wire === this.#wire && this.#isOpen && this.#pauseTimer === null) this.#events.freed();
  }

  #take(exchange: Exchange): void {
    exchange.timer?.cancel();
    this.#exchanges.delete(exchange.id);
    if (this.#write === exchange) this.#write = null;
  }

  /** A line on which frames are told apart by silence stays silent for a moment. */
  #pause(): void {
    const { gapMs } = this.#line;
    if (gapMs === 0) return;
    this.#pauseTimer?.cancel();
    this.#pauseTimer = this.#clock.at(this.#clock.monotonicMs() + gapMs, () => {
      this.#pauseTimer = null;
      if (this.#isOpen) this.#events.freed();
    });
  }

  #admitWrite(): string | null {
    const exchange = this.#write;
    if (exchange === null || exchange.admit === null || exchange.isSent)
      return "no write was asked for";
    const reason = exchange.admit();
    exchange.isSent = reason === null;
    return reason;
  }

  #ended(reason: string, outcome: Outcome = { type: "lost", reason }): void {
    if (this.#wire === null) return;
    this.#wire = null;
    this.#framing = null;
    this.#isOpen = false;
    this.#pauseTimer?.cancel();
    this.#pauseTimer = null;
    const exchanges = [...this.#exchanges.values()];
    for (const exchange of exchanges) this.#take(exchange);
    for (const exchange of exchanges) {
      exchange.done(exchange.isWrite && !exchange.isSent ? { type: "dropped", reason } : outcome);
    }
    this.#events.lost(reason);
  }
}
