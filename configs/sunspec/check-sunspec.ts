import { DEVICE_KINDS, type KindSpec, type PointSpec } from "../../kernel/device-kinds.ts";
import type { ConfigPath, Report } from "../problem.ts";
import type { ProfileFile } from "../profile-schema.ts";
import { closest } from "../spelling.ts";
import {
  type PlacedModel,
  registerTypeOf,
  sunspecUnitFactor,
  symbolValue,
  writeWithOf,
} from "./layout.ts";
import { sunspecModel, type SunspecPoint } from "./model-table.ts";
import { placePoints, type PlacedPoint } from "./place-points.ts";
import type { SunspecFile } from "./sunspec-schema.ts";
import { pointNeedOf } from "./to-needs.ts";

type PointFile = SunspecFile["points"][number];

/** Checks that the models of the table have what a profile needs of them, in every alternative. */
export function checkSunspec(profile: ProfileFile, report: Report): void {
  const { sunspec } = profile;
  if (profile.family !== "sunspec") {
    if (sunspec) report(["sunspec"], "a table", `none: the family is "${profile.family}"`);
    if (profile.points.length === 0 && profile.family === "modbus")
      report(["points"], "an empty list", "a list of 1 to 500 entries");
    return;
  }
  if (profile.points.length > 0 || profile.commands.length > 0) {
    const key = profile.points.length > 0 ? "points" : "commands";
    report([key], "a list", `none: points and commands of a SunSpec device stand in [sunspec]`);
  }
  if (profile.epoch_register) {
    report(["epoch_register"], "a table", "none: SunSpec has no register for it");
  }
  if (sunspec === undefined) {
    report(["sunspec"], "nothing", "a table with `models` and `points`");
    return;
  }
  const models = checkModels(sunspec, report);
  const kind = DEVICE_KINDS[profile.kind];
  sunspec.points.forEach((point, index) =>
    checkPoint(point, ["sunspec", "points", index], models, kind, report),
  );
  sunspec.commands.forEach((command, index) => {
    const path = ["sunspec", "commands", index];
    for (const placed of findPoint(command, path, models, report)) {
      if (!placed.point.isWritable)
        report([...path, "name"], command.name, "a point that can be written");
      if (typeof command.value === "string")
        checkSymbol(command.value, [...path, "value"], placed.point, report);
    }
  });
}

/** The alternatives of each list by its first model. */
type Models = ReadonlyMap<number, readonly PlacedModel[]>;

function checkModels(sunspec: SunspecFile, report: Report): Models {
  const models = new Map<number, readonly PlacedModel[]>();
  const seen = new Set<number>();
  sunspec.models.forEach((alternatives, index) => {
    const placed: PlacedModel[] = [];
    alternatives.forEach((id, place) => {
      const path = ["sunspec", "models", index, place];
      const model = sunspecModel(id);
      if (model === null) report(path, String(id), "a public SunSpec model");
      else {
        const points = placePoints(model, 2000, () => 8);
        placed.push({ id, address: 0, points: new Map(points.map((one) => [one.path, one])) });
      }
      if (seen.has(id)) report(path, `${id} again`, "each model once");
      seen.add(id);
    });
    models.set(alternatives[0] ?? 0, placed);
  });
  return models;
}

function checkPoint(
  need: PointFile,
  path: ConfigPath,
  models: Models,
  kind: KindSpec,
  report: Report,
): void {
  const spec = Object.hasOwn(kind.points, need.point) ? kind.points[need.point] : undefined;
  for (const [model, placed] of findPlaces(need, path, models, report)) {
    const { point } = placed;
    const where = `${model.id} ${need.name}`;
    if (need.constant !== undefined) continue;
    if (registerTypeOf(point.type) === null) {
      report([...path, "name"], `${where} of type ${point.type}`, "a point of at most 32 bits");
    }
    if (need.access === "readWrite" && !point.isWritable) {
      report([...path, "access"], '"readWrite"', `"read": ${where} cannot be written`);
    }
    if (spec !== undefined) checkMeaning(need, path, point, spec, where, report);
    if (Object.keys(need.with).length > 0) checkWith(need, path, model, placed, report);
  }
}

function checkMeaning(
  need: PointFile,
  path: ConfigPath,
  point: SunspecPoint,
  spec: PointSpec,
  where: string,
  report: Report,
): void {
  if (spec.type === "number" && sunspecUnitFactor(point.unit, spec.unit) === null) {
    const unit = point.unit === "" ? "no unit" : `unit ${point.unit}`;
    report([...path, "name"], `${where} with ${unit}`, `a point with a unit for ${spec.unit}`);
  }
  if (spec.type === "boolean" && need.true_symbols === undefined) {
    report([...path, "true_symbols"], "nothing", "names of values or bits that mean true");
  }
  for (const symbol of need.true_symbols ?? []) {
    checkSymbol(symbol, [...path, "true_symbols"], point, report);
  }
  if (spec.type === "label" && need.labels === undefined) {
    report([...path, "labels"], "nothing", "a table from names of values to labels");
  }
  for (const symbol of Object.keys(need.labels ?? {})) {
    checkSymbol(symbol, [...path, "labels"], point, report);
  }
}

function checkSymbol(symbol: string, path: ConfigPath, point: SunspecPoint, report: Report): void {
  if (symbolValue(point, symbol) !== null) return;
  const known = [...point.symbols.values()];
  const suggestion = closest(symbol, known);
  const all = known.length === 0 ? `${point.name} has no names of values` : known.join(", ");
  report(
    path,
    JSON.stringify(symbol),
    suggestion === null ? all : `did you mean "${suggestion}"? ${all}`,
  );
}

function checkWith(
  need: PointFile,
  path: ConfigPath,
  model: PlacedModel,
  placed: PlacedPoint,
  report: Report,
): void {
  if (need.access !== "readWrite") {
    report([...path, "with"], "a table", 'none: the point is not "readWrite"');
  }
  for (const name of Object.keys(need.with)) {
    const neighbour = model.points.get(name);
    if (neighbour?.point.isWritable === true) continue;
    const found =
      neighbour === undefined ? `no ${name} in model ${model.id}` : `${name}, which is read only`;
    report([...path, "with", name], found, "writable points of the same model");
    return;
  }
  if (writeWithOf(pointNeedOf(need), model, placed, () => 0) === null) {
    const found = Object.entries(need.with)
      .map(([name, value]) => `${name} = ${JSON.stringify(value)}`)
      .join(", ");
    const allowed = `points that lie beside ${need.name} without a gap, each with a number or the name of a value`;
    report([...path, "with"], found, allowed);
  }
}

function findPoint(
  need: { readonly model: number; readonly name: string },
  path: ConfigPath,
  models: Models,
  report: Report,
): readonly PlacedPoint[] {
  return findPlaces(need, path, models, report).map(([, placed]) => placed);
}

/** The point in every model that may be the one. */
function findPlaces(
  need: { readonly model: number; readonly name: string },
  path: ConfigPath,
  models: Models,
  report: Report,
): (readonly [PlacedModel, PlacedPoint])[] {
  const alternatives = models.get(need.model);
  if (alternatives === undefined) {
    const heads = [...models.keys()].join(", ");
    report(
      [...path, "model"],
      String(need.model),
      `the first model of a list in sunspec.models: ${heads}`,
    );
    return [];
  }
  return alternatives.flatMap((model) => {
    const placed = model.points.get(need.name);
    if (placed !== undefined) return [[model, placed] as const];
    const suggestion = closest(need.name, [...model.points.keys()]);
    const hint = suggestion === null ? "" : `; did you mean ${suggestion}?`;
    report(
      [...path, "name"],
      `no ${need.name} in model ${model.id}`,
      `a point of that model${hint}`,
    );
    return [];
  });
}
