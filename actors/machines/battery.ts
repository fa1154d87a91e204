import { assign, setup } from "xstate";
import type { CommandParams, DeviceEvent, FateType, Position } from "./device-event.ts";
import { areKnown, isOn, labelOf, type DeviceView } from "./device-image.ts";

export type BatteryReading = {
  readonly isKnown: boolean;
  readonly position: Position;
  readonly isRemote: boolean;
  /** The converter's own word, "" where it is not known. */
  readonly converter: string;
  readonly isForming: boolean;
  /** BMS fault, gas or fire, emergency stop: no automatic return. */
  readonly isFault: boolean;
  readonly isTripped: boolean;
  readonly isBusLive: boolean;
};

type RequestType =
  | "sync.requested"
  | "deadClose.permitted"
  | "open.requested"
  | "setForming.requested"
  | "setFollowing.requested";
export type BatteryEvent = DeviceEvent<"scanned" | RequestType | FateType, BatteryReading>;
export type BatteryInput = { readonly hasSyncCheck: boolean };
export type BatteryContext = BatteryInput & {
  /** The command whose effect is awaited, or "". */
  readonly awaited: string;
  readonly deadlineMs: number | null;
  readonly isOverdue: boolean;
  /** Nobody knows whether that command was written. */
  readonly isUncertain: boolean;
};

const SYNC_TIMEOUT_MS = 60_000;
const MOVE_TIMEOUT_MS = 3000;
/** A command to close whose fate is unknown, and no effect after so long: it was never written. */
const UNCERTAIN_SYNC_MS = 15_000;

export function readBattery(view: DeviceView, isBusLive: boolean): BatteryReading {
  const { image } = view;
  const points = ["isRemoteSelected", "state", "isBmsFault", "isGasOrFire", "isEmergencyStop"];
  return {
    isKnown: view.position !== "unknown" && areKnown(image, points),
    position: view.position,
    isRemote: isOn(image, "isRemoteSelected"),
    converter: labelOf(image, "state"),
    isForming: isOn(image, "isGridForming"),
    isFault:
      isOn(image, "isBmsFault") || isOn(image, "isGasOrFire") || isOn(image, "isEmergencyStop"),
    isTripped: isOn(image, "isTripped"),
    isBusLive,
  };
}

type Observed =
  | "unknown"
  | "fault"
  | "local"
  | "off"
  | "precharge"
  | "ready"
  | "following"
  | "forming"
  | "limited"
  | "isolated";

export function observeBattery(reading: BatteryReading): Observed {
  if (!reading.isKnown) return "unknown";
  if (reading.isFault || reading.isTripped || reading.converter === "fault") return "fault";
  if (!reading.isRemote) return "local";
  if (reading.position === "closed") {
    if (reading.converter === "limited") return "limited";
    return reading.isForming ? "forming" : "following";
  }
  switch (reading.converter) {
    case "off":
    case "precharge":
    case "isolated":
      return reading.converter;
    default:
      return "ready";
  }
}

const WHY_OBSERVED: Readonly<Record<Observed, string>> = {
  unknown: "feedback is missing or not good",
  fault: "fault, gas, fire, trip or emergency stop",
  local: "its selector stands on local",
  off: "its converter is off",
  precharge: "its converter precharges",
  ready: "its converter is ready and its breaker open",
  following: "connected, follows the busbar's frequency",
  forming: "connected, forms voltage and frequency",
  limited: "connected, limited by its management",
  isolated: "its contactor is open",
};
const ALL = Object.keys(WHY_OBSERVED) as Observed[];

const observedExcept = (except: Observed) =>
  ALL.filter((state) => state !== except).map((state) => ({
    guard: { type: "observes" as const, params: { state } },
    target: state,
    description: WHY_OBSERVED[state],
  }));

const passOn = {
  type: "command" as const,
  params: ({ event }: { event: BatteryEvent }) => ({
    command: event.command,
    reason: event.reason,
  }),
};

/** Its time is over without an effect, and nobody knows whether it was written: it is given once more. */
const again = {
  type: "command" as const,
  params: ({ context }: { context: BatteryContext }) => ({
    command: context.awaited,
    reason: "nobody knows whether the command was written, and it shows no effect",
  }),
};

/** Every state shows what is measured; requests wait for their effect beside it, so that no state hides a fault. */
function shows(state: Observed) {
  return [
    ...observedExcept(state),
    { guard: "mayAskAgain" as const, actions: ["believe" as const, again] },
    { guard: "isOverdue" as const, actions: "giveUp" as const },
  ];
}

/** Onto a dead busbar it must form voltage and frequency itself. */
const form = {
  type: "command" as const,
  params: ({ event }: { event: BatteryEvent }) => ({ command: "setForming", reason: event.reason }),
};
const close = {
  type: "command" as const,
  params: ({ event }: { event: BatteryEvent }) => ({
    command: "syncAndClose",
    reason: event.reason,
  }),
};

const CONNECTED = {
  "open.requested": { guard: "isIdle", actions: ["waitForMove", passOn] },
  "setForming.requested": { guard: "isIdle", actions: ["waitForMove", passOn] },
  "setFollowing.requested": { guard: "isIdle", actions: ["waitForMove", passOn] },
} as const;

/** A battery with its converter (plant-safety rule 15): shows the converter's own state and passes requests on. */
export const batteryMachine = setup({
  types: {} as { context: BatteryContext; events: BatteryEvent; input: BatteryInput },
  actions: {
    command: (_args, _params: CommandParams) => {},
    settle: assign({ awaited: "", deadlineMs: null, isUncertain: false }),
    doubt: assign({
      isUncertain: true,
      deadlineMs: ({ context, event }) =>
        Math.min(
          context.deadlineMs ?? Number.POSITIVE_INFINITY,
          event.plantTimeMs + UNCERTAIN_SYNC_MS,
        ),
    }),
    believe: assign({
      isUncertain: false,
      deadlineMs: ({ context, event }) =>
        event.plantTimeMs +
        (context.awaited === "syncAndClose" ? SYNC_TIMEOUT_MS : MOVE_TIMEOUT_MS),
    }),
    waitForMove: assign({
      awaited: ({ event }) => event.command,
      deadlineMs: ({ event }) => event.plantTimeMs + MOVE_TIMEOUT_MS,
      isOverdue: false,
      isUncertain: false,
    }),
    waitForSync: assign({
      awaited: "syncAndClose",
      deadlineMs: ({ event }) => event.plantTimeMs + SYNC_TIMEOUT_MS,
      isOverdue: false,
      isUncertain: false,
    }),
    waitForForming: assign({
      awaited: "setForming",
      deadlineMs: ({ event }) => event.plantTimeMs + MOVE_TIMEOUT_MS,
      isOverdue: false,
      isUncertain: false,
    }),
    giveUp: assign({ awaited: "", deadlineMs: null, isOverdue: true, isUncertain: false }),
  },
  guards: {
    observes: ({ event }, params: { state: Observed }) =>
      observeBattery(event.reading) === params.state,
    isIdle: ({ context, event }) => event.mayCommand && context.awaited === "",
    mayConnect: ({ context, event }) =>
      event.mayCommand && context.awaited === "" && context.hasSyncCheck,
    mayDeadClose: ({ context, event }) =>
      event.mayCommand &&
      context.hasSyncCheck &&
      (context.awaited === "" || context.awaited === "syncAndClose"),
    isClosing: ({ context, event }) => event.mayCommand && context.awaited === "syncAndClose",
    isAwaited: ({ context, event }) => context.awaited !== "" && event.command === context.awaited,
    mayAskAgain: ({ context, event }) =>
      event.mayCommand &&
      context.isUncertain &&
      context.awaited !== "" &&
      // Onto a dead busbar only who holds the permit asks once more.
      (context.awaited !== "syncAndClose" || event.reading.isBusLive) &&
      context.deadlineMs !== null &&
      event.plantTimeMs >= context.deadlineMs,
    isOverdue: ({ context, event }) =>
      context.deadlineMs !== null && event.plantTimeMs >= context.deadlineMs,
  },
}).createMachine({
  id: "battery",
  context: ({ input }) => ({
    ...input,
    awaited: "",
    deadlineMs: null,
    isOverdue: false,
    isUncertain: false,
  }),
  initial: "unknown",
  on: {
    "command.dropped": { actions: "settle" },
    "command.failed": { actions: "giveUp" },
    "command.unknown": { guard: "isAwaited", actions: "doubt" },
  },
  states: {
    unknown: { entry: "settle", on: { scanned: shows("unknown") } },
    fault: { entry: "settle", on: { scanned: shows("fault") } },
    local: { entry: "settle", on: { scanned: shows("local") } },
    off: { entry: "settle", on: { scanned: shows("off") } },
    precharge: { entry: "settle", on: { scanned: shows("precharge") } },
    isolated: { entry: "settle", on: { scanned: shows("isolated") } },
    ready: {
      entry: "settle",
      on: {
        scanned: shows("ready"),
        "sync.requested": { guard: "mayConnect", actions: ["waitForSync", passOn] },
        // Also once more, where the leader that asked is gone and the busbar still dead.
        "deadClose.permitted": { guard: "mayDeadClose", actions: ["waitForSync", form, close] },
        "open.requested": { guard: "isClosing", actions: ["waitForMove", passOn] },
      },
    },
    following: {
      entry: "settle",
      on: {
        scanned: shows("following"),
        ...CONNECTED,
        "deadClose.permitted": { guard: "isIdle", actions: ["waitForForming", form] },
      },
    },
    forming: { entry: "settle", on: { scanned: shows("forming"), ...CONNECTED } },
    limited: { entry: "settle", on: { scanned: shows("limited"), ...CONNECTED } },
  },
});
