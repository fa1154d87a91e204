import { RemsError } from "../../kernel/errors.ts";
import type { StoreDatabase } from "./store-database.ts";

export type RecordTable = "event" | "alarm" | "audit";

/** Which records; an empty text is no condition. Newest first. */
export interface RecordsQuery {
  readonly table: RecordTable;
  readonly grid: string;
  /** UTC milliseconds; `fromMs` included, `toMs` not. */
  readonly fromMs: number;
  readonly toMs: number;
  /** Begins an actor's address (of audit: the target's), with or without `grids/`. */
  readonly actorPrefix: string;
  /** Kind of events, code of alarms, command of audit. */
  readonly what: string;
  /** Priority of alarms, outcome of audit, nothing for events. */
  readonly how: string;
  readonly user: string;
  /** Occurs in the text or the reason, in any case of letters. */
  readonly text: string;
  readonly pageSize: number;
  /** Of the page before; empty for the first. */
  readonly pageToken: string;
}

export interface RecordsPage {
  readonly rows: readonly Readonly<Record<string, string | number>>[];
  readonly nextPageToken: string;
}

const COLUMNS = {
  event: { what: "kind", how: null, user: null, actor: "actor", text: "text" },
  alarm: { what: "code", how: "priority", user: "user", actor: "actor", text: "text" },
  audit: { what: "action", how: "outcome", user: "user", actor: "target", text: "reason" },
} as const;

/** @throws {@link RemsError} `REMS_REQUEST_INVALID` for a token that is none, or a condition that the table does not have. */
export function queryRecords(database: StoreDatabase, query: RecordsQuery): RecordsPage {
  const { table, pageSize } = query;
  const columns = COLUMNS[table];
  const conditions = ["time_ms >= ?", "time_ms < ?"];
  const values: (string | number)[] = [query.fromMs, query.toMs];
  const demand = (column: string | null, value: string, sql = "= ?"): void => {
    if (value === "") return;
    if (column === null) {
      throw new RemsError(
        "REMS_REQUEST_INVALID",
        `a list of ${table}s has no such filter: "${value}"`,
      );
    }
    conditions.push(`${column} ${sql}`);
    values.push(value);
  };
  demand("grid", query.grid);
  demand(columns.what, query.what);
  demand(columns.how, query.how);
  demand(columns.user, query.user);
  demand(columns.text, likeText(query.text, true), "LIKE ? ESCAPE '\\'");
  demand(columns.actor, likeText(fullAddress(query.actorPrefix), false), "LIKE ? ESCAPE '\\'");
  const after = tokenOf(query.pageToken);
  if (after !== null) {
    conditions.push("(time_ms < ? OR (time_ms = ? AND key > ?))");
    values.push(after.timeMs, after.timeMs, after.key);
  }
  const rows = database.all(
    `SELECT * FROM ${table} WHERE ${conditions.join(" AND ")} ORDER BY time_ms DESC, key LIMIT ?`,
    ...values,
    pageSize + 1,
  ) as Record<string, string | number>[];
  const page = rows.slice(0, pageSize);
  const last = page.at(-1);
  const hasMore = rows.length > pageSize && last !== undefined;
  return { rows: page, nextPageToken: hasMore ? `${last["time_ms"]}-${last["key"]}` : "" };
}

/** Operators leave out what is the same everywhere: `port/dg1` is `grids/port/devices/dg1`. */
function fullAddress(prefix: string): string {
  if (prefix === "" || prefix.startsWith("grids/") || prefix.startsWith("nodes/")) return prefix;
  const [grid = "", device] = prefix.split("/");
  return device === undefined ? `grids/${grid}` : `grids/${grid}/devices/${device}`;
}

function likeText(text: string, isAnywhere: boolean): string {
  if (text === "") return "";
  const escaped = text.replace(/[\\%_]/g, (letter) => `\\${letter}`);
  return `${isAnywhere ? "%" : ""}${escaped}%`;
}

function tokenOf(text: string): { readonly timeMs: number; readonly key: string } | null {
  if (text === "") return null;
  const [, timeMs, key] = /^(\d{1,16})-([0-9a-f]{1,64})$/.exec(text) ?? [];
  if (timeMs === undefined || key === undefined) {
    throw new RemsError(
      "REMS_REQUEST_INVALID",
      `page_token is "${text.slice(0, 20)}"; allowed is the next_page_token of the page before`,
    );
  }
  return { timeMs: Number(timeMs), key };
}
