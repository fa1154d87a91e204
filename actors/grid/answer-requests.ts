import type { OperatorRequest, RequestReply } from "../../kernel/command.ts";
import { sentenceOf } from "../../energy/reason.ts";
import type { AlarmMoment } from "../alarms/alarm-book.ts";
import { ALARM_COMMANDS, answerAlarmRequest, isAlarmCommand } from "../alarms/alarm-requests.ts";
import {
  answerForSequence,
  chooseSetMode,
  isSequenceCommand,
  SEQUENCE_COMMANDS,
  transferLoad,
} from "./answer-sequences.ts";
import { mayCommand } from "./apply-frame.ts";
import { setBatteryMode } from "./battery-modes.ts";
import { answerConfiguration, isConfigurationCommand } from "./configuration.ts";
import { actorOf } from "./device-values.ts";
import type { PlannedDevice } from "./grid-plan.ts";
import { liftLockout, lockoutOf } from "./lockouts.ts";
import { setLimit } from "./operator-limits.ts";
import { refusalOf } from "./request-guards.ts";
import { send, sendToGrid, type Work } from "./run-actors.ts";
import type { Situation } from "./situation.ts";
import { TRANSFER_COMMANDS } from "./transfer.ts";
import { release } from "../runtime/replicated-tree.ts";

const ANSWERED_COUNT_MAX = 256;
/** Those of operators in one scan, and those by which a new leader opens its epoch. */
const REQUEST_COUNT_MAX = 48;
const ID_LENGTH_MAX = 64;

/** Operators' commands by kind of device, and the event that each becomes. */
const EVENTS: { readonly [kind: string]: { readonly [command: string]: string } } = {
  genset: {
    start: "start.requested",
    stop: "stop.requested",
    syncAndClose: "sync.requested",
    open: "open.requested",
    reset: "reset.requested",
  },
  battery: {
    syncAndClose: "sync.requested",
    open: "open.requested",
    setForming: "setForming.requested",
    setFollowing: "setFollowing.requested",
  },
  busTie: {
    syncAndClose: "sync.requested",
    close: "sync.requested",
    open: "open.requested",
    openNow: "openNow.requested",
    reset: "reset.requested",
  },
  breaker: {
    syncAndClose: "sync.requested",
    close: "close.requested",
    open: "open.requested",
    reset: "reset.requested",
  },
  thruster: { reset: "reset.requested" },
  feeder: { close: "close.requested", open: "open.requested", reset: "reset.requested" },
  shore: { syncAndClose: "sync.requested", open: "open.requested" },
};

/** What the tie's `close` means at the device: closing onto a live busbar is synchronising. */
function deviceCommandOf(device: PlannedDevice, command: string): string {
  if (command === "openNow") return "open";
  return device.kind === "busTie" && command === "close" ? "syncAndClose" : command;
}

/** Answers each request once; a repeated id gets the first answer again. */
export function answerRequests(
  work: Work,
  requests: readonly OperatorRequest[],
  moment: AlarmMoment,
  situation: () => Situation,
): RequestReply[] {
  const replies: RequestReply[] = [];
  for (const request of requests.slice(0, REQUEST_COUNT_MAX)) {
    const first = work.state.answered.find((reply) => reply.requestId === request.requestId);
    if (first !== undefined) {
      replies.push(first);
      continue;
    }
    if (request.requestId.length > ID_LENGTH_MAX) {
      const reason = `a request id has at most ${ID_LENGTH_MAX} characters`;
      replies.push({ requestId: request.requestId, isAccepted: false, reason });
      continue;
    }
    const reply = { requestId: request.requestId, ...answer(work, request, moment, situation) };
    replies.push(reply);
    const answered = [...work.state.answered, reply].slice(-ANSWERED_COUNT_MAX);
    work.state = { ...work.state, answered };
  }
  return replies;
}

type Answer = Omit<RequestReply, "requestId">;
const refused = (reason: string): Answer => ({ isAccepted: false, reason });
const accepted = (reason: string): Answer => ({ isAccepted: true, reason });

function answer(
  work: Work,
  request: OperatorRequest,
  moment: AlarmMoment,
  situation: () => Situation,
): Answer {
  const { plan } = work;
  const { command } = request;
  if (request.role !== "operator" && request.role !== "engineer") {
    return refused(`the role ${request.role} may look, not command`);
  }
  if (request.actor === plan.address) {
    if (isConfigurationCommand(command)) return answerForConfiguration(work, request);
    return isAlarmCommand(command)
      ? answerForAlarms(work, request, moment)
      : answerForGrid(work, request, situation);
  }
  const device = plan.deviceByAddress.get(request.actor);
  if (device === undefined) return refused(`there is no actor ${request.actor} in this grid`);
  if (command === "release") return releaseActor(work, device, request);
  if (command === "limit") return limitDevice(work, device, request);
  if (command === "mode") return chooseMode(work, device, request);
  if (device.kind === "shore" && TRANSFER_COMMANDS.includes(command)) {
    return transferLoad(work, device, request, situation());
  }
  if (device.kind === "genset" && (command === "auto" || command === "semi")) {
    return chooseSetMode(work, device, command);
  }
  const isLockedOut = lockoutOf(work.state, device.id) !== "";
  if (command === "reset" && (isLockedOut || device.kind === "battery")) {
    return isLockedOut ? resetLockout(work, device) : refused(`${device.id} is not locked out`);
  }
  const event = Object.hasOwn(EVENTS[device.kind] ?? {}, command)
    ? EVENTS[device.kind]?.[command]
    : undefined;
  if (event === undefined) {
    const more =
      device.kind === "shore"
        ? TRANSFER_COMMANDS
        : device.kind === "genset"
          ? ["auto", "semi"]
          : device.kind === "battery"
            ? ["reset"]
            : [];
    const offered = [...Object.keys(EVENTS[device.kind] ?? {}), ...more].join(", ");
    const list = offered === "" ? "none" : offered;
    return refused(`${device.id} has no command ${command}; a ${device.kind} has: ${list}`);
  }
  if (!mayCommand(work.state)) {
    return refused("after the change of leadership commands wait; try again in some seconds");
  }
  const deviceCommand = deviceCommandOf(device, command);
  if (command !== "reset" && !device.commands.has(deviceCommand)) {
    return refused(`the profile of ${device.id} offers no command ${deviceCommand}`);
  }
  const refusal = refusalOf(work, device, deviceCommand, request, situation());
  if (refusal !== null) {
    return refused(typeof refusal === "string" ? refusal : sentenceOf(refusal));
  }
  const reason = `${request.user} (${request.role}) asked for it`;
  if (!send(work, device, event, reason, deviceCommand)) {
    const { snapshot } = actorOf(plan, work.state, device.address);
    return refused(`${device.id} is ${snapshot.state}: ${command} is not possible`);
  }
  const { snapshot } = actorOf(plan, work.state, device.address);
  return accepted(`${device.id} is now ${snapshot.state}`);
}

function answerForConfiguration(work: Work, request: OperatorRequest): Answer {
  const { state, isAccepted, reason } = answerConfiguration(work.plan, work.state, request);
  work.state = state;
  return { isAccepted, reason };
}

/** Alarms may be acknowledged at any time, also while a new leader does not command yet. */
function answerForAlarms(work: Work, request: OperatorRequest, moment: AlarmMoment): Answer {
  const nodes = work.plan.grid.controllers.map(({ node }) => `nodes/${node}`);
  const actors = new Set([work.plan.address, ...work.plan.deviceByAddress.keys(), ...nodes]);
  const done = answerAlarmRequest(work.state.alarmBook, request, moment, actors);
  work.state = { ...work.state, alarmBook: done.book };
  work.alarmChanges.push(...done.changes);
  return { isAccepted: done.isAccepted, reason: done.reason };
}

function answerForGrid(work: Work, request: OperatorRequest, situation: () => Situation): Answer {
  const { plan } = work;
  const { command } = request;
  if (isSequenceCommand(command)) return answerForSequence(work, request, situation);
  if (command !== "auto" && command !== "semi") {
    const list = ["auto", "semi", ...SEQUENCE_COMMANDS, ...ALARM_COMMANDS];
    return refused(`the grid has no command ${command}; it has: ${list.join(", ")}`);
  }
  const before = actorOf(plan, work.state, plan.address).snapshot.state;
  if (before === command) return accepted(`the grid is already in ${command}`);
  if (sendToGrid(work, `${command}.requested`)) return accepted(`the grid is now in ${command}`);
  return refused(
    before === "switchboard"
      ? "the grid is operated from the switchboard: its selectors decide"
      : "a connected source stands on local: the grid stays in semi",
  );
}

function limitDevice(work: Work, device: PlannedDevice, request: OperatorRequest): Answer {
  const next = setLimit(work.state, device, request);
  if (typeof next === "string") return refused(next);
  work.state = next;
  const { value, expiryS } = request.arguments;
  return accepted(`${device.id} is held below ${String(value)} for ${String(expiryS)} s`);
}

function chooseMode(work: Work, device: PlannedDevice, request: OperatorRequest): Answer {
  const next = setBatteryMode(work.state, device, request);
  if (typeof next === "string") return refused(next);
  work.state = next;
  return accepted(`${device.id} is now in mode ${String(request.arguments["mode"])}`);
}

function resetLockout(work: Work, device: PlannedDevice): Answer {
  const next = liftLockout(work.state, device.id);
  if (typeof next === "string") return refused(next);
  work.state = next;
  if (device.kind === "genset") send(work, device, "reset.requested", "its lock-out is over");
  return accepted(`${device.id} is not locked out any more`);
}

/** Takes a crashed device's machine out of quarantine: it begins anew from feedback. */
function releaseActor(work: Work, device: PlannedDevice, request: OperatorRequest): Answer {
  if (request.role !== "engineer") return refused("release needs the role engineer");
  if (actorOf(work.plan, work.state, device.address).status !== "quarantined") {
    return refused(`${device.id} is not in quarantine`);
  }
  const { plan, state } = work;
  const result = release(plan.tree, state.tree, device.address, state.plantTimeMs);
  const index = plan.tree.indexByAddress.get(device.address) ?? -1;
  work.state = { ...state, tree: result.state, seen: state.seen.with(index, null) };
  work.transitions.push(...result.transitions);
  return accepted(`${device.id} begins anew from feedback`);
}
