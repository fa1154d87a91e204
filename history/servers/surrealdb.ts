import type { Surreal } from "surrealdb";
import { RemsError } from "../../kernel/errors.ts";
import type { HistoryServer, ServerRecord, ServerSample } from "./history-server.ts";

export interface SurrealOptions {
  /** `http://host:8000`: over WebSockets the client needs what Node 20 does not have. */
  readonly url: string;
  readonly namespace: string;
  readonly database: string;
  /** `user:password`, or a token; empty for none. */
  readonly secret: string;
  /** Gives a connected client in place of the one over HTTP, such as one of an embedded database. */
  readonly connect?: () => Promise<Surreal>;
}

const PING_MS_MAX = 1000;
const WRITE_MS_MAX = 30_000;
const ROWS_PER_QUERY = 500;

/**
 * SurrealDB by its own client, which is loaded only where it is used. Tables `sample`, `event`, `alarm` and `audit`; the id of a sample is
 * grid, point and time, that of a record its key, and a row that is there is left as it is.
 */
export function createSurrealServer(options: SurrealOptions): HistoryServer {
  let connected: Surreal | null = null;
  const forget = (): void => {
    const client = connected;
    connected = null;
    void client?.close().catch(() => {});
  };
  const connect = async (): Promise<Surreal> => {
    connected ??= await (options.connect ?? (() => connectByHttp(options)))();
    return connected;
  };
  const within = async <Result>(msMax: number, action: () => Promise<Result>): Promise<Result> => {
    let timer: NodeJS.Timeout | undefined;
    const limit = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => {
        const text = `${options.url} did not answer within ${msMax} ms`;
        reject(new RemsError("REMS_TIMEOUT", text, { isRetryable: true }));
      }, msMax);
    });
    try {
      return await Promise.race([action(), limit]);
    } catch (error) {
      forget();
      throw error;
    } finally {
      clearTimeout(timer);
    }
  };
  const insert = async (table: string, rows: readonly object[]): Promise<void> => {
    for (let at = 0; at < rows.length; at += ROWS_PER_QUERY) {
      const client = await connect();
      const part = rows.slice(at, at + ROWS_PER_QUERY);
      await client.query(`INSERT IGNORE INTO ${table} $rows RETURN NONE`, { rows: part });
    }
  };
  return {
    ping: () =>
      within(PING_MS_MAX, async () => {
        const client = await connect();
        await client.query("RETURN true");
      }),
    write: (samples, records) =>
      within(WRITE_MS_MAX, async () => {
        await insert("sample", samples.map(sampleRow));
        for (const table of ["event", "alarm", "audit"] as const) {
          await insert(table, records.filter(({ type }) => type === table).map(recordRow));
        }
      }),
    async close() {
      const client = connected;
      connected = null;
      await client?.close();
    },
  };
}

async function connectByHttp(options: SurrealOptions): Promise<Surreal> {
  const { url, namespace, database, secret } = options;
  const { Surreal: Client } = await import("surrealdb");
  const client = new Client();
  try {
    await client.connect(url, { namespace, database, reconnect: false });
    const [username = "", password] = secret.split(":");
    if (password !== undefined) await client.signin({ username, password });
    else if (username !== "") await client.authenticate(username);
  } catch (error) {
    void client.close().catch(() => {});
    throw error;
  }
  return client;
}

function sampleRow({ grid, device, point, timeMs, value, quality }: ServerSample): object {
  const id = [grid, `${device}.${point}`, timeMs];
  return { id, grid, device, point, timeMs, value, quality };
}

function recordRow({ key, grid, timeMs, fields }: ServerRecord): object {
  return { id: key, grid, timeMs, ...fields };
}
