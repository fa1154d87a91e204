import { assert } from "../../kernel/assert.ts";
import type { MachineEvent } from "./machine-adapter.ts";

/** Bounded first-in-first-out queue of events, as plain data. A full one refuses what is new and counts it. */
export interface Mailbox<E = MachineEvent> {
  readonly events: readonly E[];
  /** Events refused because it was full, or lost because the actor crashed or was not running; only ever grows. */
  readonly refusedCount: number;
}

export const EMPTY_MAILBOX: Mailbox<never> = { events: [], refusedCount: 0 };

/** Appends `event`, or refuses it where `countMax` events wait already. */
export function offer<E>(mailbox: Mailbox<E>, event: E, countMax: number): Mailbox<E> {
  assert(countMax > 0, "a mailbox holds at least one event");
  if (mailbox.events.length >= countMax) return refuse(mailbox);
  return { ...mailbox, events: [...mailbox.events, event] };
}

/** Counts an event that was not taken. */
export function refuse<E>(mailbox: Mailbox<E>): Mailbox<E> {
  return { ...mailbox, refusedCount: mailbox.refusedCount + 1 };
}

/** The mailbox without its oldest event; that event is `mailbox.events[0]`. */
export function withoutFirst<E>(mailbox: Mailbox<E>): Mailbox<E> {
  assert(mailbox.events.length > 0, "an empty mailbox has no first event");
  return { ...mailbox, events: mailbox.events.slice(1) };
}

/** As when an actor crashes: what waits is lost, and counted. */
export function emptied<E>(mailbox: Mailbox<E>): Mailbox<E> {
  return { events: [], refusedCount: mailbox.refusedCount + mailbox.events.length };
}
