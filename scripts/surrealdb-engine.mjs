// Puts the embedded engine of SurrealDB (154 MB) into `.cache/surrealdb`, for the test of its adapter alone. Its client is the project's.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { fail, root } from "./prepare.mjs";

const VERSION = "3.0.3";
const folder = join(root, ".cache", "surrealdb");

/** Costs nothing where it is there already. */
export function provideSurrealEngine() {
  if (existsSync(join(folder, "node_modules", "@surrealdb", "node", "package.json"))) return;
  process.stderr.write("Fetching the embedded engine of SurrealDB (once, 154 MB) ...\n");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "package.json"), '{ "private": true }\n');
  // Without its peers: the client that it belongs to is found in the project.
  const result = spawnSync(
    "npm",
    [
      "install",
      `@surrealdb/node@${VERSION}`,
      "--save-exact",
      "--omit=peer",
      "--legacy-peer-deps",
    ].concat(["--no-audit", "--no-fund", "--loglevel=error"]),
    { cwd: folder, encoding: "utf8", shell: process.platform === "win32" },
  );
  if (result.status !== 0) fail(`npm install @surrealdb/node@${VERSION} failed: ${result.stderr}`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) provideSurrealEngine();
