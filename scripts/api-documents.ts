import { referencePage } from "./api-reference.ts";
import { jsonTypes } from "./api-json-types.ts";
import { readApiModel } from "./api-model.ts";
import { openApi } from "./openapi.ts";

/** Every file that is made from the protos and the table of routes, by path. */
export function apiDocuments(): ReadonlyMap<string, string> {
  const model = readApiModel();
  return new Map([
    ["proto/generated/rems-v1-json.ts", jsonTypes(model)],
    ["docs/05-networking/openapi.json", `${JSON.stringify(openApi(model), null, 1)}\n`],
    ["docs/05-networking/grpc-reference.md", referencePage(model)],
  ]);
}
