import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { AnyStateMachine } from "xstate";
import { batteryMachine } from "../actors/machines/battery.ts";
import { breakerMachine } from "../actors/machines/breaker.ts";
import { busTieMachine } from "../actors/machines/bus-tie.ts";
import { feederMachine } from "../actors/machines/feeder.ts";
import { gensetMachine } from "../actors/machines/genset.ts";
import { gridMachine } from "../actors/machines/grid.ts";
import { meterMachine } from "../actors/machines/meter.ts";
import { pvMachine } from "../actors/machines/pv.ts";
import { shoreMachine } from "../actors/machines/shore.ts";
import { thrusterMachine } from "../actors/machines/thruster.ts";
import { replicate } from "../actors/runtime/machine-adapter.ts";
import type {
  MachineDescription,
  StateDescription,
  TransitionDescription,
} from "../actors/runtime/machine-definition.ts";
import { mermaidOf } from "../actors/runtime/machine-mermaid.ts";
import type { DeviceKind } from "../kernel/device-kinds.ts";
import { DEVICE_KINDS } from "../kernel/device-kinds.ts";

interface Machine {
  readonly title: string;
  readonly machine: AnyStateMachine;
  /** Source of its time-outs. */
  readonly file: string;
  readonly kinds: readonly DeviceKind[];
  readonly standsFor: string;
}

const MACHINES: readonly Machine[] = [
  {
    title: "Grid",
    machine: gridMachine,
    file: "grid",
    kinds: [],
    standsFor:
      "How a grid (switchboard section) is operated. In `auto` R-EMS decides, in `semi` operators do through R-EMS. `switchboard` is an input: the selectors at the sources say so, nobody commands it.",
  },
  {
    title: "Genset",
    machine: gensetMachine,
    file: "genset",
    kinds: ["genset"],
    standsFor:
      "A generating set with its breaker. R-EMS asks; the genset controller cranks, synchronises and protects. Start time-out and cooldown come from the manifest (`start_timeout_s`, `cooldown_s`).",
  },
  {
    title: "Battery",
    machine: batteryMachine,
    file: "battery",
    kinds: ["battery"],
    standsFor:
      "A battery with its converter and breaker. The states are the converter's own; R-EMS passes requests on and waits.",
  },
  {
    title: "Shore connection, point of interconnection",
    machine: shoreMachine,
    file: "shore",
    kinds: ["shore"],
    standsFor:
      "A supply that is not ours. In `transferring`, load goes to it or comes back from it.",
  },
  {
    title: "PV inverter",
    machine: pvMachine,
    file: "pv",
    kinds: ["pv"],
    standsFor: "A photovoltaic inverter. It connects and feeds by itself; R-EMS only limits it.",
  },
  {
    title: "Thruster",
    machine: thrusterMachine,
    file: "thruster",
    kinds: ["thruster"],
    standsFor:
      "A thruster or other heavy consumer. It asks, waits until enough capacity is free, is granted, and gives the power back. A grant and its withdrawal act through the set-points of its drive.",
  },
  {
    title: "Breaker, bus-tie breaker, feeder",
    machine: breakerMachine,
    file: "breaker",
    kinds: ["breaker", "busTie", "feeder"],
    standsFor:
      "A breaker that moves on request only. One chart for a breaker within a busbar, for each of the two breakers of a bus-tie (the tie is closed when both are), and for a feeder of consumers.",
  },
  {
    title: "Meter",
    machine: meterMachine,
    file: "meter",
    kinds: ["meter"],
    standsFor: "A meter measures, or does not.",
  },
];

const root = dirname(dirname(fileURLToPath(import.meta.url)));

const HEAD = `---
ems_section: "01-core-functionality"
ems_subsection: "machines"
ems_type: "reference"
ems_scope: "actors/machines"
ems_description: "The statechart of each kind of device and of a grid: states, what leads from one to another, commands, time-outs."
ems_version: "0.1.0"
ems_owner: "r-ems maintainers"
---

# Machines

Generated from the code by \`npx tsx scripts/generate-machine-docs.ts\`; do not edit. A test fails while it is out of date.

Each device of a grid is an actor with one of these statecharts, and so is the grid. Two rules make them readable:

- **Feedback wins.** Measured values alone often speak for a state: a set that runs with its breaker closed is \`onLoad\`, whatever was asked. In the
  diagrams an arrow \`feedback\` from *any state* stands for these; the table below each diagram says when. Where it says *not from*, feedback has no such effect in that state, or
  the arrow is drawn for itself.
- **A command's fate decides nothing by itself.** A command that was dropped, or of which nobody knows whether it was written, is decided on what is
  measured next.

An arrow reads *event [guard]*. \`scanned\` is the event of each control cycle in which something that the machine reads has changed or a time-out is due.
Lines inside a state are commands given on entry, and requests and commands that do not leave it. What a machine only remembers for itself is left out.
`;

/** The page on all statecharts, as Markdown. */
export function machinePage(): string {
  assertSameChart(breakerMachine, busTieMachine);
  assertSameChart(breakerMachine, feederMachine);
  return [HEAD, ...MACHINES.map(section)].join("\n");
}

/** @throws {@link TypeError} if two machines that share a diagram differ in more than their name. */
function assertSameChart(one: AnyStateMachine, other: AnyStateMachine): void {
  const shape = (machine: AnyStateMachine) => JSON.stringify(describe(machine).root);
  if (shape(one) !== shape(other)) {
    throw new TypeError(`${one.id} and ${other.id} no longer share a chart: give each a section`);
  }
}

function describe(machine: AnyStateMachine): MachineDescription {
  return replicate(machine).definition() as unknown as MachineDescription;
}

function section({ title, machine, file, kinds, standsFor }: Machine): string {
  const { folded, feedback } = fold(describe(machine));
  const parts = [
    `## ${title}\n`,
    `${standsFor} Source: \`actors/machines/${file}.ts\`.\n`,
    `\`\`\`mermaid\n${mermaidOf(folded)}\`\`\`\n`,
  ];
  if (feedback.length > 0) {
    parts.push(
      table(
        ["feedback shows", "state", "not from"],
        feedback.map(({ meaning, target, exceptions }) => [
          meaning,
          `\`${target}\``,
          exceptions.map((state) => `\`${state}\``).join(", ") || "–",
        ]),
      ),
    );
  }
  const commands = commandsOf(kinds);
  if (commands.size > 0) {
    parts.push(
      table(
        ["command", "meaning"],
        [...commands].map(([name, meaning]) => [`\`${name}\``, meaning]),
      ),
    );
  }
  const limits = limitsOf(file);
  if (limits.length > 0) parts.push(table(["time-out or limit", "value", "remark"], limits));
  return parts.join("\n");
}

/** Commands of the kinds by name; where kinds word one differently, each meaning is given. */
function commandsOf(kinds: readonly DeviceKind[]): ReadonlyMap<string, string> {
  const meanings = new Map<string, string>();
  for (const kind of kinds) {
    for (const [name, meaning] of Object.entries(DEVICE_KINDS[kind].commands)) {
      const before = meanings.get(name);
      if (before === undefined) meanings.set(name, meaning);
      else if (!before.includes(meaning)) meanings.set(name, `${before}; ${kind}: ${meaning}`);
    }
  }
  return meanings;
}

interface Feedback {
  readonly meaning: string;
  readonly target: string;
  /** States that feedback does not turn into this one. */
  readonly exceptions: readonly string[];
}

const isFeedback = (transition: TransitionDescription) =>
  transition.guard === "observes" && transition.target !== "" && transition.actions.length === 0;

/**
 * Draws feedback that counts in at least half of the states once, from any state; the table says from which it does not lead. Leaves out
 * what a machine only remembers for itself.
 */
function fold(machine: MachineDescription): {
  readonly folded: MachineDescription;
  readonly feedback: readonly Feedback[];
} {
  const { states } = machine.root;
  const all = states.map((state) => state.path);
  const sources = new Map<string, string[]>();
  const meanings = new Map<string, string>();
  for (const state of states) {
    for (const { target, description } of state.transitions.filter(isFeedback)) {
      sources.set(target, [...(sources.get(target) ?? []), state.path]);
      if (!meanings.has(target)) meanings.set(target, description);
    }
  }
  const common = [...sources].filter(([, from]) => from.length * 2 >= all.length - 1);
  const feedback = common.map(([target, from]) => ({
    target,
    meaning: meanings.get(target) ?? "",
    exceptions: all.filter((path) => path !== target && !from.includes(path)),
  }));
  const isCommon = (target: string) => common.some(([name]) => name === target);
  const drawn = (state: StateDescription): StateDescription => ({
    ...state,
    entry: state.entry.filter(isCommand),
    exit: state.exit.filter(isCommand),
    transitions: joined(
      state.transitions
        .filter((one) => !(isFeedback(one) && isCommon(one.target)))
        .filter(isShown)
        .map((one) => (one.guard === "observes" ? feedbackTo(one.target) : one)),
    ),
  });
  const transitions = [
    ...machine.root.transitions.filter(isShown),
    ...common.map(([target]) => feedbackTo(target)),
  ];
  return {
    folded: { ...machine, root: { ...machine.root, states: states.map(drawn), transitions } },
    feedback,
  };
}

/** Transitions between the same two states as one arrow with all their labels. */
function joined(transitions: readonly TransitionDescription[]): readonly TransitionDescription[] {
  const arrows = new Map<string, TransitionDescription>();
  for (const one of transitions) {
    const label = one.guard === "" ? one.event : `${one.event} [${one.guard}]`;
    const key = one.target === "" ? label : one.target;
    const before = arrows.get(key);
    const event = before === undefined ? label : `${before.event}, ${label}`;
    arrows.set(key, { ...one, event, guard: "" });
  }
  return [...arrows.values()];
}

const isCommand = (action: string) => action === "command";
const isShown = ({ target, event, actions }: TransitionDescription) =>
  target !== "" || event.endsWith(".requested") || actions.some(isCommand);
const feedbackTo = (target: string): TransitionDescription => ({
  event: "feedback",
  guard: "",
  target,
  actions: [],
  description: "",
});

/** Constants of a machine's source that are times or counts, with their doc comments. */
function limitsOf(file: string): string[][] {
  const source = readFileSync(join(root, "actors", "machines", `${file}.ts`), "utf8");
  const constants = source.matchAll(
    /(?:\/\*\* (?<remark>.+) \*\/\n)?^const (?<name>[A-Z_]+(?:_MS|_COUNT_MAX)) = (?<value>[\d_]+);$/gm,
  );
  return [...constants].map(({ groups }) => {
    const { name = "", value = "", remark = "" } = groups ?? {};
    const number = Number(value.replaceAll("_", ""));
    const words = name
      .replace(/_MS$|_COUNT_MAX$/, "")
      .toLowerCase()
      .replaceAll("_", " ");
    return [
      words,
      name.endsWith("_MS") ? `${number / 1000} s` : `at most ${number}`,
      remark || "–",
    ];
  });
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return `${[line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n")}\n`;
}
