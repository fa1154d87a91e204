import { allowedText, type FieldSchema, fieldSchema } from "./field-schema.ts";
import { manifestSchema } from "./manifest-schema.ts";
import { profileSchema } from "./profile-schema.ts";
import { TIMING_SETS } from "../kernel/timings.ts";

/** A generated file, and where it belongs in the repository. */
export interface ConfigPage {
  readonly path: string;
  readonly text: string;
}

/** Everything that is generated from the schemas of configuration files. A test compares it with what is committed. */
export function configPages(): ConfigPage[] {
  const manifest = fieldSchema(manifestSchema);
  const profile = fieldSchema(profileSchema);
  return [
    { path: "docs/04-configuration/manifest.md", text: manifestPage(manifest, profile) },
    { path: "configs/schema/r-ems.schema.json", text: schemaText(manifest, "R-EMS manifest") },
    {
      path: "configs/schema/profile.schema.json",
      text: schemaText(profile, "R-EMS device profile"),
    },
  ];
}

function schemaText(shape: FieldSchema, title: string): string {
  return `${JSON.stringify({ title, ...shape }, null, 2)}\n`;
}

function manifestPage(manifest: FieldSchema, profile: FieldSchema): string {
  const sets = Object.keys(TIMING_SETS.default).map((timing) => {
    const key = timing as keyof typeof TIMING_SETS.default;
    const name = timing.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    const values = [TIMING_SETS.fast, TIMING_SETS.default, TIMING_SETS.relaxed].map((t) => t[key]);
    return `| \`${name}\` | ${values.join(" | ")} |`;
  });
  return [
    FRONT_MATTER,
    INTRODUCTION,
    ...tables(manifest, "The file"),
    "## Timing sets, milliseconds\n",
    "| timing | fast | default | relaxed |\n|---|---|---|---|",
    ...sets,
    "",
    PROFILES,
    ...tables(profile, "A profile"),
  ]
    .join("\n")
    .replace(/\n+$/, "\n");
}

const FRONT_MATTER = `---
ems_section: "04-configuration-orchestration"
ems_subsection: "manifest"
ems_type: "reference"
ems_scope: "configs"
ems_description: "Every field of the manifest and of device profiles: meaning, unit, range, default."
ems_version: "0.1.0"
ems_owner: "r-ems maintainers"
---
`;

const INTRODUCTION = `# The manifest

One TOML file describes an installation. It is found at \`--config\`, else at \`$R_EMS_CONFIG_ROOT/r-ems.toml\`, else at
\`/etc/r-ems/r-ems.toml\`. Unknown keys are errors. All errors are shown at once, each with its line. Power is positive out of a
source into the busbar; loads are positive where they draw.

Generated from the schema by \`npx tsx scripts/generate-config-docs.ts\`; do not edit. The same schema for editors:
\`configs/schema/r-ems.schema.json\`, named in the first line of the shipped files.
`;

const PROFILES = `# Device profiles

A profile maps the registers of one type of device to the points and commands of its kind. Those that come with R-EMS stand in
\`configs/profiles/\`; a manifest names directories with further ones in \`profile_directories\`.
`;

/** One table of fields for each table of the file, parents first. */
function tables(shape: FieldSchema, title: string, name = ""): string[] {
  const properties = Object.entries(shape.properties ?? {});
  const rows = properties.map(([key, field]) => row(key, field, shape.required ?? []));
  const own = [
    `## ${title}\n`,
    ...(name === "" || shape.description === undefined ? [] : [`${shape.description}\n`]),
    "| field | meaning | unit | range | default |\n|---|---|---|---|---|",
    ...rows,
    "",
  ];
  const inner = properties.flatMap(([key, field]) => {
    const path = name === "" ? key : `${name}.${key}`;
    if (field.properties) return tables(field, `\`[${path}]\``, path);
    const { items } = field;
    if (!items?.properties) return [];
    const description = field.description ?? "";
    return tables({ ...items, description }, `\`[[${path}]]\``, path);
  });
  return [...own, ...inner];
}

function row(key: string, field: FieldSchema, required: readonly string[]): string {
  const cells = [
    `\`${key}\``,
    field.description ?? "",
    field.unit ?? "",
    field.properties ? "a table, see below" : allowedText(field),
    required.includes(key) ? "required" : defaultOf(field),
  ];
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
}

function defaultOf(field: FieldSchema): string {
  if (field.defaultText !== undefined) return field.defaultText;
  if (field.default === undefined) return "none";
  return field.properties ? "each field's own" : `\`${JSON.stringify(field.default)}\``;
}
