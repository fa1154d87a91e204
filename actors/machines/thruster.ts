import { assign, setup } from "xstate";
import type { DeviceEvent } from "./device-event.ts";
import { areKnown, isOn, type DeviceView } from "./device-image.ts";

export type ThrusterReading = {
  readonly isKnown: boolean;
  readonly isRemote: boolean;
  readonly isRequesting: boolean;
  readonly isTripped: boolean;
  /** It draws more than 2 % of its rating. */
  readonly isDrawing: boolean;
};

export type ThrusterEvent = DeviceEvent<"scanned" | "granted" | "withdrawn", ThrusterReading>;
export type ThrusterContext = {
  /** When its present request came, plant time: first come, first served. */
  readonly requestedAtMs: number | null;
  readonly deadlineMs: number | null;
};

export function readThruster(view: DeviceView, powerKw: number, ratedKw: number): ThrusterReading {
  const { image } = view;
  const points = ["isRemoteSelected", "isRequesting", "isTripped", "activePowerKw", "demandKw"];
  return {
    isKnown: areKnown(image, points),
    isRemote: isOn(image, "isRemoteSelected"),
    isRequesting: isOn(image, "isRequesting"),
    isTripped: isOn(image, "isTripped"),
    isDrawing: powerKw > ratedKw * 0.02,
  };
}

type Observed = "unknown" | "tripped" | "local" | "off" | "requesting";

/** Without a grant known to it: whoever already draws on a request counts as granted, see `unknown`. */
export function observeThruster(reading: ThrusterReading): Observed {
  if (!reading.isKnown) return "unknown";
  if (reading.isTripped) return "tripped";
  if (!reading.isRemote) return "local";
  return reading.isRequesting ? "requesting" : "off";
}

const WHY_OBSERVED: Readonly<Record<Observed, string>> = {
  unknown: "feedback is missing or not good",
  tripped: "its drive has tripped",
  local: "its selector stands on local",
  off: "it asks for no power",
  requesting: "it asks for power",
};
const ALL = Object.keys(WHY_OBSERVED) as Observed[];

function observed(...states: readonly Observed[]) {
  return states.map((state) => ({
    guard: { type: "observes" as const, params: { state } },
    target: state,
    description: WHY_OBSERVED[state],
  }));
}
const observedExcept = (...states: readonly Observed[]) =>
  observed(...ALL.filter((state) => !states.includes(state)));

const alreadyDraws = {
  guard: "drawsOnRequest",
  target: "granted",
  description: "it already draws on its request",
} as const;

/** A heavy consumer: asks, waits for free capacity, is granted, and gives the power back. */
export const thrusterMachine = setup({
  types: {} as { context: ThrusterContext; events: ThrusterEvent },
  actions: {
    noteRequest: assign({ requestedAtMs: ({ event }) => event.plantTimeMs }),
    forgetRequest: assign({ requestedAtMs: null }),
  },
  guards: {
    observes: ({ event }, params: { state: Observed }) =>
      observeThruster(event.reading) === params.state,
    drawsOnRequest: ({ event }) =>
      observeThruster(event.reading) === "requesting" && event.reading.isDrawing,
  },
}).createMachine({
  id: "thruster",
  context: { requestedAtMs: null, deadlineMs: null },
  initial: "unknown",
  states: {
    unknown: {
      entry: "forgetRequest",
      on: { scanned: [alreadyDraws, ...observedExcept("unknown")] },
    },
    local: { entry: "forgetRequest", on: { scanned: [alreadyDraws, ...observedExcept("local")] } },
    tripped: { entry: "forgetRequest", on: { scanned: observedExcept("tripped") } },
    off: { entry: "forgetRequest", on: { scanned: observedExcept("off") } },
    requesting: {
      entry: "noteRequest",
      on: {
        scanned: observedExcept("requesting"),
        granted: { target: "granted", description: "enough power is free" },
      },
    },
    granted: {
      on: {
        scanned: observed("tripped", "local", "off"),
        withdrawn: { target: "requesting", description: "the grant was withdrawn" },
      },
    },
  },
});
