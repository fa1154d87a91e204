import { Socket } from "node:net";

/** Asked before a publication goes to the kernel: null lets it pass, a text is the reason why not. */
type AdmitPublish = () => string | null;

/** Node's own word for "no text": the types do not have it. */
const BYTES = "buffer" as BufferEncoding;
const PUBLISH = 3;
/** The remaining length takes one to four bytes (MQTT 3.1.1, section 2.2.3). */
const LENGTH_BYTES_MAX = 4;

/** Length of the whole packet at the head of `bytes`, or null while its header is not complete. */
function packetLength(bytes: Uint8Array): number | null {
  let length = 0;
  for (let index = 0; index < LENGTH_BYTES_MAX; index++) {
    const byte = bytes[1 + index];
    if (byte === undefined) return null;
    length += (byte & 0x7f) * 2 ** (7 * index);
    if (byte < 0x80) return 2 + index + length;
  }
  return null;
}

/**
 * A socket that no publication leaves without being admitted. The protocol library writes a packet in pieces; here they are put together
 * again, so that a packet goes to the kernel as a whole, right after it was admitted, or not at all.
 */
export class GatedMqttSocket extends Socket {
  readonly #admit: AdmitPublish;
  readonly #onRefused: (reason: string) => void;
  #pending: Buffer = Buffer.alloc(0);

  constructor(admit: AdmitPublish, onRefused: (reason: string) => void) {
    super();
    this.#admit = admit;
    this.#onRefused = onRefused;
    // With it the stream would hand several pieces over at once, past the gate.
    Object.defineProperty(this, "_writev", { value: null, writable: true });
  }

  override _write(
    chunk: unknown,
    encoding: BufferEncoding,
    done: (error?: Error | null) => void,
  ): void {
    const bytes =
      typeof chunk === "string" ? Buffer.from(chunk, encoding) : Buffer.from(chunk as Uint8Array);
    this.#pending = this.#pending.length === 0 ? bytes : Buffer.concat([this.#pending, bytes]);
    this.#pass(done);
  }

  /** One whole packet at a time. */
  #pass(done: (error?: Error | null) => void): void {
    const length = packetLength(this.#pending);
    if (length === null || this.#pending.length < length) {
      done();
      return;
    }
    const packet = this.#pending.subarray(0, length);
    this.#pending = this.#pending.subarray(length);
    const next = (error?: Error | null): void => {
      if (error) done(error);
      else this.#pass(done);
    };
    const reason = (packet[0] ?? 0) >> 4 === PUBLISH ? this.#admit() : null;
    if (reason === null) {
      super._write(packet, BYTES, next);
      return;
    }
    this.#onRefused(reason);
    next();
  }
}
