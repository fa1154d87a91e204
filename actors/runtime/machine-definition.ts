import type { AnyStateMachine, AnyStateNode, AnyTransitionDefinition } from "xstate";

export interface TransitionDescription {
  /** Event type; empty for an eventless transition. */
  readonly event: string;
  /** Name of the guard, with `and`, `or` and `not` spelled out; empty where there is none. */
  readonly guard: string;
  /** Dotted path of the target; empty where the state stays. */
  readonly target: string;
  readonly actions: readonly string[];
  readonly description: string;
}

export interface StateDescription {
  /** Dotted path; empty for the machine itself. */
  readonly path: string;
  readonly description: string;
  /** Dotted path of the initial child; empty for a leaf. */
  readonly initial: string;
  readonly isFinal: boolean;
  readonly entry: readonly string[];
  readonly exit: readonly string[];
  readonly transitions: readonly TransitionDescription[];
  readonly states: readonly StateDescription[];
}

export interface MachineDescription {
  readonly id: string;
  readonly root: StateDescription;
}

/** A machine's statechart as plain data, in the order in which it is declared. */
export function describeMachine(machine: AnyStateMachine): MachineDescription {
  return { id: machine.id, root: describeState(machine.root) };
}

function describeState(node: AnyStateNode): StateDescription {
  const transitions = [...node.transitions.values()].flat().concat(node.always ?? []);
  return {
    path: node.path.join("."),
    description: node.description ?? "",
    initial: node.type === "compound" ? targetOf(node.initial.target) : "",
    isFinal: node.type === "final",
    entry: node.entry.map(actionName),
    exit: node.exit.map(actionName),
    transitions: transitions.map(describeTransition),
    states: Object.values(node.states).map(describeState),
  };
}

function describeTransition(transition: AnyTransitionDefinition): TransitionDescription {
  return {
    event: transition.eventType as string,
    guard: transition.guard === undefined ? "" : guardName(transition.guard),
    target: targetOf(transition.target),
    actions: transition.actions.map(actionName),
    description: transition.description ?? "",
  };
}

function targetOf(target: readonly AnyStateNode[] | undefined): string {
  return target?.[0]?.path.join(".") ?? "";
}

function actionName(action: unknown): string {
  if (typeof action === "string") return action;
  return (action as { type?: string }).type ?? "(inline)";
}

/** The name of a guard; combined guards are written as `a and b`, `a or b`, `not a`. */
export function guardName(guard: unknown): string {
  if (typeof guard === "string") return guard;
  if (typeof guard === "function") {
    const { guards, name } = guard as { guards?: readonly unknown[]; name: string };
    if (guards === undefined) return name === "" || name === "guard" ? "(inline)" : name;
    const names = guards.map((inner) =>
      isCombined(inner) ? `(${guardName(inner)})` : guardName(inner),
    );
    return name === "not" ? `not ${names.join("")}` : names.join(` ${name} `);
  }
  return (guard as { type?: string }).type ?? "(inline)";
}

function isCombined(guard: unknown): boolean {
  return typeof guard === "function" && "guards" in guard && guard.name !== "not";
}
