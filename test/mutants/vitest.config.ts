import { readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { defineConfig } from "vitest/config";
import { compiledName, editsOf, patched, root } from "./apply-mutant.ts";
import { MUTANTS } from "./mutants.ts";
import { TEST_MUTANTS } from "./test-mutants.ts";

/** Unit tests against one mutant, which `R_EMS_MUTANT` names: the code that it changes is what was compiled, with the defect. */

const name = process.env["R_EMS_MUTANT"] ?? "";
const mutant = [...MUTANTS, ...TEST_MUTANTS].find((one) => one.name === name);
const edits = mutant === undefined ? [] : editsOf(mutant);

export default defineConfig({
  plugins: [
    {
      name: "mutant",
      enforce: "pre",
      load(id: string) {
        const own = edits.filter(({ file }) => id === join(root, file));
        const [first] = own;
        if (first === undefined) return null;
        const compiled = readFileSync(join(root, "dist", compiledName(first)), "utf8");
        return own
          .reduce((text, edit) => patched(text, name, edit), compiled)
          .replaceAll(/from "(\.[^"]+)\.js"/g, 'from "$1.ts"')
          .replace(/^\/\/# sourceMappingURL=.*$/m, "");
      },
    },
  ],
  test: { include: ["**/*.test.ts"], exclude: ["node_modules/**", "dist/**", ".cache/**"] },
});
