import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { RemsError } from "../../kernel/errors.ts";

/** Root of the project: the folder that holds `package.json`, from the source or from what was compiled into `dist/`. */
export function findProjectDirectory(): string {
  let directory = dirname(fileURLToPath(import.meta.url));
  for (let depth = 0; depth < 6; depth++) {
    if (existsSync(join(directory, "package.json"))) return directory;
    directory = dirname(directory);
  }
  throw new RemsError("REMS_PROGRAM_FAILED", "the launcher does not stand in its project any more");
}

/** A compiled program, such as `apps/r-emsd/main`. @throws {@link RemsError} `REMS_PROGRAM_MISSING` with the remedy. */
export function compiledProgram(projectDirectory: string, name: string): string {
  const path = join(projectDirectory, "dist", `${name}.js`);
  if (existsSync(path)) return path;
  throw new RemsError(
    "REMS_PROGRAM_MISSING",
    `${path} is not built: run "npm start", or "npm ci && npm run build"`,
  );
}
