/** One thing that is wrong in a configuration file. */
export interface ConfigProblem {
  readonly file: string;
  /** Line of the value, or of the table that lacks it; counted from 1. */
  readonly line: number;
  /** Character in the line, counted from 1, where the format has columns. */
  readonly column?: number;
  /** Keys and indices as written in the file, e.g. `grids[0].controllers[1].failover_order`; "" is the whole file. */
  readonly path: string;
  readonly found: string;
  /** What may stand there, and where there is a likely intention, that one. */
  readonly allowed: string;
}

/** Keys and array indices from the root of a file to a value. */
export type ConfigPath = readonly (string | number)[];

/** Adds a problem of the file that is being checked. */
export type Report = (path: ConfigPath, found: string, allowed: string) => void;

/** `["grids", 0, "power"]` as `grids[0].power`. */
export function pathText(path: ConfigPath): string {
  return path.reduce<string>((text, key) => {
    if (typeof key === "number") return `${text}[${key}]`;
    return text === "" ? key : `${text}.${key}`;
  }, "");
}

/** A value as it reads in a message: short, strings in quotes. */
export function foundText(value: unknown): string {
  if (value === undefined) return "nothing";
  if (Array.isArray(value)) return value.length === 0 ? "an empty list" : "a list";
  if (value instanceof Date) return "a date";
  if (typeof value === "object" && value !== null) return "a table";
  const text = typeof value === "string" ? JSON.stringify(value) : `${value as number | boolean}`;
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}

/** All problems, one per line, in the order of the files; the first line says how many. */
export function problemsText(problems: readonly ConfigProblem[]): string {
  const sorted = [...problems].sort((a, b) =>
    a.file === b.file ? a.line - b.line : a.file < b.file ? -1 : 1,
  );
  const count = sorted.length === 1 ? "1 problem" : `${sorted.length} problems`;
  return [`${count} in the configuration:`, ...sorted.map((p) => `  ${problemText(p)}`)].join("\n");
}

/** One problem as `file:line: path: found …; allowed: …`. */
export function problemText(problem: ConfigProblem): string {
  const path = problem.path === "" ? "" : ` ${problem.path}:`;
  const column = problem.column === undefined ? "" : `${problem.column}:`;
  return `${problem.file}:${problem.line}:${column}${path} found ${problem.found}; allowed: ${problem.allowed}`;
}
