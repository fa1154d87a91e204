import type { Clock, Timer } from "../../kernel/ports/clock.ts";
import { GatedSocket } from "./gated-socket.ts";
import type { AdmitWrite, Wire, WireEvents } from "./wire.ts";

/** A TCP connection, Modbus TCP or RTU frames inside. It is reset, never closed: after `end` the kernel would still deliver. */
export class TcpWire implements Wire {
  readonly #socket: GatedSocket;
  readonly #connectTimer: Timer;
  #isOpen = false;
  #isDead = false;

  constructor(
    address: { readonly host: string; readonly port: number },
    options: {
      readonly functionCodeOffset: number;
      readonly admit: AdmitWrite;
      readonly clock: Clock;
      readonly connectTimeoutMs: number;
    },
    events: WireEvents,
  ) {
    const { clock, connectTimeoutMs } = options;
    const socket = new GatedSocket(options.functionCodeOffset, options.admit, (reason) =>
      events.refused(reason),
    );
    this.#socket = socket;
    const died = (reason: string) => {
      if (this.#isDead) return;
      this.reset();
      events.died(reason);
    };
    this.#connectTimer = clock.at(clock.monotonicMs() + connectTimeoutMs, () =>
      died(`no connection within ${connectTimeoutMs} ms`),
    );
    socket.on("connect", () => {
      if (this.#isDead) return;
      this.#connectTimer.cancel();
      this.#isOpen = true;
      events.opened();
    });
    socket.on("data", (chunk: Uint8Array) => {
      if (!this.#isDead) events.received(chunk);
    });
    socket.on("end", () => died("closed by the device"));
    socket.on("error", (error: NodeJS.ErrnoException) => died(error.code ?? error.message));
    socket.on("close", () => died("closed"));
    socket.connect({ ...address, noDelay: true });
  }

  send(frame: Buffer): void {
    this.#socket.write(frame);
  }

  discard(): boolean {
    return false;
  }

  reset(): void {
    if (this.#isDead) return;
    this.#isDead = true;
    this.#connectTimer.cancel();
    if (this.#isOpen && !this.#socket.destroyed) this.#socket.resetAndDestroy();
    else this.#socket.destroy();
  }

  whenClosed(done: () => void): void {
    if (this.#socket.closed) done();
    else this.#socket.once("close", () => done());
  }
}
