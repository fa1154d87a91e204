import { graphlib, layout } from "@dagrejs/dagre";
import type { MachineState } from "../../data/messages.ts";

export interface ChartNode {
  readonly path: string;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly entry: readonly string[];
  readonly description: string;
}

export interface ChartEdge {
  readonly from: string;
  readonly to: string;
  readonly labels: readonly string[];
  readonly points: readonly { readonly x: number; readonly y: number }[];
  readonly x: number;
  readonly y: number;
}

export interface ChartPlan {
  readonly width: number;
  readonly height: number;
  readonly nodes: readonly ChartNode[];
  readonly edges: readonly ChartEdge[];
  /** Targets that feedback leads to from most states: listed, not drawn from each. */
  readonly feedback: readonly { readonly target: string; readonly meaning: string }[];
}

const CHARACTER = 7;
const LABEL_CHARACTER = 6;
const NODE_HEIGHT = 34;
const LABEL_HEIGHT = 15;
const LABEL_COUNT_MAX = 2;
/** States from which on a chart is drawn from top to bottom. */
const LARGE_COUNT = 6;

/** All leaves of a machine, outermost first. */
export function leavesOf(state: MachineState): MachineState[] {
  return state.states.length === 0 ? [state] : state.states.flatMap(leavesOf);
}

/**
 * Places a statechart's states and arrows. Where measured values alone lead to one state from at least half of the others, that is
 * said once instead of drawn from each.
 */
export function planChart(root: MachineState): ChartPlan {
  const states = leavesOf(root).filter(({ path }) => path !== "");
  const feedback = commonFeedback(states);
  const isCommon = new Set(feedback.map(({ target }) => target));
  const arrows = new Map<string, { from: string; to: string; labels: string[] }>();
  for (const state of states) {
    for (const { event, guard, target } of state.transitions) {
      if (target === "" || target === state.path) continue;
      if (guard === "observes" && isCommon.has(target)) continue;
      const key = `${state.path}>${target}`;
      const arrow = arrows.get(key) ?? { from: state.path, to: target, labels: [] };
      arrow.labels.push(labelOf(event, guard));
      arrows.set(key, arrow);
    }
  }
  const graph = new graphlib.Graph();
  const isLarge = states.length > LARGE_COUNT;
  graph.setGraph({
    // A long machine reads downwards: it fits the width of a page then.
    rankdir: isLarge ? "TB" : "LR",
    nodesep: isLarge ? 34 : 22,
    ranksep: isLarge ? 26 : 46,
    edgesep: 14,
    marginx: 8,
    marginy: 8,
  });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const { path } of states) {
    graph.setNode(path, { width: Math.max(74, path.length * CHARACTER + 26), height: NODE_HEIGHT });
  }
  for (const { from, to, labels } of arrows.values()) {
    const shown = shorten(labels);
    const width = Math.max(...shown.map((text) => text.length)) * LABEL_CHARACTER + 8;
    if (graph.hasNode(to))
      graph.setEdge(from, to, { width, height: shown.length * LABEL_HEIGHT, labelpos: "c" });
  }
  layout(graph);
  const size = graph.graph() as { width?: number; height?: number };
  return {
    width: size.width ?? 0,
    height: size.height ?? 0,
    nodes: states.map(({ path, entry, description }) => {
      const { x, y, width, height } = graph.node(path) as ChartNode;
      return { path, x, y, width, height, entry, description };
    }),
    edges: [...arrows.values()].flatMap(({ from, to, labels }) => {
      const edge = graph.edge(from, to) as ChartEdge | undefined;
      if (edge === undefined) return [];
      return [{ from, to, labels: shorten(labels), points: edge.points, x: edge.x, y: edge.y }];
    }),
    feedback,
  };
}

const labelOf = (event: string, guard: string): string => {
  const name = event.replace(/\.requested$/, " asked");
  return guard === "" ? name : event === "scanned" ? `[${guard}]` : `${name} [${guard}]`;
};

function shorten(labels: readonly string[]): string[] {
  const unique = [...new Set(labels)];
  if (unique.length <= LABEL_COUNT_MAX) return unique;
  return [
    ...unique.slice(0, LABEL_COUNT_MAX - 1),
    `and ${unique.length - LABEL_COUNT_MAX + 1} more`,
  ];
}

function commonFeedback(states: readonly MachineState[]): { target: string; meaning: string }[] {
  const sources = new Map<string, { count: number; meaning: string }>();
  for (const { transitions } of states) {
    for (const { guard, target, description } of transitions) {
      if (guard !== "observes" || target === "") continue;
      const one = sources.get(target) ?? { count: 0, meaning: description };
      sources.set(target, { count: one.count + 1, meaning: one.meaning || description });
    }
  }
  return [...sources]
    .filter(([, { count }]) => count * 2 >= states.length - 1)
    .map(([target, { meaning }]) => ({ target, meaning }));
}
