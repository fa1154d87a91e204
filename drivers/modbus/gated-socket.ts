import { Socket } from "node:net";
import { assert } from "../../kernel/assert.ts";

/** Offset of the function code in a Modbus TCP frame: behind the seven bytes of the MBAP header. */
const FUNCTION_CODE_OFFSET = 7;
const READ_FUNCTION_CODE_MAX = 4;

/** Asked before a frame that is not a read goes to the kernel: null lets it pass, a text is the reason why not. */
export type AdmitWrite = (frame: Uint8Array) => string | null;

/**
 * A socket that nothing but reads leaves without being admitted. The protocol library hands frames over later than it was asked
 * to (it queues on promises), so this is the only place where "now" is when the kernel gets the bytes.
 */
export class GatedSocket extends Socket {
  readonly #admitWrite: AdmitWrite;
  readonly #onRefused: (reason: string) => void;

  /** @param onRefused - Told the reason for each frame that was not sent. */
  constructor(admitWrite: AdmitWrite, onRefused: (reason: string) => void) {
    super();
    this.#admitWrite = admitWrite;
    this.#onRefused = onRefused;
  }

  /** Sends one whole frame, or nothing of it. Always true: a frame that was refused must not make the library wait for `drain`. */
  override write(frame: Uint8Array | string): boolean {
    assert(typeof frame !== "string", "a Modbus frame is bytes");
    const functionCode = frame[FUNCTION_CODE_OFFSET] ?? 0;
    const isRead = functionCode >= 1 && functionCode <= READ_FUNCTION_CODE_MAX;
    const reason = this.#refusal(isRead, frame);
    if (reason === null) super.write(frame);
    else this.#onRefused(reason);
    return true;
  }

  #refusal(isRead: boolean, frame: Uint8Array): string | null {
    if (this.destroyed || this.readyState !== "open") return "the connection is not open";
    if (isRead) return null;
    if (this.writableLength > 0) return "earlier bytes still wait in the connection";
    return this.#admitWrite(frame);
  }
}
