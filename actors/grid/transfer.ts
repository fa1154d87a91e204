import {
  beginTransfer,
  decideTransfer,
  refusalOfTransfer,
  type TransferAction,
  type TransferDecision,
  type TransferInput,
  type TransferSource,
  type TransferState,
} from "../../energy/transfer.ts";
import { sentenceOf, type Reason } from "../../energy/reason.ts";
import { mayCommand } from "./apply-frame.ts";
import { actorOf, positionOf, shoreLimitKwOf } from "./device-values.ts";
import type { GridPlan, PlannedDevice } from "./grid-plan.ts";
import type { GridState } from "./grid-state.ts";
import { send, type Work } from "./run-actors.ts";
import type { Situation } from "./situation.ts";

/** Shore takes base load up to this part of its limit; the rest is room for load changes. */
const BASE_LOAD_PCT = 90;

/** Operators' commands at a shore connection that move the load. */
const DIRECTIONS: Readonly<Record<string, TransferState["direction"]>> = {
  transferToShore: "toShore",
  transferToShip: "toShip",
};

export const TRANSFER_COMMANDS: readonly string[] = Object.keys(DIRECTIONS);

/** @returns Why the transfer does not begin, or null where it did. */
export function requestTransfer(
  work: Work,
  device: PlannedDevice,
  command: string,
  situation: Situation,
  isDarkWanted: boolean,
): string | null {
  const direction = DIRECTIONS[command];
  if (direction === undefined) return `${device.id} has no command ${command}`;
  const { plan, state } = work;
  if (state.transfer.phase !== "none") return `${state.transfer.shore} is already transferring`;
  if (actorOf(plan, state, plan.address).snapshot.state === "switchboard") {
    return "the grid is operated from the switchboard: R-EMS does not command";
  }
  const refusal = refusalOfTransfer(inputOf(plan, state, situation, device), device.id, direction);
  if (refusal !== null) return sentenceOf(refusal);
  const isDark = isDarkWanted || !device.hasSyncCheck;
  const transfer = beginTransfer(state.transfer, device.id, direction, isDark, state.plantTimeMs);
  work.state = { ...state, transfer };
  return null;
}

/** Goes on with a transfer that is under way. */
export function runTransfer(work: Work, situation: Situation): void {
  const { plan, state } = work;
  const { transfer } = state;
  if (transfer.phase === "none" && transfer.carrier === "") return;
  if (!mayCommand(state)) return;
  const decision = decide(plan, state, situation);
  if (decision === null) return;
  work.state = { ...state, transfer: decision.state };
  for (const action of decision.actions) perform(work, action);
}

export function whyTransfer(
  plan: GridPlan,
  state: GridState,
  situation: Situation,
): readonly Reason[] {
  if (state.transfer.phase === "none") return [];
  return decide(plan, state, situation)?.because ?? [];
}

/** Sources that the recovery is to close onto a busbar that a transfer made dark. */
export function preferredClosers(
  plan: GridPlan,
  state: GridState,
  situation: Situation,
): readonly string[] {
  const { phase } = state.transfer;
  if (phase !== "darkening" && phase !== "energising") return [];
  return decide(plan, state, situation)?.preferred ?? [];
}

function decide(plan: GridPlan, state: GridState, situation: Situation): TransferDecision | null {
  const { transfer } = state;
  const shore = plan.deviceById.get(transfer.shore === "" ? transfer.carrier : transfer.shore);
  if (shore === undefined) return null;
  return decideTransfer(inputOf(plan, state, situation, shore), transfer);
}

const EVENTS: Readonly<Record<string, Readonly<Partial<Record<TransferAction["what"], string>>>>> =
  {
    genset: {
      start: "start.requested",
      run: "run.requested",
      stop: "stop.requested",
      openNow: "openNow.requested",
    },
    battery: { sync: "sync.requested", openNow: "open.requested" },
    shore: { sync: "sync.requested", unload: "open.requested", openNow: "openNow.requested" },
  };

const COMMANDS: Readonly<Partial<Record<TransferAction["what"], string>>> = {
  openNow: "open",
  sync: "syncAndClose",
};

function perform(work: Work, { device: id, what, reason }: TransferAction): void {
  const device = work.plan.deviceById.get(id);
  const event = device === undefined ? undefined : EVENTS[device.kind]?.[what];
  if (device === undefined || event === undefined) return;
  send(work, device, event, [reason], COMMANDS[what] ?? "");
}

function inputOf(
  plan: GridPlan,
  state: GridState,
  situation: Situation,
  shore: PlannedDevice,
): TransferInput {
  const gensets = plan.startOrder.flatMap((id) => plan.deviceById.get(id) ?? []);
  const others = plan.devices.filter(({ kind }) => kind === "battery" || kind === "shore");
  return {
    plantTimeMs: state.plantTimeMs,
    sources: [...gensets, ...others].map((device) => sourceOf(plan, state, situation, device)),
    loadKw: situation.balance.loadKw,
    shoreLimitKw: (shoreLimitKwOf(state, shore) * BASE_LOAD_PCT) / 100,
    startLimitPct: plan.grid.power.startLimitPct,
    isRecovering: state.blackout.phase !== "live" || state.blackout.darkSinceMs !== null,
  };
}

function sourceOf(
  plan: GridPlan,
  state: GridState,
  situation: Situation,
  device: PlannedDevice,
): TransferSource {
  const { snapshot } = actorOf(plan, state, device.address);
  const set = situation.sets.find((entry) => entry.device === device.id);
  return {
    device: device.id,
    kind: device.kind === "genset" || device.kind === "battery" ? device.kind : "shore",
    breaker: positionOf(state, device.id),
    state: snapshot.state,
    ratedKw: device.ratedKw,
    isReady: set?.availability === "ready",
    isComing: set?.availability === "pending",
  };
}
