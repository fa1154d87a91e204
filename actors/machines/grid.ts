import { setup } from "xstate";

export type GridReading = {
  /** A connected source stands on local. */
  readonly isAnyConnectedLocal: boolean;
  /** Every source that is known stands on local. */
  readonly isAllLocal: boolean;
};

type EventOf<Type extends string> = Type extends string
  ? { readonly type: Type; readonly plantTimeMs: number; readonly reading: GridReading }
  : never;
export type GridEvent = EventOf<"scanned" | "auto.requested" | "semi.requested">;
export type GridContext = { readonly deadlineMs: number | null };

/** How a grid is operated: by R-EMS, by operators through R-EMS, or from the switchboard, which is an input. */
export const gridMachine = setup({
  types: {} as { context: GridContext; events: GridEvent },
  guards: {
    isAllLocal: ({ event }) => event.reading.isAllLocal,
    isAnyConnectedLocal: ({ event }) => event.reading.isAnyConnectedLocal,
    isNoneLocal: ({ event }) => !event.reading.isAnyConnectedLocal && !event.reading.isAllLocal,
    isRemoteAgain: ({ event }) => !event.reading.isAllLocal,
  },
}).createMachine({
  id: "grid",
  context: { deadlineMs: null },
  initial: "auto",
  states: {
    auto: {
      on: {
        scanned: [
          {
            guard: "isAllLocal",
            target: "switchboard",
            description: "every source stands on local",
          },
          {
            guard: "isAnyConnectedLocal",
            target: "semi",
            description: "a connected source stands on local",
          },
        ],
        "semi.requested": { target: "semi", description: "an operator asked for it" },
      },
    },
    semi: {
      on: {
        scanned: {
          guard: "isAllLocal",
          target: "switchboard",
          description: "every source stands on local",
        },
        "auto.requested": {
          guard: "isNoneLocal",
          target: "auto",
          description: "an operator asked for it",
        },
      },
    },
    switchboard: {
      on: {
        scanned: {
          guard: "isRemoteAgain",
          target: "semi",
          description: "a source stands on remote again",
        },
      },
    },
  },
});
