import type { JSX } from "preact";
import { acknowledge } from "../data/commands.ts";
import { alarms, status } from "../data/store.ts";
import { isUnacknowledged, PriorityMark } from "../parts/alarm-mark.tsx";
import { clockUtc, codeWords } from "../parts/format.ts";
import { heldByActor } from "../parts/address.ts";
import { useLost } from "./lost.ts";
import { linkTo } from "./route.ts";

/** The first alarm with its reason, and how many more: on every page. */
export function AlarmLine(): JSX.Element | null {
  const lostAtMs = useLost();
  if (status.value === null) return null;
  if (lostAtMs !== null) {
    return (
      <div class="alarm-line lost" role="alert">
        <strong>No node answers since {clockUtc(lostAtMs)}</strong>
        <span class="text">
          What you see is as it was then. The nodes are asked again and again.
        </span>
      </div>
    );
  }
  const all = alarms.value;
  const first = all[0];
  if (first === undefined) {
    return (
      <div class="alarm-line quiet" role="status">
        No active alarm
      </div>
    );
  }
  const counts = (["high", "medium", "low"] as const).map((priority) => ({
    priority,
    count: all.filter((alarm) => alarm.priority === priority).length,
  }));
  return (
    <div class={`alarm-line ${first.priority}`} role="status" aria-label="First alarm">
      <PriorityMark alarm={first} />
      {first.sinceWallTimeMs > 0 ? <time>{clockUtc(first.sinceWallTimeMs)}</time> : null}
      <strong>{codeWords(first.code)}</strong>
      <span class="where">{heldByActor(first.actor)}</span>
      <span class="text">{first.text}</span>
      {isUnacknowledged(first) && first.id !== "" ? (
        <button type="button" class="small" onClick={() => void acknowledge(first)}>
          Acknowledge
        </button>
      ) : null}
      <a class="counts" href={linkTo("alarms")} aria-label={`${all.length} alarms`}>
        {counts.map(({ priority, count }) =>
          count === 0 ? null : (
            <span key={priority} class={`count ${priority}`}>
              {count} {priority}
            </span>
          ),
        )}
      </a>
    </div>
  );
}
