import { describe, expect, it } from "vitest";
import { assign, and, not, raise, setup, sendTo, initialTransition, transition } from "xstate";
import type { AnyStateMachine } from "xstate";
import { InvariantError } from "../../kernel/errors.ts";
import { replicate } from "./machine-adapter.ts";
import type { MachineEvent } from "./machine-adapter.ts";

type Event =
  | { readonly type: "scanned"; readonly plantTimeMs: number; readonly isReady: boolean }
  | { readonly type: "start.requested"; readonly plantTimeMs: number }
  | { readonly type: "reset.requested"; readonly plantTimeMs: number };

interface Context {
  readonly timeoutMs: number;
  readonly deadlineMs: number;
  readonly attemptCount: number;
}

const motorSetup = setup({
  types: {} as { context: Context; events: Event; input: { timeoutMs: number } },
  actions: {
    request: (_args, _params: { point: string; value: boolean }) => {
      throw new Error("a custom action is never executed");
    },
    log: () => {},
    setDeadline: assign({
      deadlineMs: ({ context, event }) => event.plantTimeMs + context.timeoutMs,
    }),
    countAttempt: assign({ attemptCount: ({ context }) => context.attemptCount + 1 }),
    fail: assign(() => {
      throw new RangeError("broken assignment");
    }),
  },
  guards: {
    isReady: ({ event }) => event.type === "scanned" && event.isReady,
    isOverdue: ({ context, event }) => event.plantTimeMs >= context.deadlineMs,
    isWornOut: ({ context }) => context.attemptCount >= 3,
  },
});

const motor = motorSetup.createMachine({
  id: "motor",
  context: ({ input }) => ({ ...input, deadlineMs: 0, attemptCount: 0 }),
  initial: "ready",
  on: { "reset.requested": { target: ".ready", description: "reset by the operator" } },
  states: {
    ready: { entry: "log", on: { "start.requested": "turning.starting" } },
    turning: {
      initial: "starting",
      entry: ["setDeadline", { type: "request", params: { point: "run", value: true } }],
      exit: { type: "request", params: { point: "run", value: false } },
      on: { scanned: { guard: and(["isOverdue", not("isReady")]), target: "failed" } },
      states: {
        starting: {
          entry: "countAttempt",
          on: { scanned: { guard: "isReady", target: "loaded" } },
        },
        loaded: {
          on: {
            scanned: {
              guard: "isOverdue",
              actions: {
                type: "request",
                params: ({ context }) => ({ point: `again${context.attemptCount}`, value: true }),
              },
            },
          },
        },
      },
    },
    failed: {
      always: { guard: "isWornOut", target: "scrapped" },
      on: { "start.requested": "turning" },
    },
    scrapped: { type: "final" },
  },
});

const start = (plantTimeMs: number): MachineEvent => ({ type: "start.requested", plantTimeMs });
const scan = (plantTimeMs: number, isReady: boolean): MachineEvent => ({
  type: "scanned",
  plantTimeMs,
  isReady,
});

describe("a replicated machine", () => {
  const machine = replicate(motor);
  const ready = machine.initial({ timeoutMs: 100 });

  it("starts with the initial state, its context and its entry actions", () => {
    expect(ready.snapshot).toEqual({
      state: "ready",
      context: { timeoutMs: 100, deadlineMs: 0, attemptCount: 0 },
    });
    expect(ready.effects).toEqual([{ type: "log", params: {} }]);
  });

  it("returns named actions as effects, in order, with their parameters, and executes none", () => {
    const starting = machine.step(ready.snapshot, start(50));
    expect(starting.snapshot).toEqual({
      state: "turning.starting",
      context: { timeoutMs: 100, deadlineMs: 150, attemptCount: 1 },
    });
    expect(starting.effects).toEqual([{ type: "request", params: { point: "run", value: true } }]);
    const loaded = machine.step(starting.snapshot, scan(60, true));
    expect(loaded).toMatchObject({ hasChanged: true, effects: [], reason: "isReady" });
    const again = machine.step(loaded.snapshot, scan(200, true));
    expect(again.effects).toEqual([{ type: "request", params: { point: "again1", value: true } }]);
    expect(again.hasChanged).toBe(false);
    expect(again.snapshot).toBe(loaded.snapshot);
  });

  it("runs exit actions and gives the guard or the description as the reason", () => {
    const starting = machine.step(ready.snapshot, start(0)).snapshot;
    const failed = machine.step(starting, scan(100, false));
    expect(failed.snapshot.state).toBe("failed");
    expect(failed.effects).toEqual([{ type: "request", params: { point: "run", value: false } }]);
    expect(failed.reason).toBe("isOverdue and not isReady");
    const reset = machine.step(failed.snapshot, { type: "reset.requested", plantTimeMs: 1 });
    expect(reset.reason).toBe("reset by the operator");
    expect(machine.step(reset.snapshot, start(1)).reason).toBe("start.requested");
  });

  it("leaves the snapshot alone on an event that it does not handle", () => {
    const same = machine.step(ready.snapshot, { type: "unknown" });
    expect(same).toEqual({ snapshot: ready.snapshot, effects: [], hasChanged: false, reason: "" });
    expect(same.snapshot).toBe(ready.snapshot);
  });

  it("ends in a top-level final state and takes no further event", () => {
    const worn = {
      state: "turning.starting",
      context: { timeoutMs: 1, deadlineMs: 1, attemptCount: 3 },
    };
    const end = machine.step(worn, scan(1, false));
    expect(end.snapshot.state).toBe("scrapped");
    expect(end.reason).toBe("isWornOut");
    expect(machine.isFinal(end.snapshot)).toBe(true);
    expect(machine.isFinal(ready.snapshot)).toBe(false);
    expect(machine.step(end.snapshot, { type: "reset.requested", plantTimeMs: 0 }).hasChanged).toBe(
      false,
    );
  });

  it("names the events of the state and of the states around it", () => {
    expect(machine.nextEvents(ready.snapshot)).toEqual(["start.requested", "reset.requested"]);
    const starting = machine.step(ready.snapshot, start(0)).snapshot;
    expect(machine.nextEvents(starting)).toEqual(["scanned", "reset.requested"]);
  });

  it("lets an exception through and works on afterwards", () => {
    const broken = replicate(
      motorSetup.createMachine({
        context: { timeoutMs: 0, deadlineMs: 0, attemptCount: 0 },
        initial: "a",
        states: {
          a: { on: { "start.requested": { target: "b", actions: ["log", "fail"] }, scanned: "b" } },
          b: {},
        },
      }),
    );
    const { snapshot } = broken.initial({});
    expect(() => broken.step(snapshot, start(0))).toThrow(RangeError);
    expect(broken.step(snapshot, scan(0, true))).toMatchObject({
      snapshot: { state: "b" },
      effects: [],
    });
  });

  it("throws on endless eventless transitions instead of hanging", () => {
    const loop = motorSetup.createMachine({
      context: { timeoutMs: 0, deadlineMs: 0, attemptCount: 0 },
      initial: "rest",
      states: { rest: { on: { scanned: "a" } }, a: { always: "b" }, b: { always: "a" } },
    });
    const machineInLoop = replicate(loop);
    expect(() => machineInLoop.step(machineInLoop.initial({}).snapshot, scan(0, true))).toThrow(
      /[Ll]oop/,
    );
  });

  it("refuses a snapshot of a state that it does not have", () => {
    expect(() => machine.step({ state: "elsewhere", context: {} }, start(0))).toThrow(
      InvariantError,
    );
    expect(() => machine.step({ state: "turning", context: {} }, start(0))).toThrow(/not a leaf/);
  });

  it("draws its statechart with states, events and guards", () => {
    const lines = machine
      .toMermaid()
      .split("\n")
      .map((line) => line.trim());
    expect(lines).toContain("[*] --> ready");
    expect(lines).toContain("state turning {");
    expect(lines).toContain("turning_starting --> turning_loaded : scanned [isReady]");
    expect(lines).toContain("turning --> failed : scanned [isOverdue and not isReady]");
    expect(lines).toContain("failed --> scrapped : [isWornOut]");
    expect(lines).toContain("any_state --> ready : reset.requested");
    expect(lines).toContain("scrapped --> [*]");
  });

  it("agrees with XState's own transition function on a long run", () => {
    let snapshot = ready.snapshot;
    let [reference] = initialTransition(motor, { timeoutMs: 100 });
    let seed = 1;
    for (let i = 0; i < 2_000; i++) {
      seed = (seed * 16_807) % 2_147_483_647;
      const events = [
        start(i),
        scan(i, seed % 7 === 0),
        scan(i * 2, false),
        { type: "reset.requested", plantTimeMs: i },
      ];
      const event = events[seed % 4] as Event;
      const stepped = machine.step(snapshot, event as MachineEvent);
      if (reference.status !== "active") break;
      const [next, actions] = transition(motor, reference, event);
      expect(stepped.snapshot.context).toEqual(next.context);
      expect(next.matches(stateValue(stepped.snapshot.state) as never)).toBe(true);
      expect(stepped.effects).toEqual(
        actions.map((action) => ({ type: action.type, params: action.params ?? {} })),
      );
      // Without the counter the run would soon end in the final state.
      const context = { ...stepped.snapshot.context, attemptCount: 0 };
      snapshot = { state: stepped.snapshot.state, context };
      reference = motor.resolveState({ value: next.value, context: context as never });
    }
    expect(reference.status).toBe("active");
  });
});

function stateValue(path: string): unknown {
  const [head, ...rest] = path.split(".");
  return rest.length === 0 ? head : { [head as string]: stateValue(rest.join(".")) };
}

const inner = motorSetup.createMachine({ context: {} as Context, initial: "a", states: { a: {} } });
const rows: [name: string, machine: () => AnyStateMachine, message: RegExp][] = [
  [
    "after",
    () => setup({}).createMachine({ initial: "a", states: { a: { after: { 10: "b" } }, b: {} } }),
    /uses after/,
  ],
  [
    "invoke",
    () =>
      setup({}).createMachine({ initial: "a", states: { a: { invoke: { src: inner } as never } } }),
    /invokes/,
  ],
  [
    "declared actors",
    () => setup({ actors: { inner } }).createMachine({ initial: "a", states: { a: {} } }),
    /declares actors/,
  ],
  [
    "parallel states",
    () => setup({}).createMachine({ type: "parallel", states: { a: {}, b: {} } }),
    /parallel/,
  ],
  [
    "history states",
    () =>
      setup({}).createMachine({
        initial: "a",
        states: { a: { initial: "b", states: { b: {}, h: { type: "history" } } } },
      }),
    /history/,
  ],
  [
    "inline actions",
    () => setup({}).createMachine({ initial: "a", states: { a: { entry: () => {} } } }),
    /inline action/,
  ],
  [
    "actions that send to actors",
    () =>
      setup({ actions: { tell: sendTo("other", { type: "x" }) } }).createMachine({
        initial: "a",
        states: { a: {} },
      }),
    /xstate.sendTo/,
  ],
  [
    "delayed actions",
    () =>
      setup({ actions: { later: raise({ type: "x" }, { delay: 10 }) } }).createMachine({
        initial: "a",
        states: { a: {} },
      }),
    /delay/,
  ],
  ["machines without states", () => setup({}).createMachine({}), /no states/],
];

it.each(rows)("refuses %s when the machine is declared", (_name, make, message) => {
  expect(() => replicate(make())).toThrow(InvariantError);
  expect(() => replicate(make())).toThrow(message);
});

it("refuses an actor spawned inside an assignment when it happens", () => {
  const spawner = setup({
    actions: {
      breed: assign(({ spawn }) => ({
        child: (spawn as (logic: AnyStateMachine) => unknown)(inner),
      })),
    },
  }).createMachine({
    context: {},
    initial: "a",
    states: { a: { on: { x: { actions: "breed" } } } },
  });
  const machine = replicate(spawner);
  expect(() => machine.step(machine.initial({}).snapshot, { type: "x" })).toThrow(/spawned/);
});
