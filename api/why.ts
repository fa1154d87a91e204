import { isAlarmStanding } from "../kernel/alarm.ts";
import type { ActorView } from "../actors/runtime/actor-view.ts";
import type { ReasonData } from "../kernel/core.ts";
import { gridOfAddress, type NodeView } from "./node-view.ts";

/** Sentences that say why an actor is as it is, the most important first. */
export function whyOf(view: NodeView, actor: ActorView): string[] {
  const reasons: string[] = [];
  if (actor.isQuarantined) {
    reasons.push(`it crashed ${actor.restartCount} times and takes no events until it is released`);
  }
  const replica = view.replicas.get(gridOfAddress(actor.address));
  const sentences = replica?.why(actor.address) ?? [];
  if (sentences.length > 0) reasons.push(...sentences);
  else reasons.push(`${actor.state}: ${actor.reason === "" ? "since its start" : actor.reason}`);
  if (replica === undefined) return reasons;
  if (!replica.isCurrent) reasons.push("this node's view of the grid lags behind");
  for (const alarm of replica.alarms().filter(isAlarmStanding)) {
    if (alarm.actor === actor.address) reasons.push(`alarm ${alarm.code}: ${alarm.text}`);
  }
  return reasons;
}

/** What the sentences of {@link whyOf} are made of, as data. */
export function becauseOf(view: NodeView, actor: ActorView): readonly ReasonData[] {
  const replica = view.replicas.get(gridOfAddress(actor.address));
  return replica?.whyLines(actor.address).flatMap(({ because }) => because) ?? [];
}
