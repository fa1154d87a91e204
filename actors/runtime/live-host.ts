import type { AnyStateMachine } from "xstate";
import { assert, present } from "../../kernel/assert.ts";
import type { Clock, Timer } from "../../kernel/ports/clock.ts";
import type { Random } from "../../kernel/ports/random.ts";
import type { ActorView } from "./actor-view.ts";
import { canonicalView } from "./canonical-view.ts";
import { startLiveActor } from "./live-actor.ts";
import type { LiveActor } from "./live-actor.ts";
import { checkHostable } from "./machine-check.ts";
import { EMPTY_MAILBOX, emptied, offer, refuse, withoutFirst } from "./mailbox.ts";
import type { Mailbox } from "./mailbox.ts";
import { SUPERVISOR_DEFAULTS, nextDueMs, startSupervisor, stepSupervisor } from "./supervisor.ts";
import type {
  ChildSpec,
  ExitReason,
  RestartType,
  Shutdown,
  SupervisorEffect,
  SupervisorEvent,
  SupervisorSpec,
  SupervisorState,
} from "./supervisor.ts";
import type { TransitionFeed } from "./transition-feed.ts";

/** Address of the supervisor above all others. */
export const ROOT = "root";

interface PlaceInTree {
  /** Path in the tree, such as `nodes/n1/peers/n2`. */
  readonly address: string;
  /** Address of its supervisor; {@link ROOT} unless said otherwise. */
  readonly supervisor?: string;
  /** `permanent` unless said otherwise. */
  readonly restart?: RestartType;
}

export interface LiveActorSpec extends PlaceInTree {
  /** Its actions are executed; they reach the world through closures over ports, and other actors through {@link LiveHost.send}. */
  readonly machine: AnyStateMachine;
  /** Given to the machine at every start. */
  readonly input?: unknown;
  /** 5 s unless said otherwise. */
  readonly shutdown?: Shutdown;
  /** Event that asks the machine to come to a final state in an orderly stop. Without one it is stopped at once. */
  readonly stopEvent?: string;
  /** Events that may wait; 256 unless said otherwise. */
  readonly mailboxCountMax?: number;
  /** Addresses of local actors of whose ends and restarts it is told: `actor.down {actor, reason}`, `actor.restarted {actor}`. */
  readonly monitors?: readonly string[];
}

export interface LiveSupervisorSpec extends PlaceInTree {
  /** What differs from {@link SUPERVISOR_DEFAULTS}. */
  readonly supervision?: Partial<SupervisorSpec>;
}

export interface LiveHostOptions {
  readonly clock: Clock;
  /** For the jitter of back-off. */
  readonly random: Random;
  readonly feed: TransitionFeed;
  /** Supervision of the root. */
  readonly supervision?: Partial<SupervisorSpec>;
  /** Every crash, for the log. */
  readonly onCrash: (address: string, error: unknown) => void;
  /** The root gave up: all actors have ended. The node cannot go on and should exit, to be restarted by its init system. */
  readonly onGivenUp: () => void;
}

/** Events of local actors: any data, for it never leaves the process. */
export interface LiveEvent {
  readonly type: string;
  readonly [key: string]: unknown;
}

interface ActorNode {
  readonly kind: "actor";
  readonly spec: LiveActorSpec;
  live: LiveActor | undefined;
  /** From its start, which may fail, to its end. */
  isUp: boolean;
  incarnation: number;
  restartCount: number;
  mailbox: Mailbox<LiveEvent>;
  sinceMs: number;
  reason: string;
  lastState: string;
}

interface SupervisorNode {
  readonly kind: "supervisor";
  readonly spec: LiveSupervisorSpec;
  state: SupervisorState;
  incarnation: number;
  timer: Timer | undefined;
}

const MAILBOX_COUNT_MAX = 256;
const SHUTDOWN_MS = 5_000;
/** Events dispatched before other work of the thread has its turn. */
const DISPATCH_COUNT_MAX = 1_000;

/**
 * Hosts the local actors of one node: one tree of supervisors, bounded mailboxes, dispatch in order of arrival. An event sent
 * by an action waits until that action's own step is over.
 */
export class LiveHost {
  readonly #options: LiveHostOptions;
  /** In order of registration. */
  readonly #nodes = new Map<string, ActorNode | SupervisorNode>();
  #arrivals: string[] = [];
  #supervision: { readonly address: string; readonly event: SupervisorEvent }[] = [];
  #isPumping = false;
  #resume: Timer | undefined;
  #onStopped: () => void = () => {};

  constructor(options: LiveHostOptions) {
    this.#options = options;
    this.#nodes.set(
      ROOT,
      this.#supervisorNode({ address: ROOT, supervision: options.supervision ?? {} }),
    );
  }

  /** Adds a supervisor below another. @throws {@link InvariantError} if the address is taken or its supervisor is down. */
  addSupervisor(spec: LiveSupervisorSpec): void {
    const node = this.#supervisorNode(spec);
    // A supervisor's children have their own time limits: it is waited for.
    this.#add(node, { type: "supervisor", shutdown: "infinity" });
  }

  /** Starts an actor. @throws {@link InvariantError} if the address is taken, the supervisor down or the machine not hostable. */
  spawn(spec: LiveActorSpec): void {
    checkHostable(spec.machine);
    const node: ActorNode = {
      kind: "actor",
      spec,
      live: undefined,
      isUp: false,
      incarnation: 0,
      restartCount: 0,
      mailbox: EMPTY_MAILBOX,
      sinceMs: this.#options.clock.monotonicMs(),
      reason: "started",
      lastState: "",
    };
    this.#add(node, { type: "worker", shutdown: spec.shutdown ?? SHUTDOWN_MS });
  }

  /** Stops one actor or supervisor in an orderly way; it stays stopped until {@link LiveHost.restart}. */
  halt(address: string): void {
    this.#supervise(this.#parentOf(address), { type: "child.stop.requested", id: address });
  }

  /** Starts one that was halted or has ended. */
  restart(address: string): void {
    this.#supervise(this.#parentOf(address), { type: "child.start.requested", id: address });
  }

  /**
   * Puts an event into an actor's mailbox.
   *
   * @returns false if it was refused: no such actor, it is down, or its mailbox is full. The refusal is counted with the actor.
   */
  send(address: string, event: LiveEvent): boolean {
    const isTaken = this.#offer(address, event);
    this.#pump();
    return isTaken;
  }

  /** Stops all actors in reverse order of their start, each within its time limit, then calls `onStopped` once. */
  stop(onStopped: () => void): void {
    const root = this.#supervisorAt(ROOT);
    if (root.state.phase === "stopped") {
      onStopped();
      return;
    }
    const earlier = this.#onStopped;
    this.#onStopped = () => {
      earlier();
      onStopped();
    };
    this.#supervise(ROOT, { type: "stop.requested" });
  }

  /** All local actors, in order of registration. */
  list(): ActorView[] {
    const views: ActorView[] = [];
    for (const [address, node] of this.#nodes)
      if (node.kind === "actor") views.push(viewOf(address, node));
    return views;
  }

  /** How often events for this actor were refused or lost. */
  refusedCount(address: string): number {
    const node = this.#nodes.get(address);
    return node?.kind === "actor" ? node.mailbox.refusedCount : 0;
  }

  #supervisorNode(spec: LiveSupervisorSpec): SupervisorNode {
    const supervision = { ...SUPERVISOR_DEFAULTS, ...spec.supervision };
    const { state } = startSupervisor(supervision, [], this.#options.clock.monotonicMs());
    return { kind: "supervisor", spec, state, incarnation: 0, timer: undefined };
  }

  #add(node: ActorNode | SupervisorNode, how: Pick<ChildSpec, "type" | "shutdown">): void {
    const { address, supervisor = ROOT, restart = "permanent" } = node.spec;
    assert(!this.#nodes.has(address), `there is already an actor ${address}`);
    const { phase } = this.#supervisorAt(supervisor).state;
    assert(phase === "running", `supervisor ${supervisor} of ${address} is ${phase}`);
    this.#nodes.set(address, node);
    this.#supervise(supervisor, { type: "child.added", child: { id: address, restart, ...how } });
  }

  #offer(address: string, event: LiveEvent): boolean {
    const node = this.#nodes.get(address);
    if (node?.kind !== "actor") return false;
    const before = node.mailbox.events.length;
    const countMax = node.spec.mailboxCountMax ?? MAILBOX_COUNT_MAX;
    node.mailbox =
      node.live === undefined ? refuse(node.mailbox) : offer(node.mailbox, event, countMax);
    const isTaken = node.mailbox.events.length > before;
    if (isTaken) this.#arrivals.push(address);
    return isTaken;
  }

  #supervise(address: string, event: WithoutTime<SupervisorEvent>): void {
    const nowMs = this.#options.clock.monotonicMs();
    this.#supervision.push({ address, event: { ...event, nowMs } as SupervisorEvent });
    this.#pump();
  }

  /** Never inside itself: supervision first, then one event after the other. */
  #pump(): void {
    if (this.#isPumping || !this.#exclusively(() => this.#work())) return;
    this.#resume ??= this.#options.clock.at(this.#options.clock.monotonicMs(), () => {
      this.#resume = undefined;
      this.#pump();
    });
  }

  #exclusively<T>(act: () => T): T {
    this.#isPumping = true;
    try {
      return act();
    } finally {
      this.#isPumping = false;
    }
  }

  /** @returns true if more may wait. */
  #work(): boolean {
    for (let count = 0; count < DISPATCH_COUNT_MAX; count++) {
      const decision = this.#supervision.shift();
      if (decision !== undefined) this.#decide(decision.address, decision.event);
      else if (!this.#dispatchNext()) return false;
    }
    return true;
  }

  /** The clock of the actors: what a delayed transition sends waits, too, until its step is over. */
  #actorClock(): Clock {
    const { clock } = this.#options;
    return {
      monotonicMs: () => clock.monotonicMs(),
      wallMs: () => clock.wallMs(),
      at: (atMs, callback) =>
        clock.at(atMs, () => {
          this.#exclusively(callback);
          this.#pump();
        }),
    };
  }

  /** @returns false if nothing waits. */
  #dispatchNext(): boolean {
    const address = this.#arrivals.shift();
    if (address === undefined) return false;
    const node = this.#actorAt(address);
    const event = present(node.mailbox.events[0], "an arrival has its event");
    node.mailbox = withoutFirst(node.mailbox);
    node.live?.send(event);
    return true;
  }

  #decide(address: string, event: SupervisorEvent): void {
    const node = this.#supervisorAt(address);
    // Asked for while the supervisor still ran; what came before it in the queue has stopped it since.
    const isStart = event.type === "child.added" || event.type === "child.start.requested";
    if (isStart && node.state.phase !== "running") {
      if (event.type === "child.added") this.#forget(event.child.id);
      return;
    }
    const before = node.state.children;
    const step = stepSupervisor(node.state, event);
    node.state = step.state;
    for (const effect of step.effects) this.#perform(node, effect);
    this.#arm(node);
    // Temporary children that have ended are forgotten.
    const known = new Set(node.state.children.map((child) => child.spec.id));
    for (const child of before) if (!known.has(child.spec.id)) this.#forget(child.spec.id);
  }

  #arm(node: SupervisorNode): void {
    node.timer?.cancel();
    const dueMs = nextDueMs(node.state);
    const tick = (): void => this.#supervise(node.spec.address, { type: "ticked" });
    node.timer = dueMs === null ? undefined : this.#options.clock.at(dueMs, tick);
  }

  #perform(supervisor: SupervisorNode, effect: SupervisorEffect): void {
    if (effect.type === "exit") {
      this.#ended(supervisor, effect.cause);
      return;
    }
    const child = present(this.#nodes.get(effect.id), `child ${effect.id} is registered`);
    if (child.kind === "supervisor") this.#performOnSupervisor(child, effect);
    else if (effect.type === "start") this.#start(child, effect.incarnation);
    else if (effect.type === "kill" || child.spec.stopEvent === undefined) {
      this.#end(child, "shutdown");
      if (effect.type === "stop") this.#report(child, "shutdown");
    } else {
      // Asked even if its mailbox is full: whoever floods an actor must not keep it from ending.
      child.mailbox = {
        ...child.mailbox,
        events: [...child.mailbox.events, { type: child.spec.stopEvent }],
      };
      this.#arrivals.push(effect.id);
    }
  }

  #performOnSupervisor(
    child: SupervisorNode,
    effect: SupervisorEffect & { readonly id: string },
  ): void {
    const { address } = child.spec;
    if (effect.type === "stop") {
      this.#supervise(address, { type: "stop.requested" });
      return;
    }
    assert(effect.type === "start", "a supervisor is waited for, never killed");
    child.incarnation = effect.incarnation;
    // As at first: those that it had, in order. Temporary ones were forgotten when they ended.
    const children = child.state.children.map(({ spec }) => spec);
    const { state, effects } = startSupervisor(
      child.state.spec,
      children,
      this.#options.clock.monotonicMs(),
    );
    child.state = state;
    for (const inner of effects) this.#perform(child, inner);
  }

  #ended(supervisor: SupervisorNode, cause: "requested" | "intensity"): void {
    supervisor.timer?.cancel();
    const { address } = supervisor.spec;
    if (address !== ROOT) {
      // OTP: a supervisor that gives up exits with `shutdown`, too; a permanent one is restarted by its own.
      this.#report(supervisor, "shutdown");
      return;
    }
    this.#resume?.cancel();
    if (cause === "intensity") this.#options.onGivenUp();
    this.#onStopped();
    this.#onStopped = () => {};
  }

  #start(node: ActorNode, incarnation: number): void {
    const { address, machine, input } = node.spec;
    const { clock, feed, onCrash } = this.#options;
    const isCurrent = (): boolean => node.incarnation === incarnation;
    const isRestart = incarnation > 1 || node.incarnation > 0;
    node.incarnation = incarnation;
    node.isUp = true;
    const from = node.lastState;
    node.sinceMs = clock.monotonicMs();
    const live = startLiveActor(machine, input, this.#actorClock(), {
      moved: (before, to, event, reason) => {
        const atMs = clock.monotonicMs();
        if (before !== to) node.sinceMs = atMs;
        node.reason = reason;
        node.lastState = to;
        feed.publish({
          kind: "local",
          address,
          from: before,
          to,
          event,
          reason,
          atMs,
        });
      },
      ended: () => {
        if (!isCurrent()) return;
        this.#end(node, "normal");
        this.#report(node, "normal");
      },
      crashed: (error) => {
        onCrash(address, error);
        if (!isCurrent()) return;
        this.#end(node, "crashed");
        this.#report(node, "crashed");
      },
    });
    // It may have ended or crashed while it started.
    if (live.isOver()) return;
    node.live = live;
    node.lastState = live.state();
    if (!isRestart) return;
    node.restartCount += 1;
    const reason = node.reason;
    feed.publish({
      kind: "local",
      address,
      from,
      to: node.lastState,
      event: "actor.restarted",
      reason,
      atMs: node.sinceMs,
    });
    this.#tellWatchers(address, { type: "actor.restarted", actor: address });
  }

  /** Takes an actor out of service: what waits is lost, those who monitor it are told. */
  #end(node: ActorNode, reason: ExitReason): void {
    if (!node.isUp) return;
    const { address } = node.spec;
    const { live } = node;
    node.isUp = false;
    node.live = undefined;
    if (live !== undefined) node.lastState = live.state();
    live?.stop();
    node.reason = reason;
    node.mailbox = emptied(node.mailbox);
    this.#arrivals = this.#arrivals.filter((arrival) => arrival !== address);
    this.#tellWatchers(address, { type: "actor.down", actor: address, reason });
  }

  #report(node: ActorNode | SupervisorNode, reason: ExitReason): void {
    const { address } = node.spec;
    const { incarnation } = node;
    const jitter = this.#options.random.next();
    this.#supervise(this.#parentOf(address), {
      type: "child.exited",
      id: address,
      incarnation,
      reason,
      jitter,
    });
  }

  #tellWatchers(address: string, event: LiveEvent): void {
    for (const [watcher, node] of this.#nodes) {
      if (node.kind === "actor" && node.spec.monitors?.includes(address))
        this.#offer(watcher, event);
    }
  }

  #forget(address: string): void {
    const node = this.#nodes.get(address);
    if (node?.kind === "supervisor") {
      for (const child of node.state.children) this.#forget(child.spec.id);
    }
    this.#nodes.delete(address);
  }

  #parentOf(address: string): string {
    const node = present(this.#nodes.get(address), `there is no local actor ${address}`);
    assert(address !== ROOT, "the root has no supervisor: stop the host");
    return node.spec.supervisor ?? ROOT;
  }

  #supervisorAt(address: string): SupervisorNode {
    const node = this.#nodes.get(address);
    assert(node?.kind === "supervisor", `there is no supervisor ${address}`);
    return node;
  }

  #actorAt(address: string): ActorNode {
    const node = this.#nodes.get(address);
    assert(node?.kind === "actor", `there is no local actor ${address}`);
    return node;
  }
}

type WithoutTime<E> = E extends unknown ? Omit<E, "nowMs"> : never;

function viewOf(address: string, node: ActorNode): ActorView {
  const { live } = node;
  const context = canonicalView(live?.context() ?? {});
  return {
    address,
    kind: "local",
    machine: node.spec.machine.id,
    state: live?.state() ?? node.lastState,
    sinceMs: node.sinceMs,
    context: context as ActorView["context"],
    reason: node.reason,
    restartCount: node.restartCount,
    mailboxCount: node.mailbox.events.length,
    // Local actors are never put aside: a supervisor that gives up hands on to its own.
    isQuarantined: false,
    nextEvents: live?.nextEvents() ?? [],
  };
}
