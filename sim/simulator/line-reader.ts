/** A longer line is not ours: it is dropped. */
const LINE_BYTES_MAX = 1_000_000;

/** Cuts a stream of bytes into lines; bounded. */
export class LineReader {
  #rest = "";
  #isSkipping = false;
  readonly #decoder = new TextDecoder();
  readonly #onLine: (line: string) => void;

  constructor(onLine: (line: string) => void) {
    this.#onLine = onLine;
  }

  push(chunk: Uint8Array): void {
    const lines = (this.#rest + this.#decoder.decode(chunk, { stream: true })).split("\n");
    this.#rest = lines.pop() ?? "";
    for (const line of lines) {
      if (this.#isSkipping) this.#isSkipping = false;
      else if (line.trim() !== "") this.#onLine(line);
    }
    if (this.#rest.length <= LINE_BYTES_MAX) return;
    this.#rest = "";
    this.#isSkipping = true;
  }
}
