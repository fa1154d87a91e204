// Writes the page on the statecharts of devices and grids. Run: npx tsx scripts/generate-machine-docs.ts
import { writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { machinePage } from "./machine-page.ts";

const path = "docs/01-core-functionality/machines.md";

writeFileSync(join(dirname(dirname(fileURLToPath(import.meta.url))), path), machinePage());
process.stdout.write(`${path}\n`);
