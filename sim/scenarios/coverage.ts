import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "smol-toml";
import { z } from "zod";
import { RemsError } from "../../kernel/errors.ts";
import { sourceFolder, type ScenarioSpec } from "./scenario-file.ts";

/** One row of what power management does, and the words that the `covers` of scenarios have for it. */
export interface FunctionRow {
  readonly row: string;
  readonly functions: readonly string[];
}

const file = z.strictObject({
  rows: z.array(z.strictObject({ row: z.string(), functions: z.array(z.string()).min(1) })).min(1),
});

/** The rows of `functions.toml`. */
export function loadFunctions(folder = sourceFolder("sim/scenarios")): readonly FunctionRow[] {
  return file.parse(parse(readFileSync(join(folder, "functions.toml"), "utf8"))).rows;
}

/** @throws {@link RemsError} `REMS_CONFIG_INVALID` where a scenario covers what no row names. */
export function checkCovers(rows: readonly FunctionRow[], specs: readonly ScenarioSpec[]): void {
  const known = new Set(rows.flatMap(({ functions }) => functions));
  for (const { name, covers } of specs)
    for (const one of covers)
      if (!known.has(one))
        throw new RemsError(
          "REMS_CONFIG_INVALID",
          `scenario ${name} covers "${one}", which functions.toml does not name; it names ${[...known].join(", ")}`,
        );
}

/** Functions that no scenario tries. */
export function uncovered(
  rows: readonly FunctionRow[],
  specs: readonly ScenarioSpec[],
): readonly string[] {
  const tried = new Set(specs.flatMap(({ covers }) => covers));
  return rows.flatMap(({ functions }) => functions.filter((one) => !tried.has(one)));
}

/** What stands in the documentation: each function, and the scenarios that try it. */
export function coverageTable(
  rows: readonly FunctionRow[],
  specs: readonly ScenarioSpec[],
): string {
  const lines = rows.flatMap(({ row, functions }) =>
    functions.map((one, index) => {
      const names = specs
        .filter(({ covers, isVariant }) => !isVariant && covers.includes(one))
        .map(({ name }) => name);
      const tried = names.length === 0 ? "**none**" : names.map((name) => `\`${name}\``).join(", ");
      return `| ${index === 0 ? row : ""} | ${one} | ${tried} |`;
    }),
  );
  return ["| | function | scenarios that try it |", "|---|---|---|", ...lines].join("\n");
}

const BEGIN = "<!-- generated: npx tsx scripts/generate-scenario-docs.ts -->";
const END = "<!-- end of what is generated -->";

/** The page with its table made anew. */
export function withCoverage(page: string, table: string): string {
  const [before, after] = [page.split(BEGIN)[0] ?? "", page.split(END)[1] ?? ""];
  return `${before}${BEGIN}\n\n${table}\n\n${END}${after}`;
}
