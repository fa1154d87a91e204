import { assign, setup } from "xstate";
import type { CommandParams, DeviceEvent, FateType } from "./device-event.ts";
import { areKnown, isOn, type DeviceView } from "./device-image.ts";

export type ThrusterReading = {
  readonly isKnown: boolean;
  readonly isRemote: boolean;
  readonly isRequesting: boolean;
  readonly isTripped: boolean;
  /** It draws more than 2 % of its rating. */
  readonly isDrawing: boolean;
  /** Its feedback: it says that it runs, or it draws. */
  readonly isRunning: boolean;
};

export type ThrusterEvent = DeviceEvent<
  "scanned" | "granted" | "withdrawn" | "reset.requested" | FateType,
  ThrusterReading
>;

export type ThrusterInput = {
  /** A granted consumer that does not run after so long loses its reservation. */
  readonly feedbackTimeoutMs: number;
  /** Its request is a pulse: it is held until the consumer has run and stopped. */
  readonly isPulse: boolean;
};

export type ThrusterContext = ThrusterInput & {
  /** When its present request came, plant time: first come, first served. */
  readonly requestedAtMs: number | null;
  /** Plant time at which the feedback of a granted one is overdue; null where none is awaited. */
  readonly deadlineMs: number | null;
};

export function readThruster(view: DeviceView, powerKw: number, ratedKw: number): ThrusterReading {
  const { image } = view;
  const points = ["isRemoteSelected", "isRequesting", "isTripped", "activePowerKw", "demandKw"];
  const isDrawing = powerKw > ratedKw * 0.02;
  return {
    isKnown: areKnown(image, points),
    isRemote: isOn(image, "isRemoteSelected"),
    isRequesting: isOn(image, "isRequesting"),
    isTripped: isOn(image, "isTripped"),
    isDrawing,
    isRunning: isDrawing || isOn(image, "isRunning"),
  };
}

type Observed = "unknown" | "tripped" | "local" | "off" | "requesting";

/** Without a grant known to it: whoever already draws on a request counts as running, see `unknown`. */
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
  target: "running",
  description: "it already draws on its request",
} as const;

/** What ends a grant from outside: the drive is not there any more, or asks no longer. */
const ENDS = [
  ...observed("tripped", "local"),
  {
    guard: "hasEnded" as const,
    target: "off" as const,
    description: "it asks for no power any more",
  },
];

const withdraw = {
  type: "command" as const,
  params: { command: "withdraw", reason: "its grant is over" },
};

/**
 * A heavy consumer: asks, waits for free capacity, is granted (its power is reserved, it is told so), shows that it runs, and gives the
 * power back. A grant without feedback is given up after a time, so that the next in line is served.
 */
export const thrusterMachine = setup({
  types: {} as { context: ThrusterContext; events: ThrusterEvent; input: ThrusterInput },
  actions: {
    command: (_args, _params: CommandParams) => {},
    noteRequest: assign({ requestedAtMs: ({ event }) => event.plantTimeMs }),
    forgetRequest: assign({ requestedAtMs: null }),
    awaitFeedback: assign({
      deadlineMs: ({ context, event }) => event.plantTimeMs + context.feedbackTimeoutMs,
    }),
    awaitNothing: assign({ deadlineMs: null }),
  },
  guards: {
    observes: ({ event }, params: { state: Observed }) =>
      observeThruster(event.reading) === params.state,
    drawsOnRequest: ({ event }) =>
      observeThruster(event.reading) === "requesting" && event.reading.isDrawing,
    runs: ({ event }) => event.reading.isKnown && event.reading.isRunning,
    /** A standing request that falls; a pulse is over once the consumer has stopped. */
    hasEnded: ({ context, event }) =>
      observeThruster(event.reading) === "off" && (!context.isPulse || !event.reading.isRunning),
    /** A pulse may be gone long before the consumer runs. */
    hasFallen: ({ context, event }) => observeThruster(event.reading) === "off" && !context.isPulse,
    isOverdue: ({ context, event }) =>
      context.deadlineMs !== null && event.plantTimeMs >= context.deadlineMs,
  },
}).createMachine({
  id: "thruster",
  context: ({ input }) => ({ ...input, requestedAtMs: null, deadlineMs: null }),
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
        scanned: [
          ...observed("unknown", "tripped", "local"),
          { guard: "hasFallen", target: "off", description: WHY_OBSERVED.off },
        ],
        granted: { target: "granted", description: "enough power is free" },
      },
    },
    granted: {
      entry: [
        "awaitFeedback",
        {
          type: "command",
          params: ({ event }) => ({ command: "acknowledge", reason: event.reason }),
        },
      ],
      exit: "awaitNothing",
      on: {
        scanned: [
          ...observed("tripped", "local"),
          { guard: "hasFallen", target: "off", actions: withdraw, description: WHY_OBSERVED.off },
          { guard: "runs", target: "running", description: "its feedback says that it runs" },
          {
            guard: "isOverdue",
            target: "timedOut",
            actions: withdraw,
            description: "granted, and no feedback in time: its reservation is given up",
          },
        ],
        withdrawn: {
          target: "requesting",
          actions: withdraw,
          description: "the grant was withdrawn",
        },
      },
    },
    running: {
      on: {
        scanned: ENDS,
        withdrawn: {
          target: "requesting",
          actions: withdraw,
          description: "the grant was withdrawn",
        },
      },
    },
    timedOut: {
      on: {
        scanned: [alreadyDraws, ...observed("unknown", "tripped", "local", "off")],
        "reset.requested": { target: "unknown", description: "an operator asked for it" },
      },
    },
  },
});
