import { createActor, createMachine, getNextTransitions } from "xstate";
import type {
  AnyActorScope,
  AnyMachineSnapshot,
  AnyStateMachine,
  AnyTransitionDefinition,
} from "xstate";
import { assert, present } from "../../kernel/assert.ts";
import type { Canonical } from "../../kernel/canonical.ts";
import { checkReplicable } from "./machine-check.ts";
import { describeMachine, guardName } from "./machine-definition.ts";
import { mermaidOf } from "./machine-mermaid.ts";

/** Everything that a replicated machine remembers; canonical, so that it can be stored, hashed and restored. */
export interface MachineSnapshot {
  /** Dotted path of the active leaf, such as `running.loaded`. */
  readonly state: string;
  readonly context: { readonly [key: string]: Canonical };
}

/** A named action that the machine wants done; performed on the leader, compared or discarded on a standby. */
export interface MachineEffect {
  readonly type: string;
  readonly params: { readonly [key: string]: Canonical };
}

/** An event for a machine. Declare event types with `type`, not `interface`, so that they fit here. */
export interface MachineEvent {
  readonly type: string;
  readonly [key: string]: Canonical;
}

export type MachineInput = { readonly [key: string]: Canonical };

export interface MachineStart {
  readonly snapshot: MachineSnapshot;
  /** Entry actions of the initial state, in order. */
  readonly effects: readonly MachineEffect[];
}

export interface MachineStep extends MachineStart {
  /** True if the state or the context changed; effects alone do not count. */
  readonly hasChanged: boolean;
  /** Why the state changed: the transition's `description`, else its guard, else the event. Empty without a change of state. */
  readonly reason: string;
}

/** An XState machine as a pure function. Exceptions of guards and assignments propagate to the host. */
export interface ReplicatedMachine {
  readonly id: string;
  initial(input: MachineInput): MachineStart;
  step(snapshot: MachineSnapshot, event: MachineEvent): MachineStep;
  /** True in a top-level final state: the machine has ended normally and takes no further event. */
  isFinal(snapshot: MachineSnapshot): boolean;
  /** Event types that the present state handles, guards not considered, innermost state first. */
  nextEvents(snapshot: MachineSnapshot): string[];
  /** The statechart as a Mermaid `stateDiagram-v2`. */
  toMermaid(): string;
  /** States, transitions, guards and actions by name. */
  definition(): Canonical;
}

/** Microsteps (eventless and raised transitions) that one event may take before the machine counts as looping. */
const MICROSTEP_COUNT_MAX = 100;

/**
 * Makes an XState machine usable as a replicated actor.
 *
 * The machine's custom actions are never executed: they come back as effects. `assign` and `raise` without delay work as
 * in XState.
 * @throws {@link InvariantError} if the machine uses what a replicated actor must not: `after`, `invoke`, spawned actors,
 *   parallel or history states, inline or delayed actions, actions that reach other actors.
 */
export function replicate(source: AnyStateMachine): ReplicatedMachine {
  checkReplicable(source);
  const machine: AnyStateMachine = source.provide({});
  machine.options.maxIterations = MICROSTEP_COUNT_MAX;
  const templates = new Map<string, AnyMachineSnapshot>();
  const { scope, taken } = createScope();

  /** XState's form of a snapshot. Nodes, tags and methods depend on the state alone and are reused. */
  function restore(snapshot: MachineSnapshot): AnyMachineSnapshot {
    let template = templates.get(snapshot.state);
    if (template === undefined) {
      template = resolve(machine, snapshot.state);
      templates.set(snapshot.state, template);
    }
    return { ...template, context: snapshot.context } as AnyMachineSnapshot;
  }

  return {
    id: machine.id,
    initial(input) {
      taken.effects = [];
      const next = machine.getInitialSnapshot(scope, input);
      checkChildless(machine, next);
      return {
        snapshot: { state: statePath(next.value), context: contextOf(next) },
        effects: taken.effects,
      };
    },
    step(snapshot, event) {
      assert(
        !event.type.startsWith("xstate."),
        `event ${event.type}: the prefix belongs to XState`,
      );
      const from = restore(snapshot);
      taken.effects = [];
      taken.transition = undefined;
      if (from.status !== "active") return { snapshot, effects: [], hasChanged: false, reason: "" };
      const to = machine.transition(from, event, scope);
      checkChildless(machine, to);
      const { effects } = taken;
      if (to === from) return { snapshot, effects, hasChanged: false, reason: "" };
      const state = statePath(to.value);
      const reason = state === snapshot.state ? "" : reasonOf(taken.transition, event);
      const context = contextOf(to);
      const hasChanged = state !== snapshot.state || context !== snapshot.context;
      return {
        snapshot: hasChanged ? { state, context } : snapshot,
        effects,
        hasChanged,
        reason,
      };
    },
    isFinal: (snapshot) => restore(snapshot).status === "done",
    nextEvents: (snapshot) => eventsOf(restore(snapshot)),
    toMermaid: () => mermaidOf(describeMachine(machine)),
    definition: () => describeMachine(machine) as unknown as Canonical,
  };
}

interface Taken {
  effects: MachineEffect[];
  /** The last transition with a target that was taken. */
  transition: AnyTransitionDefinition | undefined;
}

/**
 * One actor scope for all steps of a machine, because XState's `transition()` makes an actor for every call, which costs
 * three quarters of its time. The scope only collects: it starts, sends and schedules nothing.
 */
function createScope(): { scope: AnyActorScope; taken: Taken } {
  const self = createActor(createMachine({}));
  const taken: Taken = { effects: [], transition: undefined };
  self.system.inspect((inspection) => {
    if (inspection.type !== "@xstate.microstep") return;
    for (const transition of inspection._transitions) {
      if (transition.target !== undefined) taken.transition = transition;
    }
  });
  const scope = {
    self,
    id: self.id,
    sessionId: self.sessionId,
    system: self.system,
    logger: () => {},
    defer: () => {},
    emit: () => {},
    stopChild: () => {},
    actionExecutor: (action: { type: string; params: unknown }) => {
      if (action.type === "xstate.raise") return;
      assert(
        !action.type.startsWith("xstate."),
        `a replicated machine cannot use the action ${action.type}`,
      );
      taken.effects.push({
        type: action.type,
        params: (action.params ?? {}) as MachineEffect["params"],
      });
    },
  };
  return { scope: scope as unknown as AnyActorScope, taken };
}

function contextOf(snapshot: AnyMachineSnapshot): MachineSnapshot["context"] {
  return snapshot.context as MachineSnapshot["context"];
}

/** Event types that a state handles, innermost state first, without XState's own. */
export function eventsOf(snapshot: AnyMachineSnapshot): string[] {
  const types = getNextTransitions(snapshot).map((transition) => transition.eventType as string);
  return [...new Set(types)].filter((type) => type !== "" && !type.startsWith("xstate."));
}

/** Why a transition was taken: its description, else its guard, else the event. */
export function reasonOf(
  transition: AnyTransitionDefinition | undefined,
  event: { readonly type: string },
): string {
  if (transition === undefined) return event.type;
  if (transition.description !== undefined) return transition.description;
  return transition.guard === undefined ? event.type : guardName(transition.guard);
}

/** Spawning inside an assignment cannot be seen in the configuration, only in its result. */
function checkChildless(machine: AnyStateMachine, snapshot: AnyMachineSnapshot): void {
  for (const child in snapshot.children) {
    assert(
      false,
      `machine ${machine.id} spawned ${child}: actors are never spawned inside another`,
    );
  }
}

function resolve(machine: AnyStateMachine, state: string): AnyMachineSnapshot {
  let node = machine.root;
  for (const key of state.split(".")) {
    node = present(node.states[key], `machine ${machine.id} has no state ${state}`);
  }
  const isLeaf = Object.keys(node.states).length === 0;
  assert(isLeaf, `state ${state} of machine ${machine.id} is not a leaf`);
  const [leaf, ...parents] = state.split(".").reverse();
  let value: string | { [key: string]: never } = present(leaf, "a path has a leaf");
  for (const parent of parents) value = { [parent]: value } as { [key: string]: never };
  return machine.resolveState({ value, context: {} });
}

/** Dotted path of the one active leaf of an XState value. */
export function statePath(value: unknown): string {
  if (typeof value === "string") return value;
  const [entry, ...others] = Object.entries(value as { [key: string]: unknown });
  assert(others.length === 0, "an actor has one active leaf: parallel states are not supported");
  const [key, inner] = present(entry, "a machine has states");
  return `${key}.${statePath(inner)}`;
}
