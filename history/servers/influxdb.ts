import { RemsError } from "../../kernel/errors.ts";
import type { HistoryServer, ServerRecord, ServerSample } from "./history-server.ts";

export interface InfluxOptions {
  /** `http://host:8086` */
  readonly url: string;
  readonly database: string;
  /** A token, or `user:password`; empty for none. */
  readonly secret: string;
}

const PING_MS_MAX = 1000;
const WRITE_MS_MAX = 10_000;
const NS_PER_MS_DIGITS = 6;

/**
 * InfluxDB by line protocol over HTTP: `/write` of 1.x, which 2.x and 3.x serve as well (a token goes as `Authorization: Token`).
 * Measurement `point` with tags grid, device and point; measurements `event`, `alarm` and `audit`.
 * @see docs.influxdata.com, "Line protocol", and "Write data with the InfluxDB API" of 1.x.
 */
export function createInfluxServer({ url, database, secret }: InfluxOptions): HistoryServer {
  const base = url.replace(/\/$/, "");
  const headers: Record<string, string> =
    secret === ""
      ? {}
      : {
          authorization: secret.includes(":")
            ? `Basic ${Buffer.from(secret).toString("base64")}`
            : `Token ${secret}`,
        };
  const ask = async (path: string, msMax: number, body?: string): Promise<void> => {
    const response = await fetch(`${base}${path}`, {
      method: body === undefined ? "GET" : "POST",
      headers,
      signal: AbortSignal.timeout(msMax),
      ...(body === undefined ? {} : { body }),
    });
    const text = await response.text();
    if (response.ok) return;
    throw new RemsError(
      "REMS_HISTORY_FAILED",
      `${base} answered ${response.status}: ${text.slice(0, 200).trim()}`,
      { isRetryable: true, details: { status: response.status } },
    );
  };
  return {
    ping: () => ask("/ping", PING_MS_MAX),
    async write(samples, records) {
      const lines = [...samples.map(sampleLine), ...records.map(recordLine)];
      if (lines.length === 0) return;
      const path = `/write?db=${encodeURIComponent(database)}&precision=ns`;
      await ask(path, WRITE_MS_MAX, lines.join("\n"));
    },
    close: () => Promise.resolve(),
  };
}

/** One line of the protocol for a change of a point. Types have fields of their own: a field never changes its type. */
export function sampleLine({ grid, device, point, timeMs, value, quality }: ServerSample): string {
  const tags = `grid=${tag(grid)},device=${tag(device)},point=${tag(point)}`;
  const fields = [`quality=${text(quality)}`];
  if (typeof value === "number") fields.unshift(`value=${value}`);
  if (typeof value === "boolean") fields.unshift(`flag=${value}`);
  if (typeof value === "string") fields.unshift(`label=${text(value)}`);
  return `point,${tags} ${fields.join(",")} ${timeMs}${"0".repeat(NS_PER_MS_DIGITS)}`;
}

export function recordLine({ type, key, grid, timeMs, fields }: ServerRecord): string {
  const parts = Object.entries({ ...fields, key }).map(([name, value]) => `${name}=${text(value)}`);
  // Several records of one millisecond would be one to the server: the key spreads them over its nanoseconds.
  const ns = String(Number.parseInt(key.slice(0, 8), 16) % 1_000_000).padStart(
    NS_PER_MS_DIGITS,
    "0",
  );
  return `${type},grid=${tag(grid)} ${parts.join(",")} ${timeMs}${ns}`;
}

function tag(value: string): string {
  return value.replace(/[,= ]/g, (letter) => `\\${letter}`) || "-";
}

function text(value: string): string {
  return `"${value.replace(/["\\]/g, (letter) => `\\${letter}`).replace(/[\r\n]+/g, " ")}"`;
}
