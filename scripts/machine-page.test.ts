import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { machinePage } from "./machine-page.ts";

const root = dirname(dirname(fileURLToPath(import.meta.url)));

describe("the page on machines", () => {
  it("is as committed; else run npx tsx scripts/generate-machine-docs.ts", () => {
    const committed = readFileSync(
      join(root, "docs", "01-core-functionality", "machines.md"),
      "utf8",
    );
    expect(committed).toBe(machinePage());
  });
});
