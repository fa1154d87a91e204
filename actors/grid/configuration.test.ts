import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { loadManifest } from "../../configs/load-manifest.ts";
import type { Manifest } from "../../configs/manifest.ts";
import type { RequestReply } from "../../kernel/command.ts";
import { encodeCanonical } from "../../kernel/canonical.ts";
import type { Frame, LeadershipOrigin } from "../../kernel/frame.ts";
import type { PointSample, PointValue } from "../../kernel/point.ts";
import { createGridCore, type PlannedGridCore } from "./grid-core.ts";
import type { GridState } from "./grid-state.ts";
import { gridWith, isFitting, parametersOf } from "./parameters.ts";

const manifest = loadManifest("configs/vessel.toml");
const port = manifest.grids[0] ?? expect.fail("the vessel has a grid");

function withPower(changes: Readonly<Record<string, number>>): Manifest {
  const grids = manifest.grids.map((grid) =>
    grid.id === "port" ? { ...grid, power: { ...grid.power, ...changes } } : grid,
  );
  return { ...manifest, grids };
}

/** One replica of grid port, stepped by frames that the test gives. */
class Replica {
  readonly core: PlannedGridCore;
  state: GridState;
  replies: readonly RequestReply[] = [];
  #sequence = 0;

  constructor(of: Manifest = manifest) {
    this.core = createGridCore(of, "port");
    this.state = this.core.initial();
  }

  step(plantTimeMs: number, changes: Partial<Frame> = {}): this {
    const { state, outputs } = this.core.step(this.state, {
      grid: "port",
      epoch: 1,
      sequence: ++this.#sequence,
      previousHash: "0",
      plantTimeMs,
      wallTimeMs: 0,
      isFirstOfEpoch: this.#sequence === 1,
      points: [],
      connections: [],
      fates: [],
      requests: [],
      messages: [],
      facts: [],
      leadership: null,
      ...changes,
    });
    this.state = state;
    this.replies = outputs.replies;
    return this;
  }

  /** The first frame of an epoch, with what the core itself asks there. */
  open(origin: LeadershipOrigin = "cold", from: Replica = this, epoch = 1): this {
    const leader = { node: "n1", incarnation: "a".repeat(32) };
    return this.step(0, {
      epoch,
      isFirstOfEpoch: true,
      leadership: { leader, inSync: [leader], origin },
      requests: from.core.opening?.(from.state, epoch, origin) ?? [],
    });
  }

  ask(
    plantTimeMs: number,
    command: string,
    values: Readonly<Record<string, PointValue>>,
    role: "operator" | "engineer" = "engineer",
  ): RequestReply {
    const requestId = `${command}-${plantTimeMs}`;
    const request = {
      requestId,
      role,
      user: "eve",
      actor: "grids/port",
      command,
      arguments: values,
    };
    this.step(plantTimeMs, { requests: [request] });
    return this.replies[0] ?? expect.fail("every request is answered");
  }

  configure(plantTimeMs: number, changes: Readonly<Record<string, PointValue>>): RequestReply {
    const expectedRevision = this.state.configuration?.revision ?? 0;
    return this.ask(plantTimeMs, "configure", { ...changes, expectedRevision, confirmWithinS: 60 });
  }

  get stopLimitPct(): number {
    return this.core.planOf(this.state).grid.power.stopLimitPct;
  }
}

describe("parameters of a grid", () => {
  it("are all of power, modes, ratings and stages, and make the same grid again", () => {
    for (const grid of manifest.grids) expect(gridWith(grid, parametersOf(grid))).toEqual(grid);
    expect(parametersOf(port)).toMatchObject({
      control: "control",
      "power.stopLimitPct": 70,
      "power.startOrder": '["dg1","dg2"]',
      "devices.dg1.control": "",
      "devices.dg1.ratings.powerKw": 1000,
      "devices.f2.tripStage": 1,
      "devices.f1.tripStage": "",
    });
  });

  it("come in the first frame of the grid's life, so that replicas with other files hold the same", () => {
    const leader = new Replica(withPower({ stopLimitPct: 55 })).open();
    const standby = new Replica().open("cold", new Replica(withPower({ stopLimitPct: 55 })));
    expect(leader.stopLimitPct).toBe(55);
    expect(encodeCanonical(standby.state)).toBe(encodeCanonical(leader.state));
    expect(standby.core.manifestHash).toBe(leader.core.manifestHash);
  });

  it("of another structure make another hash", () => {
    const [first, ...others] = port.devices;
    expect(first).toBeDefined();
    const fewer = {
      ...manifest,
      grids: [{ ...port, devices: others }, ...manifest.grids.slice(1)],
    };
    expect(createGridCore(fewer, "port").manifestHash).not.toBe(
      createGridCore(manifest, "port").manifestHash,
    );
  });

  it("of a file that was edited while everything was down are taken at the start, an old file is not", () => {
    const edited = new Replica(withPower({ stopLimitPct: 55 }));
    edited.state = new Replica().open().state;
    expect(edited.core.opening?.(edited.state, 2, "hot")).toEqual([]);
    edited.open("restart", edited, 2);
    expect(edited.stopLimitPct).toBe(55);
    const old = new Replica();
    old.state = edited.state;
    expect(old.core.opening?.(old.state, 3, "restart")).toEqual([]);
  });
});

describe("a change", () => {
  it("holds from the next frame, and is undone by itself unless it is confirmed", () => {
    const grid = new Replica().open();
    expect(grid.configure(100, { "power.stopLimitPct": 60 })).toMatchObject({ isAccepted: true });
    expect(grid.stopLimitPct).toBe(60);
    expect(grid.step(60_000).stopLimitPct).toBe(60);
    expect(grid.step(60_100).stopLimitPct).toBe(70);
    expect(grid.state.configuration).toMatchObject({
      revision: 3,
      trial: null,
      undoneAtMs: 60_100,
    });
  });

  it("is told as an alarm while it is on trial, and after it was undone", () => {
    const grid = new Replica().open();
    const codes = () => grid.state.alarmBook.entries.map(({ code }) => code);
    grid.configure(100, { "power.stopLimitPct": 60 });
    grid.step(30_000).step(30_100);
    expect(codes()).toContain("CONFIGURATION_ON_TRIAL");
    grid.step(60_100).step(61_000).step(70_000);
    expect(codes()).toContain("CONFIGURATION_UNDONE");
  });

  it("stays once it is confirmed, and names what held before", () => {
    const grid = new Replica().open();
    grid.configure(100, { "power.stopLimitPct": 60 });
    expect(grid.ask(200, "confirmConfiguration", { revision: 2 }).isAccepted).toBe(true);
    expect(grid.step(100_000).stopLimitPct).toBe(60);
    expect(grid.state.configuration?.previous?.["power.stopLimitPct"]).toBe(70);
    expect(grid.ask(100_100, "rollBackConfiguration", { revision: 2 }).reason).toMatch(
      /no change is on trial/,
    );
  });

  it("is rolled back at once where somebody says so", () => {
    const grid = new Replica().open();
    grid.configure(100, { "power.stopLimitPct": 60 });
    expect(grid.ask(200, "rollBackConfiguration", { revision: 2 }).isAccepted).toBe(true);
    expect(grid.stopLimitPct).toBe(70);
  });

  it("reaches what an actor was started with", () => {
    const grid = new Replica().open();
    const cooldown = () =>
      grid.state.tree.actors
        .map(({ snapshot }) => snapshot.context["cooldownMs"])
        .filter((ms) => ms !== undefined);
    expect(cooldown()).toEqual([20_000, 20_000]);
    grid.configure(100, { "power.cooldownS": 33 });
    expect(cooldown()).toEqual([33_000, 33_000]);
    grid.step(60_100);
    expect(cooldown()).toEqual([20_000, 20_000]);
  });

  const refusals: readonly (readonly [string, Readonly<Record<string, PointValue>>, RegExp])[] = [
    ["a name that is no parameter", { "power.sailArea": 3 }, /no parameter/],
    ["a part of the structure", { nominalVoltageV: 400 }, /no parameter/],
    ["a value of another type", { "power.stopLimitPct": "low" }, /cannot become/],
    ["nothing", { "power.stopLimitPct": 70 }, /nothing changes/],
    ["a rating in AUTO", { "devices.dg2.ratings.powerKw": 900 }, /only while the grid is in semi/],
    [
      "another revision",
      { "power.stopLimitPct": 60, expectedRevision: 7 },
      /revision 1 is in force/,
    ],
    ["no time to confirm", { "power.stopLimitPct": 60, confirmWithinS: 0 }, /confirmWithinS/],
  ];
  it.each(refusals)("of %s is refused", (_what, changes, because) => {
    const grid = new Replica().open();
    const before = encodeCanonical(grid.state.configuration);
    const reply = grid.ask(100, "configure", {
      expectedRevision: 1,
      confirmWithinS: 60,
      ...changes,
    });
    expect(reply).toMatchObject({
      isAccepted: false,
      reason: expect.stringMatching(because) as unknown,
    });
    expect(encodeCanonical(grid.state.configuration)).toBe(before);
  });

  it("needs the role engineer, and waits for the one that is on trial", () => {
    const grid = new Replica().open();
    const change = { "power.stopLimitPct": 60, expectedRevision: 1, confirmWithinS: 60 };
    expect(grid.ask(100, "configure", change, "operator").reason).toMatch(/role engineer/);
    expect(grid.ask(100, "adoptManifest", {}, "operator").reason).toMatch(/role engineer/);
    expect(grid.ask(200, "configure", change).isAccepted).toBe(true);
    expect(grid.configure(300, { "power.stopLimitPct": 61 }).reason).toMatch(
      /on trial for another 60 s/,
    );
  });

  it("of a rating is taken in SEMI once the device is known to be open", () => {
    const grid = new Replica().open();
    const contacts = (isOpen: boolean): PointSample[] => [
      ["dg2.isOpen", isOpen, "good"],
      ["dg2.isClosed", !isOpen, "good"],
    ];
    grid.ask(100, "semi", {}, "operator");
    const change = { "devices.dg2.ratings.powerKw": 900 };
    expect(grid.configure(200, change).reason).toMatch(/only while dg2 is open; it is unknown/);
    grid.step(300, { points: contacts(false) });
    expect(grid.configure(400, change).reason).toMatch(/it is closed/);
    grid.step(500, { points: contacts(true) });
    expect(grid.configure(600, change).isAccepted).toBe(true);
    expect(grid.core.planOf(grid.state).deviceById.get("dg2")?.ratedKw).toBe(900);
  });
});

it("a replica restored from a snapshot goes on alike, whatever is asked", () => {
  const anyChange = fc.oneof(
    fc.record({ kind: fc.constant("configure"), value: fc.integer({ min: 10, max: 84 }) }),
    fc.record({
      kind: fc.constantFrom("confirmConfiguration", "rollBackConfiguration", "wait"),
      value: fc.constant(0),
    }),
  );
  fc.assert(
    fc.property(fc.array(anyChange, { maxLength: 12 }), (script) => {
      const one = new Replica().open();
      const two = new Replica(withPower({ stopLimitPct: 33, cooldownS: 1 })).open(
        "cold",
        new Replica(),
      );
      let nowMs = 1000;
      for (const { kind, value } of script) {
        nowMs += kind === "wait" ? 70_000 : 100;
        const revision = one.state.configuration?.revision ?? 0;
        for (const grid of [one, two]) {
          if (kind === "configure") grid.configure(nowMs, { "power.stopLimitPct": value });
          else if (kind === "wait") grid.step(nowMs);
          else grid.ask(nowMs, kind, { revision });
        }
        two.state = JSON.parse(encodeCanonical(two.state)) as GridState;
        expect(encodeCanonical(two.state)).toBe(encodeCanonical(one.state));
      }
    }),
    { numRuns: 60 },
  );
});

it("values fit by type; only what may be absent becomes so", () => {
  expect(isFitting("power.stopLimitPct", 1, 2)).toBe(true);
  expect(isFitting("power.stopLimitPct", 1, "")).toBe(false);
  expect(isFitting("control", "control", "")).toBe(false);
  expect(isFitting("devices.dg1.control", "observe", "")).toBe(true);
  expect(isFitting("devices.f1.tripStage", "", 2)).toBe(true);
  expect(isFitting("power.stopLimitPct", 1, Number.NaN)).toBe(false);
});
