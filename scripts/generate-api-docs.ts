// Writes the reference page of the operator gRPC, the OpenAPI document of HTTP, and the types of its JSON. Run: npx tsx scripts/generate-api-docs.ts
import { writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { apiDocuments } from "./api-documents.ts";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
for (const [path, text] of apiDocuments()) {
  writeFileSync(join(root, path), text);
  process.stdout.write(`${path}\n`);
}
