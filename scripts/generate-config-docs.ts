// Writes the reference page of the manifest and the JSON Schemas for editors from the schemas. Run: npx tsx scripts/generate-config-docs.ts
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { configPages } from "../configs/reference.ts";

const root = dirname(dirname(fileURLToPath(import.meta.url)));

for (const { path, text } of configPages()) {
  const file = join(root, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  process.stdout.write(`${path}\n`);
}
