import { assert } from "../../kernel/assert.ts";
import type { MachineEvent } from "./machine-adapter.ts";

/** Bounded first-in-first-out queue of events, as canonical data. A full one refuses what is new and counts it. */
export interface Mailbox {
  readonly events: readonly MachineEvent[];
  /** Events refused because it was full, or lost because the actor crashed or was not running; only ever grows. */
  readonly refusedCount: number;
}

export const EMPTY_MAILBOX: Mailbox = { events: [], refusedCount: 0 };

/** Appends `event`, or refuses it where `countMax` events wait already. */
export function offer(mailbox: Mailbox, event: MachineEvent, countMax: number): Mailbox {
  assert(countMax > 0, "a mailbox holds at least one event");
  if (mailbox.events.length >= countMax) return refuse(mailbox);
  return { ...mailbox, events: [...mailbox.events, event] };
}

/** Counts an event that was not taken. */
export function refuse(mailbox: Mailbox): Mailbox {
  return { ...mailbox, refusedCount: mailbox.refusedCount + 1 };
}

/** The mailbox without its oldest event; that event is `mailbox.events[0]`. */
export function withoutFirst(mailbox: Mailbox): Mailbox {
  assert(mailbox.events.length > 0, "an empty mailbox has no first event");
  return { ...mailbox, events: mailbox.events.slice(1) };
}

/** As when an actor crashes: what waits is lost, and counted. */
export function emptied(mailbox: Mailbox): Mailbox {
  return { events: [], refusedCount: mailbox.refusedCount + mailbox.events.length };
}
