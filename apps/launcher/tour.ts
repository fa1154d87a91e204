import type { Manifest } from "../../configs/manifest.ts";
import { RemsError } from "../../kernel/errors.ts";
import { failoverTexts } from "./plain-lines.ts";
import type { RunContext } from "./run.ts";
import type { Action } from "./schedule.ts";

/** One step of the tour. */
export interface TourStep {
  readonly atS: number;
  /** What is about to be seen, in a sentence or two. */
  sentence(context: RunContext): string;
  /** So many failovers must have been measured first; a busy machine needs a while. */
  readonly failoverCountMin?: number;
  /** Devices without which the step has no meaning. */
  readonly needs: readonly string[];
  perform?(context: RunContext): Promise<string>;
}

const MEASURED_MS_MAX = 20_000;

const act = (action: Action) => ({
  perform: (context: RunContext) => context.faults.perform(action),
});

const statusOf = (context: RunContext, grid: string) =>
  context.installation.grids().find(({ config }) => config.id === grid)?.status ?? null;

function deviceOf(context: RunContext, device: string) {
  const all = context.installation.grids().flatMap(({ status }) => status?.devices ?? []);
  return all.find((one) => one.device === device);
}

/** What R-EMS itself gives as reasons, for a step that went another way than the book says. */
function whyOf(context: RunContext, grid: string): string {
  const reasons = statusOf(context, grid)?.why ?? [];
  return reasons.length === 0 ? "it gives no reason" : reasons.slice(0, 2).join("; ");
}

const freeKwOf = (context: RunContext, grid: string) =>
  Math.round(statusOf(context, grid)?.plant?.freeKw ?? 0);

function lastFailoverText({ failovers }: RunContext): string {
  const last = failovers.at(-1);
  if (last === undefined) return "No failover was measured yet.";
  const [what, plant] = failoverTexts(last);
  return `Measured at the devices: ${what}. ${plant}.`;
}

/** An operator's command to a device, through the leader of its grid. */
async function command(context: RunContext, grid: string, device: string, name: string) {
  const { installation } = context;
  const leader = installation.grids().find(({ config }) => config.id === grid)?.leader ?? null;
  if (leader === null) throw new RemsError("REMS_REQUEST_REFUSED", `nobody leads ${grid}`);
  const actor = `grids/${grid}/devices/${device}`;
  const { isAccepted, reason } = await installation.node(leader).operator.command(actor, name);
  if (!isAccepted) throw new RemsError("REMS_REQUEST_REFUSED", `R-EMS refuses: ${reason}`);
  return `R-EMS accepts: ${reason}`;
}

const VESSEL: readonly TourStep[] = [
  {
    atS: 0,
    needs: ["dg1", "dg3"],
    sentence: () =>
      "Two switchboards, split: DG1 carries port, DG3 starboard. Three nodes: one leads each grid (switchboard section), the others stand by with the same state.",
  },
  {
    atS: 20,
    needs: [],
    sentence: () => "The node that leads port is killed, kill -9. The first standby commands next.",
    ...act({ type: "kill-leader", grid: "port" }),
  },
  { atS: 27, needs: [], failoverCountMin: 1, sentence: lastFailoverText },
  {
    atS: 33,
    needs: [],
    sentence: () =>
      "The killed node is started again. It comes back as a standby: leadership does not move back by itself.",
    ...act({ type: "restart" }),
  },
  {
    atS: 40,
    needs: ["btp", "bts"],
    sentence: () =>
      "An operator closes the bus-tie: the second breaker synchronises in the device, two islands become one, and the sets share the load.",
    ...act({ type: "tie", isClosing: true }),
  },
  {
    atS: 65,
    needs: ["dg3"],
    sentence: (context) =>
      `One set could carry this load. R-EMS waits to be sure before it stops one: ${whyOf(context, "port")}`,
  },
  {
    atS: 120,
    needs: ["dg3"],
    sentence: (context) =>
      deviceOf(context, "dg3")?.isClosed === false
        ? `DG3 has stopped: the whole load runs on one set, which burns less for each kWh (fuel now ${Math.round(context.installation.plant()?.fuelKgPerH ?? 0)} kg/h).`
        : `DG3 still runs, other than planned for here. R-EMS says why: ${whyOf(context, "port")}`,
  },
  {
    atS: 130,
    needs: ["bt1"],
    sentence: (context) =>
      `Thruster BT1 asks for 600 kW; ${freeKwOf(context, "port")} kW are free. It gets what is there once a further set carries load, not before.`,
    ...act({ type: "thruster", device: "bt1", demandKw: 600 }),
  },
  {
    atS: 180,
    needs: ["bt2"],
    sentence: (context) =>
      `Thruster BT2 asks too; ${freeKwOf(context, "port")} kW are free: a third set comes first.`,
    ...act({ type: "thruster", device: "bt2", demandKw: 600 }),
  },
  {
    atS: 230,
    needs: ["dg1"],
    sentence: () =>
      "DG1 trips by its own protection. The drives phase back within milliseconds, the battery carries the gap, R-EMS starts the next set.",
    ...act({ type: "trip", device: "dg1" }),
  },
  {
    atS: 260,
    needs: [],
    sentence: () =>
      "All controllers are killed for 10 s. Machines hold by their own governors and droop: no breaker moves, the lights stay on.",
    ...act({ type: "kill-all", durationMs: 10_000 }),
  },
  { atS: 284, needs: [], sentence: lastFailoverText },
  {
    atS: 290,
    needs: [],
    sentence: () => "That was the tour. npm start shows it live: try the keys.",
  },
];

const LAND: readonly TourStep[] = [
  {
    atS: 0,
    needs: ["q0"],
    sentence: () =>
      "A land site at eight in the morning, grid-connected. The batteries shave what the site draws from the utility.",
  },
  {
    atS: 20,
    needs: [],
    sentence: () => "The node that leads the site is killed, kill -9. The standby commands next.",
    ...act({ type: "kill-leader", grid: "site" }),
  },
  { atS: 27, needs: [], failoverCountMin: 1, sentence: lastFailoverText },
  {
    atS: 33,
    needs: [],
    sentence: () => "The killed node is started again and comes back as a standby.",
    ...act({ type: "restart" }),
  },
  {
    atS: 50,
    needs: ["q0"],
    sentence: () =>
      "The utility fails without warning: the interface relay opens Q0, the batteries form the grid.",
    ...act({ type: "grid-loss" }),
  },
  {
    atS: 60,
    needs: ["bat-a"],
    sentence: (context) =>
      deviceOf(context, "q0")?.isClosed === false
        ? `The site is islanded: ${(statusOf(context, "site")?.plant?.frequencyHz ?? 0).toFixed(2)} Hz.`
        : `Q0 has not opened, other than planned for here: ${whyOf(context, "site")}`,
  },
  {
    atS: 100,
    needs: ["pv"],
    sentence: () => "A cloud: PV gives 70 % less, the batteries take over.",
    ...act({ type: "pv-cloud", dropPct: 70 }),
  },
  {
    atS: 140,
    needs: ["q0"],
    sentence: () =>
      "The utility is back. R-EMS waits before it reconnects: supplies come back in bits.",
    ...act({ type: "grid-return" }),
  },
  {
    atS: 180,
    needs: ["q0"],
    sentence: () => "An operator asks for islanding on purpose: open Q0.",
    perform: (context) => command(context, "site", "q0", "open"),
  },
  {
    atS: 220,
    needs: ["q0"],
    sentence: () => "And back: synchronise in the device, then close Q0.",
    perform: (context) => command(context, "site", "q0", "syncAndClose"),
  },
  {
    atS: 250,
    needs: [],
    sentence: () => "That was the tour. Try the keys: npm start -- --example land-battery",
  },
];

/** The steps for a manifest: those of the vessel or of the land site. */
export function tourOf(manifest: Manifest): readonly TourStep[] {
  return manifest.installation.kind === "vessel" ? VESSEL : LAND;
}

/** Why a step has nothing to act on in this installation; null if it has. */
export function whatIsMissing(step: TourStep, manifest: Manifest): string | null {
  const devices = new Set(manifest.grids.flatMap((grid) => grid.devices).map(({ id }) => id));
  const missing = step.needs.filter((device) => !devices.has(device));
  return missing.length === 0 ? null : `this installation has no ${missing.join(", ")}`;
}

/** Plays the tour. @returns what ends it. */
export function startTour(context: RunContext): () => void {
  const { manifest } = context.installation;
  const steps = tourOf(manifest);
  const last = steps.at(-1);
  const timers = steps.map((step) =>
    setTimeout(() => {
      void play(step, context);
    }, step.atS * 1000),
  );
  timers.push(setTimeout(() => context.end(), ((last?.atS ?? 0) + 10) * 1000));
  return () => timers.forEach((timer) => clearTimeout(timer));
}

async function untilMeasured({ failovers }: RunContext, countMin: number): Promise<void> {
  const deadlineMs = performance.now() + MEASURED_MS_MAX;
  while (failovers.length < countMin && performance.now() < deadlineMs) {
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

async function play(step: TourStep, context: RunContext): Promise<void> {
  const missing = whatIsMissing(step, context.installation.manifest);
  if (missing !== null) {
    context.tell({ type: "tour", text: `This step is left out: ${missing}.` });
    return;
  }
  await untilMeasured(context, step.failoverCountMin ?? 0);
  context.tell({ type: "tour", text: step.sentence(context) });
  if (step.perform === undefined) return;
  try {
    context.tell({ type: "action", isDone: true, text: await step.perform(context) });
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const text = `${message.replaceAll(/ \[REMS_\w+\]/g, "")}; the tour goes on`;
    context.tell({ type: "action", isDone: false, text });
  }
}
