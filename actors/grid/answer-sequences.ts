import { NO_BLACKOUT } from "../../energy/blackout.ts";
import type { OperatorRequest, RequestReply } from "../../kernel/command.ts";
import { mayCommand } from "./apply-frame.ts";
import type { PlannedDevice } from "./grid-plan.ts";
import { batteryModesFor } from "./operating-mode.ts";
import type { Work } from "./run-actors.ts";
import { chooseSharing } from "./sharing-mode.ts";
import { requestIslanding } from "./site.ts";
import type { Situation } from "./situation.ts";
import { requestTransfer } from "./transfer.ts";

type Answer = Omit<RequestReply, "requestId">;
const refused = (reason: string): Answer => ({ isAccepted: false, reason });
const accepted = (reason: string): Answer => ({ isAccepted: true, reason });

/** Operators' commands at the grid that begin or end a sequence, or choose how the grid is run. */
export const SEQUENCE_COMMANDS: readonly string[] = [
  "mode",
  "sharing",
  "reset",
  "island",
  "reconnect",
];

export function isSequenceCommand(command: string): boolean {
  return SEQUENCE_COMMANDS.includes(command);
}

export function answerForSequence(
  work: Work,
  request: OperatorRequest,
  situation: () => Situation,
): Answer {
  const { command } = request;
  if (command === "mode") return chooseOperatingMode(work, request);
  if (command === "sharing") return chooseSharing(work, request, situation());
  if (command === "reset") return resetRecovery(work);
  return islandSite(work, command, situation);
}

/** Chooses one of the manifest's operating modes: argument `mode`, its id. */
function chooseOperatingMode(work: Work, request: OperatorRequest): Answer {
  const { modes } = work.plan.grid;
  const wanted = request.arguments["mode"];
  const mode = modes.find(({ id }) => id === wanted);
  if (mode === undefined) {
    const ids = modes.map(({ id }) => id).join(", ");
    const allowed = ids === "" ? "the manifest states none" : `the argument mode is one of ${ids}`;
    return refused(`there is no operating mode ${String(wanted)}: ${allowed}`);
  }
  const batteryModes = batteryModesFor(work.plan, work.state, mode);
  const supply = { ...work.state.supply, batteryModes };
  work.state = { ...work.state, operatingMode: mode.id, supply };
  return accepted(`the operating mode is now ${mode.name}`);
}

/** A set in SEMI is started and stopped by operators alone; its capacity counts all the same. */
export function chooseSetMode(work: Work, device: PlannedDevice, command: "auto" | "semi"): Answer {
  const others = work.state.semiSets.filter((id) => id !== device.id);
  const semiSets = command === "semi" ? [...others, device.id].sort() : others;
  work.state = { ...work.state, semiSets };
  return accepted(`${device.id} is now in ${command}`);
}

function islandSite(work: Work, command: string, situation: () => Situation): Answer {
  if (!mayCommand(work.state)) {
    return refused("after the change of leadership commands wait; try again in some seconds");
  }
  const refusal = requestIslanding(work, command, situation());
  if (refusal !== null) return refused(refusal);
  return accepted(
    command === "island"
      ? "the site leaves the utility once no power flows between them"
      : "the site reconnects once the utility has been in band long enough",
  );
}

/** Moves the load to shore or back; with the argument `breakBeforeMake` by a short darkness. */
export function transferLoad(
  work: Work,
  device: PlannedDevice,
  request: OperatorRequest,
  situation: Situation,
): Answer {
  if (!mayCommand(work.state)) {
    return refused("after the change of leadership commands wait; try again in some seconds");
  }
  const isDark = request.arguments["breakBeforeMake"] === true;
  const refusal = requestTransfer(work, device, request.command, situation, isDark);
  if (refusal !== null) return refused(refusal);
  const { phase, isBreakBeforeMake } = work.state.transfer;
  const how = isBreakBeforeMake ? ", the busbar will be dark for a moment" : "";
  return accepted(`the transfer by ${device.id} begins: ${phase}${how}`);
}

/** After the recovery from a blackout was given up: it begins anew. */
function resetRecovery(work: Work): Answer {
  const { blackout } = work.state;
  if (blackout.phase !== "givenUp") return refused("no recovery from a blackout was given up");
  const { openedFeeders } = blackout;
  work.state = { ...work.state, blackout: { ...NO_BLACKOUT, openedFeeders } };
  return accepted("the recovery from the blackout begins anew");
}
