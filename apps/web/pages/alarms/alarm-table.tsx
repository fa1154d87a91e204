import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { actOnAlarm } from "../../data/commands.ts";
import type { Alarm, AlarmDefinition } from "../../data/messages.ts";
import { paths } from "../../data/paths.ts";
import { alarms as standing } from "../../data/store.ts";
import { isUnacknowledged, PriorityMark } from "../../parts/alarm-mark.tsx";
import { heldByActor } from "../../parts/address.ts";
import { ask } from "../../parts/dialog.tsx";
import { clockUtc, codeWords, dateUtc, wordsOf } from "../../parts/format.ts";
import { useAnswer } from "../../parts/use-answer.ts";
import { WithCode } from "../../parts/with-code.tsx";
import { linkTo } from "../../shell/route.ts";

export function AlarmTable({ alarms }: { alarms: readonly Alarm[] }): JSX.Element {
  const definitions = useAnswer<{ definitions: readonly AlarmDefinition[] }>(
    paths.alarmDefinitions,
  );
  // What to do about the most urgent one stands there unasked.
  const [open, setOpen] = useState<string | null>(null);
  if (alarms.length === 0) {
    return (
      <section class="panel">
        <p class="quiet">No alarm stands.</p>
      </section>
    );
  }
  return (
    <section class="panel alarm-rows" aria-label="Standing alarms">
      <ul>
        {alarms.map((alarm, index) => {
          const key = `${alarm.grid}|${alarm.id}|${alarm.code}|${alarm.actor}`;
          const isOpen = open === null ? index === 0 : open === key;
          const definition = definitions.value?.definitions.find(({ code }) => code === alarm.code);
          return (
            <li key={key} class={isUnacknowledged(alarm) ? "new" : ""}>
              <Row
                alarm={alarm}
                isOpen={isOpen}
                onToggle={() => setOpen(isOpen ? "" : key)}
                definition={definition}
              />
            </li>
          );
        })}
      </ul>
    </section>
  );
}

interface RowProps {
  readonly alarm: Alarm;
  readonly isOpen: boolean;
  readonly onToggle: () => void;
  readonly definition: AlarmDefinition | undefined;
}

function Row({ alarm, isOpen, onToggle, definition }: RowProps): JSX.Element {
  const { code, actor, text, sinceWallTimeMs, raisedCount, acknowledgedBy, isActive } = alarm;
  return (
    <>
      <div class="alarm-row">
        <PriorityMark alarm={alarm} />
        <time title={dateUtc(sinceWallTimeMs)}>{clockUtc(sinceWallTimeMs)}</time>
        <div class="alarm-what">
          <button type="button" class="plain" aria-expanded={isOpen} onClick={onToggle}>
            <strong>{codeWords(code)}</strong>
          </button>
          <span class="quiet">
            <Where actor={actor} />
            {isActive ? "" : " · over"}
            {raisedCount > 1 ? ` · ${raisedCount} times` : ""}
            {acknowledgedBy === "" ? "" : ` · acknowledged by ${acknowledgedBy}`}
            {alarm.isEscalated ? " · escalated" : ""}
          </span>
          <p>{text}</p>
        </div>
        <Buttons alarm={alarm} />
      </div>
      {isOpen ? <Meaning alarm={alarm} definition={definition} /> : null}
    </>
  );
}

function Where({ actor }: { actor: string }): JSX.Element {
  const [root, owner = "", part, id = ""] = actor.split("/");
  if (root === "grids") {
    return part === "devices" ? (
      <a href={linkTo("devices", id)}>{heldByActor(actor)}</a>
    ) : (
      <a href={linkTo("grids", owner)}>{owner}</a>
    );
  }
  return <>{heldByActor(actor)}</>;
}

function Buttons({ alarm }: { alarm: Alarm }): JSX.Element {
  if (alarm.id === "") return <span class="quiet">of this node, ends by itself</span>;
  return (
    <div class="row-buttons">
      {isUnacknowledged(alarm) ? (
        <button type="button" class="small" onClick={() => void actOnAlarm(alarm, "ACKNOWLEDGE")}>
          Acknowledge
        </button>
      ) : null}
      {alarm.state === "latchedAcknowledged" ? (
        <button type="button" class="small" onClick={() => void actOnAlarm(alarm, "RESET")}>
          Reset
        </button>
      ) : null}
      <button type="button" class="small" onClick={() => shelve(alarm)}>
        Shelve …
      </button>
    </div>
  );
}

const SHELVE_S: readonly (readonly [number, string])[] = [
  [900, "15 minutes"],
  [3600, "1 hour"],
  [4 * 3600, "4 hours"],
  [8 * 3600, "8 hours"],
];

function shelve(alarm: Alarm): void {
  let shelveS = 3600;
  ask({
    title: `Shelve ${codeWords(alarm.code)}?`,
    body: (
      <label class="field">
        It is hidden for a time, goes on being watched, and comes back by itself.
        <select
          value={shelveS}
          onChange={(event) => {
            shelveS = Number(event.currentTarget.value);
          }}
        >
          {SHELVE_S.map(([seconds, text]) => (
            <option key={seconds} value={seconds} selected={seconds === shelveS}>
              {text}
            </option>
          ))}
        </select>
      </label>
    ),
    confirm: "Shelve",
    act: async () => {
      await actOnAlarm(alarm, "SHELVE", { shelveS });
    },
  });
}

/** What came first, in words where it still stands. */
function firstOutOf({ firstOut }: Alarm): string {
  const first = standing.value.find(({ id }) => id === firstOut);
  return first === undefined
    ? `${firstOut}, which is over`
    : `${codeWords(first.code)}, ${heldByActor(first.actor)}`;
}

function Meaning({
  alarm,
  definition,
}: {
  alarm: Alarm;
  definition: AlarmDefinition | undefined;
}): JSX.Element {
  return (
    <dl class="facts meaning">
      {definition === undefined ? null : (
        <>
          <dt>Cause</dt>
          <dd>{definition.cause}</dd>
          <dt>Consequence</dt>
          <dd>{definition.consequence}</dd>
          <dt>Do</dt>
          <dd>
            <strong>
              <WithCode text={definition.action} />
            </strong>
          </dd>
        </>
      )}
      <dt>State</dt>
      <dd>{wordsOf(alarm.state)}</dd>
      {alarm.firstOut === "" || alarm.firstOut === alarm.id ? null : (
        <>
          <dt>First of this upset</dt>
          <dd>{firstOutOf(alarm)}</dd>
        </>
      )}
      <dt>Id</dt>
      <dd>
        {alarm.code} {alarm.id}
      </dd>
    </dl>
  );
}
