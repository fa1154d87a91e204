import { ask } from "../parts/dialog.tsx";
import { capital, codeWords, wordsOf } from "../parts/format.ts";
import { heldByActor } from "../parts/address.ts";
import { tell } from "../parts/notices.tsx";
import type { Alarm, DeviceStatus, GridStatus, Reply, Value } from "./messages.ts";
import { originOf, request, RequestError } from "./node-link.ts";
import { paths } from "./paths.ts";
import { leaderships } from "./store.ts";

/** Everything that changes something: asked for with a request id of its own, confirmed where it moves the plant, and its answer told. */

export const newId = (): string => `web-${crypto.randomUUID()}`;

const USER = "r-ems.user";

/** Who asks, for the audit log, until there is a login. */
export function userName(): string {
  try {
    return localStorage.getItem(USER) || "web";
  } catch {
    return "web";
  }
}

/** @param name - "": nobody says. */
export function setUserName(name: string): void {
  try {
    localStorage.setItem(USER, name.trim());
  } catch {
    // Private windows may refuse storage: then it stays as it was.
  }
}

/** A leader carries it out: it is asked itself where the node that answers this page is another one. */
export async function atLeader(grid: string, path: string, body: object): Promise<Reply> {
  try {
    return await request<Reply>(path, body);
  } catch (error) {
    const isOther = error instanceof RequestError && error.code === "REMS_NOT_LEADER";
    const address = leaderships.value.get(grid)?.leaderHttpAddress ?? "";
    if (!isOther || address === "") throw error;
    return request<Reply>(path, body, originOf(address));
  }
}

async function report(what: string, act: () => Promise<Reply>): Promise<boolean> {
  try {
    const { isAccepted, reason } = await act();
    const answer = isAccepted ? "accepted" : "refused";
    tell(`${what}: ${answer}${reason === "" ? "" : `, ${reason}`}`, !isAccepted);
    return isAccepted;
  } catch (error) {
    tell(`${what}: ${error instanceof Error ? error.message : String(error)}`, true);
    return false;
  }
}

export type AlarmAct =
  | "ACKNOWLEDGE"
  | "RESET"
  | "SHELVE"
  | "UNSHELVE"
  | "REMOVE_FROM_SERVICE"
  | "RETURN_TO_SERVICE";

export function actOnAlarm(
  alarm: Alarm,
  action: AlarmAct,
  more: { readonly shelveS?: number; readonly reason?: string } = {},
): Promise<boolean> {
  const body = {
    requestId: newId(),
    grid: alarm.grid,
    action: `ALARM_ACTION_${action}`,
    alarm: alarm.id,
    user: userName(),
    ...more,
  };
  const what = `${capital(wordsOf(action.toLowerCase()))} ${codeWords(alarm.code)}`;
  return report(what, () => atLeader(alarm.grid, paths.alarmAct, body));
}

export const acknowledge = (alarm: Alarm): Promise<boolean> => actOnAlarm(alarm, "ACKNOWLEDGE");

export function acknowledgeAll(grid: string): Promise<boolean> {
  const body = {
    requestId: newId(),
    grid,
    action: "ALARM_ACTION_ACKNOWLEDGE",
    alarm: "all",
    user: userName(),
  };
  return report(`Acknowledge all of ${grid}`, () => atLeader(grid, paths.alarmAct, body));
}

const isNotable = (alarm: Alarm): boolean => alarm.isActive;

/** Asks the leader what it would say, shows that, and sends the command once it is confirmed. */
export function command(
  grid: GridStatus,
  target: { readonly name: string; readonly address: string } & Partial<DeviceStatus>,
  name: string,
  meaning: string,
  values: Readonly<Record<string, Value>> = {},
): void {
  const body = (isValidateOnly: boolean) => ({
    requestId: newId(),
    actor: target.address,
    command: name,
    arguments: values,
    expectedEpoch: grid.epoch,
    validateOnly: isValidateOnly,
    user: userName(),
  });
  const title = `${capital(wordsOf(name))} ${target.name}?`;
  const active = grid.alarms.filter((alarm) => alarm.actor === target.address && isNotable(alarm));
  const state = target.state === undefined ? "" : `It is ${wordsOf(target.state)} now. `;
  const warning = active.map(({ code }) => codeWords(code)).join(", ");
  ask({
    title,
    body: `${capital(meaning)}. ${state}${warning === "" ? "" : `Active alarm: ${warning}.`}`,
    confirm: capital(wordsOf(name)),
    isDangerous: /^(?:open|stop|trip)/.test(name),
    check: () => atLeader(grid.grid, paths.command, body(true)),
    act: async () => {
      const what = `${capital(wordsOf(name))} ${heldByActor(target.address)}`;
      await report(what, () => atLeader(grid.grid, paths.command, body(false)));
    },
  });
}

/** Planned handover of a grid to a node in sync. */
export function transfer(grid: GridStatus, toNode: string): void {
  const body = (isValidateOnly: boolean) => ({
    requestId: newId(),
    toNode,
    expectedEpoch: grid.epoch,
    validateOnly: isValidateOnly,
    user: userName(),
    reason: "asked for in the web application",
  });
  ask({
    title: `Hand ${grid.name} over to ${toNode}?`,
    body: `${grid.leader} completes a scan, gives up its authority and ${toNode} takes over. No scan is skipped and the plant does not notice.`,
    confirm: `Hand over to ${toNode}`,
    check: () => atLeader(grid.grid, paths.transfer(grid.grid), body(true)),
    act: async () => {
      const what = `Handover of ${grid.grid} to ${toNode}`;
      await report(what, () => atLeader(grid.grid, paths.transfer(grid.grid), body(false)));
    },
  });
}
