import { SerialPort } from "serialport";
import type { SerialLine } from "../../configs/manifest.ts";
import { isReadRequest } from "./gated-socket.ts";
import type { AdmitWrite, Wire, WireEvents } from "./wire.ts";

/** A serial port that nothing but reads leaves without being admitted; as {@link GatedSocket}. */
class GatedSerialPort extends SerialPort {
  readonly #functionCodeOffset: number;
  readonly #admitWrite: AdmitWrite;
  readonly #onRefused: (reason: string) => void;

  constructor(
    line: SerialLine,
    functionCodeOffset: number,
    admitWrite: AdmitWrite,
    onRefused: (reason: string) => void,
  ) {
    super({
      path: line.path,
      baudRate: line.baudRate,
      dataBits: 8,
      parity: line.parity,
      stopBits: line.stopBits,
      autoOpen: false,
    });
    this.#functionCodeOffset = functionCodeOffset;
    this.#admitWrite = admitWrite;
    this.#onRefused = onRefused;
    Object.defineProperty(this, "_writev", { value: null, writable: true });
  }

  /** Sends one whole frame, or nothing of it. */
  override _write(
    frame: Buffer,
    encoding: BufferEncoding,
    done: (error: Error | null) => void,
  ): void {
    const reason = this.#refusal(frame);
    if (reason === null) {
      super._write(frame, encoding, done);
      return;
    }
    done(null);
    this.#onRefused(reason);
  }

  #refusal(frame: Uint8Array): string | null {
    if (isReadRequest(frame, this.#functionCodeOffset)) return null;
    if (!this.isOpen) return "the serial port is not open";
    if (this.writableLength > frame.length) return "other bytes wait for the serial port";
    return this.#admitWrite();
  }
}

/** A serial line with RTU frames. What the kernel has not sent can be thrown away, so that the port stays open where a write must not go out late. */
export class SerialWire implements Wire {
  readonly #port: GatedSerialPort;
  #isDead = false;
  #isGone = false;
  #onGone: (() => void) | null = null;

  constructor(
    line: SerialLine,
    options: { readonly functionCodeOffset: number; readonly admit: AdmitWrite },
    events: WireEvents,
  ) {
    const port = new GatedSerialPort(line, options.functionCodeOffset, options.admit, (reason) =>
      events.refused(reason),
    );
    this.#port = port;
    const died = (reason: string) => {
      if (this.#isDead) return;
      this.reset();
      events.died(reason);
    };
    port.on("data", (chunk: Uint8Array) => {
      if (!this.#isDead) events.received(chunk);
    });
    port.on("error", (error: Error) => died(error.message));
    port.on("close", () => {
      this.#gone();
      died("the serial port was closed");
    });
    port.open((error) => {
      if (error) {
        this.#gone();
        died(error.message);
      } else if (this.#isDead) this.#close();
      else events.opened();
    });
  }

  send(frame: Buffer): void {
    this.#port.write(frame);
  }

  discard(): boolean {
    if (!this.#port.isOpen) return false;
    this.#port.flush(() => {});
    return true;
  }

  reset(): void {
    if (this.#isDead) return;
    this.#isDead = true;
    if (this.#port.isOpen) {
      this.#port.flush(() => {});
      this.#close();
    } else if (!this.#port.opening) this.#gone();
  }

  whenClosed(done: () => void): void {
    if (this.#isGone) done();
    else this.#onGone = done;
  }

  #close(): void {
    this.#port.close(() => this.#gone());
  }

  #gone(): void {
    this.#isGone = true;
    this.#onGone?.();
    this.#onGone = null;
  }
}
