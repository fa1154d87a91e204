import { assign, setup } from "xstate";
import type { CommandParams, DeviceEvent, FateType, Position } from "./device-event.ts";
import { areKnown, isOn, type DeviceView } from "./device-image.ts";

/** What a genset's machine decides on. Times and noise stay out: the machine is called only when one of these changes. */
export type GensetReading = {
  readonly isKnown: boolean;
  readonly position: Position;
  readonly isRemote: boolean;
  readonly isStartBlocked: boolean;
  readonly isReadyToStart: boolean;
  /** Its protection acted or its emergency stop is pressed. */
  readonly isTripped: boolean;
  readonly isRunning: boolean;
  readonly isReadyToLoad: boolean;
  /** Power below 5 % of rating. */
  readonly isUnloaded: boolean;
  /** Its reference has reached its share. */
  readonly isLoaded: boolean;
  readonly isBusLive: boolean;
};

type RequestType =
  | "start.requested"
  | "run.requested"
  | "sync.requested"
  | "deadClose.permitted"
  | "stop.requested"
  | "open.requested"
  | "openNow.requested"
  | "reset.requested";
export type GensetEvent = DeviceEvent<"scanned" | RequestType | FateType, GensetReading>;

export type GensetInput = {
  readonly startTimeoutMs: number;
  readonly cooldownMs: number;
  /** Wait after a start that was never written: long where R-EMS only observes or advises. */
  readonly startAgainMs: number;
  /** The device synchronises and checks by itself. Without it R-EMS never closes the breaker. */
  readonly hasSyncCheck: boolean;
};

export type GensetContext = GensetInput & {
  /** What the running sequence is for; `none` where nothing was asked. */
  readonly wish: "none" | "connect" | "stop" | "open";
  /** Plant time at which the present step is given up; null where nothing is awaited. */
  readonly deadlineMs: number | null;
  /** Start by R-EMS, plant time; null where the set already ran. */
  readonly startedAtMs: number | null;
  /** No new start before this plant time: the last one was never written. */
  readonly notBeforeMs: number;
  readonly syncAttemptCount: number;
  /** Nobody knows whether the present step's command was written. */
  readonly isUncertain: boolean;
  /** The start was given once more because nobody knew whether it was written, and the set went on saying that it is ready. */
  readonly isAskedAgain: boolean;
  /** The opening command was given in this unloading. */
  readonly isOpening: boolean;
  /** Latched until reset, and each an alarm. */
  readonly isSyncFailed: boolean;
  readonly isStepOverdue: boolean;
};

const SYNC_TIMEOUT_MS = 60_000;
const LOADING_TIMEOUT_MS = 60_000;
const UNLOADING_TIMEOUT_MS = 60_000;
const OPEN_TIMEOUT_MS = 3000;
const STOP_TIMEOUT_MS = 60_000;
/** A start whose fate is unknown: a set that still stands ready after so long has not heard it, and is asked once more. */
const UNHEARD_START_MS = 3000;
/** Asked again and in doubt again: without speed after so long it counts as never written. */
const UNCERTAIN_START_MS = 12_000;
const UNCERTAIN_SYNC_MS = 15_000;
const STOP_AGAIN_MS = 5000;
const SYNC_ATTEMPT_COUNT_MAX = 3;

const READ_POINTS = [
  "isRemoteSelected",
  "isReadyToStart",
  "isStartBlocked",
  "isShutdownActive",
  "isEmergencyStop",
  "isRunning",
  "isReadyToLoad",
  "isTripped",
  "activePowerKw",
] as const;

/** @param ratedKw - Nameplate, > 0. */
export function readGenset(
  view: DeviceView,
  powerKw: number,
  ratedKw: number,
  isLoaded: boolean,
  isBusLive: boolean,
): GensetReading {
  const { image } = view;
  return {
    isKnown: view.position !== "unknown" && areKnown(image, READ_POINTS),
    position: view.position,
    isRemote: isOn(image, "isRemoteSelected"),
    isStartBlocked: isOn(image, "isStartBlocked"),
    isReadyToStart: isOn(image, "isReadyToStart"),
    isTripped:
      isOn(image, "isTripped") || isOn(image, "isShutdownActive") || isOn(image, "isEmergencyStop"),
    isRunning: isOn(image, "isRunning"),
    isReadyToLoad: isOn(image, "isReadyToLoad"),
    isUnloaded: powerKw < ratedKw * 0.05,
    isLoaded,
    isBusLive,
  };
}

type Observed =
  | "unknown"
  | "tripped"
  | "local"
  | "onLoad"
  | "runningOpen"
  | "blocked"
  | "notReady"
  | "ready";

/** The state that the feedback alone speaks for. */
export function observeGenset(reading: GensetReading): Observed {
  if (!reading.isKnown) return "unknown";
  if (reading.isTripped) return "tripped";
  if (!reading.isRemote) return "local";
  if (reading.position === "closed") return reading.isRunning ? "onLoad" : "tripped";
  if (reading.isRunning) return "runningOpen";
  if (reading.isStartBlocked) return "blocked";
  return reading.isReadyToStart ? "ready" : "notReady";
}

const WHY_OBSERVED: Readonly<Record<Observed, string>> = {
  unknown: "feedback is missing or not good",
  tripped: "its protection acted, or its emergency stop is pressed",
  local: "its selector stands on local",
  onLoad: "it runs and its breaker is closed",
  runningOpen: "it runs and its breaker is open",
  blocked: "its start is blocked",
  notReady: "its controller would not accept a start",
  ready: "it stands still and would accept a start",
};

const ALL = Object.keys(WHY_OBSERVED) as Observed[];

/** Transitions to what the feedback shows, for the states named. */
function observed(...states: readonly Observed[]) {
  return states.map((state) => ({
    guard: { type: "observes" as const, params: { state } },
    target: state,
    description: WHY_OBSERVED[state],
  }));
}
const observedExcept = (...states: readonly Observed[]) =>
  observed(...ALL.filter((state) => !states.includes(state)));
const STANDSTILL = ["blocked", "notReady", "ready"] as const;

/** Opens without unloading: only where the busbar is to go dark. */
const openNow = {
  type: "command" as const,
  params: ({ event }: { event: GensetEvent }) => ({ command: "open", reason: event.reason }),
};

const UNHEARD =
  "nobody knows whether the start was written, and the set still says that it is ready";
const isFateOf = (event: GensetEvent, command: string) => event.command === command;

/**
 * A genset (plant-safety rule 15). R-EMS asks; the genset controller cranks, synchronises and protects. Leaving `starting`
 * without success always writes stop. What feedback shows always wins over what was asked.
 */
export const gensetMachine = setup({
  types: {} as { context: GensetContext; events: GensetEvent; input: GensetInput },
  actions: {
    command: (_args, _params: CommandParams) => {},
    clearWish: assign({
      wish: "none",
      deadlineMs: null,
      isUncertain: false,
      isAskedAgain: false,
      isOpening: false,
    }),
    wishConnect: assign({ wish: "connect", isSyncFailed: false, syncAttemptCount: 0 }),
    wishStop: assign({ wish: "stop" }),
    wishOpen: assign({ wish: "open" }),
    beginStart: assign({
      deadlineMs: ({ context, event }) => event.plantTimeMs + context.startTimeoutMs,
      startedAtMs: ({ event }) => event.plantTimeMs,
      isUncertain: false,
      isStepOverdue: false,
    }),
    markAskedAgain: assign({ isAskedAgain: true }),
    doubtStart: assign({
      isUncertain: true,
      deadlineMs: ({ context, event }) =>
        event.plantTimeMs + (context.isAskedAgain ? UNCERTAIN_START_MS : UNHEARD_START_MS),
    }),
    believeStart: assign({
      isUncertain: false,
      deadlineMs: ({ context, event }) =>
        (context.startedAtMs ?? event.plantTimeMs) + context.startTimeoutMs,
    }),
    beginSync: assign({
      deadlineMs: ({ event }) => event.plantTimeMs + SYNC_TIMEOUT_MS,
      syncAttemptCount: ({ context }) => context.syncAttemptCount + 1,
      isUncertain: false,
    }),
    waitFor: assign({
      deadlineMs: ({ event }, params: { ms: number }) => event.plantTimeMs + params.ms,
    }),
    beginCooldown: assign({
      deadlineMs: ({ context, event }) => event.plantTimeMs + context.cooldownMs + STOP_TIMEOUT_MS,
      wish: "none",
      startedAtMs: null,
      isOpening: false,
      isUncertain: false,
    }),
    doubt: assign({
      isUncertain: true,
      deadlineMs: ({ context, event }, params: { ms: number }) =>
        Math.min(
          context.deadlineMs ?? event.plantTimeMs + params.ms,
          event.plantTimeMs + params.ms,
        ),
    }),
    markOpening: assign({
      isOpening: true,
      deadlineMs: ({ event }) => event.plantTimeMs + OPEN_TIMEOUT_MS,
    }),
    openAgain: assign({
      isOpening: false,
      isStepOverdue: true,
      deadlineMs: ({ event }) => event.plantTimeMs + UNLOADING_TIMEOUT_MS,
    }),
    openNeverWritten: assign({ isOpening: false }),
    markOverdue: assign({
      isStepOverdue: true,
      deadlineMs: ({ event }) => event.plantTimeMs + STOP_TIMEOUT_MS,
    }),
    clearOverdue: assign({ isStepOverdue: false, deadlineMs: null }),
    markSyncFailed: assign({ isSyncFailed: true, wish: "none" }),
    startLater: assign({
      notBeforeMs: ({ context, event }) => event.plantTimeMs + context.startAgainMs,
    }),
    forgetFailures: assign({ isSyncFailed: false, isStepOverdue: false, notBeforeMs: 0 }),
  },
  guards: {
    observes: ({ event }, params: { state: Observed }) =>
      observeGenset(event.reading) === params.state,
    mayStart: ({ context, event }) =>
      event.mayCommand &&
      event.plantTimeMs >= context.notBeforeMs &&
      observeGenset(event.reading) === "ready",
    mayCommand: ({ event }) => event.mayCommand,
    isReadyToLoad: ({ event }) =>
      observeGenset(event.reading) === "runningOpen" && event.reading.isReadyToLoad,
    mayConnect: ({ context, event }) =>
      context.wish === "connect" &&
      context.hasSyncCheck &&
      event.mayCommand &&
      event.reading.isReadyToLoad &&
      event.reading.isBusLive &&
      observeGenset(event.reading) === "runningOpen",
    mayDeadClose: ({ context, event }) =>
      context.hasSyncCheck &&
      event.mayCommand &&
      event.reading.isReadyToLoad &&
      !event.reading.isBusLive &&
      observeGenset(event.reading) === "runningOpen",
    isLoaded: ({ event }) => event.reading.isLoaded,
    isOverdue: ({ context, event }) =>
      event.mayCommand && context.deadlineMs !== null && event.plantTimeMs >= context.deadlineMs,
    isOverdueInDoubt: ({ context, event }) =>
      event.mayCommand &&
      context.isUncertain &&
      context.deadlineMs !== null &&
      event.plantTimeMs >= context.deadlineMs,
    isUnheard: ({ context, event }) =>
      event.mayCommand &&
      context.isUncertain &&
      !context.isAskedAgain &&
      context.deadlineMs !== null &&
      event.plantTimeMs >= context.deadlineMs &&
      observeGenset(event.reading) === "ready",
    isHeard: ({ context, event }) =>
      context.isUncertain &&
      !context.isAskedAgain &&
      context.deadlineMs !== null &&
      event.plantTimeMs >= context.deadlineMs,
    isOpenForStop: ({ context, event }) =>
      event.reading.isKnown && event.reading.position === "open" && context.wish !== "open",
    isOpenForGood: ({ context, event }) =>
      event.reading.isKnown && event.reading.position === "open" && context.wish === "open",
    mayOpen: ({ context, event }) =>
      event.mayCommand && !context.isOpening && event.reading.isUnloaded,
    isStillClosed: ({ context, event }) =>
      context.isOpening && context.deadlineMs !== null && event.plantTimeMs >= context.deadlineMs,
    isFateOfStart: ({ event }) => isFateOf(event, "start"),
    isFateOfStop: ({ event }) => isFateOf(event, "stop"),
    isFateOfOpen: ({ event }) => isFateOf(event, "open"),
    maySyncAgain: ({ context, event }) =>
      isFateOf(event, "syncAndClose") && context.syncAttemptCount < SYNC_ATTEMPT_COUNT_MAX,
    isFateOfSync: ({ event }) => isFateOf(event, "syncAndClose"),
    isNotOpening: ({ context, event }) => !context.isOpening && event.mayCommand,
  },
}).createMachine({
  id: "genset",
  context: ({ input }) => ({
    ...input,
    wish: "none",
    deadlineMs: null,
    startedAtMs: null,
    notBeforeMs: 0,
    syncAttemptCount: 0,
    isUncertain: false,
    isAskedAgain: false,
    isOpening: false,
    isSyncFailed: false,
    isStepOverdue: false,
  }),
  initial: "unknown",
  on: { "reset.requested": { actions: "forgetFailures" } },
  states: {
    unknown: { entry: "clearWish", on: { scanned: observedExcept("unknown") } },
    local: { entry: "clearWish", on: { scanned: observedExcept("local") } },
    blocked: { entry: "clearWish", on: { scanned: observedExcept("blocked") } },
    notReady: { entry: "clearWish", on: { scanned: observedExcept("notReady") } },
    tripped: { entry: "clearWish", on: { scanned: observedExcept("tripped") } },
    ready: {
      entry: "clearWish",
      on: {
        scanned: observedExcept("ready"),
        "start.requested": { guard: "mayStart", target: "starting", actions: "wishConnect" },
        // It is to run and wait: a busbar is to go dark for it.
        "run.requested": { guard: "mayStart", target: "starting" },
      },
    },
    starting: {
      entry: [
        "beginStart",
        {
          type: "command",
          params: ({ event }) => ({
            command: "start",
            reason: event.type === "scanned" ? UNHEARD : event.reason,
          }),
        },
      ],
      on: {
        scanned: [
          {
            guard: { type: "observes", params: { state: "tripped" } },
            target: "tripped",
            actions: {
              type: "command",
              params: { command: "stop", reason: "the start ended in a trip" },
            },
            description: WHY_OBSERVED.tripped,
          },
          {
            guard: { type: "observes", params: { state: "local" } },
            target: "local",
            actions: {
              type: "command",
              params: { command: "stop", reason: "put on local while starting" },
            },
            description: WHY_OBSERVED.local,
          },
          ...observed("onLoad"),
          {
            guard: "isReadyToLoad",
            target: "runningOpen",
            description: "voltage and frequency are in band",
          },
          {
            guard: "isUnheard",
            target: "starting",
            reenter: true,
            actions: "markAskedAgain",
            description: UNHEARD,
          },
          { guard: "isHeard", actions: "believeStart" },
          {
            guard: "isOverdueInDoubt",
            target: "stopping",
            actions: "startLater",
            description: "nobody knows whether the start was written, and the set has not come",
          },
          {
            guard: "isOverdue",
            target: "startFailed",
            description: "not ready to load within the start time-out",
          },
        ],
        "stop.requested": { guard: "mayCommand", target: "stopping" },
        "command.dropped": {
          guard: "isFateOfStart",
          target: "unknown",
          actions: "startLater",
          description: "the start was never written",
        },
        "command.failed": {
          guard: "isFateOfStart",
          target: "startFailed",
          description: "the genset controller refused the start",
        },
        "command.unknown": {
          guard: "isFateOfStart",
          actions: "doubtStart",
        },
      },
    },
    startFailed: {
      entry: [
        "clearWish",
        { type: "command", params: { command: "stop", reason: "the start failed" } },
      ],
      on: {
        scanned: [
          ...observed("tripped", "local", "onLoad"),
          // To stop a set that stands still does nothing.
          {
            guard: "isOverdueInDoubt",
            actions: [
              "clearWish",
              { type: "command", params: { command: "stop", reason: "the start failed" } },
            ],
          },
        ],
        "command.unknown": {
          guard: "isFateOfStop",
          actions: { type: "doubt", params: { ms: STOP_AGAIN_MS } },
        },
        "reset.requested": { target: "unknown", actions: "forgetFailures" },
      },
    },
    runningOpen: {
      on: {
        scanned: [
          {
            guard: "mayConnect",
            target: "syncing",
            description: "ready to load and wanted on the busbar",
          },
          ...observedExcept("runningOpen"),
        ],
        "start.requested": { guard: "mayCommand", actions: "wishConnect" },
        "sync.requested": { guard: "mayCommand", actions: "wishConnect" },
        "deadClose.permitted": {
          guard: "mayDeadClose",
          target: "syncing",
          actions: "wishConnect",
          description: "it holds the permit to close onto the dead busbar",
        },
        "stop.requested": { guard: "mayCommand", target: "cooldown" },
      },
    },
    syncing: {
      entry: [
        "beginSync",
        {
          type: "command",
          params: ({ event }) => ({
            command: "syncAndClose",
            reason:
              event.type === "deadClose.permitted"
                ? event.reason
                : "ready to load and wanted on the busbar",
          }),
        },
      ],
      on: {
        scanned: [
          {
            guard: { type: "observes", params: { state: "onLoad" } },
            target: "loading",
            description: "its breaker has closed",
          },
          ...observed("tripped", "local", ...STANDSTILL),
          {
            guard: "isOverdueInDoubt",
            target: "runningOpen",
            description: "nobody knows whether the command was written, and the breaker is open",
          },
          {
            guard: "isOverdue",
            target: "cooldown",
            actions: [
              "markSyncFailed",
              { type: "command", params: { command: "open", reason: "synchronising timed out" } },
            ],
            description: "not synchronised within 60 s",
          },
        ],
        // Nobody knows whether the command was written, and the busbar is still dead.
        "deadClose.permitted": {
          guard: "mayDeadClose",
          target: "syncing",
          reenter: true,
          description: "the leader that asked is gone and the busbar is still dead",
        },
        "stop.requested": {
          guard: "mayCommand",
          target: "cooldown",
          actions: {
            type: "command",
            params: { command: "open", reason: "stop asked while synchronising" },
          },
        },
        "command.dropped": [
          {
            guard: "maySyncAgain",
            target: "runningOpen",
            description: "the command was never written",
          },
          {
            guard: "isFateOfSync",
            target: "runningOpen",
            actions: "markSyncFailed",
            description: "the command could not be written three times",
          },
        ],
        "command.failed": [
          {
            guard: "maySyncAgain",
            target: "runningOpen",
            description: "the genset controller refused to synchronise",
          },
          {
            guard: "isFateOfSync",
            target: "runningOpen",
            actions: "markSyncFailed",
            description: "the genset controller refused to synchronise three times",
          },
        ],
        "command.unknown": {
          guard: "isFateOfSync",
          actions: { type: "doubt", params: { ms: UNCERTAIN_SYNC_MS } },
        },
      },
    },
    loading: {
      entry: { type: "waitFor", params: { ms: LOADING_TIMEOUT_MS } },
      on: {
        scanned: [
          ...observedExcept("onLoad"),
          { guard: "isLoaded", target: "onLoad", description: "it has reached its share" },
          { guard: "isOverdue", target: "onLoad", description: "60 s of loading are over" },
        ],
        "stop.requested": { guard: "mayCommand", target: "unloading", actions: "wishStop" },
        "open.requested": { guard: "mayCommand", target: "unloading", actions: "wishOpen" },
        "openNow.requested": {
          guard: "mayCommand",
          target: "unloading",
          actions: ["wishOpen", "markOpening", openNow],
        },
      },
    },
    onLoad: {
      entry: "clearWish",
      on: {
        scanned: observedExcept("onLoad"),
        "stop.requested": { guard: "mayCommand", target: "unloading", actions: "wishStop" },
        "open.requested": { guard: "mayCommand", target: "unloading", actions: "wishOpen" },
        "openNow.requested": {
          guard: "mayCommand",
          target: "unloading",
          actions: ["wishOpen", "markOpening", openNow],
        },
      },
    },
    unloading: {
      entry: { type: "waitFor", params: { ms: UNLOADING_TIMEOUT_MS } },
      exit: "clearOverdue",
      on: {
        scanned: [
          ...observed("unknown", "tripped", "local", ...STANDSTILL),
          { guard: "isOpenForStop", target: "cooldown", description: "its breaker has opened" },
          { guard: "isOpenForGood", target: "runningOpen", description: "its breaker has opened" },
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
        "start.requested": { guard: "isNotOpening", target: "loading", actions: "wishConnect" },
        "command.dropped": { guard: "isFateOfOpen", actions: "openNeverWritten" },
        "command.failed": { guard: "isFateOfOpen", actions: "openAgain" },
      },
    },
    cooldown: {
      entry: [
        "beginCooldown",
        {
          type: "command",
          params: { command: "stop", reason: "its breaker is open and it is not needed" },
        },
      ],
      on: {
        scanned: [
          ...observed("unknown", "tripped", "local", "onLoad", ...STANDSTILL),
          {
            guard: "isOverdue",
            target: "stopping",
            description: "still running after its cooldown",
          },
        ],
        "command.dropped": {
          guard: "isFateOfStop",
          actions: { type: "waitFor", params: { ms: STOP_AGAIN_MS } },
        },
        // To stop a set that cools down already does nothing.
        "command.unknown": {
          guard: "isFateOfStop",
          actions: { type: "waitFor", params: { ms: STOP_AGAIN_MS } },
        },
      },
    },
    stopping: {
      entry: [
        "beginCooldown",
        { type: "command", params: { command: "stop", reason: "it is to stand still" } },
      ],
      exit: "clearOverdue",
      on: {
        scanned: [
          ...observed("unknown", "tripped", "local", "onLoad", ...STANDSTILL),
          {
            guard: "isOverdueInDoubt",
            target: "stopping",
            reenter: true,
            description: "nobody knows whether the stop was written, and it runs",
          },
          { guard: "isOverdue", actions: "markOverdue" },
        ],
        "command.unknown": {
          guard: "isFateOfStop",
          actions: { type: "doubt", params: { ms: STOP_AGAIN_MS } },
        },
      },
    },
  },
});
