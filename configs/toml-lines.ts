import { type ConfigPath, pathText } from "./problem.ts";

/** Line of each table, key and array element of a TOML text, by {@link pathText}. */
export type TomlLines = ReadonlyMap<string, number>;

/**
 * Finds where each value of a TOML text stands.
 *
 * @param toml - A text that the TOML parser has accepted: this scan follows keys and brackets and checks nothing.
 */
export function tomlLines(toml: string): TomlLines {
  const scan: Scan = { toml, at: 0, lines: new Map(), line: 1, lineAt: 0, lastIndices: new Map() };
  let table: ConfigPath = [];
  for (skipBlank(scan); scan.at < toml.length; skipBlank(scan)) {
    if (toml[scan.at] === "[") table = readHeader(scan);
    else readKeyValue(scan, table);
  }
  return scan.lines;
}

/** Line of a value; of the nearest table around it where it is absent. */
export function lineOf(lines: TomlLines, path: ConfigPath): number {
  for (let depth = path.length; depth > 0; depth--) {
    const line = lines.get(pathText(path.slice(0, depth)));
    if (line !== undefined) return line;
  }
  return 1;
}

interface Scan {
  readonly toml: string;
  at: number;
  readonly lines: Map<string, number>;
  /** Line of `lineAt`, so that the text is walked once. */
  line: number;
  lineAt: number;
  /** Index of the newest element of each array of tables. */
  readonly lastIndices: Map<string, number>;
}

function note(scan: Scan, path: ConfigPath): void {
  for (; scan.lineAt < scan.at; scan.lineAt++) {
    if (scan.toml[scan.lineAt] === "\n") scan.line++;
  }
  const text = pathText(path);
  if (!scan.lines.has(text)) scan.lines.set(text, scan.line);
}

/** Skips spaces, line ends, comments and the commas between elements. */
function skipBlank(scan: Scan): void {
  for (; scan.at < scan.toml.length; scan.at++) {
    const character = scan.toml[scan.at];
    if (character === "#") {
      const end = scan.toml.indexOf("\n", scan.at);
      scan.at = end < 0 ? scan.toml.length : end;
    } else if (!/[\s,\uFEFF]/.test(character ?? "")) return;
  }
}

function readHeader(scan: Scan): ConfigPath {
  const start = scan.at;
  const isArray = scan.toml.startsWith("[[", start);
  scan.at += isArray ? 2 : 1;
  const keys = readKeys(scan);
  scan.at += isArray ? 2 : 1;
  const end = scan.at;
  let path: ConfigPath = [];
  keys.forEach((key, index) => {
    path = [...path, key];
    const text = pathText(path);
    const lastIndex = scan.lastIndices.get(text);
    if (isArray && index === keys.length - 1) {
      const next = (lastIndex ?? -1) + 1;
      scan.lastIndices.set(text, next);
      scan.at = start;
      note(scan, path);
      path = [...path, next];
    } else if (lastIndex !== undefined) path = [...path, lastIndex];
    scan.at = start;
    note(scan, path);
    scan.at = end;
  });
  return path;
}

/** Reads `a."b".c` up to the character that ends it, blanks after it included. */
function readKeys(scan: Scan): string[] {
  const keys: string[] = [];
  while (scan.at < scan.toml.length) {
    skipSpaces(scan);
    const quote = scan.toml[scan.at];
    const start = scan.at;
    if (quote === '"' || quote === "'") {
      skipString(scan);
      keys.push(scan.toml.slice(start + 1, scan.at - 1));
    } else {
      while (/[A-Za-z0-9_-]/.test(scan.toml[scan.at] ?? "")) scan.at++;
      keys.push(scan.toml.slice(start, scan.at));
    }
    skipSpaces(scan);
    if (scan.toml[scan.at] !== ".") return keys;
    scan.at++;
  }
  return keys;
}

function skipSpaces(scan: Scan): void {
  while (scan.toml[scan.at] === " " || scan.toml[scan.at] === "\t") scan.at++;
}

function readKeyValue(scan: Scan, table: ConfigPath): void {
  const start = scan.at;
  const keys = readKeys(scan);
  const end = scan.at;
  scan.at = start;
  for (let count = 1; count <= keys.length; count++)
    note(scan, [...table, ...keys.slice(0, count)]);
  // Past the "="; one character at least, so that the scan ends whatever it meets.
  scan.at = Math.max(end, start) + 1;
  skipSpaces(scan);
  readValue(scan, [...table, ...keys]);
}

function readValue(scan: Scan, path: ConfigPath): void {
  const first = scan.toml[scan.at];
  if (first === '"' || first === "'") skipString(scan);
  else if (first === "[")
    readElements(scan, "]", (index) => {
      note(scan, [...path, index]);
      readValue(scan, [...path, index]);
    });
  else if (first === "{") readElements(scan, "}", () => readKeyValue(scan, path));
  else while (scan.at < scan.toml.length && !/[\s,\]}#]/.test(scan.toml[scan.at] ?? "")) scan.at++;
}

function readElements(scan: Scan, close: "]" | "}", read: (index: number) => void): void {
  scan.at++;
  for (let index = 0; ; index++) {
    skipBlank(scan);
    if (scan.at >= scan.toml.length) return;
    if (scan.toml[scan.at] === close) {
      scan.at++;
      return;
    }
    const before = scan.at;
    read(index);
    if (scan.at === before) scan.at++;
  }
}

function skipString(scan: Scan): void {
  const quote = scan.toml[scan.at] ?? "";
  const isMultiline = scan.toml.startsWith(quote.repeat(3), scan.at);
  const end = isMultiline ? quote.repeat(3) : quote;
  scan.at += end.length;
  while (scan.at < scan.toml.length && !scan.toml.startsWith(end, scan.at)) {
    scan.at += quote === '"' && scan.toml[scan.at] === "\\" ? 2 : 1;
  }
  scan.at += end.length;
  // A multi-line string may end with up to two quotes of its own before the closing three.
  if (!isMultiline) return;
  while (scan.toml[scan.at] === quote) scan.at++;
}
