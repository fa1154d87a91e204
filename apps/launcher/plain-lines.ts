import type { FailoverMessage, LauncherEvent } from "./events.ts";
import { summaryOf } from "./json-lines.ts";
import type { RunOutcome } from "./run.ts";

/** `00:02:14`. */
export function clockText(elapsedMs: number): string {
  const totalS = Math.max(0, Math.floor(elapsedMs / 1000));
  const parts = [Math.floor(totalS / 3600), Math.floor(totalS / 60) % 60, totalS % 60];
  return parts.map((part) => String(part).padStart(2, "0")).join(":");
}

/** One event as a sentence. */
export function eventText(event: LauncherEvent): string {
  switch (event.type) {
    case "note":
      return event.text;
    case "tour":
      return `*** ${event.text}`;
    case "action":
      return event.isDone ? event.text : `not done: ${event.text}`;
    case "node":
      return `${event.node === "" ? "" : `${event.node}: `}${event.text}`;
    case "plant": {
      const place = [event.grid, event.device].filter((part) => part !== "").join("/");
      const kind = event.kind === event.text ? "" : `${event.kind}, `;
      return `${place === "" ? "" : `${place}: `}${kind}${event.text}`;
    }
    case "failover":
      return failoverTexts(event.failover).join("; ");
    default:
      return event satisfies never;
  }
}

/** What happened, and how the plant took it. */
export function failoverTexts(failover: FailoverMessage): [what: string, plant: string] {
  const { grid, from, to, reason, gapMs, overlapCount, lateWriteCount } = failover;
  const { frequencyHzMin, frequencyHzMax, breakersMovedCount, startsStopsCount } = failover;
  const late = lateWriteCount > 0 ? `, late writes ${lateWriteCount}` : "";
  const cause = reason === "unmarked" ? "by itself" : reason;
  const what = `${grid} ${from}→${to} (${cause}): first command ${Math.round(gapMs)} ms, double writes ${overlapCount}${late}`;
  const isLit = frequencyHzMin > 0;
  const plant = [
    `f ${frequencyHzMin.toFixed(2)}–${frequencyHzMax.toFixed(2)} Hz`,
    `breakers moved ${breakersMovedCount}`,
    `starts/stops ${startsStopsCount}`,
    `set-point step ${failover.setpointStepKwMax.toFixed(1)} kW`,
  ].join(", ");
  return [what, `PLANT: ${plant} → ${isLit ? "LIGHTS STAYED ON" : "BLACKOUT"}`];
}

/** The end of a run without a terminal. */
export function endTexts(outcome: RunOutcome, exitCode: number): string[] {
  const summary = summaryOf(outcome, exitCode);
  const lines = [
    `SIMULATION ended after ${clockText(summary.durationMs)}: failovers ${summary.failoverCount}, longest gap ${Math.round(summary.gapMsMax)} ms, double writes ${summary.overlapCount}, late writes ${summary.lateWriteCount}, longest pause of this machine ${Math.round(summary.hostPauseMsMax)} ms`,
  ];
  for (const failure of outcome.failures) lines.push(`FAILED: ${failure}`);
  return lines;
}
