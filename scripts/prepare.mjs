// Installs and builds what is missing, and only then. Plain JavaScript: it runs before anything is installed.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Ends the program with one message that says what is wrong and what to do. */
export function fail(message) {
  process.stderr.write(`${message}\n`);
  process.exit(2);
}

function requireNode() {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  const isSupported = (major === 20 && minor >= 19) || (major === 22 && minor >= 12) || major >= 24;
  if (!isSupported) {
    fail(`R-EMS needs Node 20.19 or later, 22.12 or later, or 24; found ${process.versions.node}.`);
  }
}

function run(what, command, args) {
  // npm is a script on Windows and needs a shell there.
  const result = spawnSync(command, args, {
    cwd: root,
    stdio: ["ignore", process.stderr, process.stderr],
    shell: process.platform === "win32",
  });
  if (result.error) fail(`${what} could not start: ${result.error.message}`);
  if (result.status !== 0)
    fail(`${what} failed (exit code ${result.status}); its messages stand above.`);
}

/** Installs packages if the lock file changed since the last installation, then compiles what changed. */
export function prepare() {
  requireNode();
  const lock = createHash("sha256")
    .update(readFileSync(join(root, "package-lock.json")))
    .digest("hex");
  const stamp = join(root, "node_modules", ".r-ems-installed");
  if (!existsSync(stamp) || readFileSync(stamp, "utf8") !== lock) {
    process.stderr.write("Installing packages (once, about half a minute) ...\n");
    run("npm ci", "npm", ["ci", "--no-audit", "--no-fund", "--loglevel=error"]);
    writeFileSync(stamp, lock);
  }
  const isFirst = !existsSync(join(root, "dist"));
  if (isFirst) process.stderr.write("Compiling (once, a few seconds) ...\n");
  run("The compiler", process.execPath, [
    join(root, "node_modules", "typescript", "bin", "tsc"),
    "-b",
  ]);
  buildWeb(lock);
}

/** Bundles the web application where one of its sources, or a package, is another than at the last time: about two seconds. */
function buildWeb(lock) {
  const folder = join(root, "apps", "web");
  const built = createHash("sha256").update(lock);
  const names = readdirSync(folder, { recursive: true }).map(String);
  for (const name of names.toSorted((a, b) => (a < b ? -1 : 1))) {
    const path = join(folder, name);
    if (statSync(path).isFile()) built.update(`${name}\0`).update(readFileSync(path));
  }
  const digest = built.digest("hex");
  const stamp = join(root, "dist", "web", "built");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === digest) return;
  const vite = join(root, "node_modules", "vite", "bin", "vite.js");
  run("The bundler", process.execPath, [vite, "build", folder, "--logLevel", "warn"]);
  writeFileSync(stamp, digest);
}
