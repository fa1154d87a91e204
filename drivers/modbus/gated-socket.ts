import { Socket } from "node:net";
import { assert } from "../../kernel/assert.ts";

/** Offset of the function code in a Modbus TCP frame: behind the seven bytes of the MBAP header. */
const FUNCTION_CODE_OFFSET = 7;
const READ_FUNCTION_CODE_MAX = 4;

/** Asked before a frame that is not a read goes to the kernel: null lets it pass, a text is the reason why not. */
export type AdmitWrite = () => string | null;

type WriteDone = (error?: Error | null) => void;

/**
 * A socket that nothing but reads leaves without being admitted. The protocol library hands frames over later than it was asked
 * to (it queues on promises), so this is the only place where "now" is when the kernel gets the bytes.
 *
 * The gate stands in `_write`, behind the stream's own buffer, and not in `write`: Node's `connect` puts the original `write`
 * back on the instance, which would take the gate out without a word.
 */
export class GatedSocket extends Socket {
  readonly #admitWrite: AdmitWrite;
  readonly #onRefused: (reason: string) => void;

  /** @param onRefused - Told the reason for each frame that was not sent. */
  constructor(admitWrite: AdmitWrite, onRefused: (reason: string) => void) {
    super();
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
    const functionCode = frame[FUNCTION_CODE_OFFSET] ?? 0;
    if (functionCode >= 1 && functionCode <= READ_FUNCTION_CODE_MAX) return null;
    if (this.readyState !== "open") return "the connection is not open";
    // The frame itself counts until `done`.
    if (this.writableLength > frame.length) return "other bytes wait in the connection";
    return this.#admitWrite();
  }
}
