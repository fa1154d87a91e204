import type { AlarmRecord, AuditRecord } from "../../kernel/history-record.ts";
import type { SeriesKind } from "./series.ts";

export interface SeriesRow {
  readonly id: number;
  readonly grid: string;
  readonly point: string;
  readonly kind: SeriesKind;
  readonly isCounter: boolean;
}

interface RowHead {
  /** Hash of the content: the same record read again is the same row. */
  readonly key: string;
  /** History's time, UTC milliseconds. */
  readonly timeMs: number;
  readonly plantMs: number;
  readonly grid: string;
  /** Place of the frame that it belongs to. */
  readonly epoch: number;
  readonly sequence: number;
}

export interface EventRow extends RowHead {
  readonly type: "event";
  readonly kind: string;
  readonly actor: string;
  readonly text: string;
  /** JSON. */
  readonly details: string;
}

export interface AlarmRow extends RowHead, AlarmRecord {
  readonly type: "alarm";
}

export interface AuditRow extends RowHead, AuditRecord {
  readonly type: "audit";
}

/** A row of the tables of events, alarms and audit. */
export type StoredRecord = EventRow | AlarmRow | AuditRow;
