import type { AnyStateMachine, AnyStateNode } from "xstate";
import { assert } from "../../kernel/assert.ts";

/** Built-in actions that only compute. All others reach outside the machine or hide what it does. */
const ALLOWED_BUILT_INS: readonly string[] = ["xstate.assign", "xstate.raise"];

/**
 * Refuses what a replicated actor must not have, where the machine is declared and not when it first happens.
 *
 * @throws {@link InvariantError} that names the machine, the state and what to use instead.
 */
export function checkReplicable(machine: AnyStateMachine): void {
  checkHostable(machine);
  for (const [name, action] of Object.entries(machine.implementations.actions ?? {})) {
    checkBuiltIn(action, `action ${name} of machine ${machine.id}`);
  }
  checkNode(machine.root, machine.id);
}

/**
 * Refuses what no actor may have, local ones neither: actors of its own, and parallel states.
 *
 * @throws {@link InvariantError} that names the machine and the state.
 */
export function checkHostable(machine: AnyStateMachine): void {
  assert(Object.keys(machine.states).length > 0, `machine ${machine.id} has no states`);
  const actors = Object.keys(machine.implementations.actors ?? {});
  assert(
    actors.length === 0,
    `machine ${machine.id} declares actors (${actors.join(", ")}): the runtime hosts each actor`,
  );
  checkNodeHostable(machine.root, machine.id);
}

function checkNodeHostable(node: AnyStateNode, machineId: string): void {
  const where = placeOf(node, machineId);
  assert(node.type !== "parallel", `${where} is parallel: make two actors of it`);
  assert(node.invoke.length === 0, `${where} invokes an actor: the runtime hosts each actor`);
  for (const child of Object.values(node.states)) checkNodeHostable(child, machineId);
}

function placeOf(node: AnyStateNode, machineId: string): string {
  return `state ${node.path.join(".") || "(root)"} of machine ${machineId}`;
}

function checkNode(node: AnyStateNode, machineId: string): void {
  const where = placeOf(node, machineId);
  assert(
    node.type !== "history",
    `${where} is a history state: keep what is remembered in the context`,
  );
  assert(!node.key.includes(".") || node.parent === undefined, `${where} has a dot in its name`);
  const delays = Object.keys(node.config.after ?? {});
  assert(
    delays.length === 0,
    `${where} uses after: keep a deadline in the context and check it on scan events`,
  );
  for (const action of [...node.entry, ...node.exit]) checkAction(action, where);
  const transitions = [...node.transitions.values()].flat().concat(node.always ?? []);
  for (const transition of transitions) {
    for (const action of transition.actions)
      checkAction(action, `${where}, event ${transition.eventType}`);
  }
  for (const child of Object.values(node.states)) checkNode(child, machineId);
}

function checkAction(action: unknown, where: string): void {
  if (typeof action !== "function") return;
  assert(
    "resolve" in action,
    `${where} has an inline action: name it in setup(), so that it can be returned as data`,
  );
  checkBuiltIn(action, where);
}

function checkBuiltIn(action: unknown, where: string): void {
  if (typeof action !== "function" || !("resolve" in action)) return;
  const { type, delay } = action as unknown as { type: string; delay?: unknown };
  assert(
    ALLOWED_BUILT_INS.includes(type),
    `${where} is ${type}: replicated machines use assign, raise and named actions`,
  );
  assert(
    delay === undefined,
    `${where} has a delay: keep a deadline in the context and check it on scan events`,
  );
}
