import { SerialPort } from "serialport";
import type { SerialLine } from "../../configs/manifest.ts";
import { isReadRequest } from "./gated-socket.ts";
import type { AdmitWrite } from "./wire.ts";

/**
 * A serial port that nothing but reads leaves without being admitted; as `GatedSocket`. The package under it is native code: this file is
 * loaded only where a line is opened.
 */
export class GatedSerialPort extends SerialPort {
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
    // Where there is none the stream hands buffered frames to `_write` one by one; with it they would go past the gate.
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
