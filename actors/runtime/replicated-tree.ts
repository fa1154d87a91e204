import { assert, present } from "../../kernel/assert.ts";
import { encodeCanonical } from "../../kernel/canonical.ts";
import type { ActorTransition } from "../../kernel/core.ts";
import type {
  MachineEffect,
  MachineEvent,
  MachineInput,
  MachineSnapshot,
  ReplicatedMachine,
} from "./machine-adapter.ts";
import { EMPTY_MAILBOX, offer, refuse } from "./mailbox.ts";
import type { Mailbox } from "./mailbox.ts";
import { dispatchAll, restartGroup, startAll } from "./replicated-dispatch.ts";
import { SUPERVISOR_DEFAULTS } from "./supervisor.ts";
import type { RestartType, SupervisorSpec, SupervisorState } from "./supervisor.ts";

/** One replicated actor of a grid. */
export interface ReplicatedActorSpec {
  /** Path in the tree, such as `grids/port/devices/dg1`. */
  readonly address: string;
  readonly machine: ReplicatedMachine;
  /** Given to the machine at every start. */
  readonly input: MachineInput;
  /** `permanent` unless said otherwise. */
  readonly restart?: RestartType;
  /**
   * Name of a supervisor that it shares with others (see {@link createTree}). Without one it has its own, so that its
   * quarantine touches nobody else.
   */
  readonly supervisor?: string;
  /** Addresses of actors whose ends and restarts it is told of, as {@link MonitorEvent}. */
  readonly monitors?: readonly string[];
  /** Events that may wait; 64 unless said otherwise. */
  readonly mailboxCountMax?: number;
}

/** What a monitoring actor receives. `reason` is an error code, `normal` or `shutdown`. */
export type MonitorEvent = { readonly actor: string; readonly plantTimeMs: number } & (
  | { readonly type: "actor.down"; readonly reason: string; readonly isQuarantined: boolean }
  | { readonly type: "actor.restarted"; readonly incarnation: number }
);

/** The immutable plan of a tree: what is hosted and how. Not part of the state. */
export interface ReplicatedTree {
  readonly actors: readonly Required<ReplicatedActorSpec>[];
  readonly supervisors: readonly { readonly name: string; readonly spec: SupervisorSpec }[];
  readonly indexByAddress: ReadonlyMap<string, number>;
  /** For each actor the indices of those that monitor it. */
  readonly watchers: readonly (readonly number[])[];
}

/** `quarantined`: crashed too often, takes no events until it is released. `stopped`: ended by itself. */
export type ReplicatedStatus = "running" | "restarting" | "quarantined" | "stopped";

export interface ReplicatedActorState {
  readonly status: ReplicatedStatus;
  /** The last good state; kept for inspection while the actor is down. */
  readonly snapshot: MachineSnapshot;
  readonly incarnation: number;
  readonly restartCount: number;
  /** Plant time at which it starts again; null unless restarting. */
  readonly restartAtMs: number | null;
  /** Code of its last exception, empty if it never had one. */
  readonly lastFault: string;
  /** Plant time of the last change of the machine's state. */
  readonly sinceMs: number;
  /** Why the machine's state last changed. */
  readonly lastReason: string;
  readonly mailbox: Mailbox;
}

/** Canonical data, in the order of the specs: stored, hashed and restored with the state of the grid. */
export interface TreeState {
  readonly actors: readonly ReplicatedActorState[];
  /** Indices of the actors for which events wait, in order of arrival. */
  readonly arrivals: readonly number[];
  /** Hold the restart history, in plant time. */
  readonly supervisors: readonly SupervisorState[];
}

/** What supervision did; the same on every replica. */
export interface SupervisionEvent {
  readonly type: "crashed" | "restarted" | "quarantined" | "stopped";
  readonly actor: string;
  readonly incarnation: number;
  /** Error code of a crash and of what followed from it; else `normal`, `shutdown` or `released`. */
  readonly reason: string;
}

export interface TreeRun {
  readonly state: TreeState;
  /** In the order in which the machines asked for them. */
  readonly effects: readonly { readonly actor: string; readonly effect: MachineEffect }[];
  readonly transitions: readonly ActorTransition[];
  readonly supervision: readonly SupervisionEvent[];
  /** The exceptions behind `crashed`, for this node's log only: their text differs between versions, so never store it. */
  readonly faults: readonly { readonly actor: string; readonly error: unknown }[];
  /** True if the limit of events per run was reached; what remains waits for the next run. */
  readonly isCutShort: boolean;
}

const MAILBOX_COUNT_MAX = 64;

/**
 * Three restarts within ten minutes, then quarantine: a device's machine that crashes does so because of its input, and
 * usually again.
 */
export const REPLICATED_SUPERVISOR_DEFAULTS: SupervisorSpec = {
  ...SUPERVISOR_DEFAULTS,
  intensityCount: 3,
  periodMs: 600_000,
};

/**
 * Plans the replicated actors of one grid. Their order is the order of starting and, for `rest_for_one`, of dependence.
 *
 * @param shared - Supervisors that several actors name. Each actor without one has its own, with the defaults.
 * @throws {@link InvariantError} on duplicate or unknown addresses; whatever a machine throws for its initial state.
 */
export function createTree(
  specs: readonly ReplicatedActorSpec[],
  shared: { readonly [name: string]: SupervisorSpec } = {},
): ReplicatedTree {
  const actors = specs.map((spec) => ({
    restart: "permanent" as const,
    supervisor: spec.address,
    monitors: [],
    mailboxCountMax: MAILBOX_COUNT_MAX,
    ...spec,
  }));
  const indexByAddress = new Map(actors.map((actor, index) => [actor.address, index]));
  assert(indexByAddress.size === actors.length, "two replicated actors have the same address");
  const watchers = actors.map((): number[] => []);
  const supervisors = new Map<string, SupervisorSpec>();
  for (const [index, actor] of actors.entries()) {
    // Fails here, where the installation is loaded, and not in the middle of a scan.
    encodeCanonical(actor.machine.initial(actor.input).snapshot.context);
    for (const monitored of actor.monitors)
      watchers[indexOf(indexByAddress, monitored)]?.push(index);
    const isOwn = actor.supervisor === actor.address;
    const spec = isOwn ? REPLICATED_SUPERVISOR_DEFAULTS : shared[actor.supervisor];
    supervisors.set(actor.supervisor, present(spec, `there is no supervisor ${actor.supervisor}`));
  }
  return {
    actors,
    supervisors: [...supervisors].map(([name, spec]) => ({ name, spec })),
    indexByAddress,
    watchers,
  };
}

/** The first state of the tree: every actor started, in order. The effects are those of the initial states. */
export function startTree(tree: ReplicatedTree, plantTimeMs: number): TreeRun {
  const actors = tree.actors.map(({ machine, input }): ReplicatedActorState => ({
    status: "restarting",
    snapshot: machine.initial(input).snapshot,
    incarnation: 0,
    restartCount: 0,
    restartAtMs: null,
    lastFault: "",
    sinceMs: plantTimeMs,
    lastReason: "started",
    mailbox: EMPTY_MAILBOX,
  }));
  return startAll(tree, actors, plantTimeMs);
}

/**
 * Puts an event into an actor's mailbox; {@link run} dispatches it. It is refused, and counted in
 * `mailbox.refusedCount`, where the mailbox is full or the actor is down: in OTP, too, what is sent to the dead is lost.
 *
 * @throws {@link InvariantError} if there is no such actor.
 */
export function deliver(
  tree: ReplicatedTree,
  state: TreeState,
  to: string,
  event: MachineEvent,
  plantTimeMs: number,
): TreeState {
  const index = indexOf(tree.indexByAddress, to);
  const actor = present(state.actors[index], "state and plan have the same actors");
  const countMax = present(
    tree.actors[index],
    "state and plan have the same actors",
  ).mailboxCountMax;
  // One that is due to start is started before the dispatch.
  const isDue =
    actor.status === "restarting" && actor.restartAtMs !== null && actor.restartAtMs <= plantTimeMs;
  const isUp = actor.status === "running" || isDue;
  const mailbox = isUp ? offer(actor.mailbox, event, countMax) : refuse(actor.mailbox);
  const isTaken = mailbox.events.length > actor.mailbox.events.length;
  return {
    ...state,
    actors: state.actors.with(index, { ...actor, mailbox }),
    arrivals: isTaken ? [...state.arrivals, index] : state.arrivals,
  };
}

/**
 * Restarts what is due, then dispatches all waiting events in order of arrival. An exception in a machine leaves its last
 * good state in place; supervision restarts the actor or puts it into quarantine. Never throws for what a machine does.
 */
export function run(tree: ReplicatedTree, state: TreeState, plantTimeMs: number): TreeRun {
  return dispatchAll(tree, state, plantTimeMs);
}

/**
 * Takes an actor out of quarantine, and those that share its supervisor with it: they start anew with a clean restart history.
 * Nothing happens to an actor that is not quarantined.
 */
export function release(
  tree: ReplicatedTree,
  state: TreeState,
  address: string,
  plantTimeMs: number,
): TreeRun {
  return restartGroup(tree, state, indexOf(tree.indexByAddress, address), plantTimeMs);
}

/** State of one actor. @throws {@link InvariantError} if there is none at `address`. */
export function actorAt(
  tree: ReplicatedTree,
  state: TreeState,
  address: string,
): ReplicatedActorState {
  return present(
    state.actors[indexOf(tree.indexByAddress, address)],
    "state and plan have the same actors",
  );
}

function indexOf(indexByAddress: ReadonlyMap<string, number>, address: string): number {
  return present(indexByAddress.get(address), `there is no replicated actor ${address}`);
}
