import { DEVICE_KINDS, type KindSpec, type PointSpec } from "../kernel/device-kinds.ts";
import { checkRegisters } from "./check-registers.ts";
import { checkMqtt } from "./mqtt/check-mqtt.ts";
import { mqttLaidOut } from "./mqtt/to-mqtt.ts";
import type { ConfigPath, ConfigProblem, Report } from "./problem.ts";
import type { ProfileFile } from "./profile-schema.ts";
import type { RegisterType } from "./profile.ts";
import { closest } from "./spelling.ts";
import { checkSunspec } from "./sunspec/check-sunspec.ts";
import { laidOut } from "./sunspec/laid-out.ts";

/** Commands that a stop of R-EMS never gives. */
const MOVING: ReadonlySet<string> = new Set(["start", "stop", "syncAndClose", "open", "close"]);

type PointFile = ProfileFile["points"][number];

/** Raw values that a register type holds. */
const RAW_RANGES: Readonly<Record<Exclude<RegisterType, "bit">, readonly [number, number]>> = {
  int16: [-32768, 32767],
  uint16: [0, 65535],
  int32: [-2147483648, 2147483647],
  uint32: [0, 4294967295],
  float32: [-3.4e38, 3.4e38],
};

/** Values that a point of a unit must at least be able to show; power may be as small as a device's rating. */
const RANGE_NEEDED: Readonly<Partial<Record<PointSpec["unit"], readonly [number, number]>>> = {
  "%": [0, 100],
  Hz: [0, 70],
  V: [0, 480],
};

/** The largest value that makes sense in a unit; above it the scale is wrong. A step above the second figure is too coarse. */
const RANGE_SENSE: Readonly<
  Partial<Record<PointSpec["unit"], readonly [max: number, step: number]>>
> = {
  "%": [10_000, 1],
  Hz: [10_000, 0.1],
};

/** Checks what a schema cannot say: that the registers of a profile make sense for its kind. */
export function checkProfile(
  profile: ProfileFile,
  problem: (path: ConfigPath, found: string, allowed: string) => ConfigProblem,
): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  const report: Report = (...facts) => problems.push(problem(...facts));
  checkSunspec(profile, report);
  checkMqtt(profile, report);
  if (profile.family === "mqtt") {
    if (problems.length === 0) checkNames(mqttLaidOut(profile), report);
  } else if (profile.family !== "sunspec") checkLaidOut(profile, report);
  else if (problems.length === 0) {
    // Its registers are known once it is laid out; what is wrong with them stands in the table of the family.
    checkLaidOut(laidOut(profile), (path, ...facts) =>
      report(
        path[0] === "points" || path[0] === "commands" ? ["sunspec", ...path] : path,
        ...facts,
      ),
    );
  }
  return problems;
}

function checkLaidOut(profile: ProfileFile, report: Report): void {
  const kind = DEVICE_KINDS[profile.kind];
  profile.points.forEach((point, index) =>
    checkPoint(point, ["points", index], profile, kind, report),
  );
  checkPointNames(profile, kind, report);
  checkCommands(profile, kind, report);
  checkSafety(profile, kind, report);
  checkRegisters(profile, kind, report);
}

/** Of an MQTT device only what does not rest on registers; what is wrong stands in its table. */
function checkNames(profile: ProfileFile, report: Report): void {
  const kind = DEVICE_KINDS[profile.kind];
  const inTable: Report = (path, ...facts) =>
    report(path[0] === "points" || path[0] === "commands" ? ["mqtt", ...path] : path, ...facts);
  checkPointNames(profile, kind, inTable);
  checkCommands(profile, kind, inTable);
  checkSafety(profile, kind, inTable);
}

function named(map: Readonly<Record<string, unknown>>): string {
  return Object.keys(map).join(", ");
}

function suggested(name: string, map: Readonly<Record<string, unknown>>, what: string): string {
  const suggestion = closest(name, Object.keys(map));
  const all = `${what}: ${named(map) || "none"}`;
  return suggestion === null ? all : `did you mean ${suggestion}? ${all}`;
}

function specOf(kind: KindSpec, name: string): PointSpec | undefined {
  return Object.hasOwn(kind.points, name) ? kind.points[name] : undefined;
}

function checkPoint(
  point: PointFile,
  path: ConfigPath,
  profile: ProfileFile,
  kind: KindSpec,
  report: Report,
): void {
  const spec = specOf(kind, point.point);
  if (spec === undefined) {
    const allowed = suggested(point.point, kind.points, `a point of kind ${profile.kind}`);
    report([...path, "point"], JSON.stringify(point.point), allowed);
    return;
  }
  checkCoding(point, path, spec, report);
  if (spec.type === "number" && point.type !== "bit" && point.constant === undefined) {
    checkRange(point, path, spec, mayBeNegative(point.point, spec, profile, kind), report);
  }
  if (spec.type === "label" && point.constant === undefined) checkLabels(point, path, spec, report);
  else if (point.labels) report([...path, "labels"], "labels", `none: ${point.point} is no label`);
  if (spec.direction === "level") {
    if (point.table === "input" || point.table === "discrete") {
      report([...path, "table"], `"${point.table}"`, '"holding" or "coil": a level is written');
    }
    const isReadable = point.access === "readWrite" || point.read_back !== undefined;
    if (point.access === "read" || !isReadable) {
      const allowed = '"readWrite", or "write" with read_back: a level is written and read back';
      report([...path, "access"], `"${point.access}"`, allowed);
    }
  } else {
    if (point.access !== "read") {
      report([...path, "access"], `"${point.access}"`, '"read": the point is measured');
    }
    if (point.read_back) report([...path, "read_back"], "a table", "none: the point is measured");
  }
}

function checkCoding(point: PointFile, path: ConfigPath, spec: PointSpec, report: Report): void {
  const isBitTable = point.table === "coil" || point.table === "discrete";
  checkMeaning(point, path, spec, report);
  const saysTrue = point.true_values !== undefined || point.true_mask !== undefined;
  const isSwitchOfNumber =
    point.type.startsWith("uint") && (saysTrue || point.constant !== undefined);
  const isSwitch = point.type === "bit" || isSwitchOfNumber;
  if (
    (spec.type === "boolean") !==
    (point.type === "bit" || (spec.type === "boolean" && isSwitch))
  ) {
    const allowed =
      spec.type === "boolean"
        ? '"bit", or "uint16" or "uint32" with true_values or true_mask: the point is a switch'
        : "a number type: the point is no switch";
    report([...path, "type"], `"${point.type}"`, allowed);
  } else if (isBitTable && point.type !== "bit") {
    report([...path, "table"], `"${point.table}"`, '"holding" or "input" for a number');
  }
  const needsBit = point.type === "bit" && !isBitTable;
  if (needsBit !== (point.bit !== undefined)) {
    const allowed = needsBit
      ? "a whole number, 0 to 15: the bit of the register"
      : 'none: only type "bit" in a register has one';
    report([...path, "bit"], point.bit === undefined ? "nothing" : String(point.bit), allowed);
  }
}

/** How a switch says true, and what a point is that the device does not tell. */
function checkMeaning(point: PointFile, path: ConfigPath, spec: PointSpec, report: Report): void {
  for (const key of ["true_values", "true_mask"] as const) {
    if (point[key] === undefined || spec.type === "boolean") continue;
    report([...path, key], "a value", `none: ${point.point} is no switch`);
  }
  if (point.true_values !== undefined && point.true_mask !== undefined) {
    report([...path, "true_mask"], "both", "only one of true_values and true_mask");
  }
  if (point.write_with !== undefined && spec.direction !== "level") {
    report([...path, "write_with"], "a table", `none: ${point.point} is not written`);
  }
  if (point.constant === undefined) {
    if (point.reason !== undefined)
      report([...path, "reason"], "a text", "none without `constant`");
    return;
  }
  const wanted = spec.type === "label" ? "string" : spec.type;
  if (typeof point.constant !== wanted) {
    report(
      [...path, "constant"],
      JSON.stringify(point.constant),
      `a ${spec.type}, as ${point.point} is`,
    );
  }
  if (spec.direction === "level") {
    report([...path, "constant"], "a value", `none: ${point.point} is written`);
  }
  if (point.reason === undefined) {
    report(
      [...path, "reason"],
      "nothing",
      "a text: who or what sees to it that the constant is true",
    );
  }
}

function checkRange(
  point: PointFile,
  path: ConfigPath,
  spec: PointSpec,
  isSigned: boolean,
  report: Report,
): void {
  if (point.type === "bit") return;
  if (point.scale === 0) {
    report([...path, "scale"], "0", "a number other than 0");
    return;
  }
  const [rawMin, rawMax] = RAW_RANGES[point.type];
  const ends = [rawMin * point.scale + point.offset, rawMax * point.scale + point.offset];
  const [min, max] = [Math.min(...ends), Math.max(...ends)];
  const found = `a range of ${rounded(min)} to ${rounded(max)} ${spec.unit}`;
  const needed = RANGE_NEEDED[spec.unit];
  if (needed && (min > needed[0] || max < needed[1])) {
    report(path, found, `a type and scale that reach ${needed[0]} to ${needed[1]} ${spec.unit}`);
  }
  if (isSigned && min >= 0) {
    report(path, found, `a signed type: ${point.point} may be negative`);
  }
  const sense = RANGE_SENSE[spec.unit];
  if (sense && point.type !== "float32") {
    const is32 = point.type === "int32" || point.type === "uint32";
    if (Math.abs(point.scale) > sense[1] || (!is32 && max > sense[0])) {
      report([...path, "scale"], String(point.scale), `at most ${sense[1]} ${spec.unit} a step`);
    }
  }
  const isWhole = point.not_available === undefined || point.type === "float32";
  if (!isWhole && ((point.not_available ?? 0) < rawMin || (point.not_available ?? 0) > rawMax)) {
    report(
      [...path, "not_available"],
      String(point.not_available),
      `a raw value, ${rawMin} to ${rawMax}`,
    );
  }
}

/** Power of a source or a tie flows both ways; limits, demands and what consumers draw do not. */
function mayBeNegative(
  point: string,
  spec: PointSpec,
  profile: ProfileFile,
  kind: KindSpec,
): boolean {
  if (spec.unit === "kvar" || point === "powerSetpointKw") return true;
  return point === "activePowerKw" && (kind.isSource || profile.kind === "busTie");
}

function rounded(value: number): string {
  return String(Math.abs(value) < 1e9 ? Math.round(value * 1000) / 1000 : value);
}

function checkLabels(point: PointFile, path: ConfigPath, spec: PointSpec, report: Report): void {
  const known = spec.labels ?? [];
  if (!point.labels || Object.keys(point.labels).length === 0) {
    report([...path, "labels"], "nothing", `a table from raw value to one of ${known.join(", ")}`);
    return;
  }
  for (const [raw, label] of Object.entries(point.labels)) {
    if (known.includes(label)) continue;
    report([...path, "labels", raw], JSON.stringify(label), `one of ${known.join(", ")}`);
  }
}

function checkPointNames(profile: ProfileFile, kind: KindSpec, report: Report): void {
  const seen = new Set<string>();
  profile.points.forEach(({ point }, index) => {
    if (seen.has(point)) {
      report(["points", index, "point"], `${JSON.stringify(point)} again`, "each point once");
    }
    seen.add(point);
  });
  for (const [name, spec] of Object.entries(kind.points)) {
    if (!spec.isRequired || seen.has(name)) continue;
    report(
      ["points"],
      `no ${name}`,
      `every required point of kind ${profile.kind}; ${spec.meaning}`,
    );
  }
}

function checkCommands(profile: ProfileFile, kind: KindSpec, report: Report): void {
  const seen = new Set<string>();
  profile.commands.forEach((command, index) => {
    const path = ["commands", index];
    const { command: name, followed_by: followedBy } = command;
    if (!Object.hasOwn(kind.commands, name)) {
      const allowed = suggested(name, kind.commands, `a command of kind ${profile.kind}`);
      report([...path, "command"], JSON.stringify(name), allowed);
    }
    if (seen.has(name)) {
      report([...path, "command"], `${JSON.stringify(name)} again`, "each command once");
    }
    seen.add(name);
    if (command.table === "coil" && command.before.length > 0) {
      report(
        [...path, "before"],
        "a list",
        "none for a coil: a command of one bit has no argument",
      );
    }
    if (command.table === "coil" && command.value > 1) {
      report([...path, "value"], String(command.value), "0 or 1 for a coil");
    }
    if (followedBy === undefined) return;
    if (!profile.points.some(({ point }) => point === followedBy.point)) {
      const at = [...path, "followed_by", "point"];
      report(at, JSON.stringify(followedBy.point), "a point that this profile maps");
      return;
    }
    const type = specOf(kind, followedBy.point)?.type;
    const wanted = type === "label" ? "string" : type;
    if (type !== undefined && typeof followedBy.value !== wanted) {
      const at = [...path, "followed_by", "value"];
      report(at, JSON.stringify(followedBy.value), `a ${type}, as ${followedBy.point} is`);
    }
  });
}

/** Rules 1 and 4 of the plant: who checks before closing, and what happens without us. */
function checkSafety(profile: ProfileFile, kind: KindSpec, report: Report): void {
  const closesLive = profile.commands.findIndex(({ command }) => command === "syncAndClose");
  if (closesLive >= 0 && profile.sync_check !== "device") {
    const found = profile.sync_check === undefined ? "nothing" : `"${profile.sync_check}"`;
    report(
      ["sync_check"],
      found,
      '"device": R-EMS never times the closing of a live breaker, so syncAndClose needs it',
    );
  }
  const isWritten =
    profile.commands.length > 0 ||
    profile.points.some(({ point }) => specOf(kind, point)?.direction === "level");
  if (isWritten && profile.fallback === undefined) {
    report(
      ["fallback"],
      "nothing",
      "a table: a device that takes commands or levels says what it does without R-EMS",
    );
  }
  checkRelease(profile, report);
  checkFeedback(profile, kind, report);
}

/** What an orderly stop gives: nothing that moves a breaker, starts or stops. */
function checkRelease({ commands, release }: ProfileFile, report: Report): void {
  const own = commands.map(({ command }) => command).filter((name) => !MOVING.has(name));
  release.forEach((name, index) => {
    const found = JSON.stringify(name);
    const isAgain = release.indexOf(name) < index;
    if (isAgain) report(["release", index], `${found} again`, "each command once");
    if (own.includes(name)) return;
    const allowed = `a command of this profile that moves no breaker and neither starts nor stops: ${own.join(", ") || "it has none"}`;
    report(["release", index], found, allowed);
  });
}

/** What is told to a device shows somewhere, and what it was told last holds for a limited time only. */
function checkFeedback(profile: ProfileFile, kind: KindSpec, report: Report): void {
  const { commands, fallback } = profile;
  const acting = commands.filter(({ command }) => command !== "release");
  if (acting.length > 0 && acting.every(({ followed_by }) => followed_by === undefined)) {
    report(["commands"], "no followed_by", "at least one command whose effect a point shows");
  }
  const closes = commands.findIndex(({ command }) => command === "close");
  if (closes >= 0 && profile.sync_check === undefined) {
    const allowed =
      '"device" or "none": a profile that closes a breaker says whether it synchronises';
    report(["sync_check"], "nothing", allowed);
  }
  const levels = profile.points
    .map(({ point }) => point)
    .filter((point) => specOf(kind, point)?.direction === "level");
  if (fallback?.behaviour === "none" && levels.length > 0) {
    const allowed = `"droop", "hold", "limit" or "zero": the device takes set-points (${levels.join(", ")}), so it does something with them`;
    report(["fallback", "behaviour"], '"none"', allowed);
  }
}
