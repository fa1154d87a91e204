// Writes docs/07-resilience/alarms.md from the catalogue of alarms. Run: npx tsx scripts/generate-alarm-docs.ts
import { writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { alarmPage } from "./alarm-page.ts";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
writeFileSync(join(root, "docs", "07-resilience", "alarms.md"), alarmPage());
