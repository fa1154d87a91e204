import { RemsError } from "../../../kernel/errors.ts";
import { HistoryService, rems, type Types } from "../../../proto/generated/rems-v1.ts";
import type { OperatorClient } from "../operator-client.ts";

export type HistoryMessage = Types.rems.v1.IPointHistory;
export const { Resolution, SampleQuality, SeriesKind } = rems.v1;

export const RESOLUTIONS = {
  auto: Resolution.RESOLUTION_UNSPECIFIED,
  raw: Resolution.RESOLUTION_RAW,
  "1s": Resolution.RESOLUTION_SECOND,
  "1m": Resolution.RESOLUTION_MINUTE,
  "15m": Resolution.RESOLUTION_QUARTER_HOUR,
} as const;
export type ResolutionName = keyof typeof RESOLUTIONS;

export const QUALITY_TEXTS = ["", "good", "uncertain", "bad", "none"] as const;

/** Every series whose point begins with `prefix`, page by page. */
export async function listSeries(
  client: OperatorClient,
  grid: string,
  prefix: string,
): Promise<Types.rems.v1.ISeries[]> {
  const all: Types.rems.v1.ISeries[] = [];
  for (let pageToken = ""; ;) {
    const request = rems.v1.ListSeriesRequest.create({ grid, pointPrefix: prefix, pageToken });
    const page = await client.call(HistoryService.listSeries, request);
    all.push(...page.series);
    pageToken = page.nextPageToken;
    if (pageToken === "") return all;
  }
}

/**
 * The grid that has all the points: the one named, else the only one that fits.
 * @throws {@link RemsError} `REMS_NOT_FOUND` that names what there is, `REMS_REQUEST_INVALID` where several grids fit.
 */
export async function gridOfPoints(
  client: OperatorClient,
  grid: string | undefined,
  points: readonly string[],
): Promise<string> {
  if (grid !== undefined) return grid;
  let fitting: string[] | null = null;
  for (const point of points) {
    const found = await listSeries(client, "", point);
    const grids = found
      .filter((series) => series.point === point)
      .map((series) => series.grid ?? "");
    if (grids.length === 0) {
      const near = await listSeries(client, "", point.slice(0, point.indexOf(".") + 1));
      const names = near.slice(0, 8).map((series) => `${series.grid}: ${series.point}`);
      throw new RemsError(
        "REMS_NOT_FOUND",
        `there is no history of "${point}"${names.length > 0 ? `; there is of ${names.join(", ")}` : "; r-emsctl history series lists what there is"}`,
      );
    }
    fitting = fitting === null ? grids : fitting.filter((each) => grids.includes(each));
  }
  const [only = "", ...others] = fitting ?? [];
  if (only !== "" && others.length === 0) return only;
  throw new RemsError(
    "REMS_REQUEST_INVALID",
    only === ""
      ? "these points are of different grids; ask for each grid by itself"
      : `several grids have these points; say which: --grid ${[only, ...others].join(" or --grid ")}`,
  );
}

export async function queryPoints(
  client: OperatorClient,
  request: Types.rems.v1.IQueryPointsRequest,
): Promise<Types.rems.v1.QueryPointsResponse> {
  return client.call(HistoryService.queryPoints, rems.v1.QueryPointsRequest.create(request));
}
