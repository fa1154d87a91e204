import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { loadManifest } from "../../configs/load-manifest.ts";
import { encodeCanonical } from "../../kernel/canonical.ts";
import { RELEASED_EPOCH_FACT } from "../../kernel/core.ts";
import { InvariantError } from "../../kernel/errors.ts";
import type { Frame } from "../../kernel/frame.ts";
import { createMiniPlant, type MiniPlant } from "../../test/support/mini-plant.ts";
import { createGridCore } from "./grid-core.ts";
import { viewGrid } from "./view-grid.ts";
import { why } from "./why.ts";

const manifest = loadManifest("configs/vessel.toml");

/** The vessel as the demo begins: one set on each switchboard, tie open, 350 and 310 kW. */
function vessel(): MiniPlant {
  const plant = createMiniPlant(manifest);
  for (const id of ["dg1", "dg3"]) {
    const set = plant.device(id);
    set.isRunning = set.isReadyToLoad = set.isClosed = true;
    set.level = 330;
  }
  return plant;
}

function closeTie(plant: MiniPlant): void {
  expect(plant.request("port", "btp", "close").isAccepted).toBe(true);
  expect(plant.request("starboard", "bts", "close").isAccepted).toBe(true);
  plant.run(5);
}

const whyOf = (plant: MiniPlant, device: string) => {
  const { core, state } = plant.grid("port");
  return why(core, state, `grids/port/devices/${device}`).join(" | ");
};
const alarmsOf = (plant: MiniPlant) =>
  plant.grid("port").state.alarmBook.entries.map((alarm) => alarm.code);

describe("first start", () => {
  it("recognises what runs and gives no command", () => {
    const plant = vessel();
    plant.run(30);
    expect(plant.stateOf("dg1")).toBe("onLoad");
    expect(plant.stateOf("dg2")).toBe("ready");
    expect(plant.stateOf("bat1")).toBe("following");
    expect(plant.commands("port")).toEqual([]);
    expect(alarmsOf(plant)).toEqual([]);
  });

  it("restores nominal frequency by references that add up to the load", () => {
    const plant = vessel();
    plant.run(10);
    expect(plant.grid("port").frequencyHz).toBeCloseTo(60, 1);
  });

  it("starts from the reference that droop says is in force, without a step", () => {
    const plant = vessel();
    plant.run(0.1);
    expect(plant.device("dg1").level).toBeGreaterThan(320);
    expect(plant.device("dg1").level).toBeLessThan(341);
  });
});

describe("load-dependent start and stop in closed loop", () => {
  it("starts for a thruster, grants it, and stops the set when it is no longer needed", () => {
    const plant = vessel();
    plant.run(5);
    const thruster = plant.device("bt1");
    Object.assign(thruster, { isRequesting: true, demandKw: 600 });
    plant.run(1);
    expect(plant.stateOf("bt1")).toBe("requesting");
    expect(whyOf(plant, "bt1")).toContain("bt1 asks for 600 kW, 650 kW are free and 750 kW needed");
    plant.run(30);
    expect(plant.stateOf("bt1")).toBe("running");
    expect(thruster.powerKw).toBeCloseTo(600, 0);
    expect(plant.device("dg1").powerKw).toBeCloseTo(475, -1);
    Object.assign(thruster, { isRequesting: false });
    plant.run(160);
    expect(plant.stateOf("dg2")).toBe("ready");
    expect(plant.commands("port")).toEqual([
      "dg2 start",
      "dg2 syncAndClose",
      "dg2 open",
      "dg2 stop",
    ]);
  });

  it("covers the gap by battery while a set starts, and gives it back", () => {
    const plant = vessel();
    plant.run(5);
    plant.device("f1").demandKw = 780;
    plant.run(3);
    expect(plant.device("bat1").powerKw).toBeCloseTo(80, 0);
    expect(plant.device("dg1").powerKw).toBeCloseTo(850, 0);
    plant.run(40);
    expect(plant.stateOf("dg2")).toBe("onLoad");
    expect(plant.device("bat1").powerKw).toBe(0);
  });

  it("says why no set starts", () => {
    const plant = vessel();
    plant.run(5);
    expect(whyOf(plant, "dg2")).toContain("dg2 not started: load 35 % < 85 % of 1000 kW");
  });

  it("takes the next in line after a start that failed, and writes stop", () => {
    const plant = vessel();
    closeTie(plant);
    plant.device("dg2").isDeaf = true;
    plant.device("f1").demandKw = 1350;
    plant.run(80);
    expect(plant.stateOf("dg2")).toBe("startFailed");
    expect(plant.commands("port")).toEqual(expect.arrayContaining(["dg2 start", "dg2 stop"]));
    expect(plant.stateOf("dg4")).not.toBe("ready");
    expect(alarmsOf(plant)).toContain("START_FAILED");
  });
});

describe("a change of leader", () => {
  it("goes on after a hot takeover as if there had been none, timers too", () => {
    const after = (isTakenOver: boolean) => {
      const plant = vessel();
      plant.run(5);
      plant.device("f1").demandKw = 900;
      plant.run(1);
      if (isTakenOver) plant.takeOver("port", "hot");
      return Array.from({ length: 50 }, () => {
        plant.run(0.1);
        return [plant.device("dg1").level, ...plant.commands("port")];
      });
    };
    const undisturbed = after(false);
    const startAt = undisturbed.findIndex((seen) => seen.includes("dg2 start"));
    expect(startAt).toBeGreaterThan(4);
    expect(after(true)).toEqual(undisturbed);
  });

  it("does not command for 10 s after a cold start, and then goes on by load", () => {
    const plant = vessel();
    plant.run(10);
    plant.device("f1").demandKw = 800;
    plant.takeOver("port", "cold");
    plant.run(9.8);
    expect(plant.commands("port")).toEqual([]);
    expect(plant.request("port", "dg2", "start").isAccepted).toBe(false);
    plant.run(3);
    expect(plant.commands("port")).toContain("dg2 start");
  });

  it("moves no set-point by more than 1 % of rating beyond its ramp after a cold start", () => {
    const plant = vessel();
    plant.run(10);
    plant.device("f1").demandKw = 400;
    const before = plant.device("dg1").level;
    plant.takeOver("port", "cold");
    plant.run(0.1);
    expect(Math.abs(plant.device("dg1").level - before)).toBeLessThanOrEqual(20);
  });

  it("decides an unknown start on feedback and never gives it twice while it may have been written", () => {
    const plant = vessel();
    plant.run(5);
    plant.grid("port").fateOf = (command) => (command === "start" ? "unknown" : null);
    expect(plant.request("port", "dg2", "start").isAccepted).toBe(true);
    plant.run(14);
    expect(plant.commands("port").filter((command) => command === "dg2 start")).toHaveLength(1);
    expect(plant.stateOf("dg2")).toBe("onLoad");
  });

  it("goes back to ready by way of stop where an unknown start shows no effect", () => {
    const plant = vessel();
    plant.run(5);
    plant.device("dg2").isDeaf = true;
    plant.grid("port").fateOf = (command) => (command === "start" ? "unknown" : null);
    plant.request("port", "dg2", "start");
    plant.run(20);
    // Deaf, it stands ready: it is asked once more.
    expect(plant.commands("port")).toEqual(["dg2 start", "dg2 start", "dg2 stop"]);
    expect(plant.stateOf("dg2")).toBe("ready");
  });

  it("returns to ready where the start was never written", () => {
    const plant = vessel();
    plant.run(5);
    plant.grid("port").fateOf = () => "dropped";
    plant.request("port", "dg2", "start");
    plant.run(1);
    expect(plant.stateOf("dg2")).toBe("ready");
    expect(plant.commands("port")).toEqual(["dg2 start"]);
  });

  it("counts a command whose leader is gone as unknown", () => {
    const plant = vessel();
    plant.run(5);
    plant.request("port", "dg2", "start");
    plant.grid("port").fates = [];
    plant.takeOver("port", "hot");
    plant.run(15);
    expect(plant.commands("port").filter((command) => command === "dg2 start")).toHaveLength(1);
    expect(plant.stateOf("dg2")).toBe("onLoad");
  });

  it("alarms a stale takeover and lost redundancy", () => {
    const plant = vessel();
    plant.run(5);
    plant.grid("port").inSyncCount = 1;
    plant.takeOver("port", "stale");
    plant.run(3);
    expect(alarmsOf(plant)).toEqual(expect.arrayContaining(["STALE_TAKEOVER", "REDUNDANCY_LOST"]));
  });
});

describe("unknown means worse", () => {
  it("blocks stops while a source is unknown, and says so", () => {
    const plant = vessel();
    const second = plant.device("dg2");
    second.isRunning = second.isReadyToLoad = second.isClosed = true;
    plant.run(2);
    plant.device("bat1").quality = "uncertain";
    plant.run(200);
    expect(plant.commands("port")).toEqual([]);
    expect(whyOf(plant, "dg2")).toContain("the breaker of bat1 is not known");
  });

  it("grants nothing while a breaker is unknown", () => {
    const plant = vessel();
    plant.run(5);
    plant.device("bat1").quality = "bad";
    Object.assign(plant.device("bt1"), { isRequesting: true, demandKw: 300 });
    plant.run(30);
    expect(plant.stateOf("bt1")).toBe("requesting");
  });

  it("gives no command while nothing is known, whatever is measured later", () => {
    const quality = fc.constantFrom("bad" as const, "uncertain" as const);
    const value = fc.oneof(
      fc.boolean(),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.string(),
    );
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(200), value, quality), { maxLength: 60 }),
        fc.constantFrom("hot" as const, "cold" as const, "stale" as const, "handover" as const),
        (samples, origin) => {
          const core = createGridCore(manifest, "port");
          const points = core.plan.devices.flatMap(({ id, config }) =>
            config.profile.points.map((mapping) => `${id}.${mapping.point}`),
          );
          let state = core.initial();
          for (let sequence = 1; sequence <= 30; sequence++) {
            const mine = samples.filter((_sample, index) => index % 30 === sequence - 1);
            const frame: Frame = {
              ...emptyFrame(sequence),
              isFirstOfEpoch: sequence === 1,
              points: mine.map(([index, sample, sampleQuality]) => [
                points[index % points.length] ?? "",
                typeof sample === "number" ? sample + 0 : sample,
                sampleQuality,
              ]),
              leadership: sequence === 1 ? { leader: MEMBER, inSync: [MEMBER], origin } : null,
            };
            const result = core.step(state, frame);
            expect(result.outputs.commands).toEqual([]);
            state = result.state;
          }
          encodeCanonical(state);
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe("facts", () => {
  it("of a leader end with its epoch; those of a node stand until it takes them back", () => {
    const plant = vessel();
    plant.run(1);
    const grid = plant.grid("port");
    grid.facts = [
      ["authority.isLost", true],
      ["historyServer.isLost@n2", true],
    ];
    plant.run(0.1);
    const codes = () => alarmsOf(plant).toSorted();
    expect(codes()).toEqual(["AUTHORITY_LOST", "HISTORY_SERVER_LOST"]);
    plant.takeOver("port", "hot");
    plant.run(3);
    const active = grid.state.alarmBook.entries.filter(({ isActive }) => isActive);
    expect(active.map(({ code }) => code)).toEqual(["HISTORY_SERVER_LOST"]);
  });
});

it("a server that several nodes miss is one alarm until none does; each node's own disk is one of its own", () => {
  const plant = vessel();
  plant.run(1);
  const grid = plant.grid("port");
  const missing = (nodes: readonly string[], isLost: boolean) => {
    grid.facts = nodes.map((node) => [`historyServer.isLost@${node}`, isLost] as const);
    plant.run(3);
    return grid.state.alarmBook.entries.filter(({ isActive }) => isActive);
  };
  expect(missing(["n1", "n2", "n3"], true).map(({ code }) => code)).toEqual([
    "HISTORY_SERVER_LOST",
  ]);
  expect(missing(["n2"], false)).toHaveLength(1);
  expect(missing(["n1", "n3"], false)).toEqual([]);
  grid.facts = [
    ["disk.isFull@n1", true],
    ["disk.isFull@n3", true],
  ];
  plant.run(0.2);
  expect(alarmsOf(plant)).toEqual(["DISK_FULL", "DISK_FULL"]);
});

it("a coordinator that does not answer is one alarm, however many nodes miss it, until none does", () => {
  const plant = vessel();
  plant.run(1);
  const grid = plant.grid("port");
  const missing = (nodes: readonly string[]) => {
    grid.facts = ["n1", "n2", "n3"].map(
      (node) => [`coordinator.isLost@${node}`, nodes.includes(node)] as const,
    );
    plant.run(2);
    return grid.state.alarmBook.entries
      .filter(({ code, isActive }) => isActive && code === "COORDINATOR_LOST")
      .map(({ text, raisedCount }) => `${text}, ${raisedCount}`);
  };
  const once = ["a node gets no answer from the coordinator, 1"];
  expect(missing(["n3"])).toEqual(once);
  expect(missing(["n1", "n2", "n3"])).toEqual(once);
  expect(missing(["n1"])).toEqual(once);
  expect(missing([])).toEqual([]);
});

it("a server that nodes of two grids miss is one alarm where a node controls both: that of the first grid", () => {
  const nodesOf: Record<string, readonly string[]> = {
    port: ["n1", "n2"],
    starboard: ["n2", "n3"],
  };
  const plant = createMiniPlant({
    ...manifest,
    grids: manifest.grids.map((grid) => ({
      ...grid,
      controllers: grid.controllers.filter(({ node }) => nodesOf[grid.id]?.includes(node)),
    })),
  });
  plant.run(1);
  const missing = (nodes: readonly string[]) => {
    for (const [id, controllers] of Object.entries(nodesOf)) {
      plant.grid(id).facts = controllers.map(
        (node) => [`historyServer.isLost@${node}`, nodes.includes(node)] as const,
      );
    }
    plant.run(3);
    return ["port", "starboard"].filter((id) =>
      plant
        .grid(id)
        .state.alarmBook.entries.some(
          ({ code, isActive }) => isActive && code === "HISTORY_SERVER_LOST",
        ),
    );
  };
  expect(missing(["n1", "n2", "n3"])).toEqual(["port"]);
  expect(missing(["n2", "n3"])).toEqual(["port"]);
  expect(missing(["n3"])).toEqual(["starboard"]);
  expect(missing([])).toEqual([]);
});

describe("a leader that stops and that nobody follows", () => {
  function stopping(): MiniPlant {
    const plant = vessel();
    plant.run(5);
    const grid = plant.grid("port");
    grid.facts = [[RELEASED_EPOCH_FACT, grid.epoch]];
    plant.run(0.5);
    return plant;
  }
  const levelsOf = (plant: MiniPlant) =>
    plant
      .grid("port")
      .log.at(-1)
      ?.levels.map(({ device }) => device) ?? [];

  it("gives the devices back that have a release sequence, once, and holds the others", () => {
    const plant = stopping();
    expect(plant.commands("port").filter((one) => one.endsWith(" release"))).toEqual(
      ["dg1", "dg2", "bat1", "bt1"].map((device) => `${device} release`),
    );
    expect(new Set(levelsOf(plant))).toEqual(new Set(["sc1"]));
  });

  it("begins nothing any more", () => {
    const plant = stopping();
    plant.device("f1").demandKw = 900;
    plant.run(20);
    const told = plant.commands("port").filter((one) => one.startsWith("dg2"));
    expect(told).toEqual(["dg2 release"]);
  });

  it("is followed by one that holds all set-points again, from what is measured", () => {
    const plant = stopping();
    plant.takeOver("port", "restart");
    plant.run(3);
    expect(levelsOf(plant)).toContain("bat1");
  });
});

const MEMBER = { node: "n1", incarnation: "0".repeat(32) };
const emptyFrame = (sequence: number): Frame => ({
  grid: "port",
  epoch: 1,
  sequence,
  previousHash: "",
  plantTimeMs: sequence * 1000,
  wallTimeMs: 0,
  isFirstOfEpoch: false,
  points: [],
  connections: [],
  fates: [],
  requests: [],
  messages: [],
  facts: [],
  leadership: null,
});

describe("operators' requests", () => {
  const refusals: [
    name: string,
    device: string,
    command: string,
    role: "viewer" | "operator",
    text: string,
  ][] = [
    ["a viewer", "dg2", "start", "viewer", "may look, not command"],
    ["an unknown command", "dg2", "explode", "operator", "dg2 has no command explode"],
    ["a command of the prototype", "dg2", "constructor", "operator", "has no command"],
    ["the only source", "dg1", "stop", "operator", "only source that forms the bus"],
    ["a set that is ready", "dg2", "syncAndClose", "operator", "dg2 is ready"],
    ["an essential feeder", "f1", "open", "operator", "never shed"],
    ["a thruster", "bt1", "start", "operator", "has no command start"],
    ["an unknown grid command", "", "switchboard", "operator", "it has: auto, semi"],
  ];
  it.each(refusals)("refuses %s with a sentence", (_name, device, command, role, text) => {
    const plant = vessel();
    plant.run(3);
    const reply = plant.request("port", device, command, role);
    expect(reply.isAccepted).toBe(false);
    expect(reply.reason).toContain(text);
    expect(plant.commands("port")).toEqual([]);
  });

  it("answers a repeated id with the first answer and acts once", () => {
    const plant = vessel();
    plant.run(3);
    const first = plant.request("port", "dg2", "start");
    plant.grid("port").requests.push({
      requestId: first.requestId,
      role: "operator",
      user: "test",
      actor: "grids/port/devices/dg2",
      command: "start",
      arguments: {},
    });
    plant.run(0.1);
    expect(plant.grid("port").log.at(-1)?.replies).toEqual([first]);
    expect(plant.commands("port")).toEqual(["dg2 start"]);
  });

  it("starts and stops nothing by load in SEMI", () => {
    const plant = vessel();
    plant.run(3);
    expect(plant.request("port", "", "semi").isAccepted).toBe(true);
    plant.device("f1").demandKw = 820;
    plant.run(30);
    expect(plant.commands("port")).toEqual([]);
    expect(plant.request("port", "dg2", "start").isAccepted).toBe(true);
    plant.run(25);
    expect(plant.stateOf("dg2")).toBe("onLoad");
  });

  it("goes to SEMI where a connected set is put on local, and back only on request", () => {
    const plant = vessel();
    plant.run(3);
    plant.device("dg1").isRemote = false;
    plant.run(1);
    const mode = () => viewGrid(plant.grid("port").core, plant.grid("port").state).mode;
    expect(mode()).toBe("SEMI");
    expect(plant.stateOf("dg1")).toBe("local");
    expect(plant.request("port", "", "auto").isAccepted).toBe(false);
    plant.device("dg1").isRemote = true;
    plant.run(1);
    expect(mode()).toBe("SEMI");
    expect(plant.request("port", "", "auto").isAccepted).toBe(true);
    expect(mode()).toBe("AUTO");
  });
});

describe("an island", () => {
  it("shares equally, stops a set over both grids, starts the one that stopped, and splits only where both can stand alone", () => {
    const plant = vessel();
    plant.run(3);
    closeTie(plant);
    plant.run(10);
    expect(plant.grid("starboard").state.island).toEqual(["port", "starboard"]);
    expect(plant.device("dg1").powerKw).toBeCloseTo(330, -1);
    expect(plant.device("dg3").powerKw).toBeCloseTo(330, -1);
    plant.run(80);
    expect(plant.commands("starboard")).toContain("dg3 stop");
    expect(plant.commands("port")).not.toContain("dg1 stop");
    expect(plant.request("port", "btp", "open").reason).toContain(
      "starboard has no source of its own",
    );
    Object.assign(plant.device("bt1"), { isRequesting: true, demandKw: 600 });
    plant.run(30);
    expect(plant.stateOf("bt1")).toBe("running");
    expect(plant.stateOf("dg3")).toBe("onLoad");
    expect(plant.request("port", "btp", "open").isAccepted).toBe(true);
  });

  it("freezes references where the master falls silent, and stops nothing", () => {
    const plant = vessel();
    plant.run(3);
    closeTie(plant);
    plant.run(5);
    plant.grid("port").isMuted = true;
    plant.run(3);
    const before = plant.device("dg3").level;
    plant.device("f3").demandKw = 300;
    plant.run(100);
    expect(plant.device("dg3").level).toBe(before);
    expect(plant.commands("starboard")).toEqual(["bts syncAndClose"]);
  });

  it("refuses messages of a lower epoch", () => {
    const plant = vessel();
    plant.run(3);
    closeTie(plant);
    plant.run(2);
    const port = plant.grid("port");
    const last = port.state.peers["starboard"];
    port.inbox = [
      {
        fromGrid: "starboard",
        toGrid: "port",
        epoch: 0,
        sequence: 1_000_000,
        validForMs: 2000,
        body: { ...(last?.status ?? fail()), loadKw: 123_456 },
      },
    ];
    port.isMuted = true;
    plant.run(0.1);
    expect(port.state.peers["starboard"]?.status.loadKw).not.toBe(123_456);
  });
});

function fail(): never {
  throw new InvariantError("the other grid was never heard");
}

describe("a land site", () => {
  it("shaves the import by its batteries and starts nothing while they can", () => {
    const plant = createMiniPlant(loadManifest("configs/land-battery.toml"));
    Object.assign(plant.device("q0"), { isClosed: true, isVoltagePresent: true });
    plant.device("production").demandKw = 400;
    plant.device("critical").demandKw = 210;
    plant.device("ev").demandKw = 210;
    plant.run(30);
    // The first seconds of the quarter drew more than its target: what may still be drawn is a little less.
    expect(plant.device("q0").powerKw).toBeGreaterThan(470);
    expect(plant.device("q0").powerKw).toBeLessThan(500);
    expect(plant.device("bat-a").powerKw).toBeCloseTo(plant.device("bat-b").powerKw, 0);
    expect(plant.commands("site")).toEqual([]);
    const { core, state } = plant.grid("site");
    const view = viewGrid(core, state);
    expect(view.n1).toEqual({
      isHeld: true,
      statement: "after loss of q0 1000 kW remain for 820 kW",
    });
    expect(view.devices.map((device) => device.state)).not.toContain("unknown");
  });
});

describe("shore", () => {
  it("takes the load over from the sets, and gives it back", () => {
    const plant = vessel();
    plant.run(3);
    plant.device("sc1").isVoltagePresent = true;
    plant.run(1);
    expect(plant.request("port", "sc1", "syncAndClose").isAccepted).toBe(true);
    plant.run(120);
    expect(plant.stateOf("sc1")).toBe("closed");
    expect(plant.stateOf("dg1")).toBe("ready");
    expect(plant.device("sc1").powerKw).toBeCloseTo(350, 0);
    expect(plant.request("port", "sc1", "open").reason).toContain("only source that forms the bus");
    expect(plant.request("port", "dg1", "start").isAccepted).toBe(true);
    plant.run(20);
    expect(plant.request("port", "sc1", "open").isAccepted).toBe(true);
    plant.run(30);
    expect(plant.stateOf("sc1")).toBe("ready");
    expect(plant.device("dg1").powerKw).toBeCloseTo(350, 0);
  });
});

describe("the core as a replica", () => {
  it("has a manifest hash that does not depend on ports and hosts, but on ratings", () => {
    const moved = { ...manifest, nodes: manifest.nodes.map((node) => ({ ...node, peerPort: 1 })) };
    expect(createGridCore(moved, "port").manifestHash).toBe(
      createGridCore(manifest, "port").manifestHash,
    );
    const grids = manifest.grids.map((grid) => ({ ...grid, nominalFrequencyHz: 50 }));
    const other = createGridCore({ ...manifest, grids }, "port");
    expect(other.manifestHash).not.toBe(createGridCore(manifest, "port").manifestHash);
  });

  it("steps the same from a restored state, under random faults and requests", () => {
    const act = fc.record({
      device: fc.constantFrom("dg1", "dg2", "bat1", "bt1", "btp", "dg3"),
      what: fc.constantFrom(
        "isClosed",
        "isTripped",
        "isRemote",
        "isRunning",
        "isShutdown",
        "isRequesting",
      ),
      value: fc.boolean(),
      command: fc.constantFrom("start", "stop", "open", "syncAndClose", "reset"),
    });
    fc.assert(
      fc.property(fc.array(act, { minLength: 1, maxLength: 12 }), (acts) => {
        const plant = vessel();
        plant.run(1);
        for (const { device, what, value, command } of acts) {
          plant.device(device)[what] = value;
          plant.request(plant.device(device).grid, device, command);
          plant.run(1);
        }
        encodeCanonical(plant.grid("port").state);
      }),
      { numRuns: 10 },
    );
  });
});
