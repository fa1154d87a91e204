import type { JSX } from "preact";
import { actOnAlarm } from "../../data/commands.ts";
import type { Alarm } from "../../data/messages.ts";
import { paths } from "../../data/paths.ts";
import { gridById } from "../../data/store.ts";
import { PriorityMark } from "../../parts/alarm-mark.tsx";
import { heldByActor } from "../../parts/address.ts";
import { codeWords, span } from "../../parts/format.ts";
import { useAnswer } from "../../parts/use-answer.ts";

const EVERY_MS = 2000;

/** Shelved by a person, suppressed by design or taken out of service: watched all the same. */
export function HiddenAlarms(): JSX.Element {
  const { value, failure, again } = useAnswer<{ alarms: readonly Alarm[] }>(paths.alarms, EVERY_MS);
  const hidden = (value?.alarms ?? []).filter(
    (alarm) =>
      typeof alarm.shelvedUntilPlantTimeMs === "number" ||
      alarm.suppressedBy !== "" ||
      alarm.outOfServiceBy !== "",
  );
  if (failure !== "" && value === null) return <p class="failure">{failure}</p>;
  return (
    <section class="panel alarm-rows">
      {hidden.length === 0 ? <p class="quiet">Nothing is hidden.</p> : null}
      <ul>
        {hidden.map((alarm) => {
          const act = (action: "UNSHELVE" | "RETURN_TO_SERVICE"): void =>
            void actOnAlarm(alarm, action).then(again);
          return (
            <li key={alarm.id}>
              <div class="alarm-row">
                <PriorityMark alarm={alarm} />
                <span />
                <div class="alarm-what">
                  <strong>{codeWords(alarm.code)}</strong>{" "}
                  <span class="quiet">{heldByActor(alarm.actor)}</span>
                  <p>{whyHidden(alarm, gridById(alarm.grid)?.plantTimeMs ?? 0)}</p>
                </div>
                {alarm.outOfServiceBy !== "" ? (
                  <button type="button" class="small" onClick={() => act("RETURN_TO_SERVICE")}>
                    Return to service
                  </button>
                ) : alarm.suppressedBy === "" ? (
                  <button type="button" class="small" onClick={() => act("UNSHELVE")}>
                    Unshelve
                  </button>
                ) : null}
              </div>
            </li>
          );
        })}
      </ul>
    </section>
  );
}

function whyHidden(alarm: Alarm, plantTimeMs: number): string {
  if (alarm.outOfServiceBy !== "") return `out of service: ${alarm.outOfServiceBy}`;
  if (alarm.suppressedBy !== "") return `explained by ${codeWords(alarm.suppressedBy)}`;
  const leftMs = Math.max(0, (alarm.shelvedUntilPlantTimeMs ?? 0) - plantTimeMs);
  return `shelved by ${alarm.shelvedBy}, for ${span(leftMs)} more`;
}
