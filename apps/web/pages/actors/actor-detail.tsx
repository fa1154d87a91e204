import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import type { Actor, Machine, MachineTransition, Transition } from "../../data/messages.ts";
import { paths } from "../../data/paths.ts";
import { actors } from "../../data/store.ts";
import { fixed, wordsOf } from "../../parts/format.ts";
import { TransitionList } from "../../parts/transition-list.tsx";
import { useAnswer } from "../../parts/use-answer.ts";
import { Statechart } from "./statechart.tsx";

interface GetActor {
  readonly actor: Actor;
  readonly transitions: readonly Transition[];
  readonly possibleTransitions?: readonly MachineTransition[];
}

const EVERY_MS = 2000;

export function ActorDetail({ address }: { address: string }): JSX.Element {
  const found = useAnswer<GetActor>(paths.actor(address), EVERY_MS);
  const live = actors.value.get(address);
  const machine = useAnswer<{ machine: Machine }>(
    live === undefined ? null : paths.machine(live.machine),
  );
  useEffect(() => found.again(), [live?.state]);
  const why = useAnswer<{ reasons: readonly string[] }>(paths.why(address), EVERY_MS);
  const actor = found.value?.actor ?? live;
  if (actor === undefined) {
    return (
      <section class="panel">
        <p class="quiet">{found.failure === "" ? "Asking …" : found.failure}</p>
      </section>
    );
  }
  const transitions = found.value?.transitions ?? [];
  return (
    <div class="stack actor-detail">
      <section class="panel">
        <div class="page-head">
          <h1>{address}</h1>
          <p>
            {actor.kind === "ACTOR_KIND_LOCAL"
              ? "of this node"
              : "replicated: the same on every controller"}
            , machine {actor.machine}
          </p>
        </div>
        <dl class="figures actor-figures">
          <div>
            <dt>State</dt>
            <dd>{wordsOf(live?.state ?? actor.state)}</dd>
          </div>
          <div>
            <dt>Restarts</dt>
            <dd>{fixed(actor.restartCount)}</dd>
          </div>
          <div>
            <dt>Mailbox</dt>
            <dd>{fixed(actor.mailboxCount)}</dd>
          </div>
        </dl>
        <ul class="reasons">
          {(why.value?.reasons ?? [actor.reason]).map((reason) => (
            <li key={reason}>{reason}</li>
          ))}
        </ul>
      </section>
      <section class="panel" aria-label="Statechart">
        <h2>Statechart</h2>
        {machine.value === null ? (
          <p class="quiet">{machine.failure === "" ? "Asking …" : machine.failure}</p>
        ) : (
          <Statechart
            machine={machine.value.machine}
            state={live?.state ?? actor.state}
            last={transitions.at(-1) ?? null}
          />
        )}
      </section>
      <div class="columns">
        <section class="panel">
          <h2>Last transitions</h2>
          <TransitionList transitions={transitions} />
        </section>
        <section class="panel">
          <h2>It would take now</h2>
          <p class="events-list">
            {actor.nextEvents.length === 0 ? "no event" : null}
            {actor.nextEvents.map((event) => (
              <code key={event}>{event}</code>
            ))}
          </p>
          <h2 class="section-title">Context</h2>
          <pre class="context">{pretty(actor.contextJson)}</pre>
        </section>
      </div>
    </div>
  );
}

function pretty(json: string | undefined): string {
  if (json === undefined || json === "") return "none";
  try {
    return JSON.stringify(JSON.parse(json), null, 2);
  } catch {
    return json;
  }
}
