import type { MessagePort } from "node:worker_threads";
import type { ErrorCode } from "../../kernel/errors.ts";
import type { MeteredDevice } from "./grid-collector.ts";
import type { PointHistory, PointsQuery } from "./points-query.ts";
import type { RecordsPage, RecordsQuery } from "./records-query.ts";
import type { Retention } from "./retention.ts";
import type { SeriesKind } from "./series.ts";

/** Everything that the store's worker is started with: plain data that can be copied to a thread. */
export interface StoreWorkerData {
  /** The database file. */
  readonly path: string;
  readonly journalDirectory: string;
  readonly grids: readonly { readonly id: string; readonly metered: readonly MeteredDevice[] }[];
  readonly deadBands: readonly { readonly point: string; readonly band: number }[];
  readonly retention: Retention;
  readonly servers: readonly ServerOptions[];
}

/** What the worker is given: `closed` becomes 1 when its database is closed, for a thread that cannot wait for a message. */
export interface StoreWorkerStart extends StoreWorkerData {
  readonly closed: Int32Array<SharedArrayBuffer>;
}

/** A database server that gets a copy. */
export interface ServerOptions {
  readonly id: string;
  readonly kind: "influxdb" | "surrealdb";
  readonly url: string;
  /** Of SurrealDB. */
  readonly namespace: string;
  readonly database: string;
  readonly secret: string;
}

/** `full`: no room on the disk; `corrupt`: the file was damaged and is made anew; `failed`: anything else. */
export type StoreCause = "full" | "corrupt" | "failed";

/** What the worker tells the control thread. */
export type StoreWorkerMessage =
  | { readonly type: "started" }
  /** Which servers do not answer, and why; null where all do. */
  | { readonly type: "servers"; readonly lost: string | null }
  /** Null cause: good. */
  | { readonly type: "health"; readonly cause: StoreCause | null; readonly reason: string }
  | { readonly type: "closed" };

/** What the control thread tells the worker. */
export type StoreWorkerCommand =
  | { readonly type: "connect"; readonly port: MessagePort }
  | { readonly type: "close" };

export interface SeriesInfo {
  readonly grid: string;
  readonly point: string;
  readonly kind: SeriesKind;
  readonly isCounter: boolean;
}

export type StoreQuestion =
  | { readonly type: "points"; readonly query: PointsQuery }
  | { readonly type: "records"; readonly query: RecordsQuery }
  | { readonly type: "series"; readonly grid: string }
  /** A copy of the database as the new file `name` in the folder `backups` beside it. */
  | { readonly type: "backup"; readonly name: string };

export interface StoreAnswers {
  readonly points: readonly PointHistory[];
  readonly records: RecordsPage;
  readonly series: readonly SeriesInfo[];
  readonly backup: { readonly path: string; readonly sizeBytes: number };
}

/** Over the port of {@link StoreWorkerCommand} `connect`. */
export interface StoreRequest {
  readonly id: number;
  readonly question: StoreQuestion;
}

export type StoreReply =
  | { readonly id: number; readonly answer: StoreAnswers[keyof StoreAnswers] }
  | { readonly id: number; readonly error: { readonly code: ErrorCode; readonly message: string } };
