import type { JSX } from "preact";
import { acknowledge } from "../../data/commands.ts";
import { alarms } from "../../data/store.ts";
import { isUnacknowledged, PriorityMark } from "../../parts/alarm-mark.tsx";
import { clockUtc, codeWords } from "../../parts/format.ts";

/** Alarms of one actor; nothing where it has none. */
export function DeviceAlarms({ address }: { address: string }): JSX.Element | null {
  const own = alarms.value.filter(({ actor }) => actor === address);
  if (own.length === 0) return null;
  return (
    <section class="panel">
      <h2>Alarms</h2>
      <ul class="alarm-list">
        {own.map((alarm) => (
          <li key={alarm.id}>
            <PriorityMark alarm={alarm} />
            <div>
              <strong>{codeWords(alarm.code)}</strong>
              <span class="quiet">{clockUtc(alarm.sinceWallTimeMs)}</span>
              <span class="alarm-text">{alarm.text}</span>
            </div>
            {isUnacknowledged(alarm) && alarm.id !== "" ? (
              <button type="button" class="small" onClick={() => void acknowledge(alarm)}>
                Acknowledge
              </button>
            ) : null}
          </li>
        ))}
      </ul>
    </section>
  );
}
