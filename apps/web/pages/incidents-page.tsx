import type { JSX } from "preact";
import type { IncidentEntry, PendingIncident } from "../data/messages.ts";
import { base } from "../data/node-link.ts";
import { paths } from "../data/paths.ts";
import { clockUtc, codeWords, dateUtc, span } from "../parts/format.ts";
import { openReplay } from "../shell/replay-bar.tsx";
import { useAnswer } from "../parts/use-answer.ts";

const EVERY_MS = 5000;
/** `DEVICE_TRIPPED` within a sentence. */
const CODE = /\b[A-Z]+(?:_[A-Z]+)+\b/g;

const inWords = (reason: string): string =>
  reason.replaceAll(CODE, (code) => codeWords(code).toLowerCase());

interface Incidents {
  readonly incidents: readonly IncidentEntry[];
  readonly pending: readonly PendingIncident[];
}

export default function IncidentsPage(): JSX.Element {
  const { value, failure, isWaiting } = useAnswer<Incidents>(paths.incidents, EVERY_MS);
  const { incidents = [], pending = [] } = value ?? {};
  return (
    <>
      <div class="page-head">
        <h1>Incidents</h1>
        <p>recorded by itself around failovers and alarms of high priority</p>
      </div>
      {failure === "" ? null : <p class="failure">{failure}</p>}
      {pending.map((one) => (
        <Recording key={one.fromWallTimeMs} pending={one} />
      ))}
      {incidents.length > 0 ? <IncidentTable incidents={incidents} /> : null}
      {incidents.length === 0 && pending.length === 0 && failure === "" ? (
        <section class="panel">
          <p class="quiet">
            {isWaiting
              ? "Asking the node …"
              : "Nothing was recorded by this node yet. A recording begins a while before its cause, and is ready half a minute after the last thing that happened."}
          </p>
        </section>
      ) : null}
    </>
  );
}

/** What is not a file yet: the operator sees that it is kept. */
function Recording({ pending }: { pending: PendingIncident }): JSX.Element {
  const { reason, fromWallTimeMs, untilWallTimeMs } = pending;
  const isWritten = untilWallTimeMs <= Date.now();
  return (
    <section class="panel recording" role="status">
      <strong>{isWritten ? "Being written" : "Being recorded"}</strong> {inWords(reason)}
      <p class="quiet">
        from {dateUtc(fromWallTimeMs)} to {clockUtc(untilWallTimeMs)} UTC
        {isWritten ? "" : ", or half a minute after whatever else happens"}
      </p>
    </section>
  );
}

function IncidentTable({ incidents }: { incidents: readonly IncidentEntry[] }): JSX.Element {
  return (
    <section class="panel table-scroll">
      <table>
        <thead>
          <tr>
            <th scope="col">From, UTC</th>
            <th scope="col" class="number">
              Length
            </th>
            <th scope="col">Why</th>
            <th scope="col">Grids</th>
            <th scope="col" class="number">
              kB
            </th>
            <th scope="col">Replay</th>
            <th scope="col">File</th>
          </tr>
        </thead>
        <tbody>
          {incidents.map(({ name, reason, fromWallTimeMs, toWallTimeMs, grids, byteCount }) => (
            <tr key={name}>
              <td class="time">{dateUtc(fromWallTimeMs)}</td>
              <td class="number">{span(toWallTimeMs - fromWallTimeMs)}</td>
              <td>{inWords(reason)}</td>
              <td>{grids.join(", ")}</td>
              <td class="number">{Math.ceil(byteCount / 1000)}</td>
              <td>
                <button type="button" class="small" onClick={() => openReplay(name)}>
                  Open
                </button>
              </td>
              <td>
                <a href={`${base.value}${paths.incidentFile(name)}`} download>
                  {name}
                </a>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
