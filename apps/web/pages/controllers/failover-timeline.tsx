import type { JSX } from "preact";
import type { Failover } from "../../data/messages.ts";
import { replayed } from "../../data/node-link.ts";
import { clockUtc, dateUtc, span, wordsOf } from "../../parts/format.ts";
import { useClock } from "../../parts/use-clock.ts";

/** Gaps longer than this fill the bar; the promise is 250 ms. */
const GAP_MS_FULL = 500;
const GAP_MS_PROMISED = 250;

/** Changes of leader, the newest first, each with how long nobody commanded. */
export function FailoverTimeline({ failovers }: { failovers: readonly Failover[] }): JSX.Element {
  const nowMs = useClock(1000);
  return (
    <div class="timeline">
      <h3>Changes of leader</h3>
      {failovers.length === 0 ? <p class="quiet">None seen since this node started.</p> : null}
      <ol>
        {failovers.map(({ from, to, epoch, origin, wallTimeMs, gapMs }) => (
          <li key={epoch}>
            <time title={dateUtc(wallTimeMs)}>
              {replayed.value === ""
                ? `${span(Math.max(0, nowMs - wallTimeMs))} ago`
                : clockUtc(wallTimeMs)}
            </time>
            <span>
              {from} → <strong>{to}</strong>{" "}
              <small>
                {wordsOf(origin)}, epoch {epoch}
              </small>
            </span>
            <span class="gap-bar" aria-hidden="true">
              <span
                class={gapMs > GAP_MS_PROMISED ? "long" : ""}
                style={{ width: `${Math.min(100, (100 * gapMs) / GAP_MS_FULL)}%` }}
              />
            </span>
            <span class="number">gap {Math.round(gapMs)} ms</span>
          </li>
        ))}
      </ol>
    </div>
  );
}
