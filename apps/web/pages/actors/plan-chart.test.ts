import { expect, it } from "vitest";
import type { MachineState, MachineTransition } from "../../data/messages.ts";
import { planChart } from "./plan-chart.ts";

const arrow = (event: string, target: string, guard = ""): MachineTransition => ({
  event,
  guard,
  target,
  actions: [],
  description: `${event} ${target}`,
});

const state = (path: string, ...transitions: readonly MachineTransition[]): MachineState => ({
  path,
  description: "",
  initial: "",
  isFinal: false,
  entry: [],
  exit: [],
  transitions,
  states: [],
});

const root: MachineState = {
  ...state(""),
  states: [
    state("ready", arrow("start.requested", "starting"), arrow("scanned", "tripped", "observes")),
    state("starting", arrow("scanned", "running", "isUp"), arrow("scanned", "running", "isFast")),
    state("running", arrow("stop.requested", "ready"), arrow("scanned", "tripped", "observes")),
    state("tripped", arrow("reset.requested", "ready")),
  ],
};

it("places every state, joins arrows between the same two, and says once what feedback leads to from most states", () => {
  const plan = planChart(root);
  expect(plan.nodes.map(({ path }) => path)).toEqual(["ready", "starting", "running", "tripped"]);
  expect(plan.feedback.map(({ target }) => target)).toEqual(["tripped"]);
  const labels = Object.fromEntries(
    plan.edges.map(({ from, to, labels: texts }) => [`${from}>${to}`, texts]),
  );
  expect(labels).toEqual({
    "ready>starting": ["start asked"],
    "starting>running": ["[isUp]", "[isFast]"],
    "running>ready": ["stop asked"],
    "tripped>ready": ["reset asked"],
  });
});

it("lets no two states lie on one another", () => {
  const { nodes, width, height } = planChart(root);
  for (const [index, a] of nodes.entries()) {
    expect(a.x + a.width / 2).toBeLessThanOrEqual(width);
    expect(a.y + a.height / 2).toBeLessThanOrEqual(height);
    for (const b of nodes.slice(index + 1)) {
      const isApart =
        Math.abs(a.x - b.x) >= (a.width + b.width) / 2 ||
        Math.abs(a.y - b.y) >= (a.height + b.height) / 2;
      expect(isApart, `${a.path} and ${b.path}`).toBe(true);
    }
  }
});
