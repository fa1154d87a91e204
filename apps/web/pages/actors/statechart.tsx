import type { JSX } from "preact";
import { useMemo } from "preact/hooks";
import type { Machine, MachineState, Transition } from "../../data/messages.ts";
import { wordsOf } from "../../parts/format.ts";
import { planChart, type ChartEdge } from "./plan-chart.ts";

interface StatechartProps {
  readonly machine: Machine;
  /** Dotted path of the state that is active. */
  readonly state: string;
  readonly last: Transition | null;
}

/** A chart that is wider than its place shrinks so far, then it is scrolled. */
const SCALE_MIN = 0.72;

const NO_STATES: MachineState = {
  path: "",
  description: "",
  initial: "",
  isFinal: false,
  entry: [],
  exit: [],
  transitions: [],
  states: [],
};

/** A machine's statechart with the state that it is in, and the arrow that led there. */
export function Statechart({ machine, state, last }: StatechartProps): JSX.Element {
  const plan = useMemo(() => planChart(machine.root ?? NO_STATES), [machine]);
  const isFeedback = (target: string): boolean =>
    plan.feedback.some((one) => one.target === target);
  return (
    <div class="statechart">
      <div class="table-scroll" tabIndex={0} role="region" aria-label="Statechart, can be scrolled">
        <svg
          width={plan.width}
          height={plan.height}
          viewBox={`0 0 ${plan.width} ${plan.height}`}
          style={{ minWidth: `${Math.round(plan.width * SCALE_MIN)}px` }}
          role="img"
          aria-label={`Machine ${machine.machine}, in state ${wordsOf(state)}; ${plan.nodes.length} states`}
        >
          <defs>
            <marker
              id="arrow"
              viewBox="0 0 10 10"
              refX="9"
              refY="5"
              markerWidth="7"
              markerHeight="7"
              orient="auto"
            >
              <path d="M0 1L9 5L0 9z" class="arrow-head" />
            </marker>
          </defs>
          {plan.edges.map((edge) => {
            const isLast = last !== null && edge.from === last.from && edge.to === last.to;
            return <Edge key={`${edge.from}>${edge.to}`} edge={edge} isLast={isLast} />;
          })}
          {plan.nodes.map(({ path, x, y, width, height, description }) => {
            const isActive = path === state;
            const isLast = last?.from === path && !isActive;
            return (
              <g
                key={path}
                class={`state-node${isActive ? " active" : ""}${isLast ? " before" : ""}`}
              >
                <title>{description}</title>
                <rect x={x - width / 2} y={y - height / 2} width={width} height={height} rx="9" />
                <text x={x} y={y + 4.5}>
                  {isFeedback(path) ? "◆ " : ""}
                  {wordsOf(path)}
                </text>
              </g>
            );
          })}
        </svg>
      </div>
      {plan.feedback.length === 0 ? null : (
        <details class="feedback">
          <summary>◆ What is measured leads here from almost any state</summary>
          <dl class="facts">
            {plan.feedback.map(({ target, meaning }) => (
              <>
                <dt key={target}>{wordsOf(target)}</dt>
                <dd>{meaning}</dd>
              </>
            ))}
          </dl>
        </details>
      )}
    </div>
  );
}

function Edge({ edge, isLast }: { edge: ChartEdge; isLast: boolean }): JSX.Element {
  const { points, labels, x, y } = edge;
  const [start, ...rest] = points;
  const d = `M${start?.x ?? 0} ${start?.y ?? 0}${rest.map((point) => `L${point.x} ${point.y}`).join("")}`;
  const top = y - ((labels.length - 1) * 14) / 2;
  return (
    <g class={isLast ? "edge last" : "edge"}>
      <path d={d} marker-end="url(#arrow)" />
      {labels.map((label, index) => (
        <text key={label} x={x} y={top + index * 14 + 3.5}>
          {label}
        </text>
      ))}
    </g>
  );
}
