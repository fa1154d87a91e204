import type { SerialLine } from "../../configs/manifest.ts";
import type { GatedSerialPort } from "./gated-serial-port.ts";
import type { AdmitWrite, Wire, WireEvents } from "./wire.ts";

/** A serial line with RTU frames. What the kernel has not sent can be thrown away, so that the port stays open where a write must not go out late. */
export class SerialWire implements Wire {
  readonly #events: WireEvents;
  #port: GatedSerialPort | null = null;
  #isDead = false;
  #isGone = false;
  #onGone: (() => void) | null = null;

  constructor(
    line: SerialLine,
    options: { readonly functionCodeOffset: number; readonly admit: AdmitWrite },
    events: WireEvents,
  ) {
    this.#events = events;
    import("./gated-serial-port.ts").then(
      ({ GatedSerialPort: Port }) => {
        if (this.#isDead) return;
        const { functionCodeOffset, admit } = options;
        this.#open(new Port(line, functionCodeOffset, admit, (reason) => events.refused(reason)));
      },
      (error: unknown) => this.#died(`no serial ports on this system: ${String(error)}`),
    );
  }

  send(frame: Buffer): void {
    this.#port?.write(frame);
  }

  discard(): boolean {
    if (this.#port?.isOpen !== true) return false;
    this.#port.flush(() => {});
    return true;
  }

  reset(): void {
    if (this.#isDead) return;
    this.#isDead = true;
    const port = this.#port;
    if (port?.isOpen === true) {
      port.flush(() => {});
      port.close(() => this.#gone());
    } else if (port?.opening !== true) this.#gone();
  }

  whenClosed(done: () => void): void {
    if (this.#isGone) done();
    else this.#onGone = done;
  }

  #open(port: GatedSerialPort): void {
    this.#port = port;
    port.on("data", (chunk: Uint8Array) => {
      if (!this.#isDead) this.#events.received(chunk);
    });
    port.on("error", (error: Error) => this.#died(error.message));
    port.on("close", () => {
      this.#gone();
      this.#died("the serial port was closed");
    });
    port.open((error) => {
      if (error) {
        this.#gone();
        this.#died(error.message);
      } else if (this.#isDead) port.close(() => this.#gone());
      else this.#events.opened();
    });
  }

  #died(reason: string): void {
    if (this.#isDead) return;
    this.reset();
    this.#events.died(reason);
  }

  #gone(): void {
    this.#isGone = true;
    this.#onGone?.();
    this.#onGone = null;
  }
}
