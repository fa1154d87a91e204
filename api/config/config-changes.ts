import type { Table } from "../../configs/setup/document.ts";
import { isTable } from "../../configs/setup/document.ts";

/**
 * What a change needs. `live`: it takes effect while everything runs. `guarded`: that too, but only for a device that is open, in SEMI or
 * observe. `restart`: each node is started anew, one at a time, its grids handed over before. `structure`: what the grids are made of; nodes
 * of different structure are not in sync with each other. `never`: it would be another installation.
 */
export type ChangeKind = "live" | "guarded" | "restart" | "structure" | "never";

export interface ConfigChange {
  /** With ids in place of indices: `grids.port.power.stop_limit_pct`. */
  readonly path: string;
  /** Grid that it belongs to; "" for none. */
  readonly grid: string;
  /** As written, or undefined where it is absent. */
  readonly from: unknown;
  readonly to: unknown;
  readonly kind: ChangeKind;
}

const KINDS: readonly (readonly [RegExp, ChangeKind])[] = [
  [/^installation\.id$/, "never"],
  [/^grids\.[^.]+\.(?:power\b|control$)/, "live"],
  [/^grids\.[^.]+\.devices\.[^.]+\.(?:control$|battery\b|consumer\b)/, "live"],
  [/^grids\.[^.]+\.devices\.[^.]+\.(?:ratings\b|trip_stage$)/, "guarded"],
  [
    /^grids\.[^.]+\.devices\.[^.]+\.(?:name|host|port|unit_id|transport|serial\b|maintenance|simulated)/,
    "restart",
  ],
  [/^grids\.[^.]+\.(?:name|timing_set|allow_stale_takeover|failback\w*)$/, "restart"],
  [/^grids\.[^.]+\.timings\.(?!scan_ms$)/, "restart"],
  [/^(?:grids|ties|mode|installation\.kind|nodes\.[^.]+$)/, "structure"],
];

/** What distinguishes two manifests, both with their defaults filled in, leaf by leaf. Pure. */
export function changesBetween(before: Table, after: Table): ConfigChange[] {
  const changes: ConfigChange[] = [];
  compare(before, after, "", changes);
  return changes;
}

function compare(before: unknown, after: unknown, path: string, changes: ConfigChange[]): void {
  const [a, b] = [keyed(before), keyed(after)];
  if (a !== null && b !== null) {
    for (const key of new Set([...Object.keys(a), ...Object.keys(b)])) {
      compare(a[key], b[key], path === "" ? key : `${path}.${key}`, changes);
    }
    if (Array.isArray(before)) compareOrder(Object.keys(a), Object.keys(b), path, changes);
    return;
  }
  if (JSON.stringify(before) === JSON.stringify(after)) return;
  const grid = /^grids\.([^.]+)/.exec(path)?.[1] ?? "";
  changes.push({ path, grid, from: before, to: after, kind: kindOf(path) });
}

/** The first grid of an island leads it, and gensets start in their order: where entries stand is a fact of its own. */
function compareOrder(
  before: readonly string[],
  after: readonly string[],
  path: string,
  changes: ConfigChange[],
): void {
  const common = before.filter((id) => after.includes(id));
  const now = after.filter((id) => before.includes(id));
  if (common.join() === now.join()) return;
  const grid = /^grids\.([^.]+)/.exec(path)?.[1] ?? "";
  changes.push({ path: `${path} (order)`, grid, from: common, to: now, kind: kindOf(path) });
}

/** A list of tables with ids as a table by id; their order counts where it means something and is compared as a whole then. */
function keyed(value: unknown): Table | null {
  if (isTable(value)) return value;
  if (!Array.isArray(value) || value.length === 0 || !value.every(isTable)) return null;
  const ids = value.map(({ id, node }) => id ?? node);
  if (!ids.every((id) => typeof id === "string")) return null;
  return Object.fromEntries(value.map((one, index) => [String(ids[index]), one as Table]));
}

function kindOf(path: string): ChangeKind {
  return KINDS.find(([pattern]) => pattern.test(path))?.[1] ?? "restart";
}
