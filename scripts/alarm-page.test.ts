import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { alarmPage } from "./alarm-page.ts";

const root = dirname(dirname(fileURLToPath(import.meta.url)));

it("the page on alarms is as committed; else run npx tsx scripts/generate-alarm-docs.ts", () => {
  const committed = readFileSync(join(root, "docs", "07-resilience", "alarms.md"), "utf8");
  expect(committed).toBe(alarmPage());
});
