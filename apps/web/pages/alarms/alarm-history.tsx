import type { JSX } from "preact";
import type { AlarmRecord } from "../../data/messages.ts";
import { paths } from "../../data/paths.ts";
import { heldByActor } from "../../parts/address.ts";
import { codeWords, dateUtc, wordsOf } from "../../parts/format.ts";
import { RecordTable, type Column } from "../../parts/record-table.tsx";

const COLUMNS: readonly Column<AlarmRecord>[] = [
  { title: "Time, UTC", cell: ({ timeMs }) => dateUtc(timeMs), isTime: true },
  { title: "Priority", cell: ({ priority }) => priority },
  { title: "Alarm", cell: ({ code }) => <strong>{codeWords(code)}</strong> },
  { title: "At", cell: ({ actor }) => heldByActor(actor) },
  { title: "Change", cell: ({ change }) => wordsOf(change) },
  { title: "By", cell: ({ user }) => user },
  { title: "Text", cell: ({ text }) => text, isQuiet: true },
];

export function AlarmHistory(): JSX.Element {
  return (
    <RecordTable
      columns={COLUMNS}
      pathOf={(filter) => paths.alarmRecords(filter)}
      keyOf={({ timeMs, code, actor, change }) => `${timeMs}${code}${actor}${change}`}
      choices={{ name: "priority", title: "Priority", values: ["high", "medium", "low"] }}
      label="History of alarms"
    />
  );
}
