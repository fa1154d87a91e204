import { HistoryService, rems } from "../../../proto/generated/rems-v1.ts";
import type { OperatorClient } from "../operator-client.ts";
import { rangeOf, type RangeOptions } from "./time-range.ts";

export const RECORD_KINDS = ["events", "alarms", "audit"] as const;
export type RecordKind = (typeof RECORD_KINDS)[number];

export interface RecordOptions extends RangeOptions {
  readonly grid?: string;
  readonly actor?: string;
  readonly text?: string;
  readonly what?: string;
  readonly how?: string;
  readonly user?: string;
  readonly limit: number;
}

/** A record for people, for a file and for programs. */
export interface ShownRecord {
  readonly timeMs: number;
  readonly cells: readonly string[];
  readonly fields: Readonly<Record<string, string>>;
  readonly message: object;
}

const DAY_MS = 86_400_000;
const PAGE_MAX = 1000;
const TEXT_SHOWN_MAX = 160;

/** Records that fit the options, newest first, page by page. */
export async function* readRecords(
  client: OperatorClient,
  kind: RecordKind,
  options: RecordOptions,
  limit: number,
): AsyncGenerator<ShownRecord> {
  let leftCount = limit;
  for (let pageToken = ""; leftCount > 0;) {
    const page = await readPage(client, kind, options, Math.min(leftCount, PAGE_MAX), pageToken);
    yield* page.records;
    leftCount -= page.records.length;
    pageToken = page.nextPageToken;
    if (pageToken === "") return;
  }
}

interface Page {
  readonly records: readonly ShownRecord[];
  readonly nextPageToken: string;
}

async function readPage(
  client: OperatorClient,
  kind: RecordKind,
  options: RecordOptions,
  pageSize: number,
  pageToken: string,
): Promise<Page> {
  const { v1 } = rems;
  const { fromMs, toMs } = rangeOf(options, DAY_MS);
  const { grid = "", actor: actorPrefix = "", text = "", what = "", how = "", user = "" } = options;
  const filter = { grid, fromMs, toMs: options.to === undefined ? 0 : toMs, actorPrefix, text };
  const paging = { filter, pageSize, pageToken };
  switch (kind) {
    case "events": {
      const request = v1.ListEventRecordsRequest.create({ ...paging, kind: what });
      const { records, nextPageToken } = await client.call(
        HistoryService.listEventRecords,
        request,
      );
      return {
        nextPageToken,
        records: records.map((message) => {
          const fields = pick(message, ["grid", "kind", "actor", "text"]);
          const { kind: sort = "", actor = "", text: words = "" } = fields;
          const cells = [short(actor) || (fields["grid"] ?? ""), sort, words];
          return { timeMs: message.timeMs ?? 0, cells, fields, message };
        }),
      };
    }
    case "alarms": {
      const request = v1.ListAlarmRecordsRequest.create({ ...paging, code: what, priority: how });
      const { records, nextPageToken } = await client.call(
        HistoryService.listAlarmRecords,
        request,
      );
      return {
        nextPageToken,
        records: records.map((message) => {
          const names = ["grid", "change", "priority", "code", "actor", "text", "user"];
          const fields = pick(message, names);
          const { change = "", priority = "", code = "", actor = "", text: words = "" } = fields;
          const who = fields["user"] ?? "";
          const cells = [
            short(actor),
            change,
            priority,
            code,
            who === "" ? words : `${words} (${who})`,
          ];
          return { timeMs: message.timeMs ?? 0, cells, fields, message };
        }),
      };
    }
    default: {
      const request = v1.ListAuditRecordsRequest.create({
        ...paging,
        action: what,
        outcome: how,
        user,
      });
      const { records, nextPageToken } = await client.call(
        HistoryService.listAuditRecords,
        request,
      );
      return {
        nextPageToken,
        records: records.map((message) => {
          const names = [
            "grid",
            "requestId",
            "user",
            "role",
            "action",
            "target",
            "outcome",
            "reason",
          ];
          const fields = { ...pick(message, names), isVoid: String(message.isVoid ?? false) };
          const {
            user: who = "",
            action = "",
            target = "",
            outcome = "",
            reason = "",
          } = fields as Record<string, string>;
          const cells = [
            who,
            `${short(target)} ${action}`,
            outcome,
            shortened(reason),
            message.isVoid ? "void" : "",
          ];
          return { timeMs: message.timeMs ?? 0, cells, fields, message };
        }),
      };
    }
  }
}

/** Files and scripts have all of a text; a table for people stays readable. */
function shortened(text: string): string {
  return text.length > TEXT_SHOWN_MAX ? `${text.slice(0, TEXT_SHOWN_MAX)}… (--json has all)` : text;
}

function pick(message: object, names: readonly string[]): Record<string, string> {
  const values = message as Readonly<Record<string, unknown>>;
  return Object.fromEntries(
    names.map((name) => {
      const value = values[name];
      return [name, typeof value === "string" ? value : ""];
    }),
  );
}

/** As people write it: `port/dg1`. */
function short(address: string): string {
  return address.replace(/^grids\//, "").replace("/devices/", "/");
}
