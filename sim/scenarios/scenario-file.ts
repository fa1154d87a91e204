import { existsSync, readFileSync, readdirSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parse } from "smol-toml";
import { z } from "zod";
import { present } from "../../kernel/assert.ts";
import { RemsError } from "../../kernel/errors.ts";
import { type Expectation, parseExpectations } from "./expectation.ts";
import { type Input, parseInputs } from "./input.ts";
import { laidOver, type Table } from "./lay-over.ts";

/** One line of a scenario's table. */
export interface Row {
  /** Seconds since the scenario began. */
  readonly atS: number;
  readonly inputs: readonly Input[];
  readonly expectations: readonly Expectation[];
}

export interface ScenarioSpec {
  readonly name: string;
  /** Title of the file that it stands in. */
  readonly theme: string;
  readonly text: string;
  /** What of power management it covers, in the words of `functions.toml`. */
  readonly covers: readonly string[];
  /** Lists of trials that it stands in: `vessel`, `land`. */
  readonly trials: readonly string[];
  /** One of several initial conditions of a scenario: run in lists of trials and in full, not every time. */
  readonly isVariant: boolean;
  readonly installation: string;
  readonly lengthS: number;
  /** Laid over the installation's manifest, in the manifest's own words. */
  readonly manifest: Table;
  /** Laid over the plant's parameters, by device. */
  readonly plant: Table;
  /** Hold from beginning to end. */
  readonly always: readonly Expectation[];
  readonly rows: readonly Row[];
  /** With a fault of the controllers, what is expected may come so much later. */
  readonly lateS: number;
  /** Longest time from loss of voltage to the last essential feeder, also where a leader dies on the way, s; null: not limited. */
  readonly recoveryS: number | null;
  /** More than one source is lost, or more than the survivors can carry: bands after a source failure do not hold. */
  readonly isBeyondN1: boolean;
  /** A leader's death may move the frequency by so much beyond what it would have been, Hz. */
  readonly deathHz: number;
  /** Invariants that the scenario itself breaks on purpose, by name, with the reason. */
  readonly waives: Readonly<Record<string, string>>;
}

const table = z.record(z.string(), z.unknown());
/** One line of a table: `5 | what happens | what is expected`. */
const ROW = /^\s*(\d+(?:\.\d+)?)\s*\|([^|]*)\|(.*)$/;

/** Another initial condition: what it lays over manifest and plant beyond what the scenario does. */
const variant = z.strictObject({
  name: z.string().regex(/^[a-z0-9]+(-[a-z0-9]+)*$/, "lower-case words joined by hyphens"),
  text: z.string(),
  manifest: table.default({}),
  plant: table.default({}),
});

/** A leader's death may move the frequency by so much beyond what it would have been, Hz. */
export const DEATH_HZ = 0.1;

const scenario = z.strictObject({
  name: z.string().regex(/^[a-z0-9]+(-[a-z0-9]+)*$/, "lower-case words joined by hyphens"),
  text: z.string().min(10),
  covers: z.array(z.string()).min(1),
  trials: z.array(z.enum(["vessel", "land"])).default([]),
  installation: z.string().optional(),
  seconds: z.number().positive().max(1200),
  manifest: table.default({}),
  plant: table.default({}),
  always: z.array(z.string()).default([]),
  table: z.string(),
  late_s: z.number().positive().default(6),
  recovery_s: z.number().positive().optional(),
  beyond_n1: z.boolean().default(false),
  death: z
    .strictObject({ frequency_hz: z.number().positive(), why: z.string().min(10) })
    .optional(),
  waives: z.record(z.string(), z.string()).default({}),
  vary: z.array(variant).default([]),
});

const file = z.strictObject({
  theme: z.string(),
  installation: z.string(),
  scenarios: z.array(scenario).min(1),
});

/** A folder of the source tree, from the source or from what was compiled into `dist/`. */
export function sourceFolder(folder: string): string {
  const here = dirname(fileURLToPath(import.meta.url));
  const candidates = ["../..", "../../.."].map((up) => join(here, up, folder));
  const isSource = (path: string) => existsSync(join(path, "README.md"));
  return present(candidates.find(isSource), `the sources hold ${folder}`);
}

/**
 * Every scenario of the library, in the order of files and of their tables.
 * @throws {@link RemsError} `REMS_CONFIG_INVALID`, naming file, scenario and what is wrong in it.
 */
export function loadScenarios(folder = sourceFolder("sim/scenarios")): ScenarioSpec[] {
  const names = readdirSync(folder)
    .filter((name) => /^\d.*\.toml$/.test(name))
    .sort();
  const specs = names.flatMap((name) =>
    parseScenarios(readFileSync(join(folder, name), "utf8"), name),
  );
  const seen = new Set<string>();
  for (const { name } of specs) {
    if (seen.has(name)) throw invalid(folder, `two scenarios are called ${name}`);
    seen.add(name);
  }
  return specs;
}

/** @param path - For messages. */
export function parseScenarios(text: string, path: string): ScenarioSpec[] {
  let content: unknown;
  try {
    content = parse(text);
  } catch (cause) {
    throw invalid(path, cause instanceof Error ? cause.message : "no TOML");
  }
  const checked = file.safeParse(content);
  if (!checked.success) {
    const issues = checked.error.issues.map(
      ({ path: at, message }) => `${at.join(".")}: ${message}`,
    );
    throw invalid(path, issues.join("; "));
  }
  const { theme, installation, scenarios } = checked.data;
  return scenarios.flatMap((one) => {
    const spec = toSpec(one, theme, installation, path);
    return [spec, ...one.vary.map((more) => varied(spec, more))];
  });
}

function toSpec(
  one: z.output<typeof scenario>,
  theme: string,
  installation: string,
  path: string,
): ScenarioSpec {
  try {
    return {
      name: one.name,
      theme,
      text: one.text,
      covers: one.covers,
      trials: one.trials,
      isVariant: false,
      installation: one.installation ?? installation,
      lengthS: one.seconds,
      manifest: one.manifest,
      plant: one.plant,
      always: one.always.flatMap(parseExpectations),
      rows: parseTable(one.table),
      lateS: one.late_s,
      recoveryS: one.recovery_s ?? null,
      isBeyondN1: one.beyond_n1,
      deathHz: one.death?.frequency_hz ?? DEATH_HZ,
      waives: one.waives,
    };
  } catch (cause) {
    if (!(cause instanceof RemsError)) throw cause;
    throw invalid(path, `scenario ${one.name}: ${cause.message}`);
  }
}

function varied(spec: ScenarioSpec, more: z.output<typeof variant>): ScenarioSpec {
  return {
    ...spec,
    name: `${spec.name}--${more.name}`,
    text: `${spec.text} Initial condition: ${more.text}.`,
    isVariant: true,
    manifest: laidOver(spec.manifest, more.manifest) as Table,
    plant: laidOver(spec.plant, more.plant) as Table,
  };
}

function parseTable(text: string): Row[] {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  return lines.map((line) => {
    const [, at = "", inputs = "", expected = ""] = ROW.exec(line) ?? [];
    if (at === "")
      throw new RemsError(
        "REMS_CONFIG_INVALID",
        `"${line.trim()}" is no line of a table; it is: <seconds> | <what happens> | <what is expected>`,
      );
    return {
      atS: Number(at),
      inputs: parseInputs(inputs),
      expectations: parseExpectations(expected),
    };
  });
}

function invalid(path: string, what: string): RemsError {
  return new RemsError("REMS_CONFIG_INVALID", `${basename(path)}: ${what}`);
}
