import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parse } from "smol-toml";
import { expect, it } from "vitest";
import { type ConfigPath, pathText } from "./problem.ts";
import { lineOf, tomlLines } from "./toml-lines.ts";

const here = dirname(fileURLToPath(import.meta.url));

/** Every path of a parsed document. */
function pathsOf(value: unknown, path: ConfigPath = []): ConfigPath[] {
  if (typeof value !== "object" || value === null || value instanceof Date) return [path];
  const entries: [string | number, unknown][] = Array.isArray(value)
    ? value.map((inner, index) => [index, inner])
    : Object.entries(value);
  return [path, ...entries.flatMap(([key, inner]) => pathsOf(inner, [...path, key]))];
}

const TRICKY = `# a comment with [brackets] = "and quotes"
title = "a # that is no comment"
text = """
[no.table]
key = 1
""" # three quotes
raw = '''it's "raw" [x]'''
ends = """a quote""""
escaped = "a \\" quote ] } ="
a.b."c.d" = { x = 1, 'y z' = [ 1, { deep = [ 2,
  3 ] } ] }
when = 1979-05-27T07:32:00Z
[table.inner]
list = [ # comment ]
  "]", # ,
  [ ], {},
]
[[array]]
one = 1
[[array.sub]]
two = 2
[[array.sub]]
two = 3
[array.sub.table]
three = 3
[[array]]
one = 2
[[array.sub]]
two = 4
`;

it("finds the line of each value of a tricky text", () => {
  const lines = tomlLines(TRICKY);
  const missing = pathsOf(parse(TRICKY)).filter(
    (path) => path.length > 0 && !lines.has(pathText(path)),
  );
  expect(missing).toEqual([]);
  const wanted: [ConfigPath, text: string][] = [
    [["text"], `text = """`],
    [["raw"], "raw ="],
    [["escaped"], "escaped ="],
    [["a", "b", "c.d", "y z", 1, "deep", 1], "  3 ] } ] }"],
    [["when"], "when ="],
    [["table", "inner", "list", 0], `  "]", # ,`],
    [["table", "inner", "list", 2], "  [ ], {},"],
    [["array", 0, "sub", 1, "two"], "two = 3"],
    [["array", 0, "sub", 1, "table", "three"], "three = 3"],
    [["array", 1], "[[array]]\none = 2"],
    [["array", 1, "sub", 0, "two"], "two = 4"],
    [["array", 1, "sub", 0, "absent"], "[[array.sub]]\ntwo = 4"],
  ];
  for (const [path, text] of wanted) {
    const line = TRICKY.slice(0, TRICKY.indexOf(text)).split("\n").length;
    expect(lineOf(lines, path), pathText(path)).toBe(line);
  }
});

const files = [here, join(here, "profiles")].flatMap((directory) =>
  readdirSync(directory)
    .filter((name) => name.endsWith(".toml"))
    .map((name) => join(directory, name)),
);

it("finds a line with the key for every value of every shipped file", () => {
  expect(files.length).toBeGreaterThan(15);
  for (const file of files) {
    const text = readFileSync(file, "utf8");
    const textLines = text.split("\n");
    const lines = tomlLines(text);
    for (const path of pathsOf(parse(text))) {
      const key = path.at(-1);
      if (typeof key !== "string") continue;
      const line = lines.get(pathText(path));
      expect(textLines[(line ?? 0) - 1], `${file} ${pathText(path)}`).toContain(key);
    }
  }
});
