import type { ActorView } from "../actors/runtime/actor-view.ts";
import { rems, type Types } from "../proto/generated/rems-v1.ts";
import type { PlacedTransition } from "./grid-replica.ts";

const KINDS = {
  replicated: rems.v1.ActorKind.ACTOR_KIND_REPLICATED,
  local: rems.v1.ActorKind.ACTOR_KIND_LOCAL,
};

export function actorMessage(view: ActorView, withContext: boolean): Types.rems.v1.Actor {
  return rems.v1.Actor.create({
    address: view.address,
    kind: KINDS[view.kind],
    machine: view.machine,
    state: view.state,
    sinceMs: view.sinceMs,
    reason: view.reason,
    restartCount: view.restartCount,
    mailboxCount: view.mailboxCount,
    isQuarantined: view.isQuarantined,
    nextEvents: [...view.nextEvents],
    contextJson: withContext ? JSON.stringify(view.context) : "",
  });
}

export function transitionMessage(transition: PlacedTransition): Types.rems.v1.Transition {
  return rems.v1.Transition.create(transition);
}
