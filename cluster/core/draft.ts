import type { ControllerAlarm, ControllerEffect } from "./effects.ts";
import type {
  ControllerOptions,
  ControllerState,
  Following,
  Leading,
  LogView,
  RecordView,
  Situation,
} from "./state.ts";

/** One step in the making: handlers replace `state` (never change it) and append effects. */
export interface Draft {
  state: ControllerState;
  readonly effects: ControllerEffect[];
  readonly nowMs: number;
  readonly options: ControllerOptions;
}

export function emit(draft: Draft, effect: ControllerEffect): void {
  draft.effects.push(effect);
}

export function patch(draft: Draft, change: Partial<ControllerState>): void {
  draft.state = { ...draft.state, ...change };
}

export function patchView(draft: Draft, change: Partial<RecordView>): void {
  patch(draft, { view: { ...draft.state.view, ...change } });
}

export function patchLog(draft: Draft, change: Partial<LogView>): void {
  patch(draft, { log: { ...draft.state.log, ...change } });
}

export function patchFollowing(draft: Draft, change: Partial<Following>): void {
  patch(draft, { following: { ...draft.state.following, ...change } });
}

/** Changes what a leader knows; nothing where this controller does not lead. */
export function patchLeading(draft: Draft, change: Partial<Leading>): void {
  const { situation } = draft.state;
  if (situation.role !== "leading" && situation.role !== "handing-over") return;
  patch(draft, { situation: { ...situation, leading: { ...situation.leading, ...change } } });
}

/** What only a leader knows, or null. */
export function leadingOf(state: ControllerState): Leading | null {
  const { situation } = state;
  return situation.role === "leading" || situation.role === "handing-over"
    ? situation.leading
    : null;
}

/** A number that this incarnation never used before. */
export function nextCounter(draft: Draft): number {
  const counter = draft.state.counter + 1;
  patch(draft, { counter });
  return counter;
}

export function enter(draft: Draft, situation: Situation, reason: string): void {
  const from = draft.state.situation.role;
  patch(draft, { situation, reason });
  if (from !== situation.role) {
    emit(draft, { type: "roleChanged", from, to: situation.role, reason });
  }
}

/** Raises or clears an alarm; silent where it stands so already. */
export function setAlarm(
  draft: Draft,
  code: ControllerAlarm,
  isActive: boolean,
  text: string,
): void {
  const { activeAlarms } = draft.state;
  if (activeAlarms.includes(code) === isActive) return;
  patch(draft, {
    activeAlarms: isActive ? [...activeAlarms, code] : activeAlarms.filter((c) => c !== code),
  });
  emit(draft, { type: "alarm", code, isActive, text });
}

/** Plant time now: the last frame's, continued by the monotonic clock. */
export function plantTimeMsAt(state: ControllerState, nowMs: number): number {
  return state.log.plantTimeMs + Math.max(0, nowMs - state.log.plantTimeAtMs);
}
