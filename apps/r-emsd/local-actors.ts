import type { AnyStateMachine } from "xstate";
import { createMachine } from "xstate";
import type { Role } from "../../cluster/core/effects.ts";
import { CONNECTION_STATES } from "../../kernel/point.ts";

/**
 * A local actor that shows the state of something that lives elsewhere in this node: every state can follow every other, by an event
 * `became.<state>` that carries the reason; where `mayRepeat` a state follows itself, with another reason.
 */
function viewMachine(
  id: string,
  states: readonly string[],
  mayRepeat: boolean = false,
): AnyStateMachine {
  const transitions = Object.fromEntries(
    states.map((state) => [`became.${state}`, { target: `#${id}.${state}` }]),
  );
  return createMachine({
    id,
    initial: states[0] ?? "",
    states: Object.fromEntries(
      states.map((state) => [
        state,
        {
          on: Object.fromEntries(
            Object.entries(transitions).filter(
              ([event]) => mayRepeat || event !== `became.${state}`,
            ),
          ),
        },
      ]),
    ),
  });
}

const ROLES: readonly Role[] = [
  "joining",
  "standby",
  "taking-over",
  "leading",
  "handing-over",
  "fenced",
];

/** Machines of the local actors of a node. */
export const LOCAL_MACHINES = {
  controller: viewMachine("controller", ROLES),
  peer: viewMachine("peer", ["disconnected", "connected"]),
  coordinator: viewMachine("coordinator", ["unreachable", "degraded", "reachable"]),
  driver: viewMachine("driver", CONNECTION_STATES, true),
  worker: viewMachine("worker", ["good", "failed"]),
} as const;
