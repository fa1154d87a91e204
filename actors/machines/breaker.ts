import { assign, setup } from "xstate";
import type { CommandParams, DeviceEvent, FateType, Position } from "./device-event.ts";
import { areKnown, isOn, type DeviceView } from "./device-image.ts";

export type BreakerReading = {
  readonly isKnown: boolean;
  readonly position: Position;
  readonly isTripped: boolean;
  /** Its protection opened it on a short circuit. */
  readonly isShortCircuit: boolean;
  /** Always true where the kind has no selector. */
  readonly isRemote: boolean;
  /** So little power flows that opening it moves nothing; true as well where nothing measures it. */
  readonly isUnloaded: boolean;
};

type RequestType =
  | "close.requested"
  | "sync.requested"
  | "open.requested"
  | "openNow.requested"
  | "reset.requested";
export type BreakerEvent = DeviceEvent<"scanned" | RequestType | FateType, BreakerReading>;

export type BreakerInput = {
  readonly syncTimeoutMs: number;
  /** Its power is brought down before it opens, for at most so long before an alarm; 0: it opens at once. */
  readonly deloadTimeoutMs: number;
};

export type BreakerContext = BreakerInput & {
  readonly deadlineMs: number | null;
  /** The last step was not seen in time. */
  readonly isOverdue: boolean;
  /** Nobody knows whether the command of this step was written. */
  readonly isUncertain: boolean;
  /** Where the last command wanted it. */
  readonly wished: "closed" | "open" | "none";
};

/** A breaker's contacts follow a command within this time. */
const MOVE_TIMEOUT_MS = 2000;

export function readBreaker(
  view: DeviceView,
  hasSelector: boolean,
  isUnloaded: boolean,
): BreakerReading {
  const { image } = view;
  const points = hasSelector ? ["isTripped", "isRemoteSelected"] : ["isTripped"];
  return {
    isKnown: view.position !== "unknown" && areKnown(image, points),
    position: view.position,
    isTripped: isOn(image, "isTripped"),
    isShortCircuit: isOn(image, "isShortCircuit"),
    isRemote: !hasSelector || isOn(image, "isRemoteSelected"),
    isUnloaded,
  };
}

type Observed = "unknown" | "shortCircuit" | "tripped" | "local" | "closed" | "open";

export function observeBreaker(reading: BreakerReading): Observed {
  if (!reading.isKnown || reading.position === "unknown") return "unknown";
  if (reading.isShortCircuit && reading.position === "open") return "shortCircuit";
  if (reading.isTripped && reading.position === "open") return "tripped";
  if (!reading.isRemote) return "local";
  return reading.position;
}

const WHY_OBSERVED: Readonly<Record<Observed, string>> = {
  unknown: "its position is missing or its contacts contradict each other",
  shortCircuit: "its protection opened it on a short circuit",
  tripped: "its own protection opened it",
  local: "its selector stands on local",
  closed: "its contacts show closed",
  open: "its contacts show open",
};
const ALL = Object.keys(WHY_OBSERVED) as Observed[];

function observed(...states: readonly Observed[]) {
  return states.map((state) => ({
    guard: { type: "observes" as const, params: { state } },
    target: state,
    description: WHY_OBSERVED[state],
  }));
}
const observedExcept = (state: Observed) => observed(...ALL.filter((other) => other !== state));

const NEVER_WRITTEN = {
  target: "unknown",
  description: "the command was never written",
} as const;
const inDoubt = {
  guard: "isOverdueInDoubt" as const,
  target: "unknown",
  description: "nobody knows whether the command was written; its contacts decide",
};
const failed = (description: string) => ({
  guard: "isOverdue" as const,
  target: "failed",
  actions: "markOverdue" as const,
  description,
});
const refused = (what: string) => ({
  target: "failed",
  actions: "markOverdue" as const,
  description: `the device refused to ${what}`,
});

/**
 * A breaker with two contacts: closed and opened on request only, never by itself. A command that was not seen to act is not
 * repeated; the position decides. `failed`: it did not do what it was told; `shortCircuit`: latched until an operator resets it;
 * `deloading`: its power is brought down first, for as long as that takes.
 * @param id - `breaker`, `busTie` or `feeder`: the same chart for each.
 */
export function createBreakerMachine<Id extends string>(id: Id) {
  return setup({
    types: {} as { context: BreakerContext; events: BreakerEvent; input: BreakerInput },
    actions: {
      command: (_args, _params: CommandParams) => {},
      rest: assign({ deadlineMs: null, isUncertain: false }),
      succeed: assign({ isOverdue: false, wished: "none" }),
      waitFor: assign({
        deadlineMs: ({ event }, params: { ms: number }) => event.plantTimeMs + params.ms,
        isOverdue: false,
        isUncertain: false,
      }),
      waitForSync: assign({
        deadlineMs: ({ context, event }) => event.plantTimeMs + context.syncTimeoutMs,
        isOverdue: false,
        isUncertain: false,
      }),
      waitForDeload: assign({
        deadlineMs: ({ context, event }) => event.plantTimeMs + context.deloadTimeoutMs,
        isOverdue: false,
      }),
      wish: assign({ wished: (_args, params: { position: "closed" | "open" }) => params.position }),
      doubt: assign({ isUncertain: true }),
      markOverdue: assign({ isOverdue: true }),
      keepTrying: assign({
        isOverdue: true,
        deadlineMs: ({ context, event }) => event.plantTimeMs + context.deloadTimeoutMs,
      }),
    },
    guards: {
      observes: ({ event }, params: { state: Observed }) =>
        observeBreaker(event.reading) === params.state,
      mayCommand: ({ event }) => event.mayCommand,
      mayDeload: ({ context, event }) =>
        event.mayCommand && context.deloadTimeoutMs > 0 && !event.reading.isUnloaded,
      mayOpen: ({ event }) => event.mayCommand && event.reading.isUnloaded,
      mayReset: ({ event }) => !event.reading.isShortCircuit && !event.reading.isTripped,
      isOverdue: ({ context, event }) =>
        context.deadlineMs !== null && event.plantTimeMs >= context.deadlineMs,
      isOverdueInDoubt: ({ context, event }) =>
        context.isUncertain &&
        context.deadlineMs !== null &&
        event.plantTimeMs >= context.deadlineMs,
      isAsWished: ({ context, event }) =>
        event.reading.isKnown && event.reading.position === context.wished,
    },
  }).createMachine({
    id,
    context: ({ input }) => ({
      ...input,
      deadlineMs: null,
      isOverdue: false,
      isUncertain: false,
      wished: "none",
    }),
    initial: "unknown",
    states: {
      unknown: { entry: "rest", on: { scanned: observedExcept("unknown") } },
      local: { entry: "rest", on: { scanned: observedExcept("local") } },
      tripped: { entry: "rest", on: { scanned: observedExcept("tripped") } },
      shortCircuit: {
        entry: "rest",
        on: {
          scanned: observed("closed"),
          "reset.requested": {
            guard: "mayReset",
            target: "unknown",
            description: "the short circuit was dealt with and reset",
          },
        },
      },
      open: {
        entry: "rest",
        on: {
          scanned: observedExcept("open"),
          "close.requested": { guard: "mayCommand", target: "closing" },
          "sync.requested": { guard: "mayCommand", target: "syncing" },
        },
      },
      closing: {
        entry: [
          { type: "waitFor", params: { ms: MOVE_TIMEOUT_MS } },
          { type: "wish", params: { position: "closed" } },
          { type: "command", params: ({ event }) => ({ command: "close", reason: event.reason }) },
        ],
        on: {
          scanned: [
            ...observed("closed", "shortCircuit", "tripped", "local"),
            inDoubt,
            failed("not closed within 2 s"),
          ],
          "command.dropped": NEVER_WRITTEN,
          "command.failed": refused("close"),
          "command.unknown": { actions: "doubt" },
        },
      },
      syncing: {
        entry: [
          "waitForSync",
          { type: "wish", params: { position: "closed" } },
          {
            type: "command",
            params: ({ event }) => ({ command: "syncAndClose", reason: event.reason }),
          },
        ],
        on: {
          scanned: [
            ...observed("closed", "shortCircuit", "tripped", "local"),
            {
              guard: "isOverdue",
              target: "failed",
              actions: [
                "markOverdue",
                { type: "command", params: { command: "open", reason: "synchronising timed out" } },
              ],
              description: "not synchronised in time",
            },
          ],
          "open.requested": { guard: "mayCommand", target: "opening" },
          "openNow.requested": { guard: "mayCommand", target: "opening" },
          "command.dropped": NEVER_WRITTEN,
          "command.failed": refused("synchronise"),
        },
      },
      closed: {
        entry: ["rest", "succeed"],
        on: {
          scanned: observedExcept("closed"),
          "open.requested": [
            { guard: "mayDeload", target: "deloading" },
            { guard: "mayCommand", target: "opening" },
          ],
          "openNow.requested": { guard: "mayCommand", target: "opening" },
        },
      },
      deloading: {
        entry: "waitForDeload",
        on: {
          scanned: [
            ...observed("unknown", "shortCircuit", "tripped", "local", "open"),
            { guard: "mayOpen", target: "opening", description: "its power is down" },
            { guard: "isOverdue", actions: "keepTrying" },
          ],
          "sync.requested": {
            guard: "mayCommand",
            target: "closed",
            description: "asked to stay closed",
          },
          "openNow.requested": { guard: "mayCommand", target: "opening" },
        },
      },
      opening: {
        entry: [
          { type: "waitFor", params: { ms: MOVE_TIMEOUT_MS } },
          { type: "wish", params: { position: "open" } },
          {
            type: "command",
            params: ({ event }) => ({
              command: "open",
              reason: event.type === "scanned" ? "its power is down" : event.reason,
            }),
          },
        ],
        on: {
          scanned: [
            ...observed("open", "shortCircuit", "tripped", "local"),
            inDoubt,
            failed("not open within 2 s"),
          ],
          "command.dropped": NEVER_WRITTEN,
          "command.failed": refused("open"),
          "command.unknown": { actions: "doubt" },
        },
      },
      failed: {
        entry: "rest",
        on: {
          scanned: [
            {
              guard: "isAsWished",
              target: "unknown",
              actions: "succeed",
              description: "it has come after all",
            },
            ...observed("shortCircuit", "tripped", "local"),
          ],
          "close.requested": { guard: "mayCommand", target: "closing" },
          "sync.requested": { guard: "mayCommand", target: "syncing" },
          "open.requested": { guard: "mayCommand", target: "opening" },
          "openNow.requested": { guard: "mayCommand", target: "opening" },
          "reset.requested": { target: "unknown", actions: "succeed" },
        },
      },
    },
  });
}

/** A breaker between parts of one busbar. */
export const breakerMachine = createBreakerMachine("breaker");
