import type { ActorView } from "../actors/runtime/actor-view.ts";
import { aspectOf } from "../energy/reason.ts";
import type { ReasonData } from "../kernel/core.ts";
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
  const because = (transition.because ?? []).map(reasonMessage);
  return rems.v1.Transition.create({ ...transition, because });
}

export function reasonMessage(reason: ReasonData): Types.rems.v1.Reason {
  const numbers: Record<string, number> = {};
  const texts: Record<string, string> = {};
  for (const [name, value] of Object.entries(reason.values)) {
    if (typeof value === "number") numbers[name] = value;
    else texts[name] = value;
  }
  const { code, device } = reason;
  return rems.v1.Reason.create({ code, device, aspect: aspectOf(reason), numbers, texts });
}
