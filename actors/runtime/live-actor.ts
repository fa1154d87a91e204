import { createActor } from "xstate";
import type {
  AnyActorRef,
  AnyMachineSnapshot,
  AnyStateMachine,
  AnyTransitionDefinition,
} from "xstate";
import type { Clock, Timer } from "../../kernel/ports/clock.ts";
import { eventsOf, reasonOf, statePath } from "./machine-adapter.ts";

/** What a live actor tells its host. After `ended` or `crashed` it says nothing more. */
export interface LiveActorObserver {
  moved(from: string, to: string, event: string, reason: string): void;
  /** It reached a final state. */
  ended(): void;
  crashed(error: unknown): void;
}

/** One incarnation of a local actor: a running XState machine on the node's clock. */
export interface LiveActor {
  send(event: { readonly type: string }): void;
  /** Ends it at once; its observer is not told. */
  stop(): void;
  /** True once it has ended, crashed or been stopped. */
  isOver(): boolean;
  state(): string;
  context(): unknown;
  /** Event types that its state handles. */
  nextEvents(): string[];
}

/**
 * Starts a machine. Exceptions of its actions, guards and delayed transitions go to the observer: XState would end the
 * process on an error that nobody observes.
 */
export function startLiveActor(
  machine: AnyStateMachine,
  input: unknown,
  clock: Clock,
  observer: LiveActorObserver,
): LiveActor {
  let isOver = false;
  let state = "";
  let cause:
    | { event: { readonly type: string }; transition: AnyTransitionDefinition | undefined }
    | undefined;
  const over = (tell: () => void): void => {
    if (isOver) return;
    isOver = true;
    tell();
  };
  const actor: AnyActorRef = createActor(machine, {
    input,
    clock: xstateClock(clock),
    inspect: (inspection) => {
      if (inspection.type !== "@xstate.microstep") return;
      const transition = inspection._transitions.find(({ target }) => target !== undefined);
      if (transition !== undefined) cause = { event: inspection.event, transition };
    },
  });
  function noteMove(value: unknown): void {
    const from = state;
    state = statePath(value);
    if (isOver || from === "" || cause === undefined) return;
    const { event, transition } = cause;
    // An event that nothing answers comes here too, without a cause of its own.
    cause = undefined;
    // Who sends an event may say why; otherwise the machine's own words stand.
    const given = "reason" in event && typeof event.reason === "string" ? event.reason : "";
    // A state that follows itself is news only where another reason comes with it.
    if (from === state && given === "") return;
    observer.moved(from, state, event.type, given || reasonOf(transition, event));
  }
  actor.subscribe({
    next: (snapshot: { value: unknown }) => noteMove(snapshot.value),
    error: (error: unknown) => over(() => observer.crashed(error)),
    complete: () => over(() => observer.ended()),
  });
  actor.start();
  return {
    send: (event) => actor.send(event),
    stop: () => {
      isOver = true;
      actor.stop();
    },
    isOver: () => isOver,
    state: () => state,
    context: () => (actor.getSnapshot() as { context: unknown }).context,
    nextEvents: () => eventsOf(actor.getSnapshot() as AnyMachineSnapshot),
  };
}

/** XState's form of the clock port, so that `after` runs on virtual time in the simulator. */
function xstateClock(clock: Clock): {
  setTimeout(callback: () => void, delayMs: number): Timer;
  clearTimeout(timer: Timer | undefined): void;
} {
  return {
    setTimeout: (callback, delayMs) => clock.at(clock.monotonicMs() + delayMs, callback),
    clearTimeout: (timer) => timer?.cancel(),
  };
}
