import { ROUTES } from "../api/http/routes.ts";
import { shortName } from "./api-json-types.ts";
import type { ApiModel, FieldModel } from "./api-model.ts";

const HEAD = `---
ems_section: "05-networking-external-interfaces"
ems_subsection: "grpc-reference"
ems_type: "reference"
ems_scope: "proto/rems/v1"
ems_description: "Every service, method, message and field of the operator gRPC."
ems_version: "0.1.0"
ems_owner: "r-ems maintainers"
---

# Reference of the operator gRPC

Generated from \`proto/rems/v1\` by \`npx tsx scripts/generate-api-docs.ts\`; do not edit. A test fails while it is out of date. How to call it:
[operator API](operator-api.md); the same over HTTP: [HTTP](http.md).
`;

/** The page, as Markdown. */
export function referencePage(model: ApiModel): string {
  const services = model.services.flatMap(({ name, comment, methods }) => [
    `## ${name}\n\n${comment}\n`,
    table(
      ["method", "request", "response", "HTTP", "what it does"],
      methods.map((method) => [
        `\`${method.name}\``,
        linkTo(method.input),
        `${method.isStream ? "stream of " : ""}${linkTo(method.output)}`,
        ROUTES.filter(({ rpc }) => rpc === `${name}/${method.name}`)
          .map((route) => `\`${route.method} ${route.path}\``)
          .join(", ") || "–",
        method.comment,
      ]),
    ),
  ]);
  const messages = [...model.messages.values()]
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map(({ name, comment, fields }) =>
      [
        `### ${shortName(name)}\n`,
        ...(comment === "" ? [] : [`${comment}\n`]),
        fields.length === 0
          ? "No fields.\n"
          : table(
              ["field", "type", "meaning"],
              fields.map((field) => [`\`${field.name}\``, typeText(field), meaningOf(field)]),
            ),
      ].join("\n"),
    );
  const enums = [...model.enums.values()].map(({ name, comment, values }) =>
    [
      `### ${shortName(name)}\n`,
      ...(comment === "" ? [] : [`${comment}\n`]),
      table(
        ["value", "meaning"],
        values.map((value) => [`\`${value.name}\``, value.comment || "–"]),
      ),
    ].join("\n"),
  );
  return [HEAD, ...services, "## Messages\n", ...messages, "## Enumerations\n", ...enums].join(
    "\n",
  );
}

function typeText({ type, isRepeated, isMap, hasPresence }: FieldModel): string {
  const one = type.startsWith("rems.v1.") ? linkTo(type) : `\`${type}\``;
  if (isRepeated) return `list of ${one}`;
  if (isMap) return `map of ${one}`;
  return hasPresence && !type.startsWith("rems.v1.") ? `${one}, optional` : one;
}

function meaningOf({ comment, isRequired }: FieldModel): string {
  return [...(isRequired ? ["**Required.**"] : []), comment].join(" ") || "–";
}

function linkTo(type: string): string {
  const name = shortName(type);
  return `[${name}](#${name.toLowerCase()})`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return `${[line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n")}\n`;
}
