import { effect } from "@preact/signals";
import { heldByActor } from "../parts/address.ts";
import { capital, transitionWords, wordsOf } from "../parts/format.ts";
import type {
  Actor,
  EventRecord,
  GridStatus,
  Leadership,
  NodeInfo,
  Status,
  Topology,
  Transition,
} from "./messages.ts";
import { base, learnNodes, replayAtMs, request } from "./node-link.ts";
import { paths } from "./paths.ts";
import {
  actors,
  leaderships,
  nodes,
  takeGridStatus,
  takeHappening,
  takeLeadership,
  takeStatus,
  topology,
} from "./store.ts";
import { openStream } from "./stream.ts";

const NODES_EVERY_MS = 3000;
const BEGIN_AGAIN_MS = 700;
const EARLIER_COUNT = 30;
/** The others are found on the page of events. */
const TOLD_KINDS: ReadonlySet<string> = new Set(["transition", "leadership"]);

interface ActorsMessage {
  readonly actor?: Actor;
  readonly transition?: Transition;
  readonly gap?: object;
}

/** Follows the installation for as long as the page is open: one stream, and now and then the nodes. */
export function startLive(): void {
  // Another node is another view: what does not come by the stream is asked anew.
  effect(() => void begin(base.value));
  openStream(
    () => paths.mainStream,
    {
      status: (data) => takeGridStatus(data as GridStatus),
      leadership: (data) => onLeadership(data as { readonly leadership?: Leadership }),
      actors: (data) => onActors(data as ActorsMessage),
    },
    true,
  );
  const askNodes = async (): Promise<void> => {
    await request<{ nodes: readonly NodeInfo[] }>(paths.nodes).then(
      ({ nodes: known }) => {
        nodes.value = known;
        learnNodes(known.map(({ httpAddress }) => httpAddress));
      },
      () => {},
    );
    setTimeout(() => void askNodes(), NODES_EVERY_MS);
  };
  void askNodes();
}

/** The whole once; again until a node answers, or another one is asked. */
async function begin(origin: string): Promise<void> {
  const isLate = (): boolean => base.peek() !== origin;
  // What lives in a node is told by that node alone: of one that is gone nothing is known any more.
  actors.value = new Map([...actors.peek()].filter(([address]) => !address.startsWith("nodes/")));
  try {
    const whole = await request<Status>(paths.status, undefined, origin);
    const shape = await request<Topology>(paths.topology, undefined, origin);
    if (isLate()) return;
    takeStatus(whole);
    topology.value = shape;
  } catch {
    if (!isLate()) setTimeout(() => isLate() || void begin(origin), BEGIN_AGAIN_MS);
    return;
  }
  // Without a history there is only what happens from now on; of a recording there is none.
  const earlier = await request<{ records: readonly EventRecord[] }>(
    paths.eventRecords({ pageSize: EARLIER_COUNT }),
    undefined,
    origin,
  ).catch(() => null);
  if (earlier === null || isLate()) return;
  for (const record of earlier.records) if (TOLD_KINDS.has(record.kind)) tellRecord(record);
}

function tellRecord({ timeMs, grid, kind, actor, text, epoch, sequence }: EventRecord): void {
  const who = actor === "" ? grid : heldByActor(actor);
  takeHappening({
    key: `${grid}|${epoch}:${sequence}|${actor}`,
    atMs: timeMs,
    grid,
    title: kind === "leadership" ? text : `${who}: ${transitionWords(text.split(": ")[0] ?? "")}`,
    reason: kind === "leadership" ? "" : text.split(": ").slice(1).join(": "),
    isMajor: kind === "leadership",
  });
}

function onLeadership({ leadership }: { readonly leadership?: Leadership }): void {
  if (leadership === undefined) return;
  const known = leaderships.peek().get(leadership.grid);
  takeLeadership(leadership);
  const newest = leadership.failovers[0];
  if (known === undefined || newest === undefined || newest.epoch === known.failovers[0]?.epoch)
    return;
  const { from, to, gapMs, origin, wallTimeMs, epoch } = newest;
  takeHappening({
    key: `${leadership.grid}|${epoch}`,
    atMs: wallTimeMs,
    grid: leadership.grid,
    title: `${capital(leadership.grid)}: ${from} → ${to}, gap ${Math.round(gapMs)} ms`,
    reason: wordsOf(origin),
    isMajor: true,
  });
}

function onActors({ actor, transition }: ActorsMessage): void {
  if (actor !== undefined) {
    actors.value = new Map(actors.peek()).set(actor.address, actor);
    return;
  }
  if (transition === undefined || transition.sequence === 0) return;
  const { actor: address, from, to, reason, epoch, sequence } = transition;
  takeHappening({
    key: `${address.split("/")[1] ?? ""}|${epoch}:${sequence}|${address}`,
    // The stream gives no time of day; of a recording it is that of its slider.
    atMs: replayAtMs.peek() || Date.now(),
    grid: address.split("/")[1] ?? "",
    title: `${heldByActor(address)}: ${wordsOf(from)} → ${wordsOf(to)}`,
    reason,
    isMajor: false,
  });
}
