import { Socket } from "node:net";
import { assert } from "../../kernel/assert.ts";
import type { AdmitWrite } from "./wire.ts";

const READ_FUNCTION_CODE_MAX = 4;

type WriteDone = (error?: Error | null) => void;

/** True for a request that changes nothing in a device. */
export function isReadRequest(frame: Uint8Array, functionCodeOffset: number): boolean {
  const functionCode = frame[functionCodeOffset] ?? 0;
  return functionCode >= 1 && functionCode <= READ_FUNCTION_CODE_MAX;
}

/**
 * A socket that nothing but reads leaves without being admitted: the only place where "now" is when the kernel gets the bytes.
 *
 * The gate stands in `_write`, behind the stream's own buffer, and not in `write`: Node's `connect` puts the original `write`
 * back on the instance, which would take the gate out without a word.
 */
export class GatedSocket extends Socket {
  readonly #functionCodeOffset: number;
  readonly #admitWrite: AdmitWrite;
  readonly #onRefused: (reason: string) => void;

  /**
   * @param functionCodeOffset - Where the function code stands in a frame of the transport.
   * @param onRefused - Told the reason for each frame that was not sent.
   */
  constructor(
    functionCodeOffset: number,
    admitWrite: AdmitWrite,
    onRefused: (reason: string) => void,
  ) {
    super();
    this.#functionCodeOffset = functionCodeOffset;
    this.#admitWrite = admitWrite;
    this.#onRefused = onRefused;
    // Where there is none the stream hands buffered frames to `_write` one by one; with it they would go past the gate.
    Object.defineProperty(this, "_writev", { value: null, writable: true });
  }

  /** Sends one whole frame, or nothing of it. */
  override _write(frame: unknown, encoding: BufferEncoding, done: WriteDone): void {
    assert(frame instanceof Uint8Array, "a Modbus frame is bytes");
    const reason = this.#refusal(frame);
    if (reason === null) {
      super._write(frame, encoding, done);
      return;
    }
    done();
    this.#onRefused(reason);
  }

  #refusal(frame: Uint8Array): string | null {
    if (isReadRequest(frame, this.#functionCodeOffset)) return null;
    if (this.readyState !== "open") return "the connection is not open";
    // The frame itself counts until `done`.
    if (this.writableLength > frame.length) return "other bytes wait in the connection";
    return this.#admitWrite();
  }
}
