import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { apiDocuments } from "./api-documents.ts";

const root = dirname(dirname(fileURLToPath(import.meta.url)));

it("reference page, OpenAPI document and types of the JSON are up to date", () => {
  const stale = [...apiDocuments()].filter(
    ([path, text]) => readFileSync(join(root, path), "utf8") !== text,
  );
  expect(
    stale.map(([path]) => path),
    "run: npx tsx scripts/generate-api-docs.ts",
  ).toEqual([]);
});
