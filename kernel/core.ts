import type { AlarmChange } from "./alarm.ts";
import type { CommandOutput, LevelOutput, OperatorRequest, RequestReply } from "./command.ts";
import type { Frame, LeadershipOrigin } from "./frame.ts";
import type { GridMessage } from "./grid-message.ts";

/** A reason as data. Which rule, which limit and which values; a sentence for people is made of it. */
export type ReasonData = {
  /** Stable name of the rule or limit, such as `LOAD_HIGH`. */
  readonly code: string;
  /** The device that it is about, or "". */
  readonly device: string;
  /** By name; numbers carry their unit in it, such as `loadPct`. */
  readonly values: { readonly [name: string]: number | string };
};

/** A transition of a replicated actor with its reason, for logs, views and `why`. */
export interface ActorTransition {
  readonly actor: string;
  readonly from: string;
  readonly to: string;
  readonly event: string;
  readonly reason: string;
  /** What a decision rests on, the sentence of `reason` as data; absent where an operator or feedback alone brought it about. */
  readonly because?: readonly ReasonData[];
}

/** Everything that one step wants done or known. Performed on the leader, compared or discarded on a standby. */
export interface CoreOutputs {
  /** Complete image of the set-points that should hold now. */
  readonly levels: readonly LevelOutput[];
  readonly commands: readonly CommandOutput[];
  readonly messages: readonly GridMessage[];
  readonly replies: readonly RequestReply[];
  readonly alarms: readonly AlarmChange[];
  readonly transitions: readonly ActorTransition[];
  /** This grid wants, or still needs, the permit to close a source onto the dead busbar. */
  readonly isDeadBusPermitWanted?: boolean;
}

/**
 * The replicated core of one grid: a pure function of (state, frame). State is canonical data, so that
 * `step(restore(snapshot))` equals `step(state)` and replicas can be compared by hash.
 */
export interface GridCore<State> {
  /** Version of the decisions. Controllers whose versions differ are not in sync. */
  readonly coreVersion: string;
  /** Hash of everything in the manifest and the profiles that decisions rest on and that does not change while it runs. */
  readonly manifestHash: string;
  initial(): State;
  /** What a new leader asks in the first frame of its epoch, before any operator; nothing where the core has no such wish. */
  opening?(state: State, epoch: number, origin: LeadershipOrigin): readonly OperatorRequest[];
  /** What operators had decided in a state of this version and another structure, as requests of the same; nothing else is read of it. */
  decisions?(state: State): readonly OperatorRequest[];
  /** Never throws for anything in a frame: an exception inside an actor becomes a supervision event. */
  step(state: State, frame: Frame): { readonly state: State; readonly outputs: CoreOutputs };
}

/**
 * Fact of a leader that stops and that nobody follows: the epoch in which it gives its devices back. A number, so that it says nothing about
 * the leaderships that follow.
 */
export const RELEASED_EPOCH_FACT = "leadership.releasedEpoch";

export const NO_OUTPUTS: CoreOutputs = {
  levels: [],
  commands: [],
  messages: [],
  replies: [],
  alarms: [],
  transitions: [],
};
