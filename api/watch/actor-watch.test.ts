import { expect, it } from "vitest";
import { rems, type Types } from "../../proto/generated/rems-v1.ts";
import { NodeView } from "../node-view.ts";
import type { Sink } from "../service.ts";
import { leadingStatus, TestFrames, testManifest } from "../test-node.ts";
import { watchActors } from "./actor-watch.ts";
import { watchLeadership } from "./leadership-watch.ts";
import { watchPoints } from "./point-watch.ts";
import type { WatchTimers } from "./timers.ts";

type ActorEvent = Types.rems.v1.IWatchActorsResponse;

/** A reader that takes what it is sent, or does not. */
class Reader<Message> implements Sink<Message> {
  isReady = true;
  onReady = (): void => {};
  taken: Message[] = [];

  send(message: Message): void {
    this.taken.push(message);
  }

  stop(): void {
    this.isReady = false;
  }

  resume(): void {
    this.isReady = true;
    this.onReady();
  }

  /** What came since the last look. */
  take(): Message[] {
    const { taken } = this;
    this.taken = [];
    return taken;
  }
}

class VirtualTimers implements WatchTimers {
  #nowMs = 0;
  readonly #due: { atMs: number; action: () => void }[] = [];

  nowMs(): number {
    return this.#nowMs;
  }

  schedule(afterMs: number, action: () => void): () => void {
    const entry = { atMs: this.#nowMs + afterMs, action };
    this.#due.push(entry);
    return () => void this.#due.splice(this.#due.indexOf(entry), 1);
  }

  pass(ms: number): void {
    this.#nowMs += ms;
    for (const entry of this.#due.splice(0)) {
      if (entry.atMs <= this.#nowMs) entry.action();
      else this.#due.push(entry);
    }
  }
}

/** A node that follows port, with one local actor. */
function begin() {
  const view = new NodeView(testManifest, "n1", "0.1.0");
  const frames = new TestFrames();
  const frame = (...args: Parameters<TestFrames["next"]>) =>
    void view.takeFrame(frames.next(...args).text);
  view.takeFrame(frames.first().text);
  let turn = 0;
  /** The peer's actor goes from one state to the other. */
  const flip = (actor = "nodes/n1/peers/n2"): void => {
    turn += 1;
    const [from, to] =
      turn % 2 === 0 ? ["connected", "disconnected"] : ["disconnected", "connected"];
    view.takeLocalActor({
      view: {
        address: actor,
        kind: "local",
        machine: "peer",
        state: to ?? "",
        sinceMs: turn,
        context: {},
        reason: `turn ${turn}`,
        restartCount: 0,
        mailboxCount: 0,
        isQuarantined: false,
        nextEvents: [],
      },
      transition: { actor, from: from ?? "", to: to ?? "", event: `became.${to}`, reason: "" },
    });
  };
  flip();
  return { view, frame, flip };
}

const request = (changes: Partial<Types.rems.v1.IWatchActorsRequest> = {}) =>
  rems.v1.WatchActorsRequest.create(changes);
const kindOf = (event: ActorEvent): string =>
  event.actor ? "actor" : event.bookmark ? "bookmark" : event.gap ? "gap" : "transition";
const peers = { addressPrefix: "nodes/n1/peers" };

it("a watch begins with every actor that matches and a bookmark, then tells transitions and the actors after them", () => {
  const { view, frame, flip } = begin();
  const reader = new Reader<ActorEvent>();
  watchActors(view, request(), reader);
  const snapshot = reader.take();
  expect(snapshot.map(kindOf)).toEqual([...view.actors().map(() => "actor"), "bookmark"]);

  flip();
  frame();
  expect(reader.take().map(kindOf)).toEqual(["transition", "actor"]);
});

it("a reader that stops costs a place in the list; beyond its end it gets a gap with what it missed, and a snapshot", () => {
  const { view, flip } = begin();
  const reader = new Reader<ActorEvent>();
  watchActors(view, request(peers), reader);
  reader.take();
  reader.stop();
  for (let count = 0; count < 5000; count++) flip();
  expect(reader.take(), "nothing waits for it").toEqual([]);

  reader.resume();
  const [gap, ...rest] = reader.take();
  expect(gap?.gap).toMatchObject({ reason: "this reader was too slow", skippedCount: 5000 });
  expect(rest.map(kindOf)).toEqual(["actor", "bookmark"]);
});

it("a reader that was only a little behind is told everything that it missed", () => {
  const { view, flip } = begin();
  const reader = new Reader<ActorEvent>();
  watchActors(view, request(peers), reader);
  reader.take();
  reader.stop();
  for (let count = 0; count < 1000; count++) flip();
  reader.resume();
  const told = reader.take().map(kindOf);
  expect(told.filter((kind) => kind === "transition")).toHaveLength(1000);
  expect(told).not.toContain("gap");
});

it("a resume token goes on without a snapshot, and misses nothing", () => {
  const { view, flip } = begin();
  const first = new Reader<ActorEvent>();
  const end = watchActors(view, request(peers), first);
  flip();
  const resumeToken = first.take().findLast((event) => event.transition)?.resumeToken ?? "";
  end();
  flip();
  flip();

  const second = new Reader<ActorEvent>();
  watchActors(view, request({ ...peers, resumeToken }), second);
  const told = second.take();
  expect(told.map(kindOf)).toEqual(["transition", "transition", "actor", "bookmark"]);
});

it.each(["deadbeef-3", "nonsense", "x".repeat(500)])(
  "a resume token that the node does not know brings a gap and a snapshot: %.12s",
  (resumeToken) => {
    const { view } = begin();
    const reader = new Reader<ActorEvent>();
    watchActors(view, request({ ...peers, resumeToken }), reader);
    expect(reader.take().map(kindOf)).toEqual(["gap", "actor", "bookmark"]);
  },
);

it("a snapshot of the grid is a gap for those that watch it, and for nobody else", () => {
  const { view } = begin();
  const port = new Reader<ActorEvent>();
  const local = new Reader<ActorEvent>();
  watchActors(view, request({ addressPrefix: "grids/port" }), port);
  watchActors(view, request(peers), local);
  port.take();
  local.take();
  const text = view.replicaOf("port").text();
  view.takeSnapshot({ grid: "port", text, position: view.replicaOf("port").position });
  expect(port.take().map(kindOf)[0]).toBe("gap");
  expect(local.take()).toEqual([]);
});

it("a rate limit gathers changes: each actor once, all transitions", () => {
  const { view, flip } = begin();
  const timers = new VirtualTimers();
  const reader = new Reader<ActorEvent>();
  watchActors(view, request({ ...peers, updatesPerSecondMax: 2 }), reader, timers);
  reader.take();
  flip();
  expect(reader.take().map(kindOf)).toEqual(["transition", "actor"]);
  flip();
  flip();
  expect(reader.take()).toEqual([]);
  timers.pass(499);
  expect(reader.take()).toEqual([]);
  timers.pass(1);
  expect(reader.take().map(kindOf)).toEqual(["transition", "transition", "actor"]);
});

it("bookmarks come again every ten seconds, so that a quiet reader can resume", () => {
  const { view, frame } = begin();
  const timers = new VirtualTimers();
  const reader = new Reader<ActorEvent>();
  watchActors(view, request(peers), reader, timers);
  reader.take();
  timers.pass(9_999);
  frame();
  expect(reader.take()).toEqual([]);
  timers.pass(1);
  frame();
  expect(reader.take().map(kindOf)).toEqual(["bookmark"]);
});

it("a read mask fills the fields that it names, and the address", () => {
  const { view } = begin();
  const reader = new Reader<ActorEvent>();
  const readMask = { paths: ["state", "restart_count"] };
  watchActors(view, request({ ...peers, readMask }), reader);
  const [event] = reader.take();
  expect(event?.actor).toEqual({
    address: "nodes/n1/peers/n2",
    state: "connected",
    restartCount: 0,
    nextEvents: [],
  });
  expect(() => watchActors(view, request({ readMask: { paths: ["colour"] } }), reader)).toThrow(
    /read_mask names "colour"; allowed are address, /,
  );
});

it("a filter takes kinds, machines and states", () => {
  const { view } = begin();
  const list = (changes: Types.rems.v1.IActorFilter): (string | null | undefined)[] => {
    const reader = new Reader<ActorEvent>();
    const filter = rems.v1.ActorFilter.create(changes);
    watchActors(view, request({ filter }), reader)();
    return reader.take().flatMap(({ actor }) => (actor ? [actor.address] : []));
  };
  expect(list({ kind: rems.v1.ActorKind.ACTOR_KIND_LOCAL })).toEqual(["nodes/n1/peers/n2"]);
  expect(list({ machines: ["genset"], addressPrefixes: ["port"] })).toEqual([
    "grids/port/devices/dg1",
    "grids/port/devices/dg2",
  ]);
  expect(list({ states: ["connected"] })).toEqual(["nodes/n1/peers/n2"]);
});

it("points: all of them and a bookmark, then those that changed, as often as asked for", () => {
  const { view, frame } = begin();
  const reader = new Reader<Types.rems.v1.IWatchPointsResponse>();
  const points = rems.v1.WatchPointsRequest.create({ devices: ["dg1"], updatesPerSecondMax: 5 });
  watchPoints(view, points, reader);
  const [all, bookmark] = reader.take();
  expect(all?.changed?.points?.length).toBeGreaterThan(5);
  expect(bookmark?.bookmark).toBeTruthy();

  frame();
  reader.take();
  frame({ points: [["dg1.activePowerKw", 350, "good"]] });
  expect(reader.take(), "five times a second is every second frame").toEqual([]);
  frame({
    points: [
      ["dg1.activePowerKw", 351, "good"],
      ["dg2.activePowerKw", 1, "good"],
    ],
  });
  const told = reader.take().flatMap(({ changed }) => changed?.points ?? []);
  expect(told.filter(({ point }) => point === "activePowerKw")).toEqual([
    expect.objectContaining({ device: "dg1", value: { number: 351 }, quality: "good" }),
  ]);
});

it("points: a reader that stops gets the newest value when it reads again, once", () => {
  const { view, frame } = begin();
  const reader = new Reader<Types.rems.v1.IWatchPointsResponse>();
  const points = ["dg1.activePowerKw"];
  watchPoints(view, rems.v1.WatchPointsRequest.create({ grid: "port", points }), reader);
  reader.take();
  reader.stop();
  for (let value = 1; value <= 1000; value++) {
    frame({ points: [["dg1.activePowerKw", value, "good"]] });
  }
  expect(reader.take()).toEqual([]);
  reader.resume();
  const told = reader.take().flatMap(({ changed }) => changed?.points ?? []);
  expect(told.map(({ value }) => value?.number)).toEqual([1000]);
});

it("leadership: each grid and a bookmark, then only what changed", () => {
  const { view } = begin();
  const reader = new Reader<Types.rems.v1.IWatchLeadershipResponse>();
  watchLeadership(view, rems.v1.WatchLeadershipRequest.create({ grid: "port" }), reader);
  expect(reader.take()).toHaveLength(2);
  view.takeStatus("port", leadingStatus());
  view.takeStatus("port", leadingStatus());
  const [told, ...more] = reader.take();
  expect(more).toEqual([]);
  expect(told?.leadership).toMatchObject({ leader: "n1", epoch: 1, hasAuthority: true });
  expect(
    told?.leadership?.members?.map(({ node, isLeader, isInSync }) => [node, isLeader, isInSync]),
  ).toEqual(
    testManifest.grids[0]?.controllers.map(({ node }) => [node, node === "n1", node !== "n2"]),
  );
});
