import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { compiledName, editsOf, patched, root } from "./apply-mutant.ts";
import { MUTANTS } from "./mutants.ts";
import { TEST_MUTANTS } from "./test-mutants.ts";

const ALL = [...MUTANTS, ...TEST_MUTANTS];

describe("mutants", () => {
  it("there are at least twenty, each with a name of its own, and some run in every test", () => {
    expect(MUTANTS.length).toBeGreaterThanOrEqual(20);
    expect(new Set(ALL.map(({ name }) => name)).size).toBe(ALL.length);
    expect(MUTANTS.filter(({ isSample }) => isSample === true).length).toBeGreaterThanOrEqual(5);
  });

  it.each(ALL)("$name applies exactly once to the code as compiled", (mutant) => {
    for (const edit of editsOf(mutant)) {
      const compiled = join(root, "dist", compiledName(edit));
      expect(existsSync(compiled), `${compiled}: run "npm run build" first`).toBe(true);
      const text = readFileSync(compiled, "utf8");
      expect(patched(text, mutant.name, edit)).not.toBe(text);
    }
  });

  it("one that no longer applies, or applies twice, is an error that names it", () => {
    const edit = { file: "a.ts", find: "b", replace: "c" };
    expect(() => patched("a", "m", edit)).toThrow(/mutant m: "b" occurs 0 times/);
    expect(() => patched("b b", "m", edit)).toThrow(/occurs 2 times/);
  });
});
