import { setTimeout } from "node:timers/promises";
import { createSystemClock } from "../../cluster/node/system-clock.ts";
import { Connection } from "../../drivers/modbus/connection.ts";
import { createLine } from "../../drivers/modbus/line.ts";
import type { Outcome } from "../../drivers/modbus/outcome.ts";
import type { WriteRequest } from "../../drivers/modbus/write-plan.ts";
import type { RegisterTable } from "../../configs/profile.ts";
import { RemsError } from "../../kernel/errors.ts";

/** Rule 12 of the plant: a tool asks at most so often, whatever it is told. */
export const REQUESTS_PER_SECOND_MAX = 5;
const CONNECT_TIMEOUT_MS = 2000;

/** What the system calls by a code; that stands behind, for who looks further. */
const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: "the host is there and nothing listens at this port",
  ENOTFOUND: "there is no host of this name or address",
  EAI_AGAIN: "the name of the host could not be looked up",
  EHOSTUNREACH: "there is no way to this host",
  ENETUNREACH: "there is no way to this host's network",
};

const inWords = (reason: string): string =>
  REASONS[reason] === undefined ? reason : `${REASONS[reason]} (${reason})`;

export interface Answered {
  readonly outcome: Outcome;
  /** From the sending to the answer, or to giving up. */
  readonly latencyMs: number;
}

export interface LineOptions {
  readonly host: string;
  readonly port: number;
  readonly timeoutMs: number;
  /** At most {@link REQUESTS_PER_SECOND_MAX}. */
  readonly requestsPerSecond?: number;
  readonly signal: AbortSignal;
}

/**
 * The one connection of a tool to a device, paced: a request begins a fifth of a second after the one before, at the earliest. A
 * connection that was lost is opened again for the next request.
 */
export class DeviceLine {
  readonly #options: LineOptions;
  readonly #connection: Connection;
  readonly #intervalMs: number;
  #nextMs = 0;
  #opened: { readonly done: () => void; readonly failed: (reason: string) => void } | null = null;

  constructor(options: LineOptions) {
    this.#options = options;
    const rate = Math.min(
      options.requestsPerSecond ?? REQUESTS_PER_SECOND_MAX,
      REQUESTS_PER_SECOND_MAX,
    );
    this.#intervalMs = 1000 / rate;
    const { host, port } = options;
    const clock = createSystemClock();
    const tcp = { transport: "tcp", serial: null, host, port } as const;
    const line = createLine(tcp, 1, clock, () => ({ host, port }), CONNECT_TIMEOUT_MS);
    this.#connection = new Connection(clock, line, {
      connected: () => this.#opened?.done(),
      lost: (reason) => this.#opened?.failed(reason),
      freed: () => {},
    });
  }

  get address(): string {
    return `${this.#options.host}:${this.#options.port}`;
  }

  /** @throws {@link RemsError} `REMS_DEVICE_OFFLINE` where no connection comes about, `REMS_TIMEOUT` after Ctrl-C. */
  async read(
    unitId: number,
    table: RegisterTable,
    address: number,
    count: number,
    timeoutMs: number = this.#options.timeoutMs,
  ): Promise<Answered> {
    return await this.#exchange((done) =>
      this.#connection.read(unitId, { table, address, count, items: [] }, timeoutMs, done),
    );
  }

  /** Whether it may be sent is decided before: see the guard of `device write`. */
  async write(unitId: number, request: WriteRequest): Promise<Answered> {
    const { timeoutMs } = this.#options;
    return await this.#exchange((done) =>
      this.#connection.write(unitId, request, timeoutMs, () => null, done),
    );
  }

  /** Gives up a connection on which nobody answers any more; the next request opens another. */
  renew(): void {
    this.#connection.reset("nobody answers on it");
  }

  async close(): Promise<void> {
    await new Promise<void>((resolve) => this.#connection.close(resolve));
  }

  async #exchange(begin: (done: (outcome: Outcome) => void) => void): Promise<Answered> {
    await this.#pace();
    if (!this.#connection.isOpen) await this.#open();
    const startedMs = performance.now();
    this.#nextMs = startedMs + this.#intervalMs;
    const outcome = await new Promise<Outcome>((resolve) => begin(resolve));
    // The connection frees itself after it told the outcome.
    await Promise.resolve();
    return { outcome, latencyMs: performance.now() - startedMs };
  }

  async #pace(): Promise<void> {
    const { signal } = this.#options;
    const waitMs = this.#nextMs - performance.now();
    // An abort ends the wait, and is told below.
    if (waitMs > 0) await setTimeout(waitMs, undefined, { signal }).catch(() => {});
    if (signal.aborted) throw new RemsError("REMS_TIMEOUT", "interrupted");
  }

  async #open(): Promise<void> {
    const { host, port } = this.#options;
    try {
      await new Promise<void>((resolve, reject) => {
        this.#opened = {
          done: resolve,
          failed: (reason) =>
            reject(
              new RemsError(
                "REMS_DEVICE_OFFLINE",
                `no connection to ${host}:${port}: ${inWords(reason)}`,
                { isRetryable: true },
              ),
            ),
        };
        this.#connection.connect();
      });
    } finally {
      this.#opened = null;
    }
  }
}
