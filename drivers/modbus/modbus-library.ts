import { EventEmitter } from "node:events";
import modbusSerial from "modbus-serial";
import { assert } from "../../kernel/assert.ts";
import { crc16 } from "./framing.ts";
import type { Outcome } from "./outcome.ts";
import type { ReadRequest } from "./request-plan.ts";
import type { WriteRequest } from "./write-plan.ts";

// A CommonJS package: what Node calls its default holds the class under `default` once more, and so its types say.
const ModbusClient = modbusSerial.default;

/**
 * What modbus-serial takes for a port. It hands over requests as RTU frames and takes replies likewise, and finds the request of a
 * reply by the two numbers, whose names are its own.
 */
class LibraryPort extends EventEmitter {
  readonly isOpen = true;
  _transactionIdRead = 0;
  _transactionIdWrite = 0;
  written: Buffer | null = null;

  open(done: (error: Error | null) => void): void {
    done(null);
  }

  close(done: () => void): void {
    done();
  }

  write(frame: Buffer): void {
    this.written = frame;
  }
}

interface Result {
  readonly data?: readonly (number | boolean)[];
  readonly buffer?: Buffer;
}

type Done = (error: (Error & { modbusCode?: number }) | null, result?: Result) => void;

/** Unit before, check behind the PDU of an RTU frame. */
const UNIT_LENGTH = 1;
const CHECK_LENGTH = 2;

/**
 * modbus-serial on a port of ours: it builds requests and parses replies, at once and without a socket, a timer or a queue. Which bytes
 * travel when, and how long anyone waits, is ours.
 */
export class ModbusLibrary {
  readonly #port = new LibraryPort();
  readonly #client = new ModbusClient(this.#port);
  readonly #counts = new Map<number, number>();
  #outcome: Outcome | null = null;

  constructor() {
    this.#client.on("error", () => {});
    this.#client.open(() => {});
  }

  /**
   * @param slot - Tells the requests under way apart; it may be used again once its request has ended.
   * @returns The request, from the function code on.
   */
  request(slot: number, unitId: number, request: ReadRequest | WriteRequest): Buffer {
    const port = this.#port;
    port.written = null;
    port._transactionIdWrite = slot;
    this.#counts.set(slot, "count" in request ? request.count : 0);
    this.#build(unitId, request, (error, result) => this.#parsed(slot, error, result));
    assert(port.written !== null, "the library writes a request at once");
    const frame: Buffer = port.written;
    return frame.subarray(UNIT_LENGTH, frame.length - CHECK_LENGTH);
  }

  /** What a reply means, or null where the library can make nothing of it. */
  reply(slot: number, unitId: number, pdu: Buffer): Outcome | null {
    const frame = Buffer.allocUnsafe(UNIT_LENGTH + pdu.length + CHECK_LENGTH);
    frame.writeUInt8(unitId, 0);
    pdu.copy(frame, UNIT_LENGTH);
    const end = UNIT_LENGTH + pdu.length;
    frame.writeUInt16LE(crc16(frame, 0, end), end);
    this.#outcome = null;
    this.#port._transactionIdRead = slot;
    this.#port.emit("data", frame);
    return this.#outcome;
  }

  #build(unitId: number, request: ReadRequest | WriteRequest, done: Done): void {
    const client = this.#client;
    const { address } = request;
    if ("table" in request) {
      const { table, count } = request;
      if (table === "coil") client.writeFC1(unitId, address, count, done as never);
      else if (table === "discrete") client.writeFC2(unitId, address, count, done as never);
      else if (table === "holding") client.writeFC3(unitId, address, count, done as never);
      else client.writeFC4(unitId, address, count, done as never);
      return;
    }
    const { functionCode, words } = request;
    const [value = 0] = words;
    if (functionCode === 16) client.writeFC16(unitId, address, [...words], done as never);
    else if (functionCode === 6) client.writeFC6(unitId, address, value, done as never);
    else client.writeFC5(unitId, address, value !== 0, done as never);
  }

  /** Only noted: the library calls from inside a `try` of its own, which would hide our defects. */
  #parsed(slot: number, ...[error, result]: Parameters<Done>): void {
    if (error?.modbusCode !== undefined)
      this.#outcome = { type: "exception", code: error.modbusCode };
    else if (error || result === undefined) this.#outcome = null;
    else if (result.data === undefined || result.buffer === undefined) {
      this.#outcome = { type: "acknowledged" };
    } else {
      // The library fills the last byte's bits up to eight.
      const words = result.data.slice(0, this.#counts.get(slot) ?? 0).map(Number);
      this.#outcome = { type: "data", words, bytes: result.buffer };
    }
  }
}
