import type { StoredRecord } from "../store/rows.ts";

/** A change of a point on its way to a server. Point, grid and time name it: sent twice it is one. */
export interface ServerSample {
  readonly grid: string;
  readonly device: string;
  /** Without the device: `activePowerKw`. */
  readonly point: string;
  /** UTC milliseconds. */
  readonly timeMs: number;
  /** Null: nothing is known from here on. */
  readonly value: number | boolean | string | null;
  readonly quality: string;
}

/** A record of the tables of events, alarms and audit, as it is stored. */
export type ServerRecord = Pick<StoredRecord, "type"> & {
  /** Names it: the same record sent twice is one. */
  readonly key: string;
  readonly grid: string;
  readonly timeMs: number;
  readonly fields: Readonly<Record<string, string>>;
};

/** A database server that gets a copy. Writing the same twice changes nothing; every call has its own time limit. */
export interface HistoryServer {
  /** @throws If it does not answer. */
  ping(): Promise<void>;
  /** @throws If it is not known that everything arrived. */
  write(samples: readonly ServerSample[], records: readonly ServerRecord[]): Promise<void>;
  close(): Promise<void>;
}
