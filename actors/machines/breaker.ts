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
  | "deadClose.permitted"
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
  /** The command of this step was given once more after a doubt. */
  readonly isAskedAgain: boolean;
  /** It closes onto a dead busbar by a permit: only who holds that may ask once more. */
  readonly isByPermit: boolean;
  /** Where the last command wanted it. */
  readonly wished: "closed" | "open" | "none";
};

/** A breaker's contacts follow a command within this time. */
const MOVE_TIMEOUT_MS = 2000;
/** A command to synchronise whose fate is unknown, and no close after so long: it was never written. */
const UNCERTAIN_SYNC_MS = 15_000;

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

const UNHEARD = "nobody knows whether the command was written, and its contacts have not moved";
const reasonOf = (event: BreakerEvent, otherwise: string) =>
  event.type === "scanned" ? otherwise : event.reason;
const NEVER_WRITTEN = {
  target: "unknown",
  description: "the command was never written",
} as const;
/** Its time is over and its contacts have not moved: what nobody knows to have been written is given once more, and no more often. */
const inDoubt = (state: "closing" | "opening" | "syncing") => [
  {
    guard: "mayAskAgain" as const,
    target: state,
    reenter: true,
    actions: "markAskedAgain" as const,
    description: UNHEARD,
  },
  {
    guard: "isOverdueInDoubt" as const,
    target: "unknown" as const,
    description: "nobody knows whether the command was written; its contacts decide",
  },
];
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
 * repeated, but for one whose fate nobody knows: once, when its time is over; then the position decides. `failed`: it did not do what it was told; `shortCircuit`: latched until an operator resets it;
 * `deloading`: its power is brought down first, for as long as that takes.
 * @param id - `breaker`, `busTie` or `feeder`: the same chart for each.
 */
export function createBreakerMachine<Id extends string>(id: Id) {
  return setup({
    types: {} as { context: BreakerContext; events: BreakerEvent; input: BreakerInput },
    actions: {
      command: (_args, _params: CommandParams) => {},
      rest: assign({
        deadlineMs: null,
        isUncertain: false,
        isAskedAgain: false,
        isByPermit: false,
      }),
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
      doubtSync: assign({
        isUncertain: true,
        deadlineMs: ({ context, event }) =>
          Math.min(
            context.deadlineMs ?? Number.POSITIVE_INFINITY,
            event.plantTimeMs + UNCERTAIN_SYNC_MS,
          ),
      }),
      markAskedAgain: assign({ isAskedAgain: true }),
      markByPermit: assign({ isByPermit: true }),
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
      mayAskAgain: ({ context, event }) =>
        context.isUncertain &&
        !context.isAskedAgain &&
        !context.isByPermit &&
        event.mayCommand &&
        event.reading.isKnown &&
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
      isAskedAgain: false,
      isByPermit: false,
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
          "deadClose.permitted": {
            guard: "mayCommand",
            target: "closing",
            actions: "markByPermit",
            description: "it holds the permit to close onto the dead busbar",
          },
        },
      },
      closing: {
        entry: [
          { type: "waitFor", params: { ms: MOVE_TIMEOUT_MS } },
          { type: "wish", params: { position: "closed" } },
          {
            type: "command",
            params: ({ event }) => ({ command: "close", reason: reasonOf(event, UNHEARD) }),
          },
        ],
        on: {
          scanned: [
            ...observed("closed", "shortCircuit", "tripped", "local"),
            ...inDoubt("closing"),
            failed("not closed within 2 s"),
          ],
          "command.dropped": NEVER_WRITTEN,
          "command.failed": refused("close"),
          "command.unknown": { actions: "doubt" },
          "open.requested": { guard: "mayCommand", target: "opening" },
          "openNow.requested": { guard: "mayCommand", target: "opening" },
        },
      },
      syncing: {
        entry: [
          "waitForSync",
          { type: "wish", params: { position: "closed" } },
          {
            type: "command",
            params: ({ event }) => ({ command: "syncAndClose", reason: reasonOf(event, UNHEARD) }),
          },
        ],
        on: {
          scanned: [
            ...observed("closed", "shortCircuit", "tripped", "local"),
            ...inDoubt("syncing"),
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
          "command.unknown": { actions: "doubtSync" },
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
            params: ({ context, event }) => ({
              command: "open",
              reason: reasonOf(event, context.isAskedAgain ? UNHEARD : "its power is down"),
            }),
          },
        ],
        on: {
          scanned: [
            ...observed("open", "shortCircuit", "tripped", "local"),
            ...inDoubt("opening"),
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
