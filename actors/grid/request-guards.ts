import { isConnected } from "../../energy/balance.ts";
import { reasonOf, type Reason } from "../../energy/reason.ts";
import type { OperatorRequest } from "../../kernel/command.ts";
import { roundTo } from "../../kernel/math.ts";
import { actorOf } from "./device-values.ts";
import type { PlannedDevice } from "./grid-plan.ts";
import { tiesToOpen } from "./operating-mode.ts";
import { send, type Work } from "./run-actors.ts";
import { consumersLoadKw } from "./grid-messages.ts";
import { formsBus, peerStatus } from "./island.ts";
import { situationOf, tieStateOf, type Situation } from "./situation.ts";
import { isTieSacrificed } from "./tie-latch.ts";

/** Why an operator's command would harm the plant, or null where it would not. */
export function refusalOf(
  work: Work,
  device: PlannedDevice,
  command: string,
  request: OperatorRequest,
  situation: Situation,
): Reason | string | null {
  const mode = actorOf(work.plan, work.state, work.plan.address).snapshot.state;
  if (mode === "switchboard")
    return "the grid is operated from the switchboard: R-EMS does not command";
  if (actorOf(work.plan, work.state, device.address).status !== "running") {
    return `the machine of ${device.id} is in quarantine after repeated faults`;
  }
  if (device.kind === "busTie" && isTieSacrificed(work.state, device)) {
    return `${device.id} was opened for the sake of one side: its alarm TIE_SACRIFICED must be reset first`;
  }
  if (command === "syncAndClose") return refusalOfClosing(device, situation);
  if (command === "close" && device.kind === "feeder") {
    return refusalOfReconnection(work, device) ?? refusalOfLoad(device, situation);
  }
  if (command === "close" && device.kind === "busTie") {
    return "a tie is closed onto a dead busbar by the recovery alone, which holds the permit; ask for syncAndClose";
  }
  if (command === "close") return null;
  const isSource = device.kind === "genset" || device.kind === "shore" || device.kind === "battery";
  if (isSource && (command === "stop" || command === "open")) {
    return refusalOfLoss(device, situation);
  }
  if (command === "setFollowing") return refusalOfFollowing(device, situation);
  if (device.kind === "busTie" && command === "open") {
    return refusalOfSplitting(work, device, situation);
  }
  if (device.kind === "feeder" && command === "open" && device.config.tripStage === null) {
    return request.role === "engineer"
      ? null
      : `${device.id} is an essential feeder, never shed: only an engineer may open it`;
  }
  return null;
}

/** R-EMS never times a closing: without the device's own check it is not even asked. */
function refusalOfClosing(device: PlannedDevice, situation: Situation): string | null {
  if (!device.hasSyncCheck) {
    return `the profile of ${device.id} states no synchronising check in the device: closing is refused`;
  }
  if (situation.isBusLive) return null;
  return "no source is known to form the busbar, and closing onto a dead busbar needs a permit";
}

/** What was shed stays open until its cause has been gone for a while. */
function refusalOfReconnection(work: Work, device: PlannedDevice): Reason | null {
  const { shedding, shed } = work.state.supply;
  const { tripStage } = device.config;
  if (shedding.stage < 0 || tripStage === null) return null;
  const cause = shed.find((entry) => entry.device === device.id)?.cause ?? "load is being shed";
  const delayS = work.plan.grid.power.shedding.reconnectAfterS;
  return reasonOf("RECONNECTION_BLOCKED", device.id, { delayS, cause });
}

function refusalOfLoad(device: PlannedDevice, situation: Situation): string | null {
  const { balance } = situation;
  if (balance.unknowns.length > 0) return "the capacity is not known: no load is added";
  const needKw = device.config.ratings.loadKw;
  if (balance.freeKw >= needKw) return null;
  return `${roundTo(balance.freeKw, 10)} kW are free and ${device.id} may draw ${needKw} kW`;
}

/** Losing a source on purpose: the others must form the busbar and carry the load. */
function refusalOfLoss(device: PlannedDevice, situation: Situation): Reason | string | null {
  const own = situation.sources.find((source) => source.device === device.id);
  if (own === undefined || own.breaker !== "closed") return null;
  const rest = situation.sources.filter((source) => source.device !== device.id);
  if (!rest.some((source) => isConnected(source) && source.isForming)) {
    return reasonOf("LAST_FORMING", device.id);
  }
  const { balance } = situation;
  const ownFirmKw = own.isFirm ? own.availableKw : 0;
  const remainingKw = balance.capacityKw - ownFirmKw;
  const neededKw = balance.loadKw + balance.reservedKw;
  if (remainingKw >= neededKw) return null;
  return `without ${device.id} ${roundTo(remainingKw, 10)} kW remain for ${roundTo(neededKw, 10)} kW`;
}

function refusalOfFollowing(device: PlannedDevice, situation: Situation): Reason | null {
  const isFormedByOther = situation.sources.some(
    (source) => source.device !== device.id && isConnected(source) && source.isForming,
  );
  return isFormedByOther ? null : reasonOf("LAST_FORMING", device.id);
}

/** After the tie opens each side stands alone and must carry its own load, whatever flows through the tie now. */
function refusalOfSplitting(
  work: Work,
  device: PlannedDevice,
  situation: Situation,
): Reason | string | null {
  const tie = work.plan.ties.find((entry) => entry.ownBreaker === device.id);
  if (tie === undefined) return null;
  const tieState = tieStateOf(work.state, tie.ownBreaker, tie.otherBreaker);
  if (tieState === "open") return null;
  const { unknowns } = situation.balance;
  if (unknowns.length > 0) return unknowns[0] ?? null;
  const own = situationOf(work.plan, work.state);
  if (!own.isBusLive) return `${work.plan.grid.id} has no source of its own that forms the busbar`;
  const other = peerStatus(work.state, tie.otherGrid);
  if (other === null) return reasonOf("UNKNOWN_INPUT", tie.otherGrid, { what: "the load" });
  const isOtherFormed = other.sources.some(formsBus);
  if (!isOtherFormed) return `${tie.otherGrid} has no source of its own that forms the busbar`;
  const ownLoadKw = consumersLoadKw(work.plan, work.state, own.balance.loadKw);
  return (
    lackOf(work.plan.grid.id, own.balance.capacityKw, ownLoadKw) ??
    lackOf(tie.otherGrid, other.capacityKw, other.loadKw)
  );
}

function lackOf(grid: string, capacityKw: number, loadKw: number): string | null {
  if (capacityKw >= loadKw) return null;
  return `${grid} alone would have ${roundTo(capacityKw, 10)} kW for ${roundTo(loadKw, 10)} kW`;
}

/** Opens bus-ties that the operating mode wants open, where each side can carry its own load. */
export function openTiesByMode(work: Work, situation: Situation): void {
  for (const breaker of tiesToOpen(work.plan, work.state)) {
    const device = work.plan.deviceById.get(breaker);
    if (device === undefined || refusalOfSplitting(work, device, situation) !== null) continue;
    send(work, device, "open.requested", [reasonOf("MODE_OPENS", breaker)], "open");
  }
}
