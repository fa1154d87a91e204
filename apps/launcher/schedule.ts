import { RemsError } from "../../kernel/errors.ts";

/** Faults of what surrounds the nodes: network, coordinator, disk, clock. All but the last heal after their time. */
export type ActionAround =
  | {
      readonly type: "cut-node" | "cut-peers" | "cut-coordinator" | "cut-one-way";
      readonly node: string;
      readonly durationMs: number;
    }
  | {
      readonly type: "delay";
      readonly node: string;
      readonly delayMs: number;
      readonly durationMs: number;
    }
  /** A member from 1, or the one that leads etcd. */
  | {
      readonly type: "kill-etcd";
      readonly member: number | "leader";
      readonly durationMs: number;
    }
  | { readonly type: "kill-with-etcd"; readonly grid: string; readonly durationMs: number }
  | { readonly type: "fill-disk"; readonly node: string; readonly durationMs: number }
  | { readonly type: "step-clock"; readonly node: string; readonly stepMs: number };

/** Something that the launcher does to the simulated installation, by key or by schedule. */
export type Action =
  | { readonly type: "kill-leader"; readonly grid: string }
  | { readonly type: "power-cut"; readonly grid: string }
  | { readonly type: "pause-leader"; readonly grid: string; readonly durationMs: number }
  | { readonly type: "kill-all"; readonly durationMs: number }
  | { readonly type: "cut-plant"; readonly grid: string; readonly durationMs: number }
  | { readonly type: "kill-node"; readonly node: string }
  | { readonly type: "restart" }
  | ActionAround
  | { readonly type: "transfer"; readonly grid: string; readonly node: string }
  | { readonly type: "trip"; readonly device: string }
  | { readonly type: "load-step"; readonly device: string; readonly deltaKw: number }
  | { readonly type: "thruster"; readonly device: string; readonly demandKw: number }
  | { readonly type: "tie"; readonly isClosing: boolean }
  | { readonly type: "ask"; readonly device: string; readonly command: string }
  | { readonly type: "grid-loss" }
  | { readonly type: "grid-return" }
  | { readonly type: "pv-cloud"; readonly dropPct: number };

export interface ScheduledAction {
  readonly atMs: number;
  readonly action: Action;
}

/** What each action takes after `=`, for help and errors. */
export const ACTION_FORMS: readonly (readonly [form: string, meaning: string])[] = [
  ["kill-leader=GRID", "SIGKILL the node that leads the grid"],
  ["power-cut=GRID", "cut every link of that node, then kill it: nobody hears a FIN"],
  ["pause-leader=GRID[:2s]", "freeze that node's process, and let it go on after the time"],
  ["kill-all[=10s]", "SIGKILL all nodes, and start them again after the time"],
  ["cut-plant=GRID[:20s]", "cut the leader's links to all devices, and heal them after the time"],
  ["kill-node=NODE", "SIGKILL one node"],
  ["restart", "start all nodes that are down"],
  ["cut-node=NODE[:3s]", "cut a node from the others and from the coordinator, not from devices"],
  ["cut-peers=NODE[:3s]", "cut it from the other nodes only"],
  ["cut-coordinator=NODE[:3s]", "cut it from the coordinator only"],
  ["cut-one-way=NODE[:3s]", "what it sends to other nodes is lost; what they send arrives"],
  ["delay=NODE:30ms[:5s]", "delay all that passes between it and the others, each way"],
  ["kill-etcd=leader|1..3[:5s]", "SIGKILL a member of etcd, and start it again after the time"],
  ["kill-with-etcd=GRID[:5s]", "SIGKILL the grid's leader and etcd's leader together"],
  ["transfer=GRID:NODE", "planned handover"],
  ["trip=DEVICE", "a source's own protection trips it"],
  ["load-step=DEVICE:KW", "change of a feeder's load"],
  ["thruster=DEVICE:KW", "a thruster's lever asks for so much"],
  ["tie=close|open", "an operator closes or opens the bus-tie"],
  ["ask=DEVICE:COMMAND", "an operator gives a command, for example sc1:transferToShore"],
  ["grid-loss, grid-return", "land: the utility goes and comes back"],
  ["pv-cloud=PCT", "land: the sun goes down by so many percent"],
];

/**
 * Parses a duration: `250ms`, `40s`, `10m`, `2h`.
 * @throws {@link RemsError} `REMS_REQUEST_INVALID` if the text is none.
 */
export function parseDurationMs(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text);
  const factor = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }[match?.[2] ?? ""];
  const value = Number(match?.[1]) * (factor ?? Number.NaN);
  if (!Number.isFinite(value)) {
    throw new RemsError(
      "REMS_REQUEST_INVALID",
      `"${text}" is no duration; write for example 250ms, 40s, 10m or 2h`,
    );
  }
  return value;
}

/**
 * Parses `10s:kill-leader=port`.
 * @throws {@link RemsError} `REMS_REQUEST_INVALID` that names the part that is wrong and what is allowed.
 */
export function parseScheduledAction(text: string): ScheduledAction {
  const colon = text.indexOf(":");
  if (colon < 0) throw invalid(text);
  const action = actionOf(text, text.slice(colon + 1));
  return { atMs: parseDurationMs(text.slice(0, colon)), action };
}

/**
 * Parses `kill-leader=port`.
 * @throws {@link RemsError} `REMS_REQUEST_INVALID` that lists the actions.
 */
export function parseAction(text: string): Action {
  return actionOf(`now:${text}`, text);
}

/** @param text - The whole, for messages. */
function actionOf(text: string, action: string): Action {
  const [name, argument] = splitOnce(action, "=");
  const [first, second] = splitOnce(argument, ":");
  const need = (value: string): string => {
    if (value === "") throw invalid(text);
    return value;
  };
  const number = (value: string): number => {
    if (value === "" || !Number.isFinite(Number(value))) throw invalid(text);
    return Number(value);
  };
  switch (name) {
    case "kill-leader":
    case "power-cut":
      return { type: name, grid: need(argument) };
    case "pause-leader":
      return { type: name, grid: need(first), durationMs: parseDurationMs(second || "2s") };
    case "cut-plant":
      return { type: name, grid: need(first), durationMs: parseDurationMs(second || "20s") };
    case "kill-all":
      return { type: name, durationMs: parseDurationMs(argument || "10s") };
    case "kill-node":
      return { type: name, node: need(argument) };
    case "restart":
    case "grid-loss":
    case "grid-return":
      return { type: name };
    case "transfer":
      return { type: name, grid: need(first), node: need(second) };
    case "trip":
      return { type: name, device: need(argument) };
    case "load-step":
      return { type: name, device: need(first), deltaKw: number(second) };
    case "thruster":
      return { type: name, device: need(first), demandKw: number(second) };
    case "pv-cloud":
      return { type: name, dropPct: number(argument) };
    case "cut-node":
    case "cut-peers":
    case "cut-coordinator":
    case "cut-one-way":
      return { type: name, node: need(first), durationMs: parseDurationMs(second || "3s") };
    case "delay": {
      const [delay, duration] = splitOnce(second, ":");
      const [delayMs, durationMs] = [parseDurationMs(delay), parseDurationMs(duration || "5s")];
      return { type: name, node: need(first), delayMs, durationMs };
    }
    case "kill-etcd": {
      const member = first === "leader" ? first : number(first);
      return { type: name, member, durationMs: parseDurationMs(second || "5s") };
    }
    case "kill-with-etcd":
      return { type: name, grid: need(first), durationMs: parseDurationMs(second || "5s") };
    case "ask":
      return { type: name, device: need(first), command: need(second) };
    case "tie":
      if (argument !== "close" && argument !== "open") throw invalid(text);
      return { type: name, isClosing: argument === "close" };
    default:
      throw invalid(text);
  }
}

function splitOnce(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)];
}

function invalid(text: string): RemsError {
  const forms = ACTION_FORMS.map(([form]) => form).join(", ");
  return new RemsError(
    "REMS_REQUEST_INVALID",
    `--at "${text}": expected TIME:ACTION, for example 10s:kill-leader=port; actions are ${forms}`,
  );
}
