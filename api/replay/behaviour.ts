import type { GridState } from "../../actors/grid/grid-state.ts";
import { encodeCanonical, type Canonical } from "../../kernel/canonical.ts";
import type { LevelOutput } from "../../kernel/command.ts";
import type { CoreOutputs } from "../../kernel/core.ts";
import {
  applyPatch,
  differencesOf,
  patchOf,
  type FieldDifference,
  type Patch,
} from "./state-patch.ts";

/** What one frame did: changes of the state, and what was put out, set-points only where they changed. */
interface Behaviour {
  readonly state?: Patch;
  readonly levels?: readonly LevelOutput[];
  readonly commands?: CoreOutputs["commands"];
  readonly messages?: CoreOutputs["messages"];
  readonly replies?: CoreOutputs["replies"];
  readonly alarms?: CoreOutputs["alarms"];
  readonly transitions?: CoreOutputs["transitions"];
}

const OUTPUTS = ["commands", "messages", "replies", "alarms", "transitions"] as const;

/** One line of an incident's behaviour: canonical, so that equal behaviour is equal text. */
export function behaviourText(
  before: { readonly state: GridState; readonly levels: readonly LevelOutput[] },
  after: { readonly state: GridState; readonly outputs: CoreOutputs },
): string {
  const line: Record<string, unknown> = {};
  const patch = patchOf(asCanonical(before.state), asCanonical(after.state));
  if (patch !== null) line["state"] = patch;
  const levels = changedLevels(before.levels, after.outputs.levels);
  if (levels.length > 0) line["levels"] = levels;
  for (const kind of OUTPUTS) {
    if (after.outputs[kind].length > 0) line[kind] = after.outputs[kind];
  }
  return encodeCanonical(line);
}

function asCanonical(state: GridState): Canonical {
  return state as unknown as Canonical;
}

function changedLevels(
  before: readonly LevelOutput[],
  after: readonly LevelOutput[],
): LevelOutput[] {
  if (before === after) return [];
  const held = new Map(before.map((level) => [`${level.device}.${level.point}`, level.value]));
  return after.filter(({ device, point, value }) => held.get(`${device}.${point}`) !== value);
}

/** A line without what the frame changed in the state: what the grid decided, however it remembers it. */
export function outputsText(line: string): string {
  const { state: _state, ...outputs } = JSON.parse(line) as Behaviour;
  return encodeCanonical(outputs);
}

/** What differs between two lines of behaviour after the same state. */
export interface BehaviourDifference {
  readonly kind: "state" | "levels" | (typeof OUTPUTS)[number];
  /** Of the state: where. Of outputs: which. */
  readonly path: readonly string[];
  readonly recorded: Canonical | undefined;
  readonly replayed: Canonical | undefined;
}

/**
 * @param before - State before the frame, the same for both.
 * @param recordedText - A line of the incident. @throws SyntaxError where it is no JSON.
 */
export function compareBehaviour(
  before: GridState,
  recordedText: string,
  replayedText: string,
  countMax: number,
): BehaviourDifference[] {
  const recorded = JSON.parse(recordedText) as Behaviour;
  const replayed = JSON.parse(replayedText) as Behaviour;
  const found: BehaviourDifference[] = [];
  for (const kind of [
    "transitions",
    "commands",
    "levels",
    "alarms",
    "messages",
    "replies",
  ] as const) {
    const a = (recorded[kind] ?? []) as unknown as Canonical;
    const b = (replayed[kind] ?? []) as unknown as Canonical;
    for (const difference of listDifferences(a as Canonical[], b as Canonical[])) {
      found.push({ kind, ...difference });
    }
  }
  const stateOf = ({ state }: Behaviour): Canonical =>
    state === undefined ? asCanonical(before) : applyPatch(asCanonical(before), state);
  for (const difference of differencesOf(stateOf(recorded), stateOf(replayed), countMax)) {
    found.push({ kind: "state", ...difference });
  }
  return found.slice(0, countMax);
}

/** What stands in one list only; of two that are about the same, the fields that differ. */
function listDifferences(
  recorded: readonly Canonical[],
  replayed: readonly Canonical[],
): FieldDifference[] {
  const recordedTexts = new Set(recorded.map((item) => encodeCanonical(item)));
  const replayedTexts = new Set(replayed.map((item) => encodeCanonical(item)));
  const missing = recorded.filter((item) => !replayedTexts.has(encodeCanonical(item)));
  const added = replayed.filter((item) => !recordedTexts.has(encodeCanonical(item)));
  const found: FieldDifference[] = [];
  for (const item of missing) {
    const subject = subjectOf(item);
    const at = added.findIndex((other) => subjectOf(other) === subject);
    const counterpart = at < 0 ? undefined : added.splice(at, 1)[0];
    found.push(...differencesOf(item, counterpart, FIELD_COUNT_MAX, [subject]));
  }
  for (const item of added) {
    found.push({ path: [subjectOf(item)], recorded: undefined, replayed: item });
  }
  return found;
}

const FIELD_COUNT_MAX = 5;
const SUBJECT_KEYS = [
  "actor",
  "device",
  "code",
  "command",
  "point",
  "toGrid",
  "requestId",
] as const;

/** What an output is about: actor and alarm, device and command or point. */
function subjectOf(item: Canonical): string {
  const fields = item as Readonly<Record<string, Canonical>>;
  return SUBJECT_KEYS.flatMap((key) => (typeof fields[key] === "string" ? [fields[key]] : [])).join(
    " ",
  );
}
