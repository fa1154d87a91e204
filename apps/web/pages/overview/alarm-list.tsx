import type { JSX } from "preact";
import { acknowledge } from "../../data/commands.ts";
import { alarms } from "../../data/store.ts";
import { isUnacknowledged, PriorityMark } from "../../parts/alarm-mark.tsx";
import { heldByActor } from "../../parts/address.ts";
import { clockUtc, codeWords } from "../../parts/format.ts";
import { linkTo } from "../../shell/route.ts";

const SHOWN_COUNT = 6;

export function AlarmList(): JSX.Element {
  const all = alarms.value;
  return (
    <section class="panel side-panel" aria-label="Alarms">
      <div class="side-head">
        <h2>Alarms</h2>
        <a href={linkTo("alarms")}>all {all.length}</a>
      </div>
      {all.length === 0 ? <p class="quiet">No active alarm.</p> : null}
      <ul class="alarm-list">
        {all.slice(0, SHOWN_COUNT).map((alarm) => (
          <li
            key={`${alarm.grid}${alarm.id}${alarm.code}`}
            class={alarm.isActive ? "" : "returned"}
          >
            <PriorityMark alarm={alarm} />
            <div>
              <strong>{codeWords(alarm.code)}</strong>
              <span class="quiet">
                {clockUtc(alarm.sinceWallTimeMs)} · {heldByActor(alarm.actor)}
                {alarm.isActive ? "" : " · over"}
              </span>
              <span class="alarm-text">{alarm.text}</span>
            </div>
            {isUnacknowledged(alarm) && alarm.id !== "" ? (
              <button
                type="button"
                class="small"
                aria-label={`Acknowledge ${codeWords(alarm.code)}`}
                onClick={() => void acknowledge(alarm)}
              >
                Ack
              </button>
            ) : null}
          </li>
        ))}
      </ul>
      {all.length > SHOWN_COUNT ? (
        <a href={linkTo("alarms")}>{all.length - SHOWN_COUNT} more</a>
      ) : null}
    </section>
  );
}
