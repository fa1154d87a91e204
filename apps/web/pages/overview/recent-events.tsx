import type { JSX } from "preact";
import { alarms, happenings } from "../../data/store.ts";
import { clockUtc } from "../../parts/format.ts";
import { linkTo } from "../../shell/route.ts";

/** With the alarms above: the page is to stay on one screen. */
const SHOWN_COUNT = 8;
const SHOWN_COUNT_MIN = 3;

/** What happened lately, with its reasons. */
export function RecentEvents(): JSX.Element {
  const shownCount = Math.max(SHOWN_COUNT_MIN, SHOWN_COUNT - alarms.value.length);
  return (
    <section class="panel side-panel" aria-label="Lately">
      <div class="side-head">
        <h2>Lately</h2>
        <a href={linkTo("events")}>all events</a>
      </div>
      {happenings.value.length === 0 ? (
        <p class="quiet">Nothing since this page was opened.</p>
      ) : null}
      <ol class="happenings">
        {happenings.value.slice(0, shownCount).map(({ key, atMs, title, reason, isMajor }) => (
          <li key={key}>
            <time>{clockUtc(atMs)}</time>
            {isMajor ? <strong>{title}</strong> : <span>{title}</span>}
            {reason === "" ? null : <span class="reason">{reason}</span>}
          </li>
        ))}
      </ol>
    </section>
  );
}
