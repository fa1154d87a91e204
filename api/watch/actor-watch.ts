import type { ActorView } from "../../actors/runtime/actor-view.ts";
import { RemsError } from "../../kernel/errors.ts";
import { rems, type Types } from "../../proto/generated/rems-v1.ts";
import { shortAddress } from "../actor-address.ts";
import type { NodeView } from "../node-view.ts";
import type { Sink } from "../service.ts";
import { actorMessage, transitionMessage } from "../wire.ts";
import { Pace } from "./pace.ts";
import { systemTimers, type WatchTimers } from "./timers.ts";

type Request = Types.rems.v1.WatchActorsRequest;
type Response = Types.rems.v1.WatchActorsResponse;

const BOOKMARK_EVERY_MS = 10_000;
const FILTER_ENTRY_COUNT_MAX = 100;

/**
 * Snapshot, bookmark, tail. A reader keeps a place in the node's one log of transitions: one that stops reading costs that number and
 * what its connection buffers, and when it reads again beyond the log's end it gets a gap and a new snapshot.
 * @returns What ends it.
 * @throws {@link RemsError} `REMS_REQUEST_INVALID` for a mask that names no field of an actor.
 */
export function watchActors(
  view: NodeView,
  request: Request,
  sink: Sink<Response>,
  timers: WatchTimers = systemTimers,
): () => void {
  const watch = new ActorWatch(view, request, sink, timers);
  const pace = new Pace(request.updatesPerSecondMax, () => watch.pump(), timers);
  sink.onReady = () => watch.pump();
  const unsubscribe = view.onChange((change) => {
    if (change.type === "frame" || change.type === "gap" || change.type === "local") pace.ask();
  });
  watch.pump();
  return () => {
    unsubscribe();
    pace.end();
  };
}

class ActorWatch {
  readonly #view: NodeView;
  readonly #request: Request;
  readonly #sink: Sink<Response>;
  readonly #timers: WatchTimers;
  readonly #isWanted: (actor: string) => boolean;
  readonly #shown: (actor: ActorView) => Types.rems.v1.Actor;
  /** Number in the log of what comes next. */
  #place: number;
  /** What is left of a snapshot; null once it was told. */
  #snapshot: ActorView[] | null = null;
  /** A gap to tell before the snapshot. */
  #gap: Types.rems.v1.Gap | null = null;
  /** Actors of transitions that were told: they follow as they are now. */
  readonly #changed = new Set<string>();
  #bookmarkAtMs = 0;

  constructor(view: NodeView, request: Request, sink: Sink<Response>, timers: WatchTimers) {
    this.#view = view;
    this.#request = request;
    this.#sink = sink;
    this.#timers = timers;
    this.#isWanted = addressFilter(request);
    this.#shown = masked(request);
    const { transitionLog: log } = view;
    this.#place = log.end;
    if (request.resumeToken === "") {
      this.#snapshot = this.#matching();
      return;
    }
    const place = log.placeOf(request.resumeToken);
    if (place === null) this.#startOver("this node no longer knows what followed the resume token");
    else this.#place = place;
  }

  /** Sends what there is while the reader takes it. */
  pump(): void {
    while (this.#sink.isReady) {
      const message = this.#next();
      if (message === null) return;
      this.#sink.send(rems.v1.WatchActorsResponse.create(message));
    }
  }

  #next(): Types.rems.v1.IWatchActorsResponse | null {
    if (this.#gap === null && this.#snapshot === null) this.#lookForSlowness();
    if (this.#gap !== null) {
      const gap = this.#gap;
      this.#gap = null;
      return { gap };
    }
    if (this.#snapshot !== null) {
      const actor = this.#snapshot.shift();
      if (actor !== undefined) return { actor: this.#shown(actor) };
      this.#snapshot = null;
      return this.#bookmark();
    }
    const transition = this.#nextTransition();
    if (transition !== null) return transition;
    if (this.#gap !== null) return this.#next();
    for (const address of this.#changed) {
      this.#changed.delete(address);
      const actor = this.#view.actorAt(address);
      if (actor !== undefined && this.#isStateWanted(actor)) return { actor: this.#shown(actor) };
    }
    return this.#timers.nowMs() >= this.#bookmarkAtMs ? this.#bookmark() : null;
  }

  #lookForSlowness(): void {
    const { transitionLog: log } = this.#view;
    if (this.#place < log.first) {
      this.#startOver("this reader was too slow", log.end - this.#place);
    }
  }

  #nextTransition(): Types.rems.v1.IWatchActorsResponse | null {
    const { transitionLog: log } = this.#view;
    while (this.#place < log.end) {
      const entry = log.at(this.#place);
      this.#place += 1;
      if (entry === undefined) continue;
      if (entry.type === "gap") {
        if (!this.#view.actorsOf(entry.grid).some(({ address }) => this.#isWanted(address)))
          continue;
        this.#startOver(entry.reason);
        return null;
      }
      const { transition } = entry;
      if (!this.#isWanted(transition.actor) || !this.#isKindWanted(transition.actor)) continue;
      this.#changed.add(transition.actor);
      const resumeToken = log.tokenOf(this.#place);
      return { transition: transitionMessage(transition), resumeToken };
    }
    return null;
  }

  #startOver(reason: string, skippedCount: number | null = null): void {
    this.#place = this.#view.transitionLog.end;
    this.#changed.clear();
    this.#gap = rems.v1.Gap.create({ reason, skippedCount });
    this.#snapshot = this.#matching();
  }

  #bookmark(): Types.rems.v1.IWatchActorsResponse {
    this.#bookmarkAtMs = this.#timers.nowMs() + BOOKMARK_EVERY_MS;
    return {
      bookmark: { isSimulation: this.#view.isSimulation },
      resumeToken: this.#view.transitionLog.tokenOf(this.#place),
    };
  }

  #matching(): ActorView[] {
    return this.#view
      .actors()
      .filter(
        (actor) =>
          this.#isWanted(actor.address) &&
          isOfKind(this.#request, actor) &&
          this.#isStateWanted(actor),
      );
  }

  #isKindWanted(address: string): boolean {
    const actor = this.#view.actorAt(address);
    return actor === undefined || isOfKind(this.#request, actor);
  }

  #isStateWanted({ state }: ActorView): boolean {
    const states = this.#request.filter?.states ?? [];
    return states.length === 0 || states.includes(state);
  }
}

/** Addresses that a request asks for, by their whole or their short form. */
export function addressFilter({ addressPrefix, filter }: Request): (address: string) => boolean {
  const prefixes = filter?.addressPrefixes ?? [];
  for (const [name, list] of Object.entries(filter ?? {})) {
    if (!Array.isArray(list) || list.length <= FILTER_ENTRY_COUNT_MAX) continue;
    throw new RemsError(
      "REMS_REQUEST_INVALID",
      `filter.${name} has ${list.length} entries; allowed are ${FILTER_ENTRY_COUNT_MAX}`,
      { details: { field: `filter.${name}` } },
    );
  }
  const begins = (address: string, prefix: string): boolean =>
    address.startsWith(prefix) || shortAddress(address).startsWith(prefix);
  return (address) =>
    begins(address, addressPrefix) &&
    (prefixes.length === 0 || prefixes.some((prefix) => begins(address, prefix)));
}

const { ACTOR_KIND_REPLICATED, ACTOR_KIND_UNSPECIFIED } = rems.v1.ActorKind;

function isOfKind({ filter }: Request, actor: ActorView): boolean {
  const kind = filter?.kind ?? ACTOR_KIND_UNSPECIFIED;
  const machines = filter?.machines ?? [];
  const isReplicated = actor.kind === "replicated";
  return (
    (kind === ACTOR_KIND_UNSPECIFIED || isReplicated === (kind === ACTOR_KIND_REPLICATED)) &&
    (machines.length === 0 || machines.includes(actor.machine))
  );
}

/** @returns An actor's message with the fields of the read mask. */
function masked({ readMask, withContext }: Request): (actor: ActorView) => Types.rems.v1.Actor {
  const paths = readMask?.paths ?? [];
  if (paths.length === 0) return (actor) => actorMessage(actor, withContext);
  const known = Object.keys(Object.getPrototypeOf(rems.v1.Actor.create({})) as object);
  const fields = paths.map((path) => {
    const name = path.replaceAll(/_([a-z])/g, (_all, letter: string) => letter.toUpperCase());
    if (known.includes(name)) return name as keyof Types.rems.v1.Actor;
    throw new RemsError(
      "REMS_REQUEST_INVALID",
      `read_mask names "${path.slice(0, 40)}"; allowed are ${known.join(", ")}`,
      { details: { field: "read_mask" } },
    );
  });
  const isContextWanted = fields.includes("contextJson");
  return (actor) => {
    const whole = actorMessage(actor, isContextWanted);
    const part: Record<string, unknown> = { address: whole.address };
    for (const field of fields) part[field] = whole[field];
    return rems.v1.Actor.create(part);
  };
}
