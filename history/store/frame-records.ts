import { createHash } from "node:crypto";
import type { OperatorRequest } from "../../kernel/command.ts";
import type { Frame } from "../../kernel/frame.ts";
import type { AlarmRecord, AuditRecord, EventRecord } from "../../kernel/history-record.ts";
import type { JournalNote } from "../../kernel/ports/journal.ts";
import type { LogPosition } from "../../kernel/record.ts";
import type { StoredRecord } from "./rows.ts";

/** Where in time and in the log a record stands. */
export interface RecordPlace {
  readonly timeMs: number;
  readonly position: LogPosition;
}

/** What a frame itself says for the tables of events and audit: changes of leader and connections, fates of commands, requests. */
export function recordsOfFrame(
  frame: Frame,
  place: RecordPlace,
  connections: Map<string, string>,
): StoredRecord[] {
  const { grid, plantTimeMs: plantMs, leadership } = frame;
  const found: StoredRecord[] = [];
  const event = (kind: string, actor: string, text: string, details: EventRecord["details"] = {}) =>
    found.push(eventRow(grid, plantMs, place, { kind, actor, text, details }));
  if (leadership !== null && frame.isFirstOfEpoch) {
    const { leader, origin, inSync } = leadership;
    const text = `${leader.node} leads, epoch ${frame.epoch} (${origin})`;
    const details = { leader: leader.node, origin, inSyncCount: inSync.length };
    event("leadership", `grids/${grid}`, text, details);
  }
  for (const [device, state] of frame.connections) {
    const before = connections.get(device);
    connections.set(device, state);
    if (before === undefined || before === state) continue;
    event("connection", addressOf(grid, device), `${before} → ${state}`);
  }
  for (const { id, fate, reason } of frame.fates) {
    event("command", `grids/${grid}`, `${id} ${fate}${reason === "" ? "" : `: ${reason}`}`, {
      fate,
    });
  }
  for (const request of frame.requests) {
    const { requestId, user, role, command: action, actor: target } = request;
    const asked = { requestId, user, role, action, target, reason: givenText(request.arguments) };
    found.push(auditRow(grid, plantMs, place, { ...asked, outcome: "requested" }));
  }
  return found;
}

/** A whole set of parameters is named by its first ones: the journal has all. */
const GIVEN_COUNT_MAX = 12;

function givenText(given: OperatorRequest["arguments"]): string {
  const all = Object.entries(given).map(([name, value]) => `${name}=${value}`);
  const moreCount = all.length - GIVEN_COUNT_MAX;
  const shown = all.slice(0, GIVEN_COUNT_MAX);
  return [...shown, ...(moreCount > 0 ? [`and ${moreCount} more`] : [])].join(" ");
}

/** The record that a line of the journal holds; null where it is a line for people, or cut short. */
export function recordOfNote(note: JournalNote, place: RecordPlace): StoredRecord | null {
  if (note.kind !== "event" && note.kind !== "alarm" && note.kind !== "audit") return null;
  let content: Record<string, unknown>;
  try {
    content = JSON.parse(note.text) as Record<string, unknown>;
  } catch {
    return null;
  }
  const text = (name: string): string => {
    const value = content[name];
    return typeof value === "string" ? value : "";
  };
  const { grid, plantTimeMs: plantMs } = note;
  if (note.kind === "event") {
    const [kind, actor] = [text("kind"), text("actor")];
    const details = (content["details"] ?? {}) as EventRecord["details"];
    return eventRow(grid, plantMs, place, { kind, actor, text: text("text"), details });
  }
  const head = headOf(grid, plantMs, place, `${note.kind}|${note.text}`);
  if (note.kind === "alarm") {
    return {
      type: "alarm",
      ...head,
      code: text("code"),
      actor: text("actor"),
      priority: text("priority") as AlarmRecord["priority"],
      change: text("change"),
      text: text("text"),
      user: text("user"),
    };
  }
  return {
    type: "audit",
    ...head,
    requestId: text("requestId"),
    user: text("user"),
    role: text("role") as AuditRecord["role"],
    action: text("action"),
    target: text("target"),
    outcome: text("outcome") as AuditRecord["outcome"],
    reason: text("reason"),
  };
}

function eventRow(
  grid: string,
  plantMs: number,
  place: RecordPlace,
  { kind, actor, text, details: given }: EventRecord,
): StoredRecord {
  const details = JSON.stringify(given);
  const head = headOf(grid, plantMs, place, `event|${kind}|${actor}|${text}|${details}`);
  return { type: "event", ...head, kind, actor, text, details };
}

function auditRow(
  grid: string,
  plantMs: number,
  place: RecordPlace,
  record: AuditRecord,
): StoredRecord {
  const head = headOf(grid, plantMs, place, `audit|${JSON.stringify(record)}`);
  return { type: "audit", ...head, ...record };
}

function headOf(grid: string, plantMs: number, { timeMs, position }: RecordPlace, content: string) {
  const text = `${grid}|${plantMs}|${content}`;
  const key = createHash("sha256").update(text).digest("hex").slice(0, 24);
  const { epoch, sequence } = position;
  return { key, timeMs, plantMs, grid, epoch, sequence };
}

function addressOf(grid: string, device: string): string {
  return `grids/${grid}/devices/${device}`;
}
