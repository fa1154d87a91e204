import { shortAddress } from "../../../api/actor-address.ts";
import type { BehaviourDifference } from "../../../api/replay/behaviour.ts";
import type { Mismatch, Place, ReplayStep } from "../../../api/replay/grid-replay.ts";
import type { GridVerdict } from "../../../api/replay/verify.ts";
import type { PlannedGridCore } from "../../../actors/grid/grid-core.ts";
import type { Incident } from "../../../history/incident.ts";
import type { Canonical } from "../../../kernel/canonical.ts";
import { paint, type Terminal } from "../terminal.ts";

const VALUE_LENGTH_MAX = 160;

export function timeText(ms: number): string {
  return new Date(ms).toISOString();
}

export function placeText({ epoch, sequence, wallTimeMs }: Place): string {
  return `${timeText(wallTimeMs)}  ${epoch}:${sequence}`;
}

/** What the file is, before anything is re-run. */
export function incidentText(terminal: Terminal, incident: Incident): string {
  const { summary, createdAt, createdBy, reason, signedBy, installation, remarks } = incident;
  const simulation = summary.isSimulation ? `${paint(terminal, "yellow", "SIMULATION")}  ` : "";
  const lines = [
    `${paint(terminal, "bold", "R-EMS incident")}  ${simulation}${summary.installation.name}  (${reason})`,
    `  written ${createdAt} by R-EMS ${createdBy.version} on Node.js ${createdBy.nodeVersion}; recorded by node ${installation.node}, R-EMS ${installation.version}`,
    signedBy === null ? "  not signed" : `  signed by key ${signedBy}`,
  ];
  for (const { grid, frameCount, gapCount, first, last } of summary.grids) {
    const gaps = gapCount === 0 ? "" : `, ${gapCount} gaps`;
    lines.push(
      `  ${grid}: ${frameCount} frames, ${placeText({ index: 0, ...first })} to ${placeText({ index: 0, ...last })}${gaps}`,
    );
  }
  for (const remark of remarks) lines.push(paint(terminal, "yellow", `  ${remark}`));
  return lines.join("\n");
}

/** What a step changed: who leads, transitions with reasons, what was put out. */
export function stepLines(terminal: Terminal, grid: string, step: ReplayStep): string[] {
  const { frame, outputs, place } = step;
  const lines: string[] = [];
  const say = (text: string): void => void lines.push(`${placeText(place)}  ${text}`);
  if (frame.leadership !== null && frame.isFirstOfEpoch) {
    say(
      paint(
        terminal,
        "bold",
        `${grid}: ${frame.leadership.leader.node} leads (${frame.leadership.origin})`,
      ),
    );
  }
  for (const { user, actor, command } of frame.requests) {
    say(`request of ${user}: ${shortAddress(actor)} ${command}`);
  }
  for (const { id, fate, reason } of frame.fates)
    say(`command ${id} is ${fate}${reason === "" ? "" : `: ${reason}`}`);
  for (const { actor, from, to, event, reason } of outputs.transitions) {
    say(`${shortAddress(actor)} ${from} → ${to} (${event}) ${reason}`);
  }
  for (const { id, device, command, reason } of outputs.commands) {
    say(paint(terminal, "green", `command ${id} ${device} ${command}: ${reason}`));
  }
  for (const { code, actor, isActive, event, priority, text } of outputs.alarms) {
    const what = event === "raised" ? `raised, ${priority}` : event;
    say(
      paint(
        terminal,
        isActive ? "red" : "dim",
        `alarm ${code} ${what}, ${shortAddress(actor)}: ${text}`,
      ),
    );
  }
  for (const { requestId, isAccepted, reason } of outputs.replies) {
    say(`reply to ${requestId}: ${isAccepted ? "accepted" : "refused"}: ${reason}`);
  }
  return lines;
}

/** What the re-run of several grids took together. */
export interface TotalTime {
  /** The longest that a grid was re-run. */
  readonly spanMs: number;
  readonly elapsedMs: number;
  /** Processor time, which other programs on the machine hardly change. */
  readonly processorMs: number;
  /** The longest that it then took to step back ten seconds. */
  readonly backMsMax: number;
}

export function totalText(gridCount: number, total: TotalTime): string {
  const { spanMs, elapsedMs, processorMs, backMsMax } = total;
  const seconds = (ms: number, digits: number) => (ms / 1000).toFixed(digits);
  const speed = elapsedMs > 0 ? spanMs / elapsedMs : 0;
  const which = gridCount === 1 ? "in all" : `all ${gridCount} grids`;
  return `${which}: ${seconds(spanMs, 0)} s re-run in ${seconds(elapsedMs, 1)} s: ${speed.toFixed(0)} times real time; ${seconds(processorMs, 1)} s of processor time; back ten seconds in at most ${backMsMax.toFixed(0)} ms`;
}

export function verdictText(
  terminal: Terminal,
  verdict: GridVerdict,
  core: PlannedGridCore,
): string {
  const { grid, counts, isEqual, spanMs, elapsedMs, addedFields } = verdict;
  const speed = elapsedMs > 0 ? spanMs / elapsedMs : 0;
  const checked = [
    `${counts.frameCount} frames`,
    `${counts.stateHashCount} hashes of the state`,
    `${counts.snapshotCount} whole states`,
    ...(counts.behaviourCount > 0 ? [`what ${counts.behaviourCount} frames brought about`] : []),
  ].join(", ");
  const lines = [
    `${isEqual ? paint(terminal, "green", "equal  ") : paint(terminal, "red", "DIFFERS")}  ${grid}: checked ${checked}`,
    `         ${(spanMs / 1000).toFixed(0)} s re-run in ${(elapsedMs / 1000).toFixed(1)} s: ${speed.toFixed(0)} times real time`,
  ];
  if (addedFields.length > 0) {
    lines.push(
      `         this build remembers more: ${addedFields.join(", ")} began as in a new grid`,
    );
  }
  if (isEqual) return lines.join("\n");
  const { firstOutputMismatch, firstStateMismatch } = verdict;
  if (firstOutputMismatch !== null) {
    lines.push(`         ${counts.outputMismatchCount} frames put out something else`);
    lines.push(...mismatchLines(firstOutputMismatch, core));
  } else if (counts.behaviourCount > 0) {
    lines.push("         every frame put out what was recorded");
  }
  if (firstStateMismatch !== null) {
    lines.push(`         ${counts.stateMismatchCount} states differ`);
    lines.push(...mismatchLines(firstStateMismatch, core));
  }
  return lines.join("\n");
}

function mismatchLines(mismatch: Mismatch, core: PlannedGridCore): string[] {
  const { place, text, differences } = mismatch;
  const lines = [`         first at ${placeText(place)} (frame ${place.index}): ${text}`];
  for (const difference of differences) {
    lines.push(`           ${differenceText(difference, core)}`);
  }
  return lines;
}

/** Where something differs, in words: the actor, then the field. */
export function whereText({ kind, path }: BehaviourDifference, core: PlannedGridCore): string {
  if (kind !== "state") {
    const [subject = "", ...field] = path;
    const about = subject.replace(/\bgrids\/\S+/, shortAddress);
    return [kind.replace(/s$/, ""), about, field.length > 0 ? `, ${field.join(".")}` : ""]
      .filter((part) => part !== "")
      .join(" ")
      .replace(" ,", ",");
  }
  const [first, second, index = "", ...rest] = path[0] === "core" ? path.slice(1) : path;
  if ((first === "tree" && second === "actors") || first === "seen") {
    const at = first === "seen" ? second : index;
    const actor = core.plan.tree.actors[Number(at)]?.address ?? `actor ${at}`;
    const field = first === "seen" ? ["seen", index, ...rest] : rest;
    return `state of ${shortAddress(actor)}, ${field.filter((key) => key !== "").join(".")}`;
  }
  return `state, ${[first, second, index, ...rest].filter((key) => key !== undefined && key !== "").join(".")}`;
}

export function differenceText(difference: BehaviourDifference, core: PlannedGridCore): string {
  const { recorded, replayed } = difference;
  const say = (value: Canonical | undefined): string => outputText(value) ?? valueText(value);
  return `${whereText(difference, core)}: recorded ${say(recorded)}, now ${say(replayed)}`;
}

/** A whole transition or command in words, as a step is told; null for anything else. */
function outputText(value: Canonical | undefined): string | null {
  if (typeof value !== "object" || value === null || !("reason" in value)) return null;
  const { from, to, event, command, reason } = value as Readonly<Record<string, unknown>>;
  if (typeof from === "string")
    return `${from} → ${String(to)} (${String(event)}) ${String(reason)}`;
  return typeof command === "string" ? `${command} (${String(reason)})` : null;
}

export function valueText(value: Canonical | undefined): string {
  if (value === undefined) return "nothing";
  const text = JSON.stringify(value);
  return text.length > VALUE_LENGTH_MAX ? `${text.slice(0, VALUE_LENGTH_MAX)}…` : text;
}
