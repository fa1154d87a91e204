import type { FactSample } from "../../kernel/frame.ts";
import type { WriteReport } from "../../kernel/ports/device-io.ts";

/** Outcomes by which a device acknowledged a set-point and did not do it, or refused it. */
const IGNORED: readonly WriteReport["outcome"][] = ["unconfirmed", "unfollowed", "failed"];

/**
 * What devices do not do although they were told, as facts on which the grid raises its alarm: one for each device, a text that is empty while
 * it does everything.
 */
export class IgnoredOutputs {
  /** For each device, the set-points with what is wrong. */
  readonly #devices = new Map<string, Map<string, string>>();

  /** @returns The fact that changed by this report, if any. */
  note(report: WriteReport): FactSample | null {
    if (report.kind !== "level") return null;
    const { device, name, outcome, reason } = report;
    const troubles = this.#devices.get(device) ?? new Map<string, string>();
    const before = troubles.get(name);
    if (IGNORED.includes(outcome)) troubles.set(name, `${name} ${outcome}: ${reason}`);
    // What is shown may still have no effect; only that ends it.
    else if (outcome === "followed") troubles.delete(name);
    else if (outcome === "confirmed" && before?.startsWith(`${name} unfollowed`) !== true)
      troubles.delete(name);
    if (troubles.get(name) === before) return null;
    this.#devices.set(device, troubles);
    return factOf(device, [...troubles.values()].join("; "));
  }

  /** Nothing is commanded any more. @returns The facts that changed. */
  clear(): readonly FactSample[] {
    const facts = [...this.#devices]
      .filter(([, troubles]) => troubles.size > 0)
      .map(([device]) => factOf(device, ""));
    this.#devices.clear();
    return facts;
  }
}

const TEXT_LENGTH_MAX = 200;

function factOf(device: string, text: string): FactSample {
  return [`ignored.${device}`, text.slice(0, TEXT_LENGTH_MAX)];
}
