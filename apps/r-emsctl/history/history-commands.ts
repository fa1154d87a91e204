import { createWriteStream } from "node:fs";
import { once } from "node:events";
import type { Command } from "commander";
import { InvalidArgumentError, Option } from "commander";
import { restoreBackup } from "../../../history/store/restore.ts";
import { HistoryService, rems, type Types } from "../../../proto/generated/rems-v1.ts";
import { isJson, type CommandContext } from "../command-context.ts";
import { jsonText } from "../json-text.ts";
import type { OperatorClient } from "../operator-client.ts";
import { wholeBetween } from "../option-values.ts";
import { unwritable } from "../output-file.ts";
import { paint, table, tableFor } from "../terminal.ts";
import { csvLine, pointsCsv, STATISTICS, timeCell, type Statistic } from "./export-csv.ts";
import {
  gridOfPoints,
  listSeries,
  QUALITY_TEXTS,
  queryPoints,
  RESOLUTIONS,
  SeriesKind,
  type HistoryMessage,
  type ResolutionName,
} from "./history-client.ts";
import { numberText, plotColumns, plotText } from "./plot.ts";
import {
  readRecords,
  RECORD_KINDS,
  type RecordKind,
  type RecordOptions,
  type ShownRecord,
} from "./records.ts";
import { duration, instant, rangeOf, timeText, type RangeOptions } from "./time-range.ts";

const HOUR_MS = 3_600_000;
const WIDTH_CHARS = 80;
/** A picture is drawn from finer roll-ups than it has columns: its bands are then true. */
const BUCKETS_PER_COLUMN = 8;
const PROGRESS_MS = 1000;

/** `r-emsctl history …`: what a node keeps of the past. */
export function addHistoryCommands(context: CommandContext): void {
  const history = context.program
    .command("history")
    .description("the past: points, events, alarms, audit, as pictures, tables, JSON or CSV");
  addSeries(context, history);
  addPoints(context, history);
  for (const kind of RECORD_KINDS) addRecords(context, history, kind);
  addExport(context, history);
  addBackup(context, history);
  addRestore(context, history);
}

/** Options of a command about a range of time. */
function ranged(command: Command): Command {
  return command
    .option("--grid <id>", "grid (switchboard section); found by itself where only one fits")
    .option("--last <time>", "look back so far: 90s, 15m, 2h, 7d", duration)
    .option("--from <time>", 'beginning: "2h" ago, or UTC such as 2026-03-01T06:30', instant)
    .option("--to <time>", "end; now otherwise", instant);
}

function addSeries(context: CommandContext, history: Command): void {
  history
    .command("series [prefix]")
    .description("the points that have a history")
    .option("--grid <id>", "only this grid")
    .addHelpText("after", "\nExample: r-emsctl history series dg1 --grid port")
    .action((prefix: string | undefined, { grid }: { grid?: string }) =>
      context.withClient(async (client) => {
        const found = await listSeries(client, grid ?? "", prefix ?? "");
        const rows = [["GRID", "POINT", "KIND"]];
        for (const series of found) {
          if (isJson(context)) context.terminal.out(jsonText(series));
          else rows.push([series.grid ?? "", series.point ?? "", kindText(series)]);
        }
        if (!isJson(context)) context.terminal.out(tableFor(context.terminal, rows));
        return 0;
      }),
    );
}

interface PointsOptions extends RangeOptions {
  readonly grid?: string;
  readonly resolution: ResolutionName;
  readonly table: boolean;
}

function addPoints(context: CommandContext, history: Command): void {
  ranged(history.command("points <points...>"))
    .description("points over time: a picture each, or with --table or --json the values")
    .addOption(
      new Option("--resolution <name>", "raw: every change")
        .choices(Object.keys(RESOLUTIONS))
        .default("auto"),
    )
    .option("--table", "values instead of a picture", false)
    .addHelpText(
      "after",
      `
Examples:
  r-emsctl history points dg1.activePowerKw --last 15m
  r-emsctl history points bat1.socPct dg1.energyOutKwh --from 2026-03-01 --to 2026-03-02
  r-emsctl --json history points dg1.isClosed --resolution raw --last 1d`,
    )
    .action((points: string[], options: PointsOptions) =>
      context.withClient((client) => showPoints(context, client, points, options)),
    );
}

async function showPoints(
  context: CommandContext,
  client: OperatorClient,
  points: readonly string[],
  options: PointsOptions,
): Promise<number> {
  const { terminal } = context;
  const { fromMs, toMs } = rangeOf(options, HOUR_MS);
  const grid = await gridOfPoints(client, options.grid, points);
  const width = process.stdout.columns || WIDTH_CHARS;
  const answer = await queryPoints(client, {
    grid,
    points: [...points],
    fromMs,
    toMs,
    resolution: RESOLUTIONS[options.resolution],
    samplesMax: isJson(context) || options.table ? 0 : plotColumns(width) * BUCKETS_PER_COLUMN,
  });
  if (answer.isSimulation && !isJson(context))
    terminal.out(paint(terminal, "yellow", "SIMULATION"));
  for (const found of answer.histories) {
    if (isJson(context)) terminal.out(jsonText(found));
    else if ((found.timesMs?.length ?? 0) > 0 || options.table) terminal.out(tableOf(found));
    else {
      terminal.out(`${paint(terminal, "bold", found.series?.point ?? "")}  ${summaryOf(found)}`);
      terminal.out(plotText(plotData(found), width));
    }
  }
  return 0;
}

function plotData({ startMs, stepMs, min, mean, max }: HistoryMessage) {
  return {
    startMs: startMs ?? 0,
    stepMs: stepMs ?? 1,
    min: min ?? [],
    mean: mean ?? [],
    max: max ?? [],
  };
}

function summaryOf(found: HistoryMessage): string {
  const { min, mean, max, stepMs } = plotData(found);
  const known = mean.filter(Number.isFinite);
  if (known.length === 0) return "";
  const average = known.reduce((sum, value) => sum + value, 0) / known.length;
  const least = Math.min(...min.filter(Number.isFinite));
  const greatest = Math.max(...max.filter(Number.isFinite));
  const isCounter = found.series?.isCounter === true;
  const what = isCounter
    ? `+${numberText(greatest - least)} kWh, now ${numberText(greatest)}`
    : `min ${numberText(least)}  mean ${numberText(average)}  max ${numberText(greatest)}`;
  return `${what}  (one step is ${stepMs / 1000} s)`;
}

function tableOf(found: HistoryMessage): string {
  if ((found.mean?.length ?? 0) === 0) {
    const rows = [["TIME", "VALUE", "QUALITY"]];
    for (const [n, timeMs] of (found.timesMs ?? []).entries()) {
      const value = found.labels?.[n] ?? valueText(found, found.values?.[n]);
      rows.push([timeText(timeMs), value, QUALITY_TEXTS[found.qualities?.[n] ?? 0] ?? ""]);
    }
    return `${found.series?.point ?? ""}\n${table(rows)}`;
  }
  const rows = [["TIME", "MIN", "MEAN", "MAX"]];
  const { startMs, stepMs, min, mean, max } = plotData(found);
  mean.forEach((value, n) => {
    const cells = [min[n], value, max[n]].map((cell) => numberText(cell ?? Number.NaN));
    if (Number.isFinite(value)) rows.push([timeText(startMs + n * stepMs), ...cells]);
  });
  return `${found.series?.point ?? ""}\n${table(rows)}`;
}

function valueText({ series }: HistoryMessage, value: number | undefined): string {
  if (value === undefined || Number.isNaN(value)) return "-";
  if (series?.kind === SeriesKind.SERIES_KIND_FLAG) return value === 1 ? "on" : "off";
  return numberText(value);
}

function kindText({ kind, isCounter }: Types.rems.v1.ISeries): string {
  if (isCounter === true) return "counter, kWh";
  return ["", "number", "switch", "label"][kind ?? 0] ?? "";
}

// --- records ---

/** A table for people ends somewhere; a file is to have all of it. */
const SHOWN_COUNT = 50;
const EXPORTED_COUNT_MAX = 1_000_000;

function recordOptions(command: Command, count: number): Command {
  return ranged(command)
    .option("--actor <address>", "begins the actor's address, such as port/dg1")
    .option("--text <words>", "occurs in the text")
    .option("--what <name>", "kind of events, code of alarms, command of audit")
    .option("--how <name>", "priority of alarms, outcome of audit")
    .option("--user <name>", "who acted")
    .option(
      "--limit <count>",
      "at most so many, the newest",
      wholeBetween(1, EXPORTED_COUNT_MAX),
      count,
    );
}

const RECORD_EXAMPLES: Readonly<Record<RecordKind, string>> = {
  events: "r-emsctl history events --last 1h --actor port/dg1",
  alarms: "r-emsctl history alarms --last 7d --how high",
  audit: "r-emsctl history audit --from 2026-03-01 --user ada",
};

function addRecords(context: CommandContext, history: Command, kind: RecordKind): void {
  const meaning = {
    events: "transitions with reasons, changes of leader and connections, fates of commands",
    alarms: "alarms as they came, went and were acknowledged",
    audit: "who asked for what, and the answer",
  }[kind];
  recordOptions(history.command(kind), SHOWN_COUNT)
    .description(meaning)
    .addHelpText("after", `\nExample: ${RECORD_EXAMPLES[kind]}`)
    .action((options: RecordOptions & { limit: number }) =>
      context.withClient(async (client) => {
        const { terminal } = context;
        const shown: ShownRecord[] = [];
        for await (const record of readRecords(client, kind, options, options.limit)) {
          if (isJson(context)) terminal.out(jsonText(record.message));
          else shown.push(record);
        }
        if (isJson(context)) return 0;
        // A request and its answer often have the same time: the request goes first.
        const rank = ({ fields }: ShownRecord) => Number(fields["outcome"] !== "requested");
        const rows = shown
          .toSorted((a, b) => a.timeMs - b.timeMs || rank(a) - rank(b))
          .map(({ timeMs, cells }) => [timeText(timeMs), ...cells]);
        terminal.out(rows.length === 0 ? "none" : tableFor(terminal, rows));
        if (rows.length === options.limit) {
          terminal.out(paint(terminal, "dim", `the newest ${rows.length}; --limit shows more`));
        }
        return 0;
      }),
    );
}

// --- CSV ---

interface ExportOptions extends RecordOptions {
  readonly output: string;
  readonly resolution: Exclude<ResolutionName, "auto">;
  readonly stat: readonly Statistic[];
}

function addExport(context: CommandContext, history: Command): void {
  recordOptions(history.command("export <what...>"), EXPORTED_COUNT_MAX)
    .description("CSV: points by their names, or one of events, alarms, audit")
    .requiredOption("-o, --output <file>", "file to write; - for standard output")
    .addOption(
      new Option("--resolution <name>", "of points; raw: every change")
        .choices(["raw", "1s", "1m", "15m"])
        .default("1m"),
    )
    .option("--stat <names>", "of roll-ups, with commas: min, mean, max", statisticsOf, [
      "mean" as const,
    ])
    .addHelpText(
      "after",
      `
Examples:
  r-emsctl history export dg1.activePowerKw dg2.activePowerKw --last 1d -o gensets.csv
  r-emsctl history export bat1.socPct --resolution 15m --stat min,max --last 30d -o -
  r-emsctl history export alarms --last 30d -o alarms.csv`,
    )
    .action((what: string[], options: ExportOptions) =>
      context.withClient(async (client) => {
        const count = await writeCsv(
          context,
          options.output,
          csvOf(context, client, what, options),
        );
        if (options.output !== "-") context.terminal.error(`${count} lines in ${options.output}`);
        return 0;
      }),
    );
}

async function* csvOf(
  context: CommandContext,
  client: OperatorClient,
  what: readonly string[],
  options: ExportOptions,
): AsyncGenerator<string> {
  const kind = RECORD_KINDS.find((each) => what.length === 1 && what[0] === each);
  if (kind !== undefined) {
    let isFirst = true;
    for await (const record of readRecords(client, kind, options, options.limit)) {
      if (isFirst) yield csvLine(["time", ...Object.keys(record.fields)]);
      isFirst = false;
      yield csvLine([timeCell(record.timeMs), ...Object.values(record.fields)]);
    }
    return;
  }
  const range = rangeOf(options, HOUR_MS);
  const grid = await gridOfPoints(client, options.grid, what);
  let toldMs = performance.now();
  const { resolution, stat: statistics } = options;
  const wanted = { grid, points: what, ...range, resolution, statistics };
  yield* pointsCsv(client, wanted, (share) => {
    if (options.output === "-" || performance.now() - toldMs < PROGRESS_MS) return;
    toldMs = performance.now();
    context.terminal.error(`${Math.round(share * 100)} %`);
  });
}

/** @throws {@link InvalidArgumentError} with what is allowed. */
function statisticsOf(text: string): readonly Statistic[] {
  const named = text.split(",").map((name) => name.trim());
  const found = STATISTICS.filter((each) => named.includes(each));
  if (found.length === new Set(named).size) return found;
  throw new InvalidArgumentError(`Allowed are ${STATISTICS.join(", ")}, joined by commas.`);
}

async function writeCsv(
  context: CommandContext,
  path: string,
  lines: AsyncGenerator<string>,
): Promise<number> {
  let count = 0;
  if (path === "-") {
    for await (const line of lines) {
      context.terminal.out(line);
      count++;
    }
    return count;
  }
  const file = createWriteStream(path);
  await once(file, "open").catch((cause: unknown) => {
    throw unwritable(path, cause);
  });
  for await (const line of lines) {
    count++;
    if (!file.write(`${line}\r\n`)) await once(file, "drain");
  }
  file.end();
  await once(file, "finish");
  return count;
}

// --- backup ---

function addBackup(context: CommandContext, history: Command): void {
  history
    .command("backup [name]")
    .description("a copy of the node's history database, made while it runs, in its data directory")
    .addHelpText("after", "\nExample: r-emsctl --timeout 600 history backup before-refit.db")
    .action((name: string | undefined) =>
      context.withClient(async (client) => {
        const request = rems.v1.CreateBackupRequest.create({ name: name ?? "" });
        const made = await client.call(HistoryService.createBackup, request);
        const size = `${(Number(made.sizeBytes) / 1e6).toFixed(1)} MB`;
        context.terminal.out(isJson(context) ? jsonText(made) : `${made.path} (${size})`);
        return 0;
      }),
    );
}

function addRestore(context: CommandContext, history: Command): void {
  history
    .command("restore <backup> <data-directory>")
    .description("puts a backup in the place of a stopped node's history database")
    .addHelpText(
      "after",
      "\nExample: r-emsctl history restore before-refit.db /var/lib/r-ems/n1\nWhat came after the backup enters from the journal, as far back as it reaches.",
    )
    .action((backup: string, dataDirectory: string) => {
      const { path } = restoreBackup(backup, dataDirectory);
      const done = { path, before: `${path}.before-restore` };
      context.terminal.out(
        isJson(context)
          ? JSON.stringify(done)
          : `restored to ${path}; what was there is ${done.before}`,
      );
    });
}
