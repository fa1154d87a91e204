import type { ActorView } from "../actors/runtime/actor-view.ts";
import type {
  MachineDescription,
  StateDescription,
  TransitionDescription,
} from "../actors/runtime/machine-definition.ts";
import { mermaidOf } from "../actors/runtime/machine-mermaid.ts";
import { RemsError } from "../kernel/errors.ts";
import { rems, type Types } from "../proto/generated/rems-v1.ts";
import type { NodeView } from "./node-view.ts";

/** Ids of the machines that this node's actors have, with the actors' addresses. */
function machineIds(view: NodeView): Map<string, string[]> {
  const ids = new Map<string, string[]>();
  for (const { machine, address } of view.actors()) {
    ids.set(machine, [...(ids.get(machine) ?? []), address]);
  }
  return ids;
}

/** Every machine of this node, without states and diagrams. */
export function machineList(view: NodeView): Types.rems.v1.Machine[] {
  return [...machineIds(view)].map(([machine, actors]) =>
    rems.v1.Machine.create({ machine, actors }),
  );
}

/**
 * One statechart.
 * @param wanted - Id of a machine, or an actor's address, whole or its end.
 * @throws {@link RemsError} `REMS_NOT_FOUND`.
 */
export function machineMessage(view: NodeView, wanted: string): Types.rems.v1.Machine {
  const ids = machineIds(view);
  if (!ids.has(wanted) && !wanted.includes("/")) {
    throw new RemsError(
      wanted === "" ? "REMS_REQUEST_INVALID" : "REMS_NOT_FOUND",
      `there is no machine "${wanted.slice(0, 64)}" on this node; it has ${[...ids.keys()].join(", ")}`,
      { details: { field: "machine" } },
    );
  }
  const machine = ids.has(wanted) ? wanted : view.actor(wanted).machine;
  const description = describe(view, machine);
  return rems.v1.Machine.create({
    machine,
    root: description === null ? null : stateMessage(description.root),
    mermaid: description === null ? "" : mermaidOf(description),
    actors: ids.get(machine) ?? [],
  });
}

function describe(view: NodeView, machine: string): MachineDescription | null {
  for (const { core } of view.replicas.values()) {
    const found = core.plan.tree.actors.find((actor) => actor.machine.id === machine);
    if (found !== undefined) return found.machine.definition() as unknown as MachineDescription;
  }
  return view.localMachines.find(({ id }) => id === machine) ?? null;
}

function stateMessage(state: StateDescription): Types.rems.v1.MachineState {
  return rems.v1.MachineState.create({
    ...state,
    entry: [...state.entry],
    exit: [...state.exit],
    transitions: state.transitions.map(machineTransition),
    states: state.states.map(stateMessage),
  });
}

function machineTransition(transition: TransitionDescription): Types.rems.v1.MachineTransition {
  return rems.v1.MachineTransition.create({ ...transition, actions: [...transition.actions] });
}

/** What the statechart allows from an actor's state, the innermost state's first; guards decide at the time. None while it is down. */
export function possibleTransitions(
  view: NodeView,
  actor: ActorView,
): Types.rems.v1.MachineTransition[] {
  const machine = describe(view, actor.machine);
  if (machine === null || actor.nextEvents.length === 0) return [];
  const path: StateDescription[] = [machine.root];
  for (let state: StateDescription | undefined = machine.root; state !== undefined;) {
    state = state.states.find(
      ({ path: at }) => actor.state === at || actor.state.startsWith(`${at}.`),
    );
    if (state !== undefined) path.unshift(state);
  }
  return path.flatMap(({ transitions }) => transitions.map(machineTransition));
}
