import { describe, expect, it } from "vitest";
import { assign, setup } from "xstate";
import { InvariantError } from "../../kernel/errors.ts";
import type { Clock, Timer } from "../../kernel/ports/clock.ts";
import { LiveHost, ROOT } from "./live-host.ts";
import type { LiveActorSpec, LiveHostOptions } from "./live-host.ts";
import { createTransitionFeed } from "./transition-feed.ts";

/** Virtual time: nothing happens between calls of `runTo`. */
class StepClock implements Clock {
  #nowMs = 0;
  #timers: { atMs: number; callback: () => void }[] = [];

  monotonicMs(): number {
    return this.#nowMs;
  }

  wallMs(): number {
    return this.#nowMs;
  }

  at(atMs: number, callback: () => void): Timer {
    const timer = { atMs, callback };
    this.#timers.push(timer);
    return { cancel: () => void (this.#timers = this.#timers.filter((one) => one !== timer)) };
  }

  runTo(untilMs: number): void {
    for (;;) {
      const next = [...this.#timers].sort((a, b) => a.atMs - b.atMs)[0];
      if (next === undefined || next.atMs > untilMs) break;
      this.#timers = this.#timers.filter((one) => one !== next);
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.callback();
    }
    this.#nowMs = untilMs;
  }

  timerCount(): number {
    return this.#timers.length;
  }
}

interface Told {
  readonly type: string;
  readonly actor?: string;
}

function hostOf(supervision: LiveHostOptions["supervision"] = {}) {
  const clock = new StepClock();
  const log: string[] = [];
  const feed = createTransitionFeed();
  const host = new LiveHost({
    clock,
    random: { next: () => 0, hex128: () => "0".repeat(32) },
    feed,
    supervision: { intensityCount: 3, periodMs: 10_000, ...supervision },
    onCrash: (address, error) => log.push(`${address} crashed: ${(error as Error).message}`),
    onGivenUp: () => log.push("given up"),
  });
  /** A worker that logs what it does and breaks in every way in which a local actor can. */
  const worker = (address: string, more: Partial<LiveActorSpec> = {}): LiveActorSpec => ({
    address,
    machine: setup({
      types: {} as { context: { count: number; socket: unknown }; events: Told },
      actions: {
        count: assign({ count: ({ context }) => context.count + 1 }),
        note: ({ event }) =>
          void log.push(
            `${address} ${event.type}${event.actor === undefined ? "" : ` ${event.actor}`}`,
          ),
        passOn: () => {
          log.push(`${address} passes on`);
          host.send("b", { type: "ping" });
          host.send("a", { type: "ping" });
          log.push(`${address} has passed on`);
        },
        fail: () => {
          throw new Error("boom");
        },
        failToAssign: assign(() => {
          throw new Error("bad assign");
        }),
      },
      guards: {
        isBroken: () => {
          throw new Error("bad guard");
        },
      },
    }).createMachine({
      id: "worker",
      context: () => ({ count: 0, socket: new Map() }),
      initial: "idle",
      on: {
        ping: { actions: ["count", "note"] },
        "actor.down": { actions: "note" },
        "actor.restarted": { actions: "note" },
        pass: { actions: "passOn" },
        crash: { actions: "fail" },
        "crash.assign": { actions: "failToAssign" },
        "crash.guard": { guard: "isBroken", target: ".busy" },
        end: ".over",
      },
      states: {
        idle: {
          on: {
            work: { target: "busy", description: "work came" },
            drain: "over",
            wait: "waiting",
          },
        },
        busy: { on: { drain: "draining", "became.busy": "busy" } },
        waiting: {
          after: { 100: { target: "busy", actions: "passOn" }, 200: "idle" },
          on: { explode: "bomb" },
        },
        bomb: { after: { 50: { actions: "fail", target: "idle" } } },
        draining: { after: { 300: "over" } },
        over: { type: "final" },
      },
    }),
    ...more,
  });
  const state = (address: string): string | undefined =>
    host.list().find((view) => view.address === address)?.state;
  const restarts = (address: string): number | undefined =>
    host.list().find((view) => view.address === address)?.restartCount;
  return { clock, log, feed, host, worker, state, restarts };
}

describe("the host of local actors", () => {
  it("dispatches first in, first out: what an action sends waits until its step is over", () => {
    const { host, worker, log } = hostOf();
    host.spawn(worker("a"));
    host.spawn(worker("b"));
    host.send("a", { type: "pass" });
    expect(log).toEqual(["a passes on", "a has passed on", "b ping", "a ping"]);
  });

  it("runs delayed transitions on the clock port, and what they send waits as well", () => {
    const { host, worker, log, clock, state } = hostOf();
    host.spawn(worker("a"));
    host.spawn(worker("b"));
    host.send("a", { type: "wait" });
    clock.runTo(99);
    expect(state("a")).toBe("waiting");
    clock.runTo(100);
    expect(state("a")).toBe("busy");
    expect(log).toEqual(["a passes on", "a has passed on", "b ping", "a ping"]);
    expect(clock.timerCount()).toBe(0);
  });

  it.each(["crash", "crash.assign", "crash.guard"])(
    "restarts an actor after %s, with back-off, as new",
    (type) => {
      const { host, worker, log, clock, state, restarts } = hostOf();
      host.spawn(worker("a"));
      host.send("a", { type: "work" });
      host.send("a", { type });
      expect(log).toHaveLength(1);
      expect(host.send("a", { type: "ping" })).toBe(false);
      expect(host.refusedCount("a")).toBe(1);
      clock.runTo(99);
      expect(state("a")).toBe("busy");
      clock.runTo(100);
      expect(state("a")).toBe("idle");
      expect(restarts("a")).toBe(1);
      expect(host.send("a", { type: "ping" })).toBe(true);
    },
  );

  it("restarts an actor that crashes in a delayed transition", () => {
    const { host, worker, clock, log, restarts } = hostOf();
    host.spawn(worker("a"));
    host.send("a", { type: "wait" });
    host.send("a", { type: "explode" });
    clock.runTo(150);
    expect(log).toEqual(["a crashed: boom"]);
    expect(restarts("a")).toBe(1);
  });

  it("counts a start that fails as a crash, and gives up when it keeps failing", () => {
    const { host, clock, log } = hostOf();
    const machine = setup({}).createMachine({
      context: () => {
        throw new Error("no such port");
      },
      initial: "idle",
      states: { idle: {} },
    });
    host.spawn({ address: "a", machine });
    clock.runTo(60_000);
    expect(log).toEqual([...Array<string>(4).fill("a crashed: no such port"), "given up"]);
    expect(() => host.spawn({ address: "c", machine })).toThrow(/stopped/);
  });

  it("hands on to the supervisor above when one gives up, which starts its actors anew", () => {
    const { host, worker, clock, state, restarts } = hostOf();
    host.addSupervisor({
      address: "drivers",
      supervision: { intensityCount: 0, strategy: "one_for_all" },
    });
    host.spawn(worker("a", { supervisor: "drivers" }));
    host.spawn(worker("b", { supervisor: "drivers" }));
    host.spawn(worker("c"));
    host.send("b", { type: "work" });
    host.send("c", { type: "work" });
    host.send("a", { type: "crash" });
    clock.runTo(1_000);
    expect(["a", "b", "c"].map(state)).toEqual(["idle", "idle", "busy"]);
    expect(["a", "b", "c"].map(restarts)).toEqual([1, 1, 0]);
  });

  it("stops in reverse order of start, waits for those that drain, and kills in time those that do not", () => {
    const { host, worker, clock, log, state } = hostOf();
    const watch = { stopEvent: "drain", monitors: ["b", "c"] };
    host.spawn(worker("a", watch));
    host.spawn(worker("b", { stopEvent: "drain", shutdown: 100 }));
    host.spawn(worker("c", { stopEvent: "drain" }));
    host.send("b", { type: "work" });
    host.send("c", { type: "work" });
    host.stop(() => log.push("stopped"));
    expect(["a", "b", "c"].map(state)).toEqual(["idle", "busy", "draining"]);
    clock.runTo(300);
    expect(["a", "b", "c"].map(state)).toEqual(["idle", "draining", "over"]);
    clock.runTo(399);
    expect(log).toEqual(["a actor.down c"]);
    clock.runTo(400);
    expect(log).toEqual(["a actor.down c", "a actor.down b", "stopped"]);
    expect(clock.timerCount()).toBe(0);
    host.stop(() => log.push("still stopped"));
    expect(log.at(-1)).toBe("still stopped");
  });

  it("halts one actor until it is asked for again", () => {
    const { host, worker, clock, state, log } = hostOf();
    host.spawn(worker("a"));
    host.spawn(worker("b", { monitors: ["a"] }));
    host.send("a", { type: "work" });
    host.halt("a");
    clock.runTo(10_000);
    expect(host.send("a", { type: "ping" })).toBe(false);
    host.restart("a");
    expect(state("a")).toBe("idle");
    expect(log).toEqual(["b actor.down a", "b actor.restarted a"]);
  });

  it("forgets a temporary actor that has ended, so that its address is free again", () => {
    const { host, worker } = hostOf();
    host.spawn(worker("a", { restart: "temporary" }));
    host.send("a", { type: "end" });
    expect(host.list()).toEqual([]);
    host.spawn(worker("a", { restart: "temporary" }));
    expect(host.list()).toHaveLength(1);
  });

  it("refuses events beyond the bound of a mailbox", () => {
    const { host, worker } = hostOf();
    const flood = setup({
      actions: { flood: () => [1, 2, 3].forEach(() => host.send("b", { type: "ping" })) },
    }).createMachine({ initial: "a", states: { a: { on: { go: { actions: "flood" } } } } });
    host.spawn({ address: "flooder", machine: flood });
    host.spawn(worker("b", { mailboxCountMax: 2 }));
    host.send("flooder", { type: "go" });
    expect(host.refusedCount("b")).toBe(1);
    expect(host.list().find(({ address }) => address === "b")?.context["count"]).toBe(2);
  });

  it("lets other work have its turn when actors keep each other busy", () => {
    const { host, clock } = hostOf();
    let count = 0;
    const machine = setup({
      actions: { again: () => void ((count += 1), host.send("a", { type: "go" })) },
    }).createMachine({ initial: "a", states: { a: { on: { go: { actions: "again" } } } } });
    host.spawn({ address: "a", machine });
    host.send("a", { type: "go" });
    expect(count).toBeLessThanOrEqual(1_000);
    expect(clock.timerCount()).toBe(1);
  });

  it("publishes transitions with their reasons, and lists actors as inspection shows them", () => {
    const { host, worker, feed, clock } = hostOf();
    host.spawn(worker("a"));
    clock.runTo(5);
    host.send("a", { type: "work" });
    host.send("a", { type: "crash" });
    clock.runTo(200);
    expect(feed.recent()).toEqual([
      {
        kind: "local",
        address: "a",
        from: "idle",
        to: "busy",
        event: "work",
        reason: "work came",
        atMs: 5,
      },
      {
        kind: "local",
        address: "a",
        from: "busy",
        to: "idle",
        event: "actor.restarted",
        reason: "crashed",
        atMs: 105,
      },
    ]);
    expect(host.list()).toEqual([
      expect.objectContaining({
        address: "a",
        kind: "local",
        machine: "worker",
        state: "idle",
        sinceMs: 105,
        context: { count: 0, socket: "[Map]" },
        restartCount: 1,
        nextEvents: expect.arrayContaining(["work", "ping"]) as unknown,
      }),
    ]);
  });

  it("tells a state that follows itself where another reason comes with it, and since when it holds", () => {
    const { host, worker, feed, clock } = hostOf();
    host.spawn(worker("a"));
    clock.runTo(5);
    host.send("a", { type: "work" });
    clock.runTo(10);
    host.send("a", { type: "became.busy", reason: "register 12 is refused" });
    host.send("a", { type: "became.busy" });
    host.send("a", { type: "unheard.of", reason: "nobody answers it" });
    clock.runTo(20);
    expect(feed.recent().map(({ from, to, reason, atMs }) => [from, to, reason, atMs])).toEqual([
      ["idle", "busy", "work came", 5],
      ["busy", "busy", "register 12 is refused", 10],
    ]);
    expect(host.list()).toEqual([
      expect.objectContaining({ state: "busy", reason: "register 12 is refused", sinceMs: 5 }),
    ]);
  });

  it("starts nothing that was asked for while its supervisor was about to stop", () => {
    const { host, worker, log } = hostOf();
    const spec = worker("late");
    const late = setup({
      actions: {
        stopAndSpawn: () => {
          host.stop(() => log.push("stopped"));
          host.spawn(spec);
        },
      },
    }).createMachine({ initial: "a", states: { a: { on: { go: { actions: "stopAndSpawn" } } } } });
    host.spawn({ address: "a", machine: late });
    host.send("a", { type: "go" });
    expect(log).toEqual(["stopped"]);
    expect(host.list().map(({ address }) => address)).toEqual(["a"]);
  });

  it("refuses what cannot be hosted", () => {
    const { host, worker } = hostOf();
    host.spawn(worker("a"));
    expect(() => host.spawn(worker("a"))).toThrow(/already an actor a/);
    expect(() => host.spawn(worker("b", { supervisor: "nowhere" }))).toThrow(
      /no supervisor nowhere/,
    );
    const invoking = setup({ actors: { child: worker("x").machine } }).createMachine({
      initial: "a",
      states: { a: {} },
    });
    expect(() => host.spawn({ address: "c", machine: invoking })).toThrow(InvariantError);
    expect(() => host.halt(ROOT)).toThrow(/stop the host/);
    expect(host.send("nobody", { type: "ping" })).toBe(false);
  });
});
