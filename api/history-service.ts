import type { PointHistory, Resolution } from "../history/store/points-query.ts";
import type { RecordsPage, RecordsQuery, RecordTable } from "../history/store/records-query.ts";
import type { StoreClient } from "../history/store/store-client.ts";
import type { SeriesInfo } from "../history/store/store-messages.ts";
import { RemsError } from "../kernel/errors.ts";
import { rems, type Types } from "../proto/generated/rems-v1.ts";
import type { NodeView } from "./node-view.ts";
import { pageOf } from "./paging.ts";
import { unary, type Service } from "./service.ts";

type V1 = typeof Types.rems.v1;
type Message<Name extends keyof V1> = V1[Name] extends new (...args: never[]) => infer M
  ? M
  : never;

const SERIES_PAGE = 500;
const RECORDS_PAGE = 100;
const PAGE_MAX = 1000;
const POINTS_MAX = 50;
const SAMPLES = 2000;
const SAMPLES_MAX = 100_000;
const SAMPLES_TOTAL_MAX = 1_000_000;
const TEXT_LENGTH_MAX = 200;
const DAY_MS = 86_400_000;

const { SeriesKind, SampleQuality } = rems.v1;
const KINDS = {
  number: SeriesKind.SERIES_KIND_NUMBER,
  flag: SeriesKind.SERIES_KIND_FLAG,
  label: SeriesKind.SERIES_KIND_LABEL,
};
/** By the number that stands for them in the store. */
const QUALITIES = [
  SampleQuality.SAMPLE_QUALITY_GOOD,
  SampleQuality.SAMPLE_QUALITY_UNCERTAIN,
  SampleQuality.SAMPLE_QUALITY_BAD,
  SampleQuality.SAMPLE_QUALITY_NONE,
];
const RESOLUTION_NAMES: readonly Resolution[] = ["auto", "raw", "1s", "1m", "15m"];

/** Answers `rems.v1.HistoryService` from the node's history store. */
export function historyService(view: NodeView, store: StoreClient): Service {
  const { isSimulation } = view;
  return {
    listSeries: unary(async (request: Message<"ListSeriesRequest">) => {
      const all = await store.ask({ type: "series", grid: request.grid });
      const wanted = all.filter(({ point }) => point.startsWith(request.pointPrefix));
      const page = pageOf(request, SERIES_PAGE, [request.grid, request.pointPrefix]);
      return rems.v1.ListSeriesResponse.create({
        series: wanted.slice(page.from, page.to).map(seriesMessage),
        nextPageToken: page.tokenAfter(wanted.length),
        isSimulation,
      });
    }),
    queryPoints: unary(async (request: Message<"QueryPointsRequest">) => {
      const query = pointsQuery(request);
      const found = await store.ask({ type: "points", query });
      const histories = found.map((history) => historyMessage(request.grid, history));
      return rems.v1.QueryPointsResponse.create({ histories, isSimulation });
    }),
    listEventRecords: unary(async (request: Message<"ListEventRecordsRequest">) => {
      const page = await records(store, "event", request, { what: request.kind });
      const list = page.rows.map((row) =>
        rems.v1.EventRecord.create({
          ...headOf(row),
          kind: text(row["kind"]),
          actor: text(row["actor"]),
          text: text(row["text"]),
          detailsJson: text(row["details"]),
        }),
      );
      const { nextPageToken } = page;
      return rems.v1.ListEventRecordsResponse.create({
        records: list,
        nextPageToken,
        isSimulation,
      });
    }),
    listAlarmRecords: unary(async (request: Message<"ListAlarmRecordsRequest">) => {
      const conditions = { what: request.code, how: request.priority };
      const page = await records(store, "alarm", request, conditions);
      const list = page.rows.map((row) =>
        rems.v1.AlarmRecord.create({
          ...headOf(row),
          code: text(row["code"]),
          actor: text(row["actor"]),
          priority: text(row["priority"]),
          change: text(row["change"]),
          text: text(row["text"]),
          user: text(row["user"]),
        }),
      );
      const { nextPageToken } = page;
      return rems.v1.ListAlarmRecordsResponse.create({
        records: list,
        nextPageToken,
        isSimulation,
      });
    }),
    listAuditRecords: unary(async (request: Message<"ListAuditRecordsRequest">) => {
      const { action: what, outcome: how, user } = request;
      const page = await records(store, "audit", request, { what, how, user });
      const list = page.rows.map((row) =>
        rems.v1.AuditRecord.create({
          ...headOf(row),
          requestId: text(row["request_id"]),
          user: text(row["user"]),
          role: text(row["role"]),
          action: text(row["action"]),
          target: text(row["target"]),
          outcome: text(row["outcome"]),
          reason: text(row["reason"]),
          isVoid: row["is_void"] === 1,
        }),
      );
      const { nextPageToken } = page;
      return rems.v1.ListAuditRecordsResponse.create({
        records: list,
        nextPageToken,
        isSimulation,
      });
    }),
    createBackup: unary(async ({ name }: Message<"CreateBackupRequest">) => {
      const stamp = new Date().toISOString().replaceAll(":", "").slice(0, 17);
      const chosen = name === "" ? `history-${stamp}.db` : name;
      if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/.test(chosen)) {
        throw invalid(
          "name",
          `name is "${name.slice(0, 40)}"; allowed are letters, digits, dots, hyphens`,
        );
      }
      const { path, sizeBytes } = await store.ask({ type: "backup", name: chosen });
      return rems.v1.CreateBackupResponse.create({ path, sizeBytes, isSimulation });
    }),
  };
}

function pointsQuery(request: Message<"QueryPointsRequest">) {
  const { grid, points, fromMs, toMs } = request;
  const samplesMax = request.samplesMax || SAMPLES;
  if (grid === "") throw invalid("grid", "grid is empty; allowed is a grid of this node");
  if (points.length === 0 || points.length > POINTS_MAX) {
    throw invalid("points", `points has ${points.length} entries; allowed are 1 to ${POINTS_MAX}`);
  }
  if (!(fromMs >= 0 && fromMs < toMs && toMs < Number.MAX_SAFE_INTEGER)) {
    throw invalid("to_ms", `the range is ${fromMs} to ${toMs}; from_ms must be below to_ms`);
  }
  if (samplesMax > SAMPLES_MAX || samplesMax * points.length > SAMPLES_TOTAL_MAX) {
    throw invalid(
      "samples_max",
      `samples_max is ${samplesMax} for ${points.length} points; allowed are ${SAMPLES_MAX} per point and ${SAMPLES_TOTAL_MAX} in all`,
    );
  }
  const resolution = RESOLUTION_NAMES[request.resolution];
  if (resolution === undefined) throw invalid("resolution", `resolution is ${request.resolution}`);
  return { grid, points, fromMs, toMs, resolution, samplesMax };
}

interface RecordsRequest {
  readonly filter?: Types.rems.v1.IRecordFilter | null;
  readonly pageSize: number;
  readonly pageToken: string;
}

function records(
  store: StoreClient,
  table: RecordTable,
  { filter, pageSize: size, pageToken }: RecordsRequest,
  conditions: Partial<Pick<RecordsQuery, "what" | "how" | "user">>,
): Promise<RecordsPage> {
  const given = rems.v1.RecordFilter.create(filter ?? {});
  const { grid, fromMs, actorPrefix, text: contains } = given;
  for (const [name, value] of Object.entries({ grid, actorPrefix, contains, ...conditions })) {
    if (value.length > TEXT_LENGTH_MAX) {
      throw invalid(
        `filter.${name}`,
        `${name} has ${value.length} characters; allowed are ${TEXT_LENGTH_MAX}`,
      );
    }
  }
  return store.ask({
    type: "records",
    query: {
      table,
      grid,
      fromMs,
      // Plant clocks may be ahead of this node's.
      toMs: given.toMs || Date.now() + DAY_MS,
      actorPrefix,
      text: contains,
      what: "",
      how: "",
      user: "",
      ...conditions,
      pageSize: pageSize(size, RECORDS_PAGE),
      pageToken,
    },
  });
}

type Row = RecordsPage["rows"][number];

function headOf(row: Row) {
  return {
    timeMs: Number(row["time_ms"]),
    plantTimeMs: Number(row["plant_ms"]),
    grid: text(row["grid"]),
    epoch: Number(row["epoch"]),
    sequence: Number(row["sequence"]),
  };
}

function text(value: string | number | undefined): string {
  return typeof value === "string" ? value : "";
}

function seriesMessage({ grid, point, kind, isCounter }: SeriesInfo): Types.rems.v1.Series {
  return rems.v1.Series.create({ grid, point, kind: KINDS[kind], isCounter });
}

function historyMessage(grid: string, history: PointHistory): Types.rems.v1.PointHistory {
  const { buckets, samples, nextMs } = history;
  const message = rems.v1.PointHistory.create({
    series: seriesMessage({ grid, ...history }),
    nextFromMs: nextMs,
  });
  if (buckets !== null) {
    // The encoder reads them one by one: a typed array serves as well as a list.
    const list = (part: Float64Array) => part as unknown as number[];
    message.startMs = buckets.startMs;
    message.stepMs = buckets.stepMs;
    message.min = list(buckets.min);
    message.mean = list(buckets.mean);
    message.max = list(buckets.max);
  }
  if (samples !== null) {
    message.timesMs = [...samples.timesMs];
    message.labels = [...samples.labels];
    if (samples.labels.length === 0) message.values = [...samples.values];
    message.qualities = samples.qualities.map(
      (quality) => QUALITIES[quality] ?? SampleQuality.SAMPLE_QUALITY_UNSPECIFIED,
    );
  }
  return message;
}

function pageSize(asked: number, preset: number): number {
  return Math.min(asked || preset, PAGE_MAX);
}

function invalid(field: string, message: string): RemsError {
  return new RemsError("REMS_REQUEST_INVALID", message, { details: { field } });
}
