import type { DestinationStream, pino } from "pino";

export type LogStream = ReturnType<typeof pino.destination>;

/** What a target that does not take its lines may hold; the lines after that are lost, and counted. */
export const LOG_BYTES_HELD_MAX = 1 << 20;
const OPENING_LINES_MAX = 1000;

/**
 * Where log lines go: every target gets each line. Writing is asynchronous, by the pool of the process, so that a slow disk holds nobody up; a
 * thread of its own for it would cost 17 MB. A target that fails (a full disk) loses lines, never the process, and is opened again
 * after `retryMs`, beginning with a line that says how many are missing. What is still held is written when the process exits.
 */
export function openLogDestination(
  opens: readonly (() => Promise<LogStream>)[],
  retryMs = 5000,
): DestinationStream {
  const targets = opens.map((open) => new LogTarget(open, retryMs));
  process.once("exit", () => targets.forEach((target) => target.flush()));
  return {
    write(line) {
      for (const target of targets) target.write(line);
    },
  };
}

class LogTarget {
  readonly #open: () => Promise<LogStream>;
  readonly #retryMs: number;
  /** `null` while it is being opened and while it is broken. */
  #stream: LogStream | null = null;
  #isOpening = false;
  #openingLines: string[] = [];
  #retryAtMs = 0;
  #lostCount = 0;

  constructor(open: () => Promise<LogStream>, retryMs: number) {
    this.#open = open;
    this.#retryMs = retryMs;
    this.#begin();
  }

  write(line: string): void {
    if (this.#stream !== null) {
      this.#tellLost(this.#stream);
      this.#stream.write(line);
      return;
    }
    if (!this.#isOpening && performance.now() >= this.#retryAtMs) this.#begin();
    if (this.#isOpening && this.#openingLines.length < OPENING_LINES_MAX) {
      this.#openingLines.push(line);
    } else {
      this.#lostCount++;
    }
  }

  flush(): void {
    try {
      this.#stream?.flushSync();
    } catch {
      // The process ends, and there is nowhere left to say it.
    }
  }

  #begin(): void {
    this.#isOpening = true;
    this.#open().then(
      (stream) => this.#opened(stream),
      () => this.#fail(null),
    );
  }

  #opened(stream: LogStream): void {
    this.#isOpening = false;
    this.#stream = stream;
    stream.on("error", () => this.#fail(stream));
    stream.on("drop", () => this.#lostCount++);
    const lines = this.#openingLines;
    this.#openingLines = [];
    for (const line of lines) this.write(line);
  }

  #fail(stream: LogStream | null): void {
    if (stream !== this.#stream) return;
    this.#lostCount += this.#openingLines.length;
    this.#openingLines = [];
    this.#isOpening = false;
    this.#stream = null;
    this.#retryAtMs = performance.now() + this.#retryMs;
    stream?.destroy();
  }

  #tellLost(stream: LogStream): void {
    if (this.#lostCount === 0) return;
    const lostCount = this.#lostCount;
    this.#lostCount = 0;
    const time = new Date().toISOString();
    const text = { level: 40, time, module: "main", lostCount, msg: "log lines were lost" };
    stream.write(`${JSON.stringify(text)}\n`);
  }
}
