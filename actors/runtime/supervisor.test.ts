import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { encodeCanonical } from "../../kernel/canonical.ts";
import { backoffMs, replicatedJitter } from "./backoff.ts";
import { SupervisorModel } from "./supervisor-model.ts";
import { nextDueMs, startSupervisor, stepSupervisor } from "./supervisor.ts";
import type {
  ChildSpec,
  ExitReason,
  SupervisorEffect,
  SupervisorEvent,
  SupervisorSpec,
  SupervisorState,
  SupervisorStep,
} from "./supervisor.ts";

const spec = (more: Partial<SupervisorSpec> = {}): SupervisorSpec => ({
  strategy: "one_for_one",
  intensityCount: 2,
  periodMs: 1_000,
  backoffMsMin: 0,
  backoffMsMax: 0,
  ...more,
});
const child = (id: string, more: Partial<ChildSpec> = {}): ChildSpec => ({
  id,
  restart: "permanent",
  shutdown: 100,
  type: "worker",
  ...more,
});
const exited = (
  id: string,
  nowMs: number,
  reason: ExitReason = "crashed",
  incarnation = 1,
): SupervisorEvent => ({
  type: "child.exited",
  nowMs,
  id,
  incarnation,
  reason,
  jitter: 0,
});
const words = (effects: readonly SupervisorEffect[]): string[] =>
  effects.map((effect) =>
    "id" in effect ? `${effect.type} ${effect.id}` : `${effect.type} ${effect.cause}`,
  );
const abc = [child("a"), child("b"), child("c")];

/** Steps through events and returns what was done in each. */
function play(
  first: SupervisorStep,
  events: readonly SupervisorEvent[],
): { state: SupervisorState; done: string[][] } {
  let { state } = first;
  const done = [words(first.effects)];
  for (const event of events) {
    const step = stepSupervisor(state, event);
    state = step.state;
    done.push(words(step.effects));
  }
  return { state, done };
}

describe("a supervisor", () => {
  it("starts its children in order", () => {
    expect(words(startSupervisor(spec(), abc, 0).effects)).toEqual([
      "start a",
      "start b",
      "start c",
    ]);
  });

  it("one_for_one restarts the crashed child alone", () => {
    const { done } = play(startSupervisor(spec(), abc, 0), [exited("b", 1)]);
    expect(done[1]).toEqual(["start b"]);
  });

  it("one_for_all stops all others in reverse order, one after the other, then starts all in order", () => {
    const { done } = play(startSupervisor(spec({ strategy: "one_for_all" }), abc, 0), [
      exited("b", 1),
      exited("c", 2, "shutdown"),
      exited("a", 3, "shutdown"),
    ]);
    expect(done.slice(1)).toEqual([["stop c"], ["stop a"], ["start a", "start b", "start c"]]);
  });

  it("rest_for_one leaves those started before the crashed child alone", () => {
    const { done } = play(startSupervisor(spec({ strategy: "rest_for_one" }), abc, 0), [
      exited("b", 1),
      exited("c", 2, "shutdown"),
    ]);
    expect(done.slice(1)).toEqual([["stop c"], ["start b", "start c"]]);
  });

  it("rest_for_one widens a restart under way when an earlier child crashes too", () => {
    const { done } = play(startSupervisor(spec({ strategy: "rest_for_one" }), abc, 0), [
      exited("b", 1),
      exited("a", 2),
      exited("c", 3, "shutdown"),
    ]);
    expect(done.slice(1)).toEqual([["stop c"], [], ["start a", "start b", "start c"]]);
  });

  it("does not count the crash of a child that was to end anyway", () => {
    const plan = spec({ strategy: "one_for_all", intensityCount: 1 });
    const { state, done } = play(startSupervisor(plan, abc, 0), [
      exited("b", 1),
      exited("a", 2),
      exited("c", 3, "shutdown"),
    ]);
    expect(done.slice(1)).toEqual([["stop c"], [], ["start a", "start b", "start c"]]);
    expect(state.restartsAtMs).toEqual([1]);
  });

  it("keeps the longer pause when a restart under way is widened", () => {
    const plan = spec({
      strategy: "rest_for_one",
      intensityCount: 9,
      backoffMsMin: 100,
      backoffMsMax: 400,
    });
    const { state } = play(startSupervisor(plan, abc, 0), [
      exited("c", 0),
      { type: "ticked", nowMs: 100 },
      exited("c", 100, "crashed", 2),
      { ...exited("a", 101), jitter: 0.9 } as SupervisorEvent,
      exited("b", 102, "shutdown"),
    ]);
    expect(nextDueMs(state)).toBe(300);
  });

  it("kills a child that does not end within its time limit, and goes on", () => {
    const first = startSupervisor(spec({ strategy: "one_for_all" }), abc, 0);
    const { state, done } = play(first, [
      exited("a", 10),
      { type: "ticked", nowMs: 109 },
      { type: "ticked", nowMs: 110 },
    ]);
    expect(done.slice(1)).toEqual([["stop c"], [], ["kill c", "stop b"]]);
    expect(nextDueMs(state)).toBe(210);
  });

  it("kills a brutal child at once and waits without limit for an infinite one", () => {
    const children = [
      child("a", { shutdown: "infinity", type: "supervisor" }),
      child("b", { shutdown: "brutal" }),
    ];
    const { state, done } = play(startSupervisor(spec(), children, 0), [
      { type: "stop.requested", nowMs: 1 },
      { type: "ticked", nowMs: 1e9 },
    ]);
    expect(done.slice(1)).toEqual([["kill b", "stop a"], []]);
    expect(nextDueMs(state)).toBeNull();
    expect(words(stepSupervisor(state, exited("a", 1e9, "shutdown")).effects)).toEqual([
      "exit requested",
    ]);
  });

  it("gives up when there are more restarts within the period than allowed, and stops all in reverse order", () => {
    const { state, done } = play(startSupervisor(spec(), abc, 0), [
      exited("a", 0),
      exited("a", 500, "crashed", 2),
      exited("a", 1_000, "crashed", 3),
      exited("c", 1_001, "shutdown"),
      exited("b", 1_002, "shutdown"),
    ]);
    expect(done.slice(1)).toEqual([
      ["start a"],
      ["start a"],
      ["stop c"],
      ["stop b"],
      ["exit intensity"],
    ]);
    expect(state).toMatchObject({ phase: "stopped", cause: "intensity" });
  });

  it("forgets restarts that are older than the period", () => {
    const { done } = play(startSupervisor(spec(), abc, 0), [
      exited("a", 0),
      exited("a", 500, "crashed", 2),
      exited("a", 1_001, "crashed", 3),
    ]);
    expect(done[3]).toEqual(["start a"]);
  });

  it("ignores a report about an earlier incarnation", () => {
    const { done } = play(startSupervisor(spec(), abc, 0), [exited("a", 1), exited("a", 2)]);
    expect(done[2]).toEqual([]);
  });

  it("waits longer after each crash in a row, and starts anew after a calm period", () => {
    const first = startSupervisor(
      spec({ intensityCount: 9, backoffMsMin: 100, backoffMsMax: 300 }),
      [child("a")],
      0,
    );
    let { state } = first;
    const delays: number[] = [];
    let nowMs = 0;
    for (const runMs of [0, 10, 10, 2_000]) {
      nowMs += runMs;
      state = stepSupervisor(state, exited("a", nowMs, "crashed", delays.length + 1)).state;
      const dueMs = nextDueMs(state) ?? 0;
      delays.push(dueMs - nowMs);
      nowMs = dueMs;
      state = stepSupervisor(state, { type: "ticked", nowMs }).state;
    }
    expect(delays).toEqual([100, 200, 300, 100]);
  });

  it("keeps a child stopped that was stopped on request, also when its group restarts", () => {
    const first = startSupervisor(spec({ strategy: "one_for_all" }), [child("a"), child("b")], 0);
    const { done } = play(first, [
      { type: "child.stop.requested", nowMs: 1, id: "b" },
      exited("b", 2, "shutdown"),
      exited("a", 3),
      { type: "child.start.requested", nowMs: 4, id: "b" },
    ]);
    expect(done.slice(1)).toEqual([["stop b"], [], ["start a"], ["start b"]]);
  });
});

const ends: [
  restart: ChildSpec["restart"],
  reason: ExitReason,
  isRestarted: boolean,
  isForgotten: boolean,
][] = [
  ["permanent", "normal", true, false],
  ["permanent", "shutdown", true, false],
  ["permanent", "crashed", true, false],
  ["transient", "normal", false, false],
  ["transient", "shutdown", false, false],
  ["transient", "crashed", true, false],
  ["temporary", "normal", false, true],
  ["temporary", "shutdown", false, true],
  ["temporary", "crashed", false, true],
];
it.each(ends)(
  "a %s child that ended %s: restarted %s, forgotten %s",
  (restart, reason, isRestarted, isForgotten) => {
    const { state, done } = play(startSupervisor(spec(), [child("a", { restart })], 0), [
      exited("a", 1, reason),
    ]);
    expect(done[1]).toEqual(isRestarted ? ["start a"] : []);
    expect(state.children.length).toBe(isForgotten ? 0 : 1);
  },
);

it("back-off stays between half the shortest and the longest pause, and jitter is the same for the same actor", () => {
  fc.assert(
    fc.property(
      fc.nat(2_000),
      fc.nat(9_000),
      fc.integer({ min: 1, max: 40 }),
      fc.nat(999),
      (msMin, more, crashCount, j) => {
        const delayMs = backoffMs(msMin, msMin + more, crashCount, j / 1_000);
        expect(delayMs).toBeGreaterThanOrEqual(Math.floor(msMin / 2));
        expect(delayMs).toBeLessThanOrEqual(msMin + more);
      },
    ),
  );
  expect(replicatedJitter("grids/port/devices/dg1", 1)).toBe(
    replicatedJitter("grids/port/devices/dg1", 1),
  );
  expect(replicatedJitter("grids/port/devices/dg1", 1)).not.toBe(
    replicatedJitter("grids/port/devices/dg2", 1),
  );
});

const childArbitrary = fc.record({
  restart: fc.constantFrom<ChildSpec["restart"]>(
    "permanent",
    "permanent",
    "transient",
    "temporary",
  ),
  shutdown: fc.constantFrom<ChildSpec["shutdown"]>("brutal", 100, "infinity"),
});
const specArbitrary = fc.record({
  strategy: fc.constantFrom<SupervisorSpec["strategy"]>(
    "one_for_one",
    "one_for_all",
    "rest_for_one",
  ),
  intensityCount: fc.nat(4),
});
const actArbitrary = fc.record({
  type: fc.constantFrom("exit", "exit", "exit", "exit", "hold", "start", "add", "remove", "stop"),
  pick: fc.nat(9),
  reason: fc.constantFrom<ExitReason>("normal", "shutdown", "crashed", "crashed"),
  waitMs: fc.constantFrom(0, 1, 400, 1_000, 1_001),
  isStopReal: fc.nat(5),
});

describe("against the model of OTP's rules", () => {
  it("does what OTP does, in the same order, while every child ends when asked", () => {
    fc.assert(
      fc.property(
        specArbitrary,
        fc.array(childArbitrary, { maxLength: 5 }),
        fc.array(actArbitrary, { maxLength: 30 }),
        (partial, childPartials, acts) => {
          const plan = spec(partial);
          const children = childPartials.map((more, index) => child(`c${index}`, more));
          const model = new SupervisorModel(plan, children);
          const subject = new ObedientHost(plan, children);
          let addedCount = children.length;
          let nowMs = 0;
          for (const { type, pick, reason, waitMs, isStopReal } of acts) {
            if (model.isDown) break;
            nowMs += waitMs;
            const alive = model.alive();
            const all = [...alive, ...model.dead()].sort();
            const id = (type === "exit" ? alive : type === "remove" ? model.dead() : all)[pick % 5];
            if (type === "add" && addedCount < 8) {
              const added = child(`c${addedCount}`);
              addedCount += 1;
              model.add(added);
              subject.feed({ type: "child.added", nowMs, child: added });
            } else if (type === "stop") {
              if (isStopReal > 0) continue;
              model.stop("requested");
              subject.feed({ type: "stop.requested", nowMs });
            } else if (id === undefined) continue;
            else if (type === "exit") {
              model.exit(id, reason, nowMs);
              subject.feed(exited(id, nowMs, reason, subject.incarnationOf(id)));
            } else if (type === "hold") {
              model.hold(id);
              subject.feed({ type: "child.stop.requested", nowMs, id });
            } else if (type === "start") {
              model.start(id);
              subject.feed({ type: "child.start.requested", nowMs, id });
            } else if (type === "remove") {
              model.remove(id);
              subject.feed({ type: "child.removed", nowMs, id });
            }
            expect(subject.trace).toEqual(model.trace);
            expect(subject.running()).toEqual(model.alive());
          }
          expect(subject.state.phase).toBe(model.isDown ? "stopped" : "running");
        },
      ),
      { numRuns: 2_000 },
    );
  });
});

/** Performs effects at once: what is asked to end, ends. */
class ObedientHost {
  readonly trace: string[] = [];
  state: SupervisorState;

  constructor(plan: SupervisorSpec, children: readonly ChildSpec[]) {
    const step = startSupervisor(plan, children, 0);
    this.state = step.state;
    this.#perform(step.effects, 0);
  }

  feed(event: SupervisorEvent): void {
    const step = stepSupervisor(this.state, event);
    this.state = step.state;
    this.#perform(step.effects, event.nowMs);
  }

  running(): string[] {
    return this.state.children.filter((one) => one.status === "running").map((one) => one.spec.id);
  }

  incarnationOf(id: string): number {
    return this.state.children.find((one) => one.spec.id === id)?.incarnation ?? 0;
  }

  #perform(effects: readonly SupervisorEffect[], nowMs: number): void {
    for (const effect of effects) {
      if (effect.type === "exit") this.trace.push(`exit ${effect.cause}`);
      else if (effect.type === "start") this.trace.push(`start ${effect.id}`);
      else this.trace.push(`end ${effect.id}`);
      if (effect.type === "stop")
        this.feed(exited(effect.id, nowMs, "shutdown", effect.incarnation));
    }
  }
}

const slowArbitrary = fc.record({
  type: fc.constantFrom("exit", "exit", "answer", "answer", "tick", "wait", "stop"),
  pick: fc.nat(9),
  waitMs: fc.nat(300),
  jitter: fc.integer({ min: 0, max: 99 }),
  isStopReal: fc.nat(7),
});

it("stops one child at a time in reverse order, kills in time, never runs a child twice, and comes to rest", () => {
  const plan = spec({ intensityCount: 4, backoffMsMin: 20, backoffMsMax: 200 });
  fc.assert(
    fc.property(
      specArbitrary,
      fc.array(childArbitrary, { minLength: 1, maxLength: 5 }),
      fc.array(slowArbitrary, { maxLength: 40 }),
      ({ strategy }, childPartials, acts) => {
        const children = childPartials.map((more, index) => child(`c${index}`, more));
        const host = new SlowHost({ ...plan, strategy }, children);
        for (const act of acts) {
          host.nowMs += act.waitMs;
          host.tick();
          const live = [...host.live.keys()];
          const id = live[act.pick % live.length];
          if (act.type === "exit" && id !== undefined) host.exit(id, "crashed", act.jitter / 100);
          if (act.type === "answer") host.answer();
          if (act.type === "stop" && act.isStopReal === 0)
            host.feed({ type: "stop.requested", nowMs: host.nowMs });
        }
        for (let i = 0; i < 100 && host.isBusy(); i++) {
          host.nowMs = Math.max(host.nowMs, nextDueMs(host.state) ?? host.nowMs);
          host.tick();
          host.answer();
        }
        expect(host.isBusy()).toBe(false);
        expect(host.state.phase).not.toBe("stopping");
        if (host.state.phase === "stopped") expect(host.live.size).toBe(0);
      },
    ),
    { numRuns: 1_000 },
  );
});

/** Performs effects when told to, and checks at each what must hold whatever the children do. */
class SlowHost {
  readonly live = new Map<string, number>();
  readonly #incarnations = new Map<string, number>();
  #asked: { id: string; incarnation: number; limitMs: number }[] = [];
  nowMs = 0;
  state: SupervisorState;

  constructor(plan: SupervisorSpec, children: readonly ChildSpec[]) {
    const step = startSupervisor(plan, children, 0);
    this.state = step.state;
    this.#perform(step.effects);
  }

  tick(): void {
    this.feed({ type: "ticked", nowMs: this.nowMs });
    for (const { limitMs } of this.#asked) expect(limitMs).toBeGreaterThan(this.nowMs);
  }

  /** The child that was asked to end does so. */
  answer(): void {
    const asked = this.#asked.shift();
    if (asked !== undefined) this.exit(asked.id, "shutdown", 0);
  }

  exit(id: string, reason: ExitReason, jitter: number): void {
    const incarnation = this.live.get(id);
    if (incarnation === undefined) return;
    this.#bury(id);
    this.feed({ type: "child.exited", nowMs: this.nowMs, id, incarnation, reason, jitter });
  }

  isBusy(): boolean {
    return this.#asked.length > 0 || nextDueMs(this.state) !== null;
  }

  feed(event: SupervisorEvent): void {
    const step = stepSupervisor(this.state, event);
    encodeCanonical(step.state);
    this.state = step.state;
    this.#perform(step.effects);
    expect(
      this.state.children
        .filter((one) => one.status === "running" || one.status === "stopping")
        .map((one) => one.spec.id)
        .sort(),
    ).toEqual([...this.live.keys()].sort());
  }

  #perform(effects: readonly SupervisorEffect[]): void {
    for (const effect of effects) {
      if (effect.type === "exit") {
        expect(this.live.size).toBe(0);
      } else if (effect.type === "start") {
        expect(this.live.has(effect.id)).toBe(false);
        expect(effect.incarnation).toBe((this.#incarnations.get(effect.id) ?? 0) + 1);
        this.#incarnations.set(effect.id, effect.incarnation);
        this.live.set(effect.id, effect.incarnation);
      } else {
        expect(this.live.get(effect.id)).toBe(effect.incarnation);
        if (effect.type === "kill") this.#bury(effect.id);
        else this.#ask(effect.id, effect.incarnation);
      }
    }
  }

  #ask(id: string, incarnation: number): void {
    expect(this.#asked).toEqual([]);
    // Whatever is to end after it has ended before it: ids are in start order.
    const later = [...this.live.keys()].filter((one) => one > id);
    expect(later).toEqual([]);
    const shutdown = this.state.children.find((one) => one.spec.id === id)?.spec.shutdown;
    this.#asked.push({
      id,
      incarnation,
      limitMs: typeof shutdown === "number" ? this.nowMs + shutdown : Infinity,
    });
  }

  #bury(id: string): void {
    this.live.delete(id);
    this.#asked = this.#asked.filter((asked) => asked.id !== id);
  }
}
