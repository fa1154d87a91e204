import { z } from "zod";
import { DEVICE_KINDS, type DeviceKind } from "../../kernel/device-kinds.ts";
import { checkProfileText } from "../load-profile.ts";
import type { ConfigProblem } from "../problem.ts";
import { registerTypeOf, sunspecUnitFactor } from "../sunspec/layout.ts";
import { sunspecModel, sunspecModelIds, type SunspecPoint } from "../sunspec/model-table.ts";
import { placePoints } from "../sunspec/place-points.ts";
import { sunspecPointName } from "../sunspec/point-names.ts";
import type { CsvImport } from "./import-csv.ts";

/** What is read of a model definition as github.com/sunspec/models has them. */
const modelSchema = z.object({
  id: z.int(),
  group: z.object({ points: z.array(z.object({ name: z.string(), size: z.int().min(1) })) }),
});

/** Points of a kind that SunSpec names otherwise, by R-EMS's name of the SunSpec point. */
const KNOWN_AS: Readonly<Record<string, readonly string[]>> = {
  lineVoltageV: ["voltageV"],
  activePowerSetpointKw: ["powerSetpointKw", "powerReferenceKw"],
  activePowerMaxLimitPct: ["powerLimitPct"],
  reactivePowerSetpointKvar: ["reactiveReferenceKvar"],
  chargePowerMaxKw: ["chargeLimitKw"],
  dischargePowerMaxKw: ["dischargeLimitKw"],
  heartbeatCount: ["bmsHeartbeatCount"],
};

/**
 * Makes a SunSpec profile from the definition of a model (`model_<id>.json`): the numbers that the kind has are mapped, everything
 * else that the model offers stands there as comments, with R-EMS's names and the names of values.
 */
export function importSunspecModel(
  text: string,
  options: {
    readonly file: string;
    readonly id: string;
    readonly name: string;
    readonly kind: DeviceKind;
  },
): CsvImport {
  const failed = (path: string, found: string, allowed: string): CsvImport => {
    const problem: ConfigProblem = { file: options.file, line: 1, path, found, allowed };
    return { text: null, problems: [problem], remarks: [], open: [] };
  };
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    return failed("", `a text that is not JSON (${(error as SyntaxError).message})`, "JSON");
  }
  const parsed = modelSchema.safeParse(json);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const path = issue?.path.join(".") ?? "";
    return failed(path, issue?.message ?? "", "a model as github.com/sunspec/models defines them");
  }
  const { id, group } = parsed.data;
  const model = sunspecModel(id);
  if (model === null) {
    const ids = sunspecModelIds();
    const allowed = `one of the ${ids.length} public models; list the registers of a maker's own model as CSV and import that`;
    return failed("id", String(id), allowed);
  }
  const remarks: string[] = [];
  const known = model.group.points.map(({ name, size }) => `${name} ${size}`).join();
  if (known !== group.points.map(({ name, size }) => `${name} ${size}`).join()) {
    remarks.push(
      `the file has other points in model ${id} than R-EMS's table, which is used: another revision`,
    );
  }
  const draft = draftOf(id, options);
  const facts = `source = "x"\nsign_statement = "stand-in for a statement"\nmasters_max = 2\nslot_release_ms = 0\n`;
  const file = `${options.id}.toml`;
  const open = [
    ...checkProfileText(draft, file).problems,
    ...checkProfileText(facts + draft, file).problems,
  ];
  return { text: draft, problems: [], remarks, open };
}

function draftOf(
  id: number,
  options: {
    readonly file: string;
    readonly id: string;
    readonly name: string;
    readonly kind: DeviceKind;
  },
): string {
  const kind = DEVICE_KINDS[options.kind];
  const mapped: string[] = [];
  const rest: string[] = [];
  const taken = new Set<string>();
  const model = sunspecModel(id);
  for (const { path, point } of model === null ? [] : placePoints(model, 2000, () => 1)) {
    if (point.type === "sunssf" || point.type === "pad" || path === "ID" || path === "L") continue;
    const { name } = sunspecPointName(id, point);
    const target = [name, ...(KNOWN_AS[name] ?? [])].find((one) => Object.hasOwn(kind.points, one));
    const spec = target === undefined ? undefined : kind.points[target];
    const fits =
      target !== undefined &&
      spec?.type === "number" &&
      !taken.has(target) &&
      registerTypeOf(point.type) !== null &&
      sunspecUnitFactor(point.unit, spec.unit) !== null;
    if (!fits) {
      rest.push(commentOf(path, name, point));
      continue;
    }
    taken.add(target);
    const access = spec.direction === "level" ? ', access = "readWrite"' : "";
    const poll = spec.isRequired ? "" : ', poll = "slow"';
    mapped.push(
      `  { point = "${target}", model = ${id}, name = "${path}"${access}${poll} }, # check`,
    );
  }
  return [
    `# Made from ${options.file}: SunSpec model ${id}.`,
    "# State here, before any [table]: source, sign_statement, masters_max, slot_release_ms, and sync_check where it closes a breaker;",
    "# and at the end, where it takes commands or set-points, the table [fallback]: behaviour, reason, watchdog_ms.",
    `id = ${JSON.stringify(options.id)}`,
    `name = ${JSON.stringify(options.name)}`,
    `kind = "${options.kind}"`,
    'family = "sunspec"',
    "",
    "[sunspec]",
    `models = [[${id}]]`,
    "points = [",
    ...mapped,
    "]",
    "",
    "# What else the model has; switches and labels are made of names of values (true_symbols, labels):",
    ...rest,
    "",
  ].join("\n");
}

function commentOf(path: string, name: string, point: SunspecPoint): string {
  const symbols = [...point.symbols.values()].join(", ");
  const unit = point.unit === "" ? "" : ` ${point.unit}`;
  const access = point.isWritable ? ", writable" : "";
  return `#   ${path}: ${name}, ${point.type}${unit}${access}${symbols === "" ? "" : `: ${symbols}`}`;
}
