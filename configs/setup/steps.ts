import { allowedText, type FieldSchema, fieldSchema } from "../field-schema.ts";
import { manifestSchema } from "../manifest-schema.ts";
import type { ConfigProblem } from "../problem.ts";

export const STEP_IDS = [
  "installation",
  "mode",
  "nodes",
  "grids",
  "controllers",
  "devices",
  "timings",
  "review",
] as const;
export type StepId = (typeof STEP_IDS)[number];

/** One page of the wizard. */
export interface SetupStep {
  readonly id: StepId;
  readonly title: string;
  /** For the person who answers. */
  readonly explains: string;
  /** Paths of the manifest that it asks for, with `[]` for each entry of a list; the first ones matter most. */
  readonly fields: readonly string[];
  /** Further fields, with good defaults: behind "more" in a form. */
  readonly moreFields: readonly string[];
}

export const SETUP_STEPS: readonly SetupStep[] = [
  {
    id: "installation",
    title: "Installation",
    explains:
      "What this vessel or site is called. The id stands in records and cannot change later.",
    fields: ["installation.name", "installation.id", "installation.kind"],
    moreFields: [],
  },
  {
    id: "mode",
    title: "Mode",
    explains:
      "In simulation R-EMS talks only to devices that prove to be simulated. In production it begins by looking on: every grid starts in observe, where all is computed and explained and nothing is written.",
    fields: ["mode"],
    moreFields: ["insecure"],
  },
  {
    id: "nodes",
    title: "Nodes",
    explains:
      "The computers that run R-EMS. Two or more make control redundant; they agree through etcd, which needs three members, one of them on a further machine.",
    fields: ["nodes[].id", "nodes[].host", "coordinator.kind", "coordinator.endpoints"],
    moreFields: [
      "nodes[].peer_port",
      "nodes[].operator_port",
      "nodes[].http_port",
      "nodes[].modbus_port",
      "nodes[].data_directory",
    ],
  },
  {
    id: "grids",
    title: "Grids",
    explains:
      "A grid is a switchboard section with its own busbar. Name them in the order in which they lead where bus-ties join them.",
    fields: [
      "grids[].id",
      "grids[].name",
      "grids[].nominal_voltage_v",
      "grids[].nominal_frequency_hz",
    ],
    moreFields: [],
  },
  {
    id: "controllers",
    title: "Controllers",
    explains:
      "Who controls each grid: one primary, and standbys that take over in the order of their numbers.",
    fields: [
      "grids[].controllers[].node",
      "grids[].controllers[].role",
      "grids[].controllers[].failover_order",
      "grids[].control",
    ],
    moreFields: ["grids[].allow_stale_takeover", "grids[].failback", "grids[].failback_delay_s"],
  },
  {
    id: "devices",
    title: "Devices",
    explains:
      "What each grid has: where it answers, which profile it speaks by, and its nameplate. Scan a host for units, then read each device once before you go on.",
    fields: [
      "grids[].devices[].id",
      "grids[].devices[].name",
      "grids[].devices[].kind",
      "grids[].devices[].profile",
      "grids[].devices[].host",
      "grids[].devices[].port",
      "grids[].devices[].unit_id",
      "grids[].devices[].ratings.power_kw",
      "grids[].devices[].ratings.apparent_kva",
      "grids[].devices[].ratings.energy_kwh",
      "grids[].devices[].ratings.load_kw",
      "grids[].devices[].trip_stage",
      "ties[].id",
      "ties[].breakers",
    ],
    moreFields: [
      "grids[].devices[].ratings.minimum_load_pct",
      "grids[].devices[].ratings.droop_pct",
      "grids[].devices[].ratings.reserve_soc_pct",
      "grids[].devices[].transport",
      "grids[].devices[].serial",
      "grids[].devices[].control",
      "grids[].devices[].critical",
      "grids[].devices[].maintenance",
      "profile_directories",
    ],
  },
  {
    id: "timings",
    title: "Timings and limits",
    explains:
      "How fast a standby takes over, and when sets start and stop. The sets of times are consistent in themselves: change single values only with a reason.",
    fields: [
      "grids[].timing_set",
      "grids[].power.start_limit_pct",
      "grids[].power.start_delay_s",
      "grids[].power.stop_limit_pct",
      "grids[].power.stop_delay_s",
      "grids[].power.n1_required",
    ],
    moreFields: ["grids[].timings", "grids[].power", "logging", "history", "metrics"],
  },
  {
    id: "review",
    title: "Review and save",
    explains:
      "The whole manifest with everything that is still wrong. It is written only where nothing is.",
    fields: [],
    moreFields: [],
  },
];

export function isStepId(text: string): text is StepId {
  return STEP_IDS.some((id) => id === text);
}

/** Beginnings of paths and the step that answers for them, the narrow ones first. */
const PLACES: readonly (readonly [RegExp, StepId])[] = [
  [/^installation\b/, "installation"],
  [/^(mode|insecure)\b/, "mode"],
  [/^(nodes|coordinator)\b/, "nodes"],
  [/^grids\[\d+\]\.(controllers|control|allow_stale_takeover|failback\w*)\b/, "controllers"],
  [/^grids\[\d+\]\.devices\b|^ties\b|^profile_directories\b/, "devices"],
  [
    /^grids\[\d+\]\.(timing_set|timings|power)\b|^(logging|history|metrics|notifications|modbus_server)\b/,
    "timings",
  ],
  [/^grids\b/, "grids"],
];

/** The step in which a problem is mended. */
export function stepOf({ path }: Pick<ConfigProblem, "path">): StepId {
  return PLACES.find(([pattern]) => pattern.test(path))?.[1] ?? "review";
}

/** A field as a form shows it. */
export interface SetupField {
  readonly path: string;
  readonly meaning: string;
  /** What may stand there, in words. */
  readonly allowed: string;
  readonly type: "text" | "number" | "boolean" | "list" | "table";
  readonly choices: readonly (string | number)[];
  readonly unit: string;
  readonly min: number | null;
  readonly max: number | null;
  readonly defaultValue: unknown;
  /** Where the default depends on something else, in words. */
  readonly defaultText: string;
  /** Kinds of device that it means something for; empty: for all. */
  readonly kinds: readonly string[];
  readonly isRequired: boolean;
  readonly isMore: boolean;
}

/** The fields of a step with all that a form needs, from the manifest's schema. */
export function fieldsOf(step: SetupStep): SetupField[] {
  const shape = fieldSchema(manifestSchema);
  const all = (paths: readonly string[], isMore: boolean): SetupField[] =>
    paths.flatMap((path) => {
      const found = fieldAt(shape, path);
      return found === null ? [] : [toField(path, found.schema, found.isRequired, isMore)];
    });
  return [...all(step.fields, false), ...all(step.moreFields, true)];
}

function fieldAt(
  shape: FieldSchema,
  path: string,
): { readonly schema: FieldSchema; readonly isRequired: boolean } | null {
  let schema: FieldSchema | undefined = shape;
  let isRequired = false;
  for (const part of path.split(".")) {
    const key = part.replace("[]", "");
    isRequired = schema?.required?.includes(key) ?? false;
    schema = schema?.properties?.[key];
    if (part.endsWith("[]")) schema = schema?.items;
    if (schema === undefined) return null;
  }
  return { schema, isRequired };
}

function toField(
  path: string,
  schema: FieldSchema,
  isRequired: boolean,
  isMore: boolean,
): SetupField {
  const choices = choicesOf(schema);
  const bound = (value: number | undefined): number | null =>
    value === undefined || Math.abs(value) === Number.MAX_SAFE_INTEGER ? null : value;
  return {
    path,
    meaning: schema.description ?? "",
    allowed: allowedText(schema),
    type: typeOf(schema, choices),
    choices,
    unit: schema.unit ?? "",
    min: bound(schema.minimum ?? schema.exclusiveMinimum),
    max: bound(schema.maximum),
    defaultValue: schema.default ?? null,
    defaultText: schema.defaultText ?? "",
    kinds: schema.kinds ?? [],
    isRequired: isRequired && schema.default === undefined,
    isMore,
  };
}

function choicesOf(schema: FieldSchema): (string | number)[] {
  const all = schema.enum ?? schema.anyOf?.map((one) => one.const) ?? [];
  return all.filter((one) => typeof one === "string" || typeof one === "number");
}

function typeOf(schema: FieldSchema, choices: readonly (string | number)[]): SetupField["type"] {
  if (typeof choices[0] === "number") return "number";
  switch (schema.type) {
    case "boolean":
      return "boolean";
    case "integer":
    case "number":
      return "number";
    case "array":
      return "list";
    case "object":
      return "table";
    default:
      return "text";
  }
}
