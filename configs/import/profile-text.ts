import type { DeviceKind } from "../../kernel/device-kinds.ts";
import type { RegisterType } from "../profile.ts";
import type { Addressing } from "./csv-columns.ts";
import type { RegisterRow } from "./csv-rows.ts";

export interface ImportedPoint {
  readonly row: RegisterRow;
  readonly point: string;
  readonly type: RegisterType;
  readonly scale: number;
  readonly offset: number;
  readonly poll: "fast" | "slow";
  /** Taken for the point by the name of its row. */
  readonly isByName: boolean;
}

export interface ImportedCommand {
  readonly row: RegisterRow;
  readonly command: string;
  readonly table: "holding" | "coil";
  readonly value: number;
  readonly isByName: boolean;
}

interface Content {
  readonly points: readonly ImportedPoint[];
  readonly commands: readonly ImportedCommand[];
  readonly rest: readonly RegisterRow[];
}

/** The feedback by which commands usually show, and a time within which they do. */
const FEEDBACK: Readonly<
  Record<string, readonly [point: string, value: boolean, withinMs: number]>
> = {
  start: ["isRunning", true, 60_000],
  stop: ["isRunning", false, 600_000],
  syncAndClose: ["isClosed", true, 60_000],
  close: ["isClosed", true, 2000],
  open: ["isOpen", true, 2000],
  setForming: ["isGridForming", true, 5000],
  setFollowing: ["isGridForming", false, 5000],
};

const COUNTING: Readonly<Record<Addressing, string>> = {
  zero: "protocol addresses, counted from 0",
  one: "numbers counted from 1, here from 0",
  modicon: "reference numbers (40001 …), here counted from 0",
};

/** A profile as TOML, with what a register list cannot say as comments to complete. Every top-level key stands before `[fallback]`. */
export function profileText(
  options: {
    readonly file: string;
    readonly id: string;
    readonly name: string;
    readonly kind: DeviceKind;
  },
  content: Content,
  addressing: Addressing,
): string {
  const lines = [
    `# Made from ${options.file}; its addresses are ${COUNTING[addressing]}.`,
    `id = ${quoted(options.id)}`,
    `name = ${quoted(options.name)}`,
    `kind = ${quoted(options.kind)}`,
    'family = "modbus"',
    "",
    "points = [",
    ...content.points.map(pointLine),
    "]",
    ...section(
      "commands = [",
      content.commands.map((one) => commandLine(one, content)),
      "]",
    ),
    ...section(
      "# Registers of the list that are no point of this kind:",
      content.rest.map(restLine),
    ),
    "",
    "# What a register list cannot say. State each of these here, before any [table]:",
    "#   source           manual, edition, page",
    "#   sign_statement   how the device's signs map to those of R-EMS (sources positive into the busbar)",
    "#   masters_max      masters that the device accepts at once",
    "#   slot_release_ms  how long it keeps the place of a master that vanished",
    '#   sync_check       "device" if it synchronises and checks by itself before it closes a breaker, else "none"',
    "# and, where it takes commands or set-points, the table [fallback]: behaviour, reason, watchdog_ms.",
    "",
  ];
  return lines.join("\n");
}

function section(first: string, lines: readonly string[], last?: string): string[] {
  if (lines.length === 0) return [];
  return ["", first, ...lines, ...(last === undefined ? [] : [last])];
}

function pointLine(one: ImportedPoint): string {
  const { row } = one;
  const is32 = one.type.endsWith("32");
  const isNumber = one.type !== "bit";
  const parts = [
    `point = ${quoted(one.point)}`,
    `table = ${quoted(row.table)}`,
    `address = ${row.address}`,
    `type = ${quoted(one.type)}`,
    ...(one.type === "bit" && row.bit !== null ? [`bit = ${row.bit}`] : []),
    ...(is32 && row.wordOrder === "little" ? ['word_order = "little"'] : []),
    ...(isNumber && one.scale !== 1 ? [`scale = ${one.scale}`] : []),
    ...(isNumber && one.offset !== 0 ? [`offset = ${one.offset}`] : []),
    ...(row.access === "read" ? [] : [`access = ${quoted(row.access)}`]),
    ...(one.poll === "slow" ? ['poll = "slow"'] : []),
    ...(row.labels === null ? [] : [`labels = ${labelsText(row.labels)}`]),
    ...(row.notAvailable === null ? [] : [`not_available = ${row.notAvailable}`]),
    ...(row.readBack === null
      ? []
      : [
          `read_back = { table = ${quoted(row.readBack.table)}, address = ${row.readBack.address} }`,
        ]),
  ];
  return `  { ${parts.join(", ")} },${originOf(one)}`;
}

function labelsText(labels: Readonly<Record<string, string>>): string {
  const entries = Object.entries(labels).map(([raw, label]) => `${raw} = ${quoted(label)}`);
  return `{ ${entries.join(", ")} }`;
}

function commandLine(one: ImportedCommand, content: Content): string {
  const feedback = FEEDBACK[one.command];
  const isShown =
    feedback !== undefined && content.points.some(({ point }) => point === feedback[0]);
  const followed = isShown
    ? [
        `followed_by = { point = ${quoted(feedback[0])}, value = ${feedback[1]}, within_ms = ${feedback[2]} }`,
      ]
    : [];
  const parts = [
    `command = ${quoted(one.command)}`,
    `table = ${quoted(one.table)}`,
    `address = ${one.row.address}`,
    `value = ${one.value}`,
    ...followed,
  ];
  return `  { ${parts.join(", ")} },${originOf(one)}`;
}

/** Where a row came from; a name of the manual that was taken for a point is to be looked at. */
function originOf(one: ImportedPoint | ImportedCommand): string {
  const name = commentText(one.row.name);
  return one.isByName
    ? ` # line ${one.row.line}, by its name "${name}": check`
    : ` # line ${one.row.line}`;
}

function restLine(row: RegisterRow): string {
  const scale = row.scale === 1 ? "" : ` × ${row.scale}`;
  const unit = row.unit === null ? "" : ` ${commentText(row.unit.text)}`;
  const type = row.type ?? row.typeText;
  const bit = row.bit === null ? "" : ` bit ${row.bit}`;
  return `#   line ${row.line}: "${commentText(row.name)}" ${row.table} ${row.address}${bit} ${commentText(type)}${scale}${unit}`;
}

function commentText(text: string): string {
  return text.replaceAll(/\p{Cc}+/gu, " ").slice(0, 60);
}

/** A TOML basic string. */
function quoted(text: string): string {
  return JSON.stringify(text).replaceAll("\u007f", "\\u007f");
}
