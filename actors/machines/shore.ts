import { assign, setup } from "xstate";
import type { CommandParams, DeviceEvent, FateType, Position } from "./device-event.ts";
import { areKnown, isOn, type DeviceView } from "./device-image.ts";

export type ShoreReading = {
  readonly isKnown: boolean;
  readonly position: Position;
  readonly isRemote: boolean;
  readonly isVoltagePresent: boolean;
  readonly isRotationGood: boolean;
  /** Opened by protection, or the pilot or emergency-stop loop is open. */
  readonly isTripped: boolean;
  readonly isBusLive: boolean;
  /** Its base load has reached what it is to carry. */
  readonly isLoaded: boolean;
  readonly isUnloaded: boolean;
};

type RequestType =
  | "sync.requested"
  | "deadClose.permitted"
  | "open.requested"
  | "openNow.requested";
export type ShoreEvent = DeviceEvent<"scanned" | RequestType | FateType, ShoreReading>;
export type ShoreInput = { readonly hasSyncCheck: boolean };
export type ShoreContext = ShoreInput & {
  readonly wish: "none" | "load" | "unload";
  readonly deadlineMs: number | null;
  readonly isOpening: boolean;
  readonly isOverdue: boolean;
  /** Nobody knows whether the command to synchronise was written. */
  readonly isUncertain: boolean;
};

const SYNC_TIMEOUT_MS = 60_000;
const TRANSFER_TIMEOUT_MS = 120_000;
/** A command to synchronise whose fate is unknown, and no close after so long: it was never written. */
const UNCERTAIN_SYNC_MS = 15_000;
const OPEN_TIMEOUT_MS = 3000;
const UNHEARD = "nobody knows whether the command was written, and the breaker is open";

export function readShore(
  view: DeviceView,
  powerKw: number,
  ratedKw: number,
  isLoaded: boolean,
  isBusLive: boolean,
): ShoreReading {
  const { image } = view;
  const points = [
    "isRemoteSelected",
    "isVoltagePresent",
    "isPhaseRotationGood",
    "isEmergencyStop",
    "isTripped",
    "activePowerKw",
  ];
  return {
    isKnown: view.position !== "unknown" && areKnown(image, points),
    position: view.position,
    isRemote: isOn(image, "isRemoteSelected"),
    isVoltagePresent: isOn(image, "isVoltagePresent"),
    isRotationGood: isOn(image, "isPhaseRotationGood"),
    isTripped: isOn(image, "isTripped") || isOn(image, "isEmergencyStop"),
    isBusLive,
    isLoaded,
    isUnloaded: Math.abs(powerKw) < ratedKw * 0.05,
  };
}

type Observed =
  | "unknown"
  | "tripped"
  | "local"
  | "absent"
  | "connectedDead"
  | "phaseRotationBad"
  | "ready"
  | "closed";

export function observeShore(reading: ShoreReading): Observed {
  if (!reading.isKnown) return "unknown";
  if (reading.isTripped) return "tripped";
  if (!reading.isRemote) return "local";
  if (reading.position === "closed") return reading.isVoltagePresent ? "closed" : "connectedDead";
  if (!reading.isVoltagePresent) return "absent";
  return reading.isRotationGood ? "ready" : "phaseRotationBad";
}

const WHY_OBSERVED: Readonly<Record<Observed, string>> = {
  unknown: "feedback is missing or not good",
  tripped: "its protection acted, or the pilot or emergency-stop loop is open",
  local: "its selector stands on local",
  absent: "there is no voltage on the far side",
  connectedDead: "its breaker is closed and the far side is dead",
  phaseRotationBad: "the far side's phase rotation is wrong",
  ready: "voltage and phase rotation are right and its breaker is open",
  closed: "its breaker is closed",
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

/** A shore connection or point of interconnection (plant-safety rule 15). `transferring`: load goes to shore or from it. */
export const shoreMachine = setup({
  types: {} as { context: ShoreContext; events: ShoreEvent; input: ShoreInput },
  actions: {
    command: (_args, _params: CommandParams) => {},
    rest: assign({ wish: "none", deadlineMs: null, isOpening: false, isUncertain: false }),
    waitFor: assign({
      deadlineMs: ({ event }, params: { ms: number }) => event.plantTimeMs + params.ms,
      isOverdue: false,
      isUncertain: false,
    }),
    doubt: assign({
      isUncertain: true,
      deadlineMs: ({ context, event }) =>
        Math.min(
          context.deadlineMs ?? Number.POSITIVE_INFINITY,
          event.plantTimeMs + UNCERTAIN_SYNC_MS,
        ),
    }),
    wishLoad: assign({ wish: "load" }),
    wishUnload: assign({ wish: "unload" }),
    markOpening: assign({
      isOpening: true,
      deadlineMs: ({ event }) => event.plantTimeMs + OPEN_TIMEOUT_MS,
    }),
    openAgain: assign({
      isOpening: false,
      isOverdue: true,
      deadlineMs: ({ event }) => event.plantTimeMs + TRANSFER_TIMEOUT_MS,
    }),
    openNeverWritten: assign({ isOpening: false }),
    markOverdue: assign({
      isOverdue: true,
      deadlineMs: ({ event }) => event.plantTimeMs + TRANSFER_TIMEOUT_MS,
    }),
  },
  guards: {
    observes: ({ event }, params: { state: Observed }) =>
      observeShore(event.reading) === params.state,
    maySync: ({ context, event }) =>
      event.mayCommand && context.hasSyncCheck && event.reading.isBusLive,
    mayDeadClose: ({ event }) => event.mayCommand && !event.reading.isBusLive,
    mayCommand: ({ event }) => event.mayCommand,
    isClosing: ({ event }) => event.command === "syncAndClose" || event.command === "close",
    isOverdue: ({ context, event }) =>
      context.deadlineMs !== null && event.plantTimeMs >= context.deadlineMs,
    mayAskAgain: ({ context, event }) =>
      context.isUncertain &&
      event.mayCommand &&
      context.deadlineMs !== null &&
      event.plantTimeMs >= context.deadlineMs &&
      event.reading.isBusLive &&
      observeShore(event.reading) === "ready",
    isLoaded: ({ context, event }) => context.wish === "load" && event.reading.isLoaded,
    mayOpen: ({ context, event }) =>
      event.mayCommand &&
      context.wish === "unload" &&
      !context.isOpening &&
      event.reading.isUnloaded,
    isStillClosed: ({ context, event }) =>
      context.isOpening && context.deadlineMs !== null && event.plantTimeMs >= context.deadlineMs,
  },
}).createMachine({
  id: "shore",
  context: ({ input }) => ({
    ...input,
    wish: "none",
    deadlineMs: null,
    isOpening: false,
    isOverdue: false,
    isUncertain: false,
  }),
  initial: "unknown",
  states: {
    unknown: { entry: "rest", on: { scanned: observedExcept("unknown") } },
    absent: { entry: "rest", on: { scanned: observedExcept("absent") } },
    connectedDead: {
      entry: "rest",
      on: {
        scanned: observedExcept("connectedDead"),
        "open.requested": {
          guard: "mayCommand",
          target: "transferring",
          actions: "wishUnload",
        },
      },
    },
    phaseRotationBad: { entry: "rest", on: { scanned: observedExcept("phaseRotationBad") } },
    tripped: { entry: "rest", on: { scanned: observedExcept("tripped") } },
    local: { entry: "rest", on: { scanned: observedExcept("local") } },
    ready: {
      entry: "rest",
      on: {
        scanned: observedExcept("ready"),
        "sync.requested": { guard: "maySync", target: "syncing" },
        "deadClose.permitted": {
          guard: "mayDeadClose",
          target: "syncing",
          description: "it holds the permit to close onto the dead busbar",
        },
      },
    },
    syncing: {
      entry: [
        { type: "waitFor", params: { ms: SYNC_TIMEOUT_MS } },
        {
          type: "command",
          params: ({ context, event }) => ({
            command: context.hasSyncCheck ? "syncAndClose" : "close",
            reason: event.type === "scanned" ? UNHEARD : event.reason,
          }),
        },
      ],
      on: {
        scanned: [
          {
            guard: { type: "observes", params: { state: "closed" } },
            target: "transferring",
            actions: "wishLoad",
            description: WHY_OBSERVED.closed,
          },
          ...observed("tripped", "local", "absent", "phaseRotationBad"),
          { guard: "mayAskAgain", target: "syncing", reenter: true, description: UNHEARD },
          {
            guard: "isOverdue",
            target: "unknown",
            actions: [
              "markOverdue",
              { type: "command", params: { command: "open", reason: "synchronising timed out" } },
            ],
            description: "not synchronised within 60 s",
          },
        ],
        "open.requested": {
          guard: "mayCommand",
          target: "unknown",
          actions: {
            type: "command",
            params: ({ event }) => ({ command: "open", reason: event.reason }),
          },
          description: "asked to open while synchronising",
        },
        "deadClose.permitted": {
          guard: "mayDeadClose",
          target: "syncing",
          reenter: true,
          description: "the leader that asked is gone and the busbar is still dead",
        },
        "command.unknown": { guard: "isClosing", actions: "doubt" },
        "command.dropped": { target: "unknown", description: "the command was never written" },
        "command.failed": { target: "unknown", description: "the device refused to synchronise" },
      },
    },
    transferring: {
      entry: { type: "waitFor", params: { ms: TRANSFER_TIMEOUT_MS } },
      on: {
        scanned: [
          ...observed("unknown", "tripped", "local", "absent", "phaseRotationBad", "ready"),
          { guard: "isLoaded", target: "closed", description: "it carries its part of the load" },
          {
            guard: "mayOpen",
            actions: [
              "markOpening",
              { type: "command", params: { command: "open", reason: "unloaded below 5 %" } },
            ],
          },
          { guard: "isStillClosed", actions: "openAgain" },
          { guard: "isOverdue", actions: "markOverdue" },
        ],
        "sync.requested": { guard: "mayCommand", actions: "wishLoad" },
        "open.requested": { guard: "mayCommand", actions: "wishUnload" },
        "command.dropped": { actions: "openNeverWritten" },
        "command.failed": { actions: "openAgain" },
      },
    },
    closed: {
      entry: "rest",
      on: {
        scanned: observedExcept("closed"),
        "open.requested": { guard: "mayCommand", target: "transferring", actions: "wishUnload" },
        "openNow.requested": {
          guard: "mayCommand",
          target: "transferring",
          actions: [
            "wishUnload",
            "markOpening",
            {
              type: "command",
              params: ({ event }) => ({ command: "open", reason: event.reason }),
            },
          ],
        },
      },
    },
  },
});
