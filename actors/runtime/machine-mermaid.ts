import type {
  MachineDescription,
  StateDescription,
  TransitionDescription,
} from "./machine-definition.ts";

/** A machine as a Mermaid `stateDiagram-v2`. Transitions of the machine itself start at the pseudo-state "any state". */
export function mermaidOf(machine: MachineDescription): string {
  const lines = ["stateDiagram-v2"];
  writeStates(machine.root, "  ", lines);
  if (machine.root.transitions.length > 0) {
    lines.push('  state "any state" as any_state');
    writeTransitions(machine.root.transitions, "any_state", lines);
  }
  return `${lines.join("\n")}\n`;
}

function writeStates(parent: StateDescription, indent: string, lines: string[]): void {
  if (parent.initial !== "") lines.push(`${indent}[*] --> ${idOf(parent.initial)}`);
  for (const state of parent.states) {
    const id = idOf(state.path);
    // Always by name: a state of which Mermaid knows a text line only is drawn without it.
    lines.push(`${indent}state "${lastOf(state.path)}" as ${id}`);
    if (state.states.length > 0) {
      lines.push(`${indent}state ${id} {`);
      writeStates(state, `${indent}  `, lines);
      lines.push(`${indent}}`);
    }
    for (const action of state.entry) lines.push(`${indent}${id} : entry / ${labelOf(action)}`);
    for (const action of state.exit) lines.push(`${indent}${id} : exit / ${labelOf(action)}`);
    if (state.isFinal) lines.push(`${indent}${id} --> [*]`);
  }
  // Mermaid draws a transition between two composite states only where it stands outside both: all go to the top.
  if (parent.path === "") writeAll(parent, lines);
}

function writeAll(parent: StateDescription, lines: string[]): void {
  for (const state of parent.states) {
    writeTransitions(state.transitions, idOf(state.path), lines);
    writeAll(state, lines);
  }
}

function writeTransitions(
  transitions: readonly TransitionDescription[],
  from: string,
  lines: string[],
): void {
  for (const transition of transitions) {
    const guard = transition.guard === "" ? "" : `[${transition.guard}]`;
    const label = labelOf([transition.event, guard].filter((part) => part !== "").join(" "));
    if (transition.target !== "") {
      lines.push(`  ${from} --> ${idOf(transition.target)}${label === "" ? "" : ` : ${label}`}`);
    } else if (transition.actions.length > 0) {
      lines.push(`  ${from} : ${label} / ${transition.actions.map(labelOf).join(", ")}`);
    }
  }
}

function idOf(path: string): string {
  return path.replaceAll(/[^A-Za-z0-9_]/g, "_");
}

function lastOf(path: string): string {
  return path.slice(path.lastIndexOf(".") + 1);
}

/** Colons and semicolons end a label in Mermaid. */
function labelOf(text: string): string {
  return text.replaceAll(/[:;\n]/g, " ");
}
