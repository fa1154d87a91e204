import { join } from "node:path";
import type { Logger } from "pino";
import type { ApiHandle } from "../../api/api.ts";
import type { GridConfig, Manifest } from "../../configs/manifest.ts";
import { startStore, type StoreHandle } from "../../history/store/store.ts";
import type { StoreCause, StoreWorkerData } from "../../history/store/store-messages.ts";
import { DEVICE_KINDS } from "../../kernel/device-kinds.ts";
import { RemsError } from "../../kernel/errors.ts";

const MEGABYTE = 1_000_000;

export interface HistoryStoreParts {
  readonly manifest: Manifest;
  readonly node: string;
  readonly grids: readonly GridConfig[];
  readonly dataDirectory: string;
  readonly api: () => ApiHandle;
  readonly log: Logger;
  /** Null cause: good. */
  readonly onHealthChanged: (cause: StoreCause | null, reason: string) => void;
  /** Which servers do not answer, and why; null where all do. */
  readonly onServersChanged: (lost: string | null) => void;
}

/** The history store of this node, asked by its API worker. */
export interface NodeHistory {
  /** The API worker was started anew. */
  reconnect(): void;
  close(): Promise<void>;
  /** Before the process ends at once; blocks, half a second at most. */
  closeNow(): void;
}

/** Starts it. A store that does not start is an alarm, not a reason for a node to stay down. */
export async function startHistory(parts: HistoryStoreParts): Promise<NodeHistory> {
  const { manifest, api, log, onHealthChanged } = parts;
  if (!manifest.history.isEnabled)
    return { reconnect: () => {}, close: () => Promise.resolve(), closeNow: () => {} };
  let store: StoreHandle | null = null;
  const reconnect = () => {
    if (store !== null) api().connectHistory(store.connect());
  };
  try {
    store = await startStore(workerData(parts), {
      onHealthChanged,
      onServersChanged: parts.onServersChanged,
      onRestarted: reconnect,
    });
    reconnect();
  } catch (error) {
    if (!(error instanceof RemsError)) throw error;
    log.error({ err: error }, "there is no history");
    onHealthChanged("failed", error.message);
  }
  return {
    reconnect,
    close: () => store?.close() ?? Promise.resolve(),
    closeNow: () => store?.closeNow(),
  };
}

function workerData({ manifest, node, grids, dataDirectory }: HistoryStoreParts): StoreWorkerData {
  const { history } = manifest;
  return {
    path: join(dataDirectory, "history", "history.db"),
    journalDirectory: join(dataDirectory, "journal"),
    grids: grids.map(({ id, devices }) => ({
      id,
      metered: devices
        .filter(({ kind }) => "activePowerKw" in DEVICE_KINDS[kind].points)
        .map((device) => ({ device: device.id, isSource: DEVICE_KINDS[device.kind].isSource })),
    })),
    deadBands: history.deadBands,
    servers: history.servers
      .filter(({ nodes }) => nodes.length === 0 || nodes.includes(node))
      .map(({ id, kind, url, namespace, database, secretVariable }) => ({
        id,
        namespace,
        kind,
        url,
        database,
        secret: process.env[secretVariable] ?? "",
      })),
    retention: {
      rawDays: history.rawDays,
      secondsDays: history.secondsDays,
      minutesDays: history.minutesDays,
      quartersDays: history.quartersDays,
      recordsDays: history.recordsDays,
      sizeBytesMax: history.sizeMbMax * MEGABYTE,
    },
  };
}
