import { reasonOf, sentenceOf, type Reason } from "../../energy/reason.ts";
import { SHARING_MODES, type SharingMode } from "../../energy/sharing-mode.ts";
import type { OperatorRequest, RequestReply } from "../../kernel/command.ts";
import { actorOf } from "./device-values.ts";
import type { GridPlan } from "./grid-plan.ts";
import type { GridState } from "./grid-state.ts";
import { isMaster } from "./island.ts";
import type { Work } from "./run-actors.ts";
import type { Situation } from "./situation.ts";
import { isDeloading } from "./tie-deload.ts";

/** What needs references that follow the load although sets are to share by droop; null where nothing does. */
export function droopSuspendedBy(
  plan: GridPlan,
  state: GridState,
  situation: Situation,
): Reason | null {
  const suspended = (device: string, what: string) =>
    reasonOf("DROOP_SUSPENDED", device, { state: what });
  const shore = situation.sources.find(
    ({ kind, breaker }) => kind === "shore" && breaker !== "open",
  );
  if (shore !== undefined) return suspended(shore.device, "connected");
  for (const { device, state: name, availability } of situation.sets) {
    if (name === "loading") return suspended(device, "being loaded");
    if (name === "unloading" || availability === "leaving") {
      return suspended(device, "being unloaded");
    }
  }
  if (isDeloading(plan, state)) return suspended("the tie", "being unloaded");
  return state.blackout.phase === "live" ? null : suspended("the busbar", "being brought back");
}

/** Takes an operator's command `sharing` with the argument `mode`. */
export function chooseSharing(
  work: Work,
  request: OperatorRequest,
  situation: Situation,
): Omit<RequestReply, "requestId"> {
  const mode = SHARING_MODES.find((one) => one === request.arguments["mode"]);
  if (mode === undefined) {
    const reason = `the argument mode must be one of ${SHARING_MODES.join(", ")}`;
    return { isAccepted: false, reason };
  }
  const refusal = refusalOf(work, mode, situation);
  if (refusal !== null) return { isAccepted: false, reason: refusal };
  const { supply } = work.state;
  if (supply.sharing.mode !== mode) {
    const sharing = { mode, quietSinceMs: null };
    work.state = { ...work.state, supply: { ...supply, sharing } };
  }
  const reason =
    mode === "droop"
      ? "sets share by droop once nothing has been on its way for 10 s: then references rest and the frequency follows the load"
      : "references follow the load: nominal frequency at any";
  return { isAccepted: true, reason };
}

function refusalOf(work: Work, mode: SharingMode, situation: Situation): string | null {
  const { plan, state } = work;
  if (plan.isLand) return "on land the inverters' own grid code decides how they share";
  if (!isMaster(plan, state)) {
    return `${sentenceOf(reasonOf("ISLAND_MASTER", "", { grid: state.island[0] ?? "" }))}: ask there`;
  }
  if (actorOf(plan, state, plan.address).snapshot.state === "switchboard") {
    return "the grid is operated from the switchboard: R-EMS does not command";
  }
  if (mode === "isochronous") return null;
  const shore = situation.sources.find(
    ({ kind, breaker }) => kind === "shore" && breaker !== "open",
  );
  if (shore !== undefined)
    return `${shore.device} holds the frequency: sets share beside it, not by droop`;
  const sets = plan.devices.filter(({ kind }) => kind === "genset");
  if (sets.length === 0) return "the grid has no set that could share by droop";
  const stiff = sets.find(({ config }) => config.ratings.droopPct <= 0);
  if (stiff !== undefined) {
    return `the ratings of ${stiff.id} state no droop_pct: by droop it would not share`;
  }
  return null;
}
