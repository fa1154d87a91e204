import type { AdmitWrite, Wire, WireEvents } from "../../drivers/modbus/wire.ts";
import { RtuFraming, TcpFraming } from "../../drivers/modbus/framing.ts";
import type { Line } from "../../drivers/modbus/line.ts";
import type { Clock } from "../../kernel/ports/clock.ts";

/** What a hostile device does with one request. Numbers are drawn; each behaviour takes from them what it needs. */
export interface Behaviour {
  readonly kind:
    | "honest"
    | "silent"
    | "late"
    | "inPieces"
    | "truncated"
    | "twice"
    | "againLater"
    | "damaged"
    | "noiseBefore"
    | "foreignBefore"
    | "otherUnit"
    | "otherFunction"
    | "otherLength"
    | "lyingByteCount"
    | "exception"
    | "flood"
    | "closes";
  readonly a: number;
  readonly b: number;
}

interface Request {
  readonly id: number;
  readonly unitId: number;
  readonly functionCode: number;
  readonly address: number;
  readonly count: number;
}

/** Longest time from a request to an honest reply: what the profile promises. */
export const ANSWER_MS_MAX = 300;

/**
 * A device on a line in memory that answers as badly as it is told. What it says of a register is true for one request only: the number of
 * the request stands in the value, so that whoever takes a value from the wrong reply is found out.
 */
export class HostileDevice {
  readonly line: Line;
  /** For each unit and register, the versions that were truly said. */
  readonly said = new Map<string, Set<number>>();
  requestCount = 0;
  readonly #clock: Clock;
  readonly #isRtu: boolean;
  readonly #behaviours: readonly Behaviour[];
  #events: WireEvents | null = null;

  constructor(
    clock: Clock,
    transport: "tcp" | "rtu",
    inFlightMax: number,
    behaviours: readonly Behaviour[],
  ) {
    this.#clock = clock;
    this.#isRtu = transport === "rtu";
    this.#behaviours = behaviours;
    this.line = {
      name: "memory",
      hasTransactions: !this.#isRtu,
      inFlightMax: this.#isRtu ? 1 : inFlightMax,
      gapMs: 0,
      transferMs: () => 0,
      createFraming: () => (this.#isRtu ? new RtuFraming() : new TcpFraming()),
      open: (_offset, _admit: AdmitWrite, events) => this.#open(events),
    };
  }

  #open(events: WireEvents): Wire {
    this.#events = events;
    this.#clock.at(this.#clock.monotonicMs(), () => {
      if (this.#events === events) events.opened();
    });
    return {
      send: (frame) => this.#asked(events, frame),
      discard: () => false,
      reset: () => {
        if (this.#events === events) this.#events = null;
      },
      whenClosed: (done) => done(),
    };
  }

  #asked(events: WireEvents, frame: Buffer): void {
    const head = this.#isRtu ? 0 : 6;
    const request: Request = {
      id: this.#isRtu ? 0 : frame.readUInt16BE(0),
      unitId: frame.readUInt8(head),
      functionCode: frame.readUInt8(head + 1),
      address: frame.readUInt16BE(head + 2),
      count: frame.readUInt16BE(head + 4),
    };
    const behaviour = this.#behaviours[this.requestCount % this.#behaviours.length];
    this.requestCount++;
    if (behaviour !== undefined) this.#behave(events, request, behaviour);
  }

  #behave(events: WireEvents, request: Request, { kind, a, b }: Behaviour): void {
    const send = (bytes: Buffer, delayMs: number) =>
      void this.#clock.at(this.#clock.monotonicMs() + delayMs, () => {
        if (this.#events === events) events.received(bytes);
      });
    const good = () => this.#reply(request, this.#truth(request));
    const soonMs = 1 + (a % 20);
    switch (kind) {
      case "honest":
        return send(good(), soonMs);
      case "silent":
        return;
      case "late":
        return send(good(), 120 + (a % (ANSWER_MS_MAX - 121)));
      case "inPieces": {
        const bytes = good();
        const cut = 1 + (b % (bytes.length - 1));
        send(bytes.subarray(0, cut), soonMs);
        // Replies to other requests do not come between the pieces of one, or nobody could tell what belongs to which.
        return send(bytes.subarray(cut), soonMs + (this.line.inFlightMax > 1 ? 0 : b % 5));
      }
      case "truncated": {
        const bytes = good();
        send(bytes.subarray(0, b % bytes.length), soonMs);
        // Side by side with others, their replies would fill it up; so it ends the connection.
        if (this.line.inFlightMax > 1) this.#close(events, soonMs);
        return;
      }
      case "twice":
        return send(Buffer.concat([good(), this.#last(request)]), soonMs);
      case "againLater": {
        send(good(), soonMs);
        // Without transactions nobody could tell the second from an answer to the next request.
        if (!this.#isRtu) send(this.#last(request), soonMs + (b % 50));
        return;
      }
      case "damaged":
        return send(this.#damaged(good(), a, b), soonMs);
      case "noiseBefore": {
        const noise = Buffer.from(
          Array.from({ length: 1 + (b % 9) }, (_, i) => (a * 31 + i * b) & 0xff),
        );
        return send(Buffer.concat([noise, good()]), soonMs);
      }
      case "foreignBefore": {
        const foreign = this.#isRtu
          ? { ...request, unitId: request.unitId + 7 }
          : { ...request, id: (request.id + 1000 + (b % 1000)) & 0xffff };
        return send(Buffer.concat([this.#reply(foreign, this.#lie(request, a)), good()]), soonMs);
      }
      case "otherUnit":
        return send(
          this.#reply({ ...request, unitId: 200 + (b % 40) }, this.#lie(request, a)),
          soonMs,
        );
      case "otherFunction": {
        const functionCode = 5 + (b % 100);
        return send(this.#reply({ ...request, functionCode }, this.#lie(request, a)), soonMs);
      }
      case "otherLength": {
        const words = this.#lie(request, a);
        const length = b % 3 === 0 ? 0 : words.length + 1 + (b % 20);
        return send(
          this.#reply(
            request,
            Array.from({ length }, (_, i) => words[i] ?? i),
          ),
          soonMs,
        );
      }
      case "lyingByteCount": {
        const words = this.#lie(request, a);
        const byteCount = 1 + (b % 254);
        const lie = byteCount < words.length * 2 ? byteCount : byteCount + 1;
        const bytes = this.#reply(request, words, lie);
        return send(bytes, soonMs);
      }
      case "exception":
        return send(
          this.#frame(request, Buffer.from([request.functionCode | 0x80, b % 256])),
          soonMs,
        );
      case "flood": {
        for (let i = 0; i < 3; i++) send(Buffer.alloc(2000 + (a % 3000), b & 0xff), soonMs + i);
        return;
      }
      case "closes":
        this.#close(events, soonMs);
        return;
      default:
        kind satisfies never;
    }
  }

  #close(events: WireEvents, delayMs: number): void {
    this.#clock.at(this.#clock.monotonicMs() + delayMs, () => {
      if (this.#events !== events) return;
      this.#events = null;
      events.died("closed by the device");
    });
  }

  /** The words that stand for this request and no other, noted as said. */
  #truth(request: Request): readonly number[] {
    const { unitId, address, count } = request;
    return Array.from({ length: count }, (_, i) => {
      const key = `${unitId}:${address + i}`;
      const versions = this.said.get(key) ?? new Set();
      this.said.set(key, versions.add(this.requestCount));
      return wordFor(unitId, address + i, this.requestCount);
    });
  }

  /** The reply that `#truth` has just been asked for, once more. */
  #last(request: Request): Buffer {
    const { unitId, address, count } = request;
    const words = Array.from({ length: count }, (_, i) =>
      wordFor(unitId, address + i, this.requestCount),
    );
    return this.#reply(request, words);
  }

  #lie(request: Request, salt: number): readonly number[] {
    return Array.from({ length: request.count }, (_, i) => (0xffff - ((salt + i) % 200)) & 0xffff);
  }

  /** Over TCP only what frames a reply is damaged: TCP guards the contents. Over RTU up to three bits anywhere, which the check finds. */
  #damaged(bytes: Buffer, a: number, b: number): Buffer {
    const damaged = Buffer.from(bytes);
    if (this.#isRtu) {
      for (let i = 0; i <= b % 3; i++) {
        const bit = (a + i * 7919) % (damaged.length * 8);
        damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      }
      return damaged;
    }
    // Not the transaction: a reply under another's number is that one's for everybody.
    const at = 2 + (a % 7);
    damaged[at] = (damaged[at] ?? 0) ^ (1 + (b % 255));
    return damaged;
  }

  #reply(request: Request, words: readonly number[], byteCount = words.length * 2): Buffer {
    const pdu = Buffer.alloc(2 + words.length * 2);
    pdu.writeUInt8(request.functionCode, 0);
    pdu.writeUInt8(byteCount & 0xff, 1);
    for (const [i, word] of words.entries()) pdu.writeUInt16BE(word, 2 + i * 2);
    return this.#frame(request, pdu);
  }

  #frame(request: Request, pdu: Buffer): Buffer {
    if (this.#isRtu) {
      const body = Buffer.concat([Buffer.from([request.unitId & 0xff]), pdu]);
      const check = Buffer.alloc(2);
      check.writeUInt16LE(crcOf(body));
      return Buffer.concat([body, check]);
    }
    const header = Buffer.alloc(7);
    header.writeUInt16BE(request.id, 0);
    header.writeUInt16BE(pdu.length + 1, 4);
    header.writeUInt8(request.unitId, 6);
    return Buffer.concat([header, pdu]);
  }
}

/** Below 0xff00, where the lies are. */
export function wordFor(unitId: number, address: number, version: number): number {
  return (unitId * 7919 + address * 104_729 + version * 15_485_863) % 0xfe00;
}

function crcOf(bytes: Buffer): number {
  let crc = 0xffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >> 1) ^ 0xa001 : crc >> 1;
  }
  return crc;
}
