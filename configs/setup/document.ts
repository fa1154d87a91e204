import { RemsError } from "../../kernel/errors.ts";
import type { StepId } from "./steps.ts";

/** A table of the manifest as it is written; anything may be missing or wrong in it. */
export type Table = { readonly [key: string]: unknown };

/** The manifest as it is written, while it is not complete yet. */
export type SetupDocument = Table;

/** Top-level keys that each step may set; `grids` is merged entry by entry. */
const KEYS: Readonly<Record<StepId, readonly string[]>> = {
  installation: ["installation"],
  mode: ["mode", "insecure"],
  nodes: ["nodes", "coordinator"],
  grids: ["grids"],
  controllers: ["grids"],
  devices: ["grids", "ties", "profile_directories"],
  timings: ["grids", "logging", "history", "metrics", "notifications", "modbus_server"],
  review: [],
};

/** Keys of one grid that each step may set. */
const GRID_KEYS: Readonly<Partial<Record<StepId, readonly string[]>>> = {
  grids: ["id", "name", "nominal_voltage_v", "nominal_frequency_hz"],
  controllers: ["controllers", "control", "allow_stale_takeover", "failback", "failback_delay_s"],
  devices: ["devices"],
  timings: ["timing_set", "timings", "power"],
};

export function isTable(value: unknown): value is Table {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The tables of a list; nothing where there is no list. */
export function tablesOf(value: unknown): Table[] {
  return Array.isArray(value) ? value.filter(isTable) : [];
}

export function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** The grid of an id, or an empty table. */
export function gridOfDocument(document: SetupDocument, id: string): Table {
  return tablesOf(document["grids"]).find((grid) => grid["id"] === id) ?? {};
}

/**
 * The document with the answers of one step. A step sets its own keys only, each of them whole; `null` takes a key away. The step `grids`
 * says which grids there are, and those that stay keep what other steps said of them; every other step names grids by their ids.
 *
 * @throws {@link RemsError} `REMS_REQUEST_INVALID` for a key that belongs to another step, or a grid that does not exist.
 */
export function takeAnswers(document: SetupDocument, step: StepId, answers: Table): SetupDocument {
  const next: Record<string, unknown> = { ...document };
  for (const [key, value] of Object.entries(answers)) {
    if (!KEYS[step].includes(key)) {
      const allowed = KEYS[step].join(", ") || "none";
      throw new RemsError(
        "REMS_REQUEST_INVALID",
        `the step ${step} does not set "${key}"; it sets: ${allowed}`,
      );
    }
    if (key === "grids") next[key] = takeGrids(document, step, value);
    else if (value === null) delete next[key];
    else next[key] = value;
  }
  return next;
}

function takeGrids(document: SetupDocument, step: StepId, value: unknown): Table[] {
  const before = tablesOf(document["grids"]);
  const given = tablesOf(value);
  if (step === "grids") {
    return given.map((grid) => ({
      ...before.find(({ id }) => id === grid["id"]),
      ...onlyOf(grid, step),
    }));
  }
  const known = before.map(({ id }) => textOf(id));
  for (const { id } of given) {
    if (known.includes(textOf(id))) continue;
    throw new RemsError(
      "REMS_REQUEST_INVALID",
      `there is no grid "${textOf(id)}"; the step grids named: ${known.join(", ") || "none"}`,
    );
  }
  return before.map((grid) => {
    const answer = given.find(({ id }) => id === grid["id"]);
    if (answer === undefined) return grid;
    const merged: Record<string, unknown> = { ...grid, ...onlyOf(answer, step) };
    for (const key of Object.keys(merged)) if (merged[key] === null) delete merged[key];
    return merged;
  });
}

function onlyOf(grid: Table, step: StepId): Table {
  const keys = GRID_KEYS[step] ?? [];
  return Object.fromEntries(Object.entries(grid).filter(([key]) => keys.includes(key)));
}

/** The part of a file of answers that belongs to a step. */
export function answersFor(file: Table, step: StepId): Table {
  const answers: Record<string, unknown> = {};
  for (const key of KEYS[step]) {
    if (!Object.hasOwn(file, key)) continue;
    answers[key] = file[key];
  }
  if (step === "nodes" && Object.hasOwn(file, "this_node"))
    answers["this_node"] = file["this_node"];
  return answers;
}
