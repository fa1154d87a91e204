import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

/** Starts a compiled program of `apps/`; says what to do where it is not compiled yet. */
export async function launch(program) {
  const root = dirname(dirname(fileURLToPath(import.meta.url)));
  const main = join(root, "dist", "apps", program, "main.js");
  if (!existsSync(main)) {
    process.stderr.write(
      `${program} is not built yet: run "npm start" once, or "npm ci && npm run build", in ${root}\n`,
    );
    process.exit(2);
  }
  await import(pathToFileURL(main).href);
}
