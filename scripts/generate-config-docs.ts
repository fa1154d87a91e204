// Writes the reference page of the manifest, a page for each profile and the JSON Schemas for editors from the schemas. Run: npx tsx scripts/generate-config-docs.ts
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { loadProfiles } from "../configs/load-profile.ts";
import { profilePages } from "../configs/profile-page.ts";
import { configPages } from "../configs/reference.ts";

const root = dirname(dirname(fileURLToPath(import.meta.url)));

for (const { path, text } of [...configPages(), ...profilePages([...loadProfiles().values()])]) {
  const file = join(root, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  process.stdout.write(`${path}\n`);
}
