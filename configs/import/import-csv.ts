import { DEVICE_KINDS, type DeviceKind, type KindSpec } from "../../kernel/device-kinds.ts";
import { checkProfileText } from "../load-profile.ts";
import type { ConfigProblem } from "../problem.ts";
import { closest } from "../spelling.ts";
import type { Addressing } from "./csv-columns.ts";
import { type FieldReport, readColumns, readRow, type RegisterRow } from "./csv-rows.ts";
import { CSV_LENGTH_MAX, type CsvField, parseCsv } from "./csv-table.ts";
import { type Match, matchByName, matchExactly, unitFactor } from "./point-match.ts";
import { type ImportedCommand, type ImportedPoint, profileText } from "./profile-text.ts";

export interface ImportOptions {
  /** Name of the list, for messages and as the source of the profile. */
  readonly file: string;
  /** Id of the profile to make. */
  readonly id: string;
  readonly name: string;
  readonly kind: DeviceKind;
  /** How addresses are written; null where the list says so, or counts from 0. */
  readonly addressing: Addressing | null;
}

export interface CsvImport {
  /** The profile as TOML, ready to be completed; null where the list is wrong. */
  readonly text: string | null;
  /** Everything that is wrong in the list, each with line and column. */
  readonly problems: readonly ConfigProblem[];
  /** What the user should know: how rows were understood, what was left out. */
  readonly remarks: readonly string[];
  /** What the profile still needs before it can be used: a register list cannot say it. */
  readonly open: readonly ConfigProblem[];
}

/** Stand-ins for what a register list cannot say. */
const FACTS = `
source = "x"
sign_statement = "stand-in for a statement"
masters_max = 2
slot_release_ms = 0
`;

interface Found {
  readonly points: ImportedPoint[];
  readonly commands: ImportedCommand[];
  /** Rows that are no point of this kind. */
  readonly rest: RegisterRow[];
}

/**
 * Makes a device profile from a list of registers.
 *
 * The first row holds headings (`address`, `name`, `type`, `scale`, `unit`, `access`, `word order` …; many spellings), fields are
 * divided by comma, semicolon, tab or bar. A row is taken for a point of the kind where its column `point` names it, or where its
 * name is one that manuals use for it; rows that are neither stay in the profile as comments. Pure: reads no file, and never throws
 * for what the text holds.
 */
export function importCsv(text: string, options: ImportOptions): CsvImport {
  const problems: ConfigProblem[] = [];
  const remarks: string[] = [];
  const report: FieldReport = ({ line, column }, path, found, allowed) =>
    problems.push({ file: options.file, line, column, path, found, allowed });
  const failed = () => ({ text: null, problems, remarks, open: [] });
  const start: CsvField = { text: "", line: 1, column: 1 };
  if (text.length > CSV_LENGTH_MAX) {
    report(start, "", `${text.length} characters`, `at most ${CSV_LENGTH_MAX}`);
    return failed();
  }
  const table = parseCsv(text);
  if (table.openQuote !== null) {
    report(table.openQuote, "", "a quote that does not end", 'a closing " in the same field');
  }
  const [header, ...rows] = table.rows;
  if (header === undefined || rows.length === 0) {
    report(start, "", "no rows", "a row of headings and one row for each register");
    return failed();
  }
  const columns = readColumns(header, rows, options.addressing, report, (one) => remarks.push(one));
  if (columns === null) return failed();
  if (columns.addressingBy === "default") {
    remarks.push(
      "addresses are taken as protocol addresses, counted from 0; `--addressing one` or `modicon` if the list counts otherwise",
    );
  }
  const read = rows.flatMap((row) => readRow(row, columns, report) ?? []);
  const found = matchRows(read, options, report, remarks);
  if (problems.length > 0) return failed();
  const draft = profileText(options, found, columns.addressing);
  const file = `${options.id}.toml`;
  // The cross checks run only once the schema is content: with these facts in place they say what else is open.
  const completed = checkProfileText(draft + FACTS, file).problems;
  const own = rowProblems(completed, found, options.file);
  if (own.length > 0) return { ...failed(), problems: own };
  const open = [...checkProfileText(draft, file).problems, ...completed];
  return { text: draft, problems: [], remarks, open };
}

function matchRows(
  rows: readonly RegisterRow[],
  options: ImportOptions,
  report: FieldReport,
  remarks: string[],
): Found {
  const kind = DEVICE_KINDS[options.kind];
  const found: Found = { points: [], commands: [], rest: [] };
  const takenBy = new Map<string, number>();
  for (const row of rows) {
    const match = matchOf(row, kind, options, report);
    if (match === null) {
      found.rest.push(row);
      continue;
    }
    const field = row.point ?? row.nameField ?? { text: "", line: row.line, column: 1 };
    const other = takenBy.get(match.name);
    if (other !== undefined) {
      // A name of the manual may stand there twice (mains and generator); only what the list itself calls a point must be single.
      if (row.point === null) found.rest.push(row);
      else report(field, "point", `${match.name} again`, `each point once (line ${other} has it)`);
      if (row.point === null) {
        remarks.push(
          `line ${row.line}: "${row.name}" would be ${match.name} again and was left out`,
        );
      }
      continue;
    }
    takenBy.set(match.name, row.line);
    if (match.type === "command") addCommand(row, match.name, found, report);
    else addPoint(row, match, found, report);
  }
  return found;
}

function matchOf(
  row: RegisterRow,
  kind: KindSpec,
  options: ImportOptions,
  report: FieldReport,
): Match | null {
  if (row.point !== null) {
    if (row.point.text === "-") return null;
    const match = matchExactly(row.point.text, kind);
    if (match !== null) return match;
    const known = [...Object.keys(kind.points), ...Object.keys(kind.commands)];
    const suggestion = closest(row.point.text, known);
    const all = `a point or command of kind ${options.kind}, or - for none: ${known.join(", ")}`;
    const allowed = suggestion === null ? all : `did you mean ${suggestion}? ${all}`;
    report(row.point, "point", JSON.stringify(row.point.text), allowed);
    return null;
  }
  return matchByName(row.name, kind, row.access !== "read");
}

function addPoint(
  row: RegisterRow,
  match: Extract<Match, { type: "point" }>,
  found: Found,
  report: FieldReport,
): void {
  const { spec, name } = match;
  if (row.type === null) {
    const field = row.nameField ?? row.point ?? { text: "", line: row.line, column: 1 };
    report(
      field,
      "type",
      row.typeText === "" ? "nothing" : row.typeText,
      "a type of at most 32 bits for a point that is mapped",
    );
    return;
  }
  const factor = row.unit === null ? 1 : unitFactor(row.unit.text, spec.unit);
  if (typeof factor !== "number") {
    const allowed = `a unit of ${name}: ${factor.join(", ")}`;
    if (row.unit !== null) report(row.unit, "unit", JSON.stringify(row.unit.text), allowed);
    return;
  }
  const isSwitch = spec.type === "boolean";
  found.points.push({
    row,
    point: name,
    type:
      isSwitch && row.bit === null && (row.table === "coil" || row.table === "discrete")
        ? "bit"
        : row.type,
    scale: rounded(row.scale * factor),
    offset: rounded(row.offset * factor),
    poll: row.poll ?? (spec.isRequired ? "fast" : "slow"),
    isByName: row.point === null,
  });
}

function addCommand(row: RegisterRow, name: string, found: Found, report: FieldReport): void {
  const field = row.nameField ?? row.point ?? { text: "", line: row.line, column: 1 };
  if (row.table === "input" || row.table === "discrete") {
    report(field, "table", row.table, "holding or coil: a command is written");
    return;
  }
  const raw = row.value?.raw ?? (row.table === "coil" ? 1 : null);
  if (raw === null) {
    report(field, "value", "nothing", `the raw value that means ${name}, in a column \`value\``);
    return;
  }
  found.commands.push({
    row,
    command: name,
    table: row.table,
    value: raw,
    isByName: row.point === null,
  });
}

/** Products of decimal fractions without their binary noise. */
function rounded(value: number): number {
  return Number(value.toPrecision(12));
}

/** Problems of the profile that come from a row of the list, where the row stands. */
function rowProblems(
  problems: readonly ConfigProblem[],
  found: Found,
  file: string,
): ConfigProblem[] {
  return problems.flatMap((problem) => {
    const at = /^(points|commands)\[(\d+)\]\.?(.*)$/.exec(problem.path);
    const list = at?.[1] === "points" ? found.points : found.commands;
    const row = at ? list[Number(at[2])]?.row : undefined;
    if (row === undefined) return [];
    const field = row.nameField ?? row.point;
    const path = [row.name, at?.[3] ?? ""].filter((part) => part !== "").join(": ");
    return [{ ...problem, file, line: row.line, column: field?.column ?? 1, path }];
  });
}
