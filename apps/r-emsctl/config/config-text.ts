import { rems, type Types } from "../../../proto/generated/rems-v1.ts";
import { paint, table, tableFor, type Terminal } from "../terminal.ts";

type Preview = Types.rems.v1.PreviewConfigResponse;
type Shown = Types.rems.v1.GetConfigResponse;
type Change = Types.rems.v1.IConfigChange;
type Command = Types.rems.v1.IPredictedCommand;

const { ChangeKind } = rems.v1;
const NEEDS: Readonly<Record<number, string>> = {
  [ChangeKind.CHANGE_KIND_LIVE]: "live",
  [ChangeKind.CHANGE_KIND_GUARDED]: "live, device open, SEMI or observe",
  [ChangeKind.CHANGE_KIND_RESTART]: "restart, node by node",
  [ChangeKind.CHANGE_KIND_STRUCTURE]: "restart, another structure",
  [ChangeKind.CHANGE_KIND_NEVER]: "another installation",
};
const VALUE_LENGTH_MAX = 40;

/** What a preview found, for people. */
export function previewText(terminal: Terminal, preview: Preview): string {
  if (preview.problems.length > 0) {
    return [
      paint(terminal, "red", "The manifest is not right:"),
      ...preview.problems.map((one) => `  ${one}`),
    ].join("\n");
  }
  if (preview.changes.length === 0) return "No difference to what is in force.";
  const lines = [changesTable(terminal, preview.changes)];
  for (const { grid, refusal } of preview.grids) {
    if (refusal) lines.push(paint(terminal, "red", `${grid} would refuse now: ${refusal}`));
  }
  if (preview.grids.length > 0) lines.push(...predictionLines(terminal, preview));
  if (preview.isStructural) {
    lines.push(
      paint(
        terminal,
        "yellow",
        "What grids are made of changes: nodes with the old and the new manifest are not in sync with each other. The last node to start anew has no standby: its devices go on by themselves for some seconds. Do it when the plant is quiet.",
      ),
    );
  } else if (preview.needsRestart) {
    lines.push(
      "Some of it needs each node to start anew, one at a time, its grids handed over before.",
    );
  }
  return lines.join("\n");
}

function changesTable(terminal: Terminal, changes: readonly Change[]): string {
  const rows = changes.map(({ path, fromJson, toJson, kind }) => [
    path ?? "",
    short(fromJson),
    "→",
    short(toJson),
    NEEDS[kind ?? 0] ?? "",
  ]);
  return tableFor(terminal, [["WHAT", "NOW", "", "NEW", "NEEDS"], ...rows]);
}

function short(json: string | null | undefined): string {
  if (json === undefined || json === null || json === "") return "-";
  return json.length <= VALUE_LENGTH_MAX ? json : `${json.slice(0, VALUE_LENGTH_MAX - 1)}…`;
}

function predictionLines(terminal: Terminal, preview: Preview): string[] {
  const within = `within ${preview.horizonS} s, on what is measured now`;
  const lines: string[] = [];
  if (preview.addedCommands.length === 0) lines.push(`No command more ${within}.`);
  else {
    lines.push(paint(terminal, "yellow", `Commands that the change would bring ${within}:`));
    lines.push(...preview.addedCommands.map((one) => `  ${commandText(one)}`));
  }
  if (preview.removedCommands.length > 0) {
    lines.push(
      "Commands that would not be given any more:",
      ...preview.removedCommands.map((one) => `  ${commandText(one)}`),
    );
  }
  if (preview.unpredictedGrids.length > 0) {
    lines.push(
      `Not predicted, as this node has no controller of them: ${preview.unpredictedGrids.join(", ")}`,
    );
  }
  return lines;
}

function commandText({ grid, device, command, afterS, reason, isWritten }: Command): string {
  const written = isWritten === true ? "" : " (only written down: not in control)";
  return `${grid ?? ""}/${device ?? ""} ${command ?? ""} after ${(afterS ?? 0).toFixed(1)} s: ${reason ?? ""}${written}`;
}

export function shownText(terminal: Terminal, shown: Shown): string {
  const rows = shown.grids.map(({ grid, revision, changedBy, isOnTrial, trialLeftS }) => [
    grid ?? "",
    String(Number(revision)),
    changedBy ?? "",
    isOnTrial
      ? paint(terminal, "yellow", `on trial, undone in ${(trialLeftS ?? 0).toFixed(0)} s`)
      : "in force",
  ]);
  const lines = [
    table([["GRID", "REVISION", "BY", "STATE"], ...rows]),
    "",
    shown.manifestText.trimEnd(),
  ];
  for (const problem of shown.fileProblems)
    lines.push(paint(terminal, "red", `${shown.manifestPath} is not right: ${problem}`));
  if (shown.fileChanges.length > 0) {
    lines.push(
      "",
      paint(terminal, "yellow", `${shown.manifestPath} on ${shown.node} says otherwise:`),
      changesTable(terminal, shown.fileChanges),
    );
  }
  return lines.join("\n");
}
