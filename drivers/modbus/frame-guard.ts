const HEADER_LENGTH = 6;
/** Unit id and the longest PDU (Modbus Messaging on TCP/IP V1.0b, section 3.1.3). */
const LENGTH_MAX = 254;
const LENGTH_MIN = 3;

/**
 * Follows a stream of Modbus TCP frames by their headers alone, and says when it cannot be one: the protocol library believes
 * any length, and would wait for 64 KiB, or take the rest of a torn frame for the start of another.
 */
export class FrameGuard {
  readonly #header = new Uint8Array(HEADER_LENGTH);
  #headerCount = 0;
  #bodyCount = 0;

  /** @returns What is wrong with the stream, or null. After a problem the stream is lost. */
  feed(chunk: Uint8Array): string | null {
    let at = 0;
    while (at < chunk.length) {
      if (this.#bodyCount > 0) {
        const taken = Math.min(this.#bodyCount, chunk.length - at);
        this.#bodyCount -= taken;
        at += taken;
        continue;
      }
      this.#header[this.#headerCount++] = chunk[at++] ?? 0;
      if (this.#headerCount < HEADER_LENGTH) continue;
      this.#headerCount = 0;
      const [, , protocolHigh = 0, protocolLow = 0, lengthHigh = 0, lengthLow = 0] = this.#header;
      if (protocolHigh !== 0 || protocolLow !== 0) {
        return `protocol id ${protocolHigh * 256 + protocolLow} instead of 0`;
      }
      const length = lengthHigh * 256 + lengthLow;
      if (length < LENGTH_MIN || length > LENGTH_MAX) {
        return `length ${length} instead of ${LENGTH_MIN} to ${LENGTH_MAX}`;
      }
      this.#bodyCount = length;
    }
    return null;
  }
}
