import { setup } from "xstate";
import type { DeviceEvent, Position } from "./device-event.ts";
import { areKnown, isOn, type DeviceView } from "./device-image.ts";

export type PvReading = {
  readonly isKnown: boolean;
  readonly position: Position;
  readonly isRunning: boolean;
  readonly isTripped: boolean;
};
export type PvEvent = DeviceEvent<"scanned", PvReading>;
export type PvContext = { readonly deadlineMs: number | null };

export function readPv(view: DeviceView): PvReading {
  const { image } = view;
  return {
    isKnown:
      view.position !== "unknown" && areKnown(image, ["isRunning", "isTripped", "activePowerKw"]),
    position: view.position,
    isRunning: isOn(image, "isRunning"),
    isTripped: isOn(image, "isTripped"),
  };
}

type Observed = "unknown" | "tripped" | "off" | "standby" | "feeding";

export function observePv(reading: PvReading): Observed {
  if (!reading.isKnown) return "unknown";
  if (reading.isTripped) return "tripped";
  if (reading.position !== "closed") return "off";
  return reading.isRunning ? "feeding" : "standby";
}

const WHY_OBSERVED: Readonly<Record<Observed, string>> = {
  unknown: "feedback is missing or not good",
  tripped: "its own protection opened it",
  off: "its breaker is open",
  standby: "connected, and not feeding",
  feeding: "connected and feeding",
};

const observedExcept = (except: Observed) =>
  (Object.keys(WHY_OBSERVED) as Observed[])
    .filter((state) => state !== except)
    .map((state) => ({
      guard: { type: "observes" as const, params: { state } },
      target: state,
      description: WHY_OBSERVED[state],
    }));

/** A photovoltaic inverter: connects and feeds by itself; R-EMS only limits it. */
export const pvMachine = setup({
  types: {} as { context: PvContext; events: PvEvent },
  guards: {
    observes: ({ event }, params: { state: Observed }) => observePv(event.reading) === params.state,
  },
}).createMachine({
  id: "pv",
  context: { deadlineMs: null },
  initial: "unknown",
  states: {
    unknown: { on: { scanned: observedExcept("unknown") } },
    tripped: { on: { scanned: observedExcept("tripped") } },
    off: { on: { scanned: observedExcept("off") } },
    standby: { on: { scanned: observedExcept("standby") } },
    feeding: { on: { scanned: observedExcept("feeding") } },
  },
});
