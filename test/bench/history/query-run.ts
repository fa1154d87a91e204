import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startApi } from "../../../api/api.ts";
import { OperatorClient } from "../../../apps/r-emsctl/operator-client.ts";
import { loadManifest } from "../../../configs/load-manifest.ts";
import {
  DAY_MS,
  emptyBuckets,
  encodeBuckets,
  HOUR_MS,
  MINUTES,
  SECONDS,
} from "../../../history/store/levels.ts";
import { StoreDatabase } from "../../../history/store/store-database.ts";
import { StoreClient } from "../../../history/store/store-client.ts";
import { startStore } from "../../../history/store/store.ts";
import { HistoryService, rems } from "../../../proto/generated/rems-v1.ts";
import { mkdirSync } from "node:fs";

const POINT_COUNT = 20;
const START_MS = Date.UTC(2026, 2, 1);
const REPEATS = 11;

export interface QueryTimes {
  /** Every second of the day, from the store's thread to another. */
  readonly fullMs: readonly number[];
  /** Over gRPC, joined to the 2000 values per point that are given where nothing else is asked for. */
  readonly joinedMs: readonly number[];
  readonly valueCount: number;
}

/** Times a day of 1 s data of 20 points. */
export async function timeQueries(): Promise<QueryTimes> {
  const directory = mkdtempSync(join(tmpdir(), "rems-bench-"));
  try {
    const path = join(directory, "history", "history.db");
    fill(path);
    mkdirSync(join(directory, "journal"));
    const retention = {
      rawDays: 1e4,
      secondsDays: 1e4,
      minutesDays: 1e4,
      quartersDays: 1e4,
      recordsDays: 1e4,
      sizeBytesMax: 1e10,
    };
    const store = await startStore(
      {
        path,
        journalDirectory: join(directory, "journal"),
        grids: [{ id: "port", metered: [] }],
        deadBands: [],
        retention,
        servers: [],
      },
      { onHealthChanged: () => {}, onServersChanged: () => {}, onRestarted: () => {} },
    );
    const api = await startApi({
      manifest: loadManifest(new URL("../../../configs/vessel.toml", import.meta.url).pathname),
      node: "n1",
      version: "bench",
      operatorPort: 0,
      httpPort: 0,
      onSnapshotNeeded: () => {},
      onHealthChanged: () => {},
    });
    api.connectHistory(store.connect());
    const direct = new StoreClient();
    direct.connect(store.connect());
    const points = Array.from({ length: POINT_COUNT }, (_, i) => `dg1.value${i}Kw`);
    const range = { grid: "port", points, fromMs: START_MS, toMs: START_MS + DAY_MS };
    let valueCount = 0;
    const fullMs = await repeat(async () => {
      const query = { ...range, resolution: "1s", samplesMax: 100_000 } as const;
      const histories = await direct.ask({ type: "points", query });
      valueCount = histories.reduce((sum, { buckets }) => sum + (buckets?.mean.length ?? 0), 0);
    });
    const client = new OperatorClient(`127.0.0.1:${api.operatorPort}`, 20_000);
    const joinedMs = await repeat(async () => {
      const request = { ...range, resolution: rems.v1.Resolution.RESOLUTION_SECOND };
      await client.call(HistoryService.queryPoints, rems.v1.QueryPointsRequest.create(request));
    });
    client.close();
    direct.close();
    await api.close();
    await store.close();
    return { fullMs, joinedMs, valueCount };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** A day as it stands in the store once its hours are joined. */
function fill(path: string): void {
  const database = new StoreDatabase(path);
  for (let id = 1; id <= POINT_COUNT; id++) {
    const row = {
      id,
      grid: "port",
      point: `dg1.value${id - 1}Kw`,
      kind: "number",
      isCounter: false,
    } as const;
    database.addSeries(row);
    database.transact(() => {
      for (let hour = 0; hour < 24; hour++) {
        for (const [level, count] of [
          [SECONDS, 3600],
          [MINUTES, 60],
        ] as const) {
          const buckets = emptyBuckets(count);
          for (let i = 0; i < count; i++) {
            buckets.mean[i] = 500 + Math.sin(i / 60 + id) * 100;
            buckets.min[i] = (buckets.mean[i] ?? 0) - 1;
            buckets.max[i] = (buckets.mean[i] ?? 0) + 1;
          }
          const startMs = START_MS + hour * HOUR_MS;
          database.putChunk({
            series: id,
            level: level.number,
            startMs,
            data: encodeBuckets(buckets, false),
          });
        }
      }
    });
  }
  database.close();
}

async function repeat(action: () => Promise<void>): Promise<number[]> {
  const times: number[] = [];
  for (let i = 0; i < REPEATS; i++) {
    const startMs = performance.now();
    await action();
    times.push(performance.now() - startMs);
  }
  return times;
}
