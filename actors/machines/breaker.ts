import { assign, setup } from "xstate";
import type { CommandParams, DeviceEvent, FateType, Position } from "./device-event.ts";
import { areKnown, isOn, type DeviceView } from "./device-image.ts";

export type BreakerReading = {
  readonly isKnown: boolean;
  readonly position: Position;
  readonly isTripped: boolean;
  /** Always true where the kind has no selector. */
  readonly isRemote: boolean;
};

type RequestType = "close.requested" | "sync.requested" | "open.requested";
export type BreakerEvent = DeviceEvent<"scanned" | RequestType | FateType, BreakerReading>;

export type BreakerInput = { readonly syncTimeoutMs: number };

export type BreakerContext = BreakerInput & {
  readonly deadlineMs: number | null;
  /** The last closing or opening was not seen in time. */
  readonly isOverdue: boolean;
};

const MOVE_TIMEOUT_MS = 2000;

export function readBreaker(view: DeviceView, hasSelector: boolean): BreakerReading {
  const { image } = view;
  const points = hasSelector ? ["isTripped", "isRemoteSelected"] : ["isTripped"];
  return {
    isKnown: view.position !== "unknown" && areKnown(image, points),
    position: view.position,
    isTripped: isOn(image, "isTripped"),
    isRemote: !hasSelector || isOn(image, "isRemoteSelected"),
  };
}

type Observed = "unknown" | "tripped" | "local" | "closed" | "open";

export function observeBreaker(reading: BreakerReading): Observed {
  if (!reading.isKnown || reading.position === "unknown") return "unknown";
  if (reading.isTripped && reading.position === "open") return "tripped";
  if (!reading.isRemote) return "local";
  return reading.position;
}

const WHY_OBSERVED: Readonly<Record<Observed, string>> = {
  unknown: "its position is missing or not good",
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

/**
 * A breaker with two contacts: closed and opened on request only, never by itself. A command that was not seen to act is not
 * repeated; the position decides.
 * @param id - `breaker`, `busTie` or `feeder`: the same chart for each.
 */
export function createBreakerMachine<Id extends string>(id: Id) {
  return setup({
    types: {} as { context: BreakerContext; events: BreakerEvent; input: BreakerInput },
    actions: {
      command: (_args, _params: CommandParams) => {},
      rest: assign({ deadlineMs: null }),
      succeed: assign({ isOverdue: false }),
      waitFor: assign({
        deadlineMs: ({ event }, params: { ms: number }) => event.plantTimeMs + params.ms,
        isOverdue: false,
      }),
      waitForSync: assign({
        deadlineMs: ({ context, event }) => event.plantTimeMs + context.syncTimeoutMs,
        isOverdue: false,
      }),
      markOverdue: assign({ isOverdue: true }),
    },
    guards: {
      observes: ({ event }, params: { state: Observed }) =>
        observeBreaker(event.reading) === params.state,
      mayCommand: ({ event }) => event.mayCommand,
      isOverdue: ({ context, event }) =>
        context.deadlineMs !== null && event.plantTimeMs >= context.deadlineMs,
    },
  }).createMachine({
    id,
    context: ({ input }) => ({ ...input, deadlineMs: null, isOverdue: false }),
    initial: "unknown",
    states: {
      unknown: { entry: "rest", on: { scanned: observedExcept("unknown") } },
      local: { entry: "rest", on: { scanned: observedExcept("local") } },
      tripped: { entry: "rest", on: { scanned: observedExcept("tripped") } },
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
          { type: "command", params: ({ event }) => ({ command: "close", reason: event.reason }) },
        ],
        on: {
          scanned: [
            ...observed("closed", "tripped", "local"),
            {
              guard: "isOverdue",
              target: "unknown",
              actions: "markOverdue",
              description: "not closed in time",
            },
          ],
          "command.dropped": { target: "unknown", description: "the command was never written" },
          "command.failed": { target: "unknown", description: "the device refused to close" },
        },
      },
      syncing: {
        entry: [
          "waitForSync",
          {
            type: "command",
            params: ({ event }) => ({ command: "syncAndClose", reason: event.reason }),
          },
        ],
        on: {
          scanned: [
            ...observed("closed", "tripped", "local"),
            {
              guard: "isOverdue",
              target: "unknown",
              actions: [
                "markOverdue",
                { type: "command", params: { command: "open", reason: "synchronising timed out" } },
              ],
              description: "not synchronised in time",
            },
          ],
          "open.requested": { guard: "mayCommand", target: "opening" },
          "command.dropped": { target: "unknown", description: "the command was never written" },
          "command.failed": { target: "unknown", description: "the device refused to close" },
        },
      },
      closed: {
        entry: ["rest", "succeed"],
        on: {
          scanned: observedExcept("closed"),
          "open.requested": { guard: "mayCommand", target: "opening" },
        },
      },
      opening: {
        entry: [
          { type: "waitFor", params: { ms: MOVE_TIMEOUT_MS } },
          { type: "command", params: ({ event }) => ({ command: "open", reason: event.reason }) },
        ],
        on: {
          scanned: [
            ...observed("open", "tripped", "local"),
            {
              guard: "isOverdue",
              target: "unknown",
              actions: "markOverdue",
              description: "not open in time",
            },
          ],
          "command.dropped": { target: "unknown", description: "the command was never written" },
          "command.failed": { target: "unknown", description: "the device refused to open" },
        },
      },
    },
  });
}

/** A breaker between parts of one busbar. */
export const breakerMachine = createBreakerMachine("breaker");
