import { connect, type Socket } from "node:net";
import { Duplex } from "node:stream";
import { connect as connectTls, type ConnectionOptions } from "node:tls";

/** Asked before a publication goes to the kernel: null lets it pass, a text is the reason why not. */
type AdmitPublish = () => string | null;

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
 * A connection that no publication leaves without being admitted. The protocol library writes a packet in pieces; here they are put together
 * again, so that a packet goes to the kernel (or, encrypted, through TLS to it) as a whole, right after it was admitted, or not at all.
 */
export class GatedMqttStream extends Duplex {
  readonly #socket: Socket;
  readonly #carrier: Socket;
  readonly #admit: AdmitPublish;
  readonly #onRefused: (reason: string) => void;
  #pending: Buffer = Buffer.alloc(0);

  /** @param tls - How to begin TLS on the connection; null: plain text. */
  constructor(
    address: { readonly host: string; readonly port: number },
    tls: ConnectionOptions | null,
    admit: AdmitPublish,
    onRefused: (reason: string) => void,
  ) {
    super();
    this.#admit = admit;
    this.#onRefused = onRefused;
    this.#socket = connect({ ...address, noDelay: true });
    this.#carrier = tls === null ? this.#socket : connectTls({ ...tls, socket: this.#socket });
    this.#carrier.on("data", (chunk) => {
      if (!this.push(chunk)) this.#carrier.pause();
    });
    this.#carrier.once("end", () => this.push(null));
    const fail = (error: Error) => this.destroy(error);
    this.#carrier.on("error", fail);
    if (this.#carrier !== this.#socket) this.#socket.on("error", fail);
    this.#socket.once("close", () => this.destroy());
  }

  /** Closes so that the kernel delivers nothing more: after `end` or `destroy` it still would. */
  reset(): void {
    if (this.#socket.readyState === "open") this.#socket.resetAndDestroy();
    this.destroy();
  }

  override _read(): void {
    this.#carrier.resume();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#carrier.destroy();
    if (this.#socket.closed) return done(error);
    this.#socket.once("close", () => done(error));
    this.#socket.destroy();
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
      this.#carrier.write(packet, next);
      return;
    }
    this.#onRefused(reason);
    next();
  }
}
