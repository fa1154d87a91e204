import type { AlarmPriority } from "./alarm.ts";
import type { OperatorRole } from "./command.ts";
import type { ReasonData } from "./core.ts";
import type { JournalNote } from "./ports/journal.ts";

/**
 * What the history store keeps beside points. Records travel as lines of the journal, so they are on disk with the frames that they
 * belong to, come back after a crash, and enter the store once. Every node that follows a grid notes the same ones.
 */
export interface EventRecord {
  /** `transition`, `leadership`, `connection`, `command`, …: what to filter by. */
  readonly kind: string;
  /** Address of the actor that it happened to. */
  readonly actor: string;
  /** One sentence for people. */
  readonly text: string;
  /** `because`: the reasons of a decision as data. */
  readonly details: {
    readonly [name: string]: string | number | boolean | readonly ReasonData[];
  };
}

/** One change of an alarm's state. */
export interface AlarmRecord {
  readonly code: string;
  /** Address of the actor that it belongs to; with `code` it names the alarm. */
  readonly actor: string;
  readonly priority: AlarmPriority;
  /** `raised`, `cleared`, `acknowledged`, `shelved`, …. */
  readonly change: string;
  readonly text: string;
  /** Who acted; empty where the plant did. */
  readonly user: string;
}

/** A request of a person or another system, or the answer to it. */
export interface AuditRecord {
  readonly requestId: string;
  readonly user: string;
  readonly role: OperatorRole | "";
  /** Command, such as `start`. */
  readonly action: string;
  /** Address of the actor that it was meant for. */
  readonly target: string;
  readonly outcome: "requested" | "accepted" | "refused";
  readonly reason: string;
}

/** The journal's line for an event of `grid` at `plantTimeMs`. */
export function eventNote(grid: string, plantTimeMs: number, record: EventRecord): JournalNote {
  return { grid, plantTimeMs, kind: "event", text: JSON.stringify(record) };
}

export function alarmNote(grid: string, plantTimeMs: number, record: AlarmRecord): JournalNote {
  return { grid, plantTimeMs, kind: "alarm", text: JSON.stringify(record) };
}

export function auditNote(grid: string, plantTimeMs: number, record: AuditRecord): JournalNote {
  return { grid, plantTimeMs, kind: "audit", text: JSON.stringify(record) };
}
