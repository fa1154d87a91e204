import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { RemsError } from "../../kernel/errors.ts";
import type { Edit, Mutant } from "./mutants.ts";

export const root = fileURLToPath(new URL("../..", import.meta.url));
export const cache = join(root, ".cache", "mutants");

/** What the world is made of. */
export const FOLDERS = [
  "kernel",
  "configs",
  "energy",
  "actors",
  "cluster",
  "scan",
  "proto",
  "drivers",
  "history",
  "sim",
];

/** What it reads besides. */
const DATA = ["configs/vessel.toml", "configs/profiles", "sim/plants"];

/**
 * The compiled text with the defect in it.
 * @throws {@link RemsError} `REMS_CONFIG_INVALID` if the text to replace does not occur exactly once.
 */
export function patched(text: string, name: string, { file, find, replace }: Edit): string {
  const parts = text.split(find);
  if (parts.length === 2) return parts.join(replace);
  throw new RemsError(
    "REMS_CONFIG_INVALID",
    `mutant ${name}: "${find}" occurs ${parts.length - 1} times in what was compiled from ${file}; it must occur once`,
  );
}

/** Copies the compiled code to `.cache/mutants/<name>`, with the defect; returns that folder. */
export function applyMutant(mutant: Mutant): string {
  const folder = join(cache, mutant.name);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const name of FOLDERS) {
    cpSync(join(root, "dist", name), join(folder, name), {
      recursive: true,
      filter: (path) => !path.endsWith(".map") && !path.endsWith(".d.ts"),
    });
  }
  for (const name of DATA) cpSync(join(root, name), join(folder, name), { recursive: true });
  for (const edit of editsOf(mutant)) {
    const compiled = join(folder, compiledName(edit));
    writeFileSync(compiled, patched(readFileSync(compiled, "utf8"), mutant.name, edit));
  }
  return folder;
}

export const editsOf = (mutant: Mutant): readonly Edit[] =>
  mutant.also === undefined ? [mutant] : [mutant, mutant.also];

/** Of the compiled file that an edit changes, below `dist/`. */
export const compiledName = ({ file }: Edit): string => file.replace(/\.ts$/, ".js");
