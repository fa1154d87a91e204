// `npm run chaos` and `npm run bench:failover`: prepares, provides what the program needs (a tool with `?` is one that it can do
// without), then runs a program of `test/`.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { provide } from "./debian-tools.mjs";
import { prepare, root } from "./prepare.mjs";

const [program = "", ...rest] = process.argv.slice(2);
const end = rest.indexOf("--args");
const tools = end < 0 ? rest : rest.slice(0, end);
const args = end < 0 ? [] : rest.slice(end + 1);

prepare();
provide(tools.filter((tool) => !tool.endsWith("?")));
for (const tool of tools.filter((name) => name.endsWith("?"))) {
  const script = join(root, "scripts", "debian-tools.mjs");
  const { status } = spawnSync(process.execPath, [script, tool.slice(0, -1)], { encoding: "utf8" });
  if (status !== 0)
    process.stderr.write(`${tool.slice(0, -1)} cannot be had here; it goes without.\n`);
}
const result = spawnSync(
  process.execPath,
  ["--import", "tsx", join(root, "test", program), ...args],
  { cwd: root, stdio: "inherit" },
);
process.exit(result.status ?? 1);
