import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { assign, setup } from "xstate";
import { encodeCanonical } from "../../kernel/canonical.ts";
import { RemsError } from "../../kernel/errors.ts";
import { viewTree } from "./actor-view.ts";
import { replicate } from "./machine-adapter.ts";
import type { MachineEvent } from "./machine-adapter.ts";
import {
  REPLICATED_SUPERVISOR_DEFAULTS,
  actorAt,
  createTree,
  deliver,
  release,
  run,
  startTree,
} from "./replicated-tree.ts";
import type { ReplicatedActorSpec, ReplicatedTree, TreeRun, TreeState } from "./replicated-tree.ts";

type Event =
  | { readonly type: "count"; readonly by: number }
  | { readonly type: "open" }
  | { readonly type: "finish" }
  | { readonly type: "crash" }
  | { readonly type: "crash.typed" }
  | { readonly type: "crash.canonical" }
  | { readonly type: "actor.down"; readonly actor: string; readonly reason: string }
  | { readonly type: "actor.restarted"; readonly actor: string };

/** Counts, can be opened, and breaks in every way in which a machine can. */
const counter = replicate(
  setup({
    types: {} as {
      context: { readonly count: number; readonly seen: readonly string[] };
      events: Event;
      input: { start: number };
    },
    actions: {
      tell: (_args, _params: { count: number }) => {},
      add: assign({
        count: ({ context, event }) => context.count + (event.type === "count" ? event.by : 0),
      }),
      note: assign({
        seen: ({ context, event }) => [
          ...context.seen,
          `${event.type} ${"actor" in event ? event.actor : ""}`,
        ],
      }),
      fail: assign(() => {
        throw new TypeError("cannot read properties of undefined");
      }),
      failTyped: assign(() => {
        throw new RemsError("REMS_NOT_FOUND", "no such thing");
      }),
      spoil: assign({ count: () => Number.NaN }),
    },
  }).createMachine({
    id: "counter",
    context: ({ input }) => ({ count: input.start, seen: [] }),
    initial: "closed",
    on: {
      count: {
        actions: ["add", { type: "tell", params: ({ context }) => ({ count: context.count }) }],
      },
      crash: { actions: [{ type: "tell", params: { count: -1 } }, "fail"] },
      "crash.typed": { actions: "failTyped" },
      "crash.canonical": { actions: "spoil" },
      "actor.down": { actions: "note" },
      "actor.restarted": { actions: "note" },
      finish: ".ended",
    },
    states: { closed: { on: { open: "opened" } }, opened: {}, ended: { type: "final" } },
  }),
);

const spec = (address: string, more: Partial<ReplicatedActorSpec> = {}): ReplicatedActorSpec => ({
  address,
  machine: counter,
  input: { start: 0 },
  ...more,
});

/** Delivers and runs, one event after the other, at one plant time. */
function send(
  tree: ReplicatedTree,
  state: TreeState,
  plantTimeMs: number,
  ...events: [string, MachineEvent][]
): TreeRun {
  let next = state;
  for (const [to, event] of events) next = deliver(tree, next, to, event, plantTimeMs);
  return run(tree, next, plantTimeMs);
}

const CRASH: MachineEvent = { type: "crash" };
const count = (by: number): MachineEvent => ({ type: "count", by });

describe("a tree of replicated actors", () => {
  it("dispatches in order of arrival, over all actors", () => {
    const tree = createTree([spec("a"), spec("b")]);
    const result = send(
      tree,
      startTree(tree, 0).state,
      1,
      ["b", count(1)],
      ["a", count(2)],
      ["b", count(3)],
    );
    expect(result.effects).toEqual([
      { actor: "b", effect: { type: "tell", params: { count: 1 } } },
      { actor: "a", effect: { type: "tell", params: { count: 2 } } },
      { actor: "b", effect: { type: "tell", params: { count: 4 } } },
    ]);
    expect(result.state.arrivals).toEqual([]);
  });

  it("reports a change of state with its reason and since when", () => {
    const tree = createTree([spec("a")]);
    const result = send(tree, startTree(tree, 0).state, 70, ["a", { type: "open" }]);
    expect(result.transitions).toEqual([
      { actor: "a", from: "closed", to: "opened", event: "open", reason: "open" },
    ]);
    expect(actorAt(tree, result.state, "a")).toMatchObject({ sinceMs: 70, lastReason: "open" });
  });

  it("keeps the last good state of a machine that throws, discards its effects and loses its mailbox", () => {
    const tree = createTree([spec("a"), spec("b")]);
    const before = send(tree, startTree(tree, 0).state, 1, ["a", count(5)]).state;
    const result = send(tree, before, 2, ["a", CRASH], ["b", count(1)], ["a", count(1)]);
    const actor = actorAt(tree, result.state, "a");
    expect(actor.snapshot).toEqual({ state: "closed", context: { count: 5, seen: [] } });
    expect(actor).toMatchObject({
      status: "restarting",
      lastFault: "EXCEPTION",
      mailbox: { events: [], refusedCount: 1 },
    });
    expect(result.effects).toEqual([
      { actor: "b", effect: { type: "tell", params: { count: 1 } } },
    ]);
    expect(result.supervision).toEqual([
      { type: "crashed", actor: "a", incarnation: 1, reason: "EXCEPTION" },
    ]);
    expect(result.faults[0]?.error).toBeInstanceOf(TypeError);
  });

  it("restarts it after the back-off with its input, as a new incarnation", () => {
    const tree = createTree([spec("a", { input: { start: 7 } })]);
    const crashed = send(
      tree,
      startTree(tree, 0).state,
      0,
      ["a", { type: "open" }],
      ["a", CRASH],
    ).state;
    const dueMs = actorAt(tree, crashed, "a").restartAtMs ?? 0;
    expect(dueMs).toBeGreaterThanOrEqual(50);
    expect(dueMs).toBeLessThanOrEqual(100);
    const early = send(tree, crashed, dueMs - 1, ["a", count(1)]).state;
    expect(actorAt(tree, early, "a")).toMatchObject({
      status: "restarting",
      mailbox: { refusedCount: 1 },
    });
    // An event for the very scan in which it is due is not lost.
    const back = send(tree, crashed, dueMs, ["a", count(1)]);
    expect(actorAt(tree, back.state, "a")).toMatchObject({
      status: "running",
      incarnation: 2,
      restartCount: 1,
      snapshot: { state: "closed", context: { count: 8, seen: [] } },
    });
    expect(back.transitions).toEqual([
      { actor: "a", from: "opened", to: "closed", event: "actor.restarted", reason: "EXCEPTION" },
    ]);
    expect(back.supervision).toEqual([
      { type: "restarted", actor: "a", incarnation: 2, reason: "EXCEPTION" },
    ]);
  });

  it("quarantines an actor that keeps crashing, and the others go on", () => {
    const tree = createTree([spec("a"), spec("b", { monitors: ["a"] })]);
    let { state } = startTree(tree, 0);
    let plantTimeMs = 0;
    for (let i = 0; i < REPLICATED_SUPERVISOR_DEFAULTS.intensityCount; i++) {
      state = send(tree, state, plantTimeMs, ["a", CRASH]).state;
      expect(actorAt(tree, state, "a").status).toBe("restarting");
      plantTimeMs += 5_000;
    }
    const last = send(tree, state, plantTimeMs, ["a", CRASH]);
    expect(last.supervision.map(({ type }) => type)).toEqual([
      "restarted",
      "crashed",
      "quarantined",
    ]);
    const after = send(tree, last.state, plantTimeMs + 1_000_000, ["a", count(1)], ["b", count(1)]);
    expect(actorAt(tree, after.state, "a").status).toBe("quarantined");
    expect(actorAt(tree, after.state, "b").snapshot.context["count"]).toBe(1);
    expect(viewTree(tree, after.state).map((view) => view.isQuarantined)).toEqual([true, false]);
    const released = release(tree, after.state, "a", plantTimeMs + 1_000_001);
    expect(released.supervision).toEqual([
      { type: "restarted", actor: "a", incarnation: 5, reason: "released" },
    ]);
    const works = send(tree, released.state, plantTimeMs + 1_000_002, ["a", count(3)]);
    expect(actorAt(tree, works.state, "a").snapshot.context["count"]).toBe(3);
  });

  it("tells those who monitor an actor of its end and of its restart", () => {
    const tree = createTree([spec("a"), spec("b", { monitors: ["a"] })]);
    const crashed = send(tree, startTree(tree, 0).state, 0, ["a", CRASH]).state;
    const back = run(tree, crashed, 1_000).state;
    expect(actorAt(tree, back, "b").snapshot.context["seen"]).toEqual([
      "actor.down a",
      "actor.restarted a",
    ]);
  });

  const codes: [name: string, event: string, code: string][] = [
    ["an unknown exception", "crash", "EXCEPTION"],
    ["an operating error", "crash.typed", "REMS_NOT_FOUND"],
    ["a context that cannot be encoded", "crash.canonical", "REMS_ENCODING_INVALID"],
  ];
  it.each(codes)("takes %s into state as a code", (_name, type, code) => {
    const tree = createTree([spec("a")]);
    const { state } = send(tree, startTree(tree, 0).state, 0, ["a", { type }]);
    expect(actorAt(tree, state, "a").lastFault).toBe(code);
    expect(actorAt(tree, state, "a").snapshot.context["count"]).toBe(0);
    expect(encodeCanonical(state)).not.toContain("undefined");
  });

  const ends: [restart: "permanent" | "transient" | "temporary", event: string, status: string][] =
    [
      ["permanent", "finish", "restarting"],
      ["transient", "finish", "stopped"],
      ["temporary", "finish", "stopped"],
      ["permanent", "crash", "restarting"],
      ["transient", "crash", "restarting"],
      ["temporary", "crash", "stopped"],
    ];
  it.each(ends)("a %s actor is, after %s, %s", (restart, type, status) => {
    const tree = createTree([spec("a", { restart })]);
    const { state } = send(tree, startTree(tree, 0).state, 0, ["a", { type }]);
    expect(actorAt(tree, state, "a").status).toBe(status);
  });

  it("restarts those who share a supervisor together", () => {
    const shared = { tie: { ...REPLICATED_SUPERVISOR_DEFAULTS, strategy: "one_for_all" as const } };
    const tree = createTree(
      [spec("a", { supervisor: "tie" }), spec("b", { supervisor: "tie" }), spec("c")],
      shared,
    );
    const counted = send(
      tree,
      startTree(tree, 0).state,
      0,
      ["a", count(1)],
      ["b", count(1)],
      ["c", count(1)],
    ).state;
    const crashed = send(tree, counted, 0, ["b", CRASH]);
    expect(crashed.supervision.map(({ type, actor }) => `${type} ${actor}`)).toEqual([
      "crashed b",
      "stopped a",
    ]);
    const { state } = run(tree, crashed.state, 1_000);
    const counts = ["a", "b", "c"].map(
      (address) => actorAt(tree, state, address).snapshot.context["count"],
    );
    expect(counts).toEqual([0, 0, 1]);
  });

  it("refuses events beyond the bound of a mailbox and counts them", () => {
    const tree = createTree([spec("a", { mailboxCountMax: 2 })]);
    const { state } = send(
      tree,
      startTree(tree, 0).state,
      0,
      ["a", count(1)],
      ["a", count(1)],
      ["a", count(1)],
    );
    const actor = actorAt(tree, state, "a");
    expect(actor.snapshot.context["count"]).toBe(2);
    expect(actor.mailbox).toEqual({ events: [], refusedCount: 1 });
  });

  it("refuses a plan with two actors of one address, or a monitor of nobody", () => {
    expect(() => createTree([spec("a"), spec("a")])).toThrow(/same address/);
    expect(() => createTree([spec("a", { monitors: ["b"] })])).toThrow(/no replicated actor b/);
    expect(() => createTree([spec("a", { supervisor: "x" })])).toThrow(/no supervisor x/);
    const tree = createTree([spec("a")]);
    expect(() => deliver(tree, startTree(tree, 0).state, "b", CRASH, 0)).toThrow(
      /no replicated actor b/,
    );
  });
});

const actions = fc.array(
  fc.record({
    to: fc.constantFrom("a", "b", "c"),
    type: fc.constantFrom("count", "count", "open", "finish", "crash", "crash.canonical"),
    waitMs: fc.integer({ min: 0, max: 400 }),
    isRun: fc.boolean(),
    isRestored: fc.boolean(),
  }),
  { minLength: 1, maxLength: 60 },
);

it("goes on from a restored snapshot exactly as from the state itself, at any point of any run", () => {
  const shared = {
    pair: {
      ...REPLICATED_SUPERVISOR_DEFAULTS,
      strategy: "rest_for_one" as const,
      intensityCount: 5,
    },
  };
  const tree = createTree(
    [
      spec("a", { supervisor: "pair" }),
      spec("b", { supervisor: "pair", restart: "transient" }),
      spec("c", { monitors: ["a", "b"] }),
    ],
    shared,
  );
  fc.assert(
    fc.property(actions, (steps) => {
      let straight = startTree(tree, 0).state;
      let restored = straight;
      let plantTimeMs = 0;
      for (const { to, type, waitMs, isRun, isRestored } of steps) {
        plantTimeMs += waitMs;
        const event: MachineEvent = { type, by: 1 };
        if (isRestored) restored = JSON.parse(encodeCanonical(restored)) as TreeState;
        straight = deliver(tree, straight, to, event, plantTimeMs);
        restored = deliver(tree, restored, to, event, plantTimeMs);
        if (!isRun) continue;
        const { faults: _one, ...first } = run(tree, straight, plantTimeMs);
        const { faults: _two, ...second } = run(tree, restored, plantTimeMs);
        expect(encodeCanonical(second)).toBe(encodeCanonical(first));
        straight = first.state;
        restored = second.state;
      }
    }),
    { numRuns: 200 },
  );
});
