import { present } from "../../kernel/assert.ts";
import type { Canonical } from "../../kernel/canonical.ts";
import type { ReplicatedTree, TreeState } from "./replicated-tree.ts";

/** One actor as inspection shows it; the same form for both kinds. */
export interface ActorView {
  readonly address: string;
  readonly kind: "replicated" | "local";
  /** Id of its machine. */
  readonly machine: string;
  /** Dotted path of the active state. */
  readonly state: string;
  /** Since when it is in that state: plant time for replicated actors, monotonic time for local ones. */
  readonly sinceMs: number;
  readonly context: { readonly [key: string]: Canonical };
  /** Why it came into that state. */
  readonly reason: string;
  readonly restartCount: number;
  /** Events that wait. */
  readonly mailboxCount: number;
  readonly isQuarantined: boolean;
  /** Event types that the state handles; none while the actor is down. */
  readonly nextEvents: readonly string[];
}

/** All replicated actors, in the order of their specs. */
export function viewTree(tree: ReplicatedTree, state: TreeState): ActorView[] {
  return tree.actors.map(({ address, machine }, index) => {
    const actor = present(state.actors[index], "state and plan have the same actors");
    return {
      address,
      kind: "replicated",
      machine: machine.id,
      state: actor.snapshot.state,
      sinceMs: actor.sinceMs,
      context: actor.snapshot.context,
      reason: actor.lastReason,
      restartCount: actor.restartCount,
      mailboxCount: actor.mailbox.events.length,
      isQuarantined: actor.status === "quarantined",
      nextEvents: actor.status === "running" ? machine.nextEvents(actor.snapshot) : [],
    };
  });
}
