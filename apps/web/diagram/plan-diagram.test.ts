import { expect, it } from "vitest";
import { fitDiagram, planDiagram, type DiagramGrid, type Topology } from "./plan-diagram.ts";

const grid = (id: string, ...kinds: readonly string[]): DiagramGrid => ({
  id,
  name: id,
  devices: kinds.map((kind, index) => ({ id: `${id}-${kind}-${index}`, name: kind, kind })),
});

const tie = (id: string, a: string, b: string) => ({
  id,
  breakers: [
    { grid: a, device: `${a}-to-${b}` },
    { grid: b, device: `${b}-to-${a}` },
  ],
});

const withTies = (topology: Topology): Topology => ({
  ...topology,
  grids: topology.grids.map((one) => ({
    ...one,
    devices: [
      ...one.devices,
      ...topology.ties
        .flatMap(({ breakers }) => breakers)
        .filter((end) => end.grid === one.id)
        .map(({ device }) => ({ id: device, name: device, kind: "busTie" })),
    ],
  })),
});

const vessel = withTies({
  grids: [
    grid("port", "meter", "genset", "genset", "battery", "shore", "thruster", "feeder", "feeder"),
    grid("starboard", "meter", "genset", "genset", "battery", "thruster", "feeder", "feeder"),
  ],
  ties: [tie("tie", "port", "starboard")],
});

it("puts two switchboards side by side where there is room, sources above and consumers below", () => {
  const plan = planDiagram(vessel, 880);
  const [port, starboard] = plan.buses;
  expect(port?.y).toBe(starboard?.y);
  expect(starboard?.x1).toBeGreaterThan(port?.x2 ?? Infinity);
  expect(plan.width).toBeLessThanOrEqual(880);
  const sides = new Map(plan.units.map(({ kind, side }) => [kind, side]));
  expect(Object.fromEntries(sides)).toEqual({
    genset: "above",
    battery: "above",
    shore: "above",
    thruster: "below",
    feeder: "below",
  });
  expect(port?.meters).toEqual(["port-meter-0"]);
});

it("joins neighbours by a straight tie with a breaker at each end", () => {
  const plan = planDiagram(vessel, 880);
  const [only] = plan.ties;
  expect(only?.path).toEqual([
    { x: plan.buses[0]?.x2, y: plan.buses[0]?.y },
    { x: plan.buses[1]?.x1, y: plan.buses[1]?.y },
  ]);
  expect(only?.breakers.map(({ grid: at }) => at)).toEqual(["port", "starboard"]);
});

it("puts them one above the other where there is not, and leads the tie around the side", () => {
  const plan = planDiagram(vessel, 640);
  const [port, starboard] = plan.buses;
  expect(starboard?.y).toBeGreaterThan(port?.y ?? Infinity);
  expect(plan.ties[0]?.path).toHaveLength(4);
  expect(plan.width).toBeLessThanOrEqual(640);
});

it("closes a ring of three below, and nothing of it lies outside the picture", () => {
  const ring = withTies({
    grids: [grid("a", "genset"), grid("b", "genset"), grid("c", "genset")],
    ties: [tie("ab", "a", "b"), tie("bc", "b", "c"), tie("ca", "c", "a")],
  });
  const plan = planDiagram(ring, 1200);
  const points = plan.ties.flatMap(({ path, breakers }) => [
    ...path,
    ...breakers.map(({ at }) => at),
  ]);
  for (const { x, y } of points) {
    expect(x).toBeGreaterThanOrEqual(0);
    expect(x).toBeLessThanOrEqual(plan.width);
    expect(y).toBeLessThanOrEqual(plan.height);
  }
  const ca = plan.ties.find(({ id }) => id === "ca");
  expect(Math.max(...(ca?.path ?? []).map(({ y }) => y))).toBeGreaterThan(plan.buses[0]?.y ?? 0);
});

it("keeps every unit within its own busbar and apart from the next", () => {
  for (const width of [320, 640, 768, 880, 1280, 1900]) {
    const plan = planDiagram(vessel, width);
    for (const bus of plan.buses) {
      for (const side of ["above", "below"]) {
        const xs = plan.units
          .filter((unit) => unit.grid === bus.grid && unit.side === side)
          .map(({ x }) => x)
          .toSorted((a, b) => a - b);
        for (const [index, x] of xs.entries()) {
          expect(x).toBeGreaterThan(bus.x1);
          expect(x).toBeLessThan(bus.x2);
          if (index > 0) expect(x - (xs[index - 1] ?? 0)).toBeGreaterThanOrEqual(80);
        }
      }
    }
  }
});

it("grows into the height that is offered, as far as its width has room, and never below what it needs", () => {
  const wide = fitDiagram(vessel, 1400, 0);
  expect(wide.scale).toBe(1.4);
  expect(wide.heightMin).toBeCloseTo(wide.height * 1.4);
  const tall = fitDiagram(vessel, 1400, 500);
  expect(tall.scale).toBeCloseTo(1.6);
  expect(fitDiagram(vessel, 1400, 495).scale).toBe(tall.scale);
  expect(tall.width * tall.scale).toBeLessThanOrEqual(1401);
  expect(tall.buses.map(({ y }) => y)).toEqual(wide.buses.map(({ y }) => y));
  // No taller than its width allows.
  // Names stay whole before the picture grows.
  expect(fitDiagram(vessel, 1400, 2000).scale).toBe(tall.scale);
  const narrow = fitDiagram(vessel, 900, 2000);
  expect(narrow.width * narrow.scale).toBeLessThanOrEqual(901);
  expect(narrow.buses[1]?.y).toBe(narrow.buses[0]?.y);
});

it("draws a tie whose grid this node does not know as an open end, that is not at all", () => {
  const half = { ...vessel, grids: vessel.grids.slice(0, 1) };
  expect(planDiagram(half, 880).ties).toEqual([]);
});
