import { existsSync } from "node:fs";
import { fileURLToPath, pathToFileURL } from "node:url";
import { beforeAll, expect, it } from "vitest";
import { Surreal, type Engines } from "surrealdb";
import { RemsError } from "../../kernel/errors.ts";
import type { ServerRecord, ServerSample } from "./history-server.ts";
import { createSurrealServer } from "./surrealdb.ts";

const ENGINE = fileURLToPath(
  new URL(
    "../../.cache/surrealdb/node_modules/@surrealdb/node/dist/surrealdb-node.mjs",
    import.meta.url,
  ),
);

let engines: Engines;
const PLACE = { namespace: "rems", database: "one", secret: "" };

beforeAll(async () => {
  if (!existsSync(ENGINE)) {
    throw new RemsError(
      "REMS_PROGRAM_MISSING",
      'this test needs the embedded engine of SurrealDB; run "node scripts/surrealdb-engine.mjs"',
    );
  }
  const { createNodeEngines } = (await import(pathToFileURL(ENGINE).href)) as {
    createNodeEngines: () => Engines;
  };
  engines = createNodeEngines();
});

const sample = (timeMs: number, value: ServerSample["value"]): ServerSample => ({
  grid: "port",
  device: "dg1",
  point: "activePowerKw",
  timeMs,
  value,
  quality: "good",
});
const record: ServerRecord = {
  type: "alarm",
  key: "00ff00ff00ff00ff00ff00ff",
  grid: "port",
  timeMs: 5,
  fields: { code: "DEVICE_TRIPPED", text: 'dg1 "tripped"' },
};

it("keeps what is sent twice once", async () => {
  const client = new Surreal({ engines });
  await client.connect("mem://", { namespace: "rems", database: "one" });
  const connect = () => Promise.resolve(client);
  const server = createSurrealServer({ url: "mem://", ...PLACE, connect });
  const samples = Array.from({ length: 700 }, (_, i) => sample(1000 + i, i));
  await server.ping();
  await server.write(samples, [record]);
  await server.write([...samples.slice(600), sample(9000, null), sample(9001, "ready")], [record]);
  const rows = async (query: string) => (await client.query<[Record<string, unknown>[]]>(query))[0];
  expect(await rows("SELECT count() FROM sample GROUP ALL")).toEqual([{ count: 702 }]);
  expect(
    await rows("SELECT timeMs, value FROM sample WHERE timeMs >= 9000 ORDER BY timeMs"),
  ).toEqual([
    { timeMs: 9000, value: null },
    { timeMs: 9001, value: "ready" },
  ]);
  expect(await rows("SELECT code, text FROM alarm")).toEqual([record.fields]);
  await server.close();
}, 60_000);

it("a server that does not answer is told within a second or two, and tried anew", async () => {
  const absent = createSurrealServer({ url: "http://127.0.0.1:9", ...PLACE });
  const startMs = performance.now();
  await expect(absent.ping()).rejects.toThrow();
  await expect(absent.ping()).rejects.toThrow();
  expect(performance.now() - startMs).toBeLessThan(10_000);
  await absent.close();
}, 30_000);
