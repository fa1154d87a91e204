import type { JSX } from "preact";
import type { AuditRecord, EventRecord } from "../data/messages.ts";
import { paths } from "../data/paths.ts";
import { heldByActor } from "../parts/address.ts";
import { dateUtc, transitionWords, wordsOf } from "../parts/format.ts";
import { RecordTable, type Column } from "../parts/record-table.tsx";
import { route } from "../shell/route.ts";

const EVENT_COLUMNS: readonly Column<EventRecord>[] = [
  { title: "Time, UTC", cell: ({ timeMs }) => dateUtc(timeMs), isTime: true },
  { title: "Kind", cell: ({ kind }) => wordsOf(kind) },
  { title: "Grid", cell: ({ grid }) => grid },
  { title: "Actor", cell: ({ actor }) => heldByActor(actor) },
  { title: "What", cell: ({ kind, text }) => (kind === "transition" ? inWords(text) : text) },
  { title: "Frame", cell: ({ epoch, sequence }) => `${epoch}:${sequence}`, isQuiet: true },
];

/** `ready → onLoad: reason`. */
function inWords(text: string): string {
  const [change = "", ...reason] = text.split(": ");
  return [transitionWords(change), ...reason].join(": ");
}

const AUDIT_COLUMNS: readonly Column<AuditRecord>[] = [
  { title: "Time, UTC", cell: ({ timeMs }) => dateUtc(timeMs), isTime: true },
  { title: "Who", cell: ({ user, role }) => `${user} (${role})` },
  { title: "Action", cell: ({ action }) => wordsOf(action) },
  { title: "Target", cell: ({ target }) => heldByActor(target) },
  {
    title: "Outcome",
    cell: ({ outcome, isVoid }) => (
      <span class={outcome === "refused" ? "tag warn" : "tag"}>
        {outcome}
        {isVoid ? ", void" : ""}
      </span>
    ),
  },
  { title: "Reason", cell: ({ reason }) => reason, isQuiet: true },
  {
    title: "Request",
    cell: ({ requestId }) => <code>{requestId.slice(0, 20)}</code>,
    isQuiet: true,
  },
];

export default function EventsPage(): JSX.Element {
  const { rest } = route.value;
  return (
    <>
      <div class="page-head">
        <h1>Events and audit</h1>
        <p>kept by every node, the newest first</p>
      </div>
      <nav class="tabs" aria-label="Events and audit">
        <a href="#/events" aria-current={rest === "" ? "page" : undefined}>
          Events
        </a>
        <a href="#/events/audit" aria-current={rest === "audit" ? "page" : undefined}>
          Audit: who asked for what
        </a>
      </nav>
      {rest === "audit" ? (
        <RecordTable
          key="audit"
          columns={AUDIT_COLUMNS}
          pathOf={(filter) => paths.auditRecords(filter)}
          keyOf={({ timeMs, requestId, outcome }) => `${timeMs}${requestId}${outcome}`}
          choices={{
            name: "outcome",
            title: "Outcome",
            values: ["requested", "accepted", "refused"],
          }}
          label="Audit"
        />
      ) : (
        <RecordTable
          key="events"
          columns={EVENT_COLUMNS}
          pathOf={(filter) => paths.eventRecords(filter)}
          keyOf={({ epoch, sequence, actor, kind }) => `${epoch}:${sequence}${actor}${kind}`}
          choices={{
            name: "kind",
            title: "Kind",
            values: ["transition", "leadership", "connection", "command"],
          }}
          label="Events"
        />
      )}
    </>
  );
}
