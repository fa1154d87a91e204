import type { CoreOutputs } from "../../kernel/core.ts";
import type { Frame } from "../../kernel/frame.ts";
import { alarmNote, auditNote, eventNote } from "../../kernel/history-record.ts";
import type { JournalNote } from "../../kernel/ports/journal.ts";

/** What one frame brought about that the history keeps beside its points: transitions, changes of alarms, answers to requests. */
export function historyNotes(frame: Frame, outputs: CoreOutputs): JournalNote[] {
  const { grid, plantTimeMs } = frame;
  const notes: JournalNote[] = [];
  for (const { actor, from, to, event, reason, because } of outputs.transitions) {
    const text = `${from} → ${to}${reason === "" ? "" : `: ${reason}`}`;
    const details = { from, to, event, ...(because === undefined ? {} : { because }) };
    notes.push(eventNote(grid, plantTimeMs, { kind: "transition", actor, text, details }));
  }
  for (const { code, actor, priority, event: change, text, by: user } of outputs.alarms) {
    notes.push(alarmNote(grid, plantTimeMs, { code, actor, priority, change, text, user }));
  }
  for (const { requestId, isAccepted, reason } of outputs.replies) {
    // Who asked for what stands in the frame that brought the request; the store joins them by the id.
    const asked = frame.requests.find((request) => request.requestId === requestId);
    notes.push(
      auditNote(grid, plantTimeMs, {
        requestId,
        user: asked?.user ?? "",
        role: asked?.role ?? "",
        action: asked?.command ?? "",
        target: asked?.actor ?? "",
        outcome: isAccepted ? "accepted" : "refused",
        reason,
      }),
    );
  }
  return notes;
}
