import type { BehaviourDifference } from "../../../api/replay/behaviour.ts";
import { behaviourText, compareBehaviour } from "../../../api/replay/behaviour.ts";
import type { GridReplay, Place } from "../../../api/replay/grid-replay.ts";
import { GridReplica } from "../../../api/grid-replica.ts";
import type { PlannedGridCore } from "../../../actors/grid/grid-core.ts";
import { allowedText, fieldSchema, schemaAt } from "../../../configs/field-schema.ts";
import type { Manifest } from "../../../configs/manifest.ts";
import { powerSchema } from "../../../configs/power-schema.ts";
import type { Canonical } from "../../../kernel/canonical.ts";
import { RemsError } from "../../../kernel/errors.ts";

/** One parameter with another value: `port.power.startLimitPct=70`, `dg1.ratings.powerKw=900`. */
export interface Change {
  readonly path: readonly string[];
  readonly value: number | boolean | string;
}

export const CHANGE_HELP =
  "GRID.power.startLimitPct=70, DEVICE.ratings.powerKw=900: names as r-emsctl incident show --manifest prints them";

/** @throws {@link RemsError} `REMS_REQUEST_INVALID`. */
export function parseChange(text: string): Change {
  const match = /^([\w.-]+)=(.+)$/.exec(text);
  const path = (match?.[1] ?? "").split(".");
  if (match === null || path.length < 2) {
    throw invalid(`"${text}" is no change; write for example ${CHANGE_HELP}`);
  }
  const value = match[2] ?? "";
  const number = Number(value);
  const isFlag = value === "true" || value === "false";
  return { path, value: isFlag ? value === "true" : Number.isFinite(number) ? number : value };
}

type Plain = Record<string, unknown>;

/** The manifest with these values. @throws {@link RemsError} `REMS_REQUEST_INVALID` that lists what is there. */
export function changedManifest(manifest: Manifest, changes: readonly Change[]): Manifest {
  const copy = structuredClone(manifest);
  for (const { path, value } of changes) {
    const [owner = "", ...rest] = path;
    const grids = copy.grids as unknown as Plain[];
    const devices = copy.grids.flatMap((grid) => grid.devices as unknown as Plain[]);
    let at = [...grids, ...devices].find((candidate) => candidate["id"] === owner);
    if (at === undefined) {
      const known = [...grids, ...devices].map(({ id }) => String(id)).join(", ");
      throw invalid(`there is no grid or device "${owner}"; there are ${known}`);
    }
    for (const [i, key] of rest.entries()) {
      const held: unknown = at[key];
      const isLast = i === rest.length - 1;
      const isBranch = typeof held === "object" && held !== null && !Array.isArray(held);
      if (isLast ? typeof held !== typeof value && held !== null : !isBranch) {
        const allowed = Object.entries(at)
          .filter(([, entry]) => !Array.isArray(entry))
          .map(
            ([name, entry]) =>
              `${name} (${typeof entry === "object" ? "…" : JSON.stringify(entry)})`,
          );
        const what = isLast && held !== undefined ? ` takes a ${typeof held}` : " is not there";
        throw invalid(`${path.slice(0, i + 2).join(".")}${what}; there are ${allowed.join(", ")}`);
      }
      if (isLast) {
        const allowed = rest[0] === "power" ? outOfRange(rest.slice(1), value) : null;
        if (allowed !== null)
          throw invalid(`${path.join(".")} is ${String(value)}; allowed is ${allowed}`);
        at[key] = value;
      } else at = held as Plain;
    }
  }
  return copy;
}

/** Where another manifest first leads to something else, by kind. */
export interface FirstDifference {
  readonly place: Place;
  readonly differences: readonly BehaviourDifference[];
}

export interface WhatIf {
  readonly core: PlannedGridCore;
  readonly frameCount: number;
  /** By kind: state, levels, commands, transitions, alarms, messages, replies; in the order in which they came. */
  readonly first: ReadonlyMap<BehaviourDifference["kind"], FirstDifference>;
}

const DIFFERENCE_COUNT_MAX = 5;

/** What a manifest allows for a power parameter, where `value` is something else: a plant that cannot be configured tells nothing. */
function outOfRange(path: readonly string[], value: Change["value"]): string | null {
  const snake = path.map((key) => key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`));
  const shape = schemaAt(fieldSchema(powerSchema), snake);
  if (shape === null) return null;
  const { minimum = -Infinity, maximum = Infinity, exclusiveMinimum = -Infinity } = shape;
  const isOutside =
    typeof value === "number"
      ? value < minimum || value > maximum || value <= exclusiveMinimum
      : shape.enum !== undefined && !shape.enum.includes(value);
  return isOutside ? allowedText(shape) : null;
}

/**
 * Re-runs the rest of a recording twice from the present place, once as it was and once with `changed`. What devices measured stays as it
 * was recorded: the plant does not answer to what would have been done otherwise.
 */
export function compareWhatIf(replay: GridReplay, changed: Manifest): WhatIf {
  const other = new GridReplica(changed, replay.grid);
  other.restore(replay.replica.text(), replay.replica.position);
  const first = new Map<BehaviourDifference["kind"], FirstDifference>();
  let levelsThere = replay.last?.outputs.levels ?? [];
  let levelsHere = levelsThere;
  let frameCount = 0;
  for (let index = replay.index; index < replay.count; index++) {
    const [beforeThere, beforeHere] = [replay.replica.state, other.state];
    const text = replay.recording.frames[index] ?? "";
    const step = replay.step();
    if (step === null || replay.recording.bases.has(index)) break;
    const { outputs } = other.apply(text);
    frameCount++;
    const there = behaviourText(
      { state: beforeThere, levels: levelsThere },
      { state: replay.replica.state, outputs: step.outputs },
    );
    const here = behaviourText(
      { state: beforeHere, levels: levelsHere },
      { state: other.state, outputs },
    );
    levelsThere = step.outputs.levels;
    levelsHere = outputs.levels;
    if (there === here) continue;
    // Once the states have parted, changes from one to the next mean nothing: only what was put out is compared.
    const isParted = first.has("state");
    const found = isParted
      ? compareBehaviour(beforeThere, withoutState(there), withoutState(here), 100)
      : compareBehaviour(beforeThere, there, here, 100);
    for (const kind of new Set(found.map((difference) => difference.kind))) {
      if (first.has(kind)) continue;
      const differences = found.filter((one) => one.kind === kind).slice(0, DIFFERENCE_COUNT_MAX);
      first.set(kind, { place: step.place, differences });
    }
  }
  return { core: replay.replica.core, frameCount, first };
}

function withoutState(text: string): string {
  const { state: _state, ...rest } = JSON.parse(text) as { readonly state?: Canonical };
  return JSON.stringify(rest);
}

function invalid(text: string): RemsError {
  return new RemsError("REMS_REQUEST_INVALID", `what-if: ${text}`);
}
