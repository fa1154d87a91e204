import { type AddressInfo, type Server, type Socket, createServer } from "node:net";
import { RemsError } from "../../kernel/errors.ts";
import {
  EXCEPTION,
  type ModbusAnswer,
  type ModbusFrame,
  type ModbusRequest,
  encodeAnswer,
  takeFrame,
} from "./modbus-frames.ts";

/** Who wrote, and since when the connection is there. */
export interface ModbusConnection {
  readonly id: number;
  readonly writer: string;
  readonly openedAtMs: number;
}

/** One device behind the server. */
export interface ModbusUnit {
  answer(request: ModbusRequest, connection: ModbusConnection): ModbusAnswer;
  /** Fault switches. Milliseconds of delay before an answer; infinity for none at all. */
  readonly answerDelayMs: number;
}

/** What a listener's connections run through: the simulator cuts it, elsewhere it is {@link openLink}. */
export interface ServerLink {
  /** Whose connections these are. */
  readonly writer: string;
  add(socket: Socket): void;
  send(socket: Socket, bytes: Buffer): void;
}

/** A link that is never cut. */
export function openLink(writer: string): ServerLink {
  return {
    writer,
    add() {},
    send: (socket, bytes) => void socket.write(bytes),
  };
}

export interface ModbusServerOptions {
  readonly nowMs: () => number;
  /** Masters that are served at once. A further one is refused by a reset. */
  readonly mastersMax: number;
  /** A master that was silent for so long loses its slot to one that asks for it. */
  readonly slotReleaseMs: number;
}

interface Slot {
  readonly socket: Socket;
  readonly connection: ModbusConnection;
  lastHeardMs: number;
  /** Half open: the other side believes in it, nothing is read or answered any more. */
  isDead: boolean;
}

/** A peer that does not read its answers is cut off at so many bytes. */
const UNSENT_BYTES_MAX = 65_536;
/** Late answers of a slow device waiting at once, per server. */
const DELAYED_COUNT_MAX = 1000;

let connectionCount = 0;

/**
 * A Modbus TCP server for the devices at one address, with as many listeners as there are writers to tell apart. Answers at
 * once, in the order of the requests; each connection is bounded.
 */
export class ModbusServer {
  readonly #units: ReadonlyMap<number, ModbusUnit>;
  readonly #options: ModbusServerOptions;
  #mastersMax: number;
  readonly #listeners: Server[] = [];
  readonly #slots = new Set<Slot>();
  readonly #delayed = new Set<NodeJS.Timeout>();

  constructor(units: ReadonlyMap<number, ModbusUnit>, options: ModbusServerOptions) {
    this.#units = units;
    this.#options = options;
    this.#mastersMax = options.mastersMax;
  }

  get connectionCount(): number {
    return this.#slots.size;
  }

  /**
   * Listens for one writer.
   *
   * @param port - 0 for any free one.
   * @param what - The device, for the message.
   * @returns The port.
   * @throws {@link RemsError} REMS_PORT_IN_USE.
   */
  async listen(host: string, port: number, link: ServerLink, what: string): Promise<number> {
    const listener = createServer({ noDelay: true }, (socket) => this.#accept(socket, link));
    await new Promise<void>((resolve, reject) => {
      listener.once("error", (cause: NodeJS.ErrnoException) => {
        reject(
          new RemsError(
            "REMS_PORT_IN_USE",
            `${what}: cannot listen on ${host}:${port} (${cause.code ?? cause.message}); end what uses the port, or choose another`,
            { cause, details: { host, port } },
          ),
        );
      });
      listener.listen({ host, port, backlog: 64 }, resolve);
    });
    this.#listeners.push(listener);
    return (listener.address() as AddressInfo).port;
  }

  /** Serves so many masters from now on, and resets the connections that are too many, the newest first. */
  limitMasters(mastersMax: number): void {
    this.#mastersMax = mastersMax;
    for (const slot of [...this.#slots].slice(mastersMax)) slot.socket.resetAndDestroy();
  }

  /**
   * Every connection that stands now is dead and stays open, as after a device's restart behind a firewall: nothing is read,
   * answered or closed. It keeps its slot until `slotReleaseMs`; new connections are served.
   */
  halfOpenAll(): void {
    for (const slot of this.#slots) {
      slot.isDead = true;
      slot.socket.pause();
    }
  }

  async close(): Promise<void> {
    for (const timer of this.#delayed) clearTimeout(timer);
    for (const slot of this.#slots) slot.socket.resetAndDestroy();
    await Promise.all(
      this.#listeners.map((listener) => new Promise((resolve) => listener.close(resolve))),
    );
  }

  #accept(socket: Socket, link: ServerLink): void {
    socket.on("error", () => socket.destroy());
    if (!this.#hasSlot()) {
      socket.resetAndDestroy();
      return;
    }
    const nowMs = this.#options.nowMs();
    connectionCount += 1;
    const connection = { id: connectionCount, writer: link.writer, openedAtMs: nowMs };
    const slot: Slot = { socket, connection, lastHeardMs: nowMs, isDead: false };
    this.#slots.add(slot);
    socket.once("close", () => this.#slots.delete(slot));
    let received: Buffer = Buffer.alloc(0);
    socket.on("data", (chunk) => {
      slot.lastHeardMs = this.#options.nowMs();
      received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
      received = this.#serve(received, slot, link);
    });
    link.add(socket);
  }

  /** Answers every complete frame. Returns what is left: less than one frame. */
  #serve(received: Buffer, slot: Slot, link: ServerLink): Buffer {
    let rest = received;
    while (!slot.socket.destroyed) {
      const taken = takeFrame(rest);
      if (taken.kind === "incomplete") return rest;
      if (taken.kind === "broken") {
        slot.socket.destroy();
        return Buffer.alloc(0);
      }
      rest = taken.rest;
      this.#answer(taken.frame, slot, link);
    }
    return rest;
  }

  #answer(frame: ModbusFrame, slot: Slot, link: ServerLink): void {
    const unit = this.#units.get(frame.unitId);
    const delayMs = unit?.answerDelayMs ?? 0;
    if (delayMs === Number.POSITIVE_INFINITY) return;
    const answer = this.#answerOf(frame, slot, unit);
    const bytes = encodeAnswer(frame, answer);
    if (delayMs > 0) this.#sendLater(slot, link, bytes, delayMs);
    else this.#send(slot, link, bytes);
  }

  #answerOf(frame: ModbusFrame, slot: Slot, unit: ModbusUnit | undefined): ModbusAnswer {
    if (unit === undefined) return { kind: "exception", code: EXCEPTION.targetSilent };
    if (frame.request === null) return { kind: "exception", code: frame.exception };
    return unit.answer(frame.request, slot.connection);
  }

  #sendLater(slot: Slot, link: ServerLink, bytes: Buffer, delayMs: number): void {
    if (this.#delayed.size >= DELAYED_COUNT_MAX) return;
    const timer = setTimeout(() => {
      this.#delayed.delete(timer);
      this.#send(slot, link, bytes);
    }, delayMs);
    this.#delayed.add(timer);
  }

  #send(slot: Slot, link: ServerLink, bytes: Buffer): void {
    if (slot.isDead) return;
    if (slot.socket.writableLength > UNSENT_BYTES_MAX) slot.socket.destroy();
    else link.send(slot.socket, bytes);
  }

  /** A free slot, if need be that of a master that vanished. */
  #hasSlot(): boolean {
    if (this.#slots.size < this.#mastersMax) return true;
    const nowMs = this.#options.nowMs();
    for (const slot of this.#slots) {
      if (nowMs - slot.lastHeardMs < this.#options.slotReleaseMs) continue;
      slot.socket.destroy();
      this.#slots.delete(slot);
      return true;
    }
    return false;
  }
}
