import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { request, RequestError } from "../data/node-link.ts";
import type { Device, GridStatus, Reply } from "../data/messages.ts";
import { paths } from "../data/paths.ts";
import { devices, grids, ties, type PlacedDevice } from "../data/store.ts";
import { ask } from "../parts/dialog.tsx";
import { fixed, span, wordsOf } from "../parts/format.ts";
import { tell } from "../parts/notices.tsx";
import { useAnswer } from "../parts/use-answer.ts";
import "./simulation.css";

interface SimulationState {
  readonly actions: readonly { readonly form: string; readonly meaning: string }[];
  readonly nodes: readonly { readonly node: string; readonly state: string }[];
  readonly underWay: string | null;
  readonly runningMs: number;
  readonly isLand: boolean;
}

const EVERY_MS = 1000;

/** Breaks a simulated installation on purpose. The launcher carries it out; what follows is seen on the other pages. */
export default function SimulationPage(): JSX.Element {
  const { value, failure } = useAnswer<SimulationState>(paths.simulation, EVERY_MS);
  if (value === null) {
    return (
      <section class="panel empty">
        <h1>{failure === "" ? "Asking the simulation …" : "Nobody takes faults here"}</h1>
        <p>
          {failure === ""
            ? ""
            : `${failure}. Faults are carried out by the launcher behind “npm start”.`}
        </p>
      </section>
    );
  }
  return (
    <div class="stack">
      <div class="page-head">
        <h1>Simulation</h1>
        <p>
          runs for {span(value.runningMs)}
          {value.underWay === null ? "" : `; ${value.underWay}`}
        </p>
      </div>
      <div class="columns">
        <Nodes state={value} />
        <Plant isLand={value.isLand} />
        <Loads />
        <FreeAction state={value} />
      </div>
    </div>
  );
}

async function perform(action: string): Promise<void> {
  try {
    const { isAccepted, reason } = await request<Reply>(paths.simulation, { action });
    tell(reason, !isAccepted);
  } catch (error) {
    // Whoever kills the node that passes the order on hears no answer.
    const isGone = error instanceof RequestError && error.status === 0;
    if (isGone) tell(`${action}: the node that passed it on has gone`);
    else tell(`${action}: ${error instanceof Error ? error.message : String(error)}`, true);
  }
}

function confirmed(action: string, title: string, body: string): void {
  ask({ title, body, confirm: "Do it", isDangerous: true, act: () => perform(action) });
}

function Nodes({ state }: { state: SimulationState }): JSX.Element {
  const isAnyDown = state.nodes.some((node) => node.state !== "up");
  return (
    <section class="panel">
      <h2>Controllers and nodes</h2>
      <ul class="actions">
        {grids.value.map(({ grid, leader, name }) => (
          <li key={grid}>
            <span>
              {name}, led by <strong>{leader === "" ? "nobody" : leader}</strong>
            </span>
            <button
              type="button"
              class="small"
              onClick={() =>
                confirmed(
                  `kill-leader=${grid}`,
                  `Kill the leader of ${grid}?`,
                  `The process of ${leader} gets SIGKILL. The next in order takes over.`,
                )
              }
            >
              Kill leader
            </button>
            <button
              type="button"
              class="small"
              onClick={() => void perform(`pause-leader=${grid}:2s`)}
            >
              Pause leader 2 s
            </button>
            <button type="button" class="small" onClick={() => void perform(`power-cut=${grid}`)}>
              Cut its power
            </button>
            <button
              type="button"
              class="small"
              onClick={() => void perform(`cut-plant=${grid}:20s`)}
            >
              Cut its devices 20 s
            </button>
          </li>
        ))}
        {state.nodes.map(({ node, state: is }) => (
          <li key={node}>
            <span>
              Node {node}: {wordsOf(is)}
            </span>
            <button
              type="button"
              class="small"
              disabled={is !== "up"}
              onClick={() => void perform(`kill-node=${node}`)}
            >
              Kill
            </button>
            <button
              type="button"
              class="small"
              disabled={is !== "up"}
              onClick={() => void perform(`cut-node=${node}:3s`)}
            >
              Cut network 3 s
            </button>
          </li>
        ))}
        <li>
          <span>All of them</span>
          <button
            type="button"
            class="small"
            disabled={!isAnyDown}
            onClick={() => void perform("restart")}
          >
            Start all that are down
          </button>
          <button
            type="button"
            class="small"
            onClick={() =>
              confirmed(
                "kill-all=10s",
                "Kill all controllers for 10 s?",
                "The plant goes on by itself: this page loses its nodes and finds them again.",
              )
            }
          >
            Kill all for 10 s
          </button>
        </li>
      </ul>
    </section>
  );
}

function Plant({ isLand }: { isLand: boolean }): JSX.Element {
  const sources = devices.value.filter(({ kind }) => ["genset", "battery", "shore"].includes(kind));
  return (
    <section class="panel">
      <h2>Plant</h2>
      <ul class="actions">
        {ties.value.map(({ id, breakers }) => (
          <li key={id}>
            <span>Bus-tie {breakers.map(({ device }) => nameOf(device)).join("–")}</span>
            <button type="button" class="small" onClick={() => void perform("tie=close")}>
              Close
            </button>
            <button type="button" class="small" onClick={() => void perform("tie=open")}>
              Open
            </button>
          </li>
        ))}
        {isLand ? (
          <li>
            <span>Utility and sun</span>
            <button type="button" class="small" onClick={() => void perform("grid-loss")}>
              Lose the utility
            </button>
            <button type="button" class="small" onClick={() => void perform("grid-return")}>
              It comes back
            </button>
            <button type="button" class="small" onClick={() => void perform("pv-cloud=70")}>
              Cloud −70 %
            </button>
            <button type="button" class="small" onClick={() => void perform("pv-cloud=0")}>
              Sun
            </button>
          </li>
        ) : null}
        {sources.map(({ device, name, state, activePowerKw }) => (
          <li key={device}>
            <span>
              {name}: {wordsOf(state)}, {fixed(activePowerKw)} kW
            </span>
            <button type="button" class="small" onClick={() => void perform(`trip=${device}`)}>
              Trip by its protection
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}

const nameOf = (id: string): string =>
  devices.value.find(({ device }) => device === id)?.name ?? id;

const STEPS_KW = [-100, -50, 50, 100, 200] as const;

function Loads(): JSX.Element {
  const feeders = devices.value.filter(({ kind }) => kind === "feeder");
  const thrusters = devices.value.filter(({ kind }) => kind === "thruster");
  return (
    <section class="panel">
      <h2>Loads</h2>
      <ul class="actions">
        {feeders.map(({ device, name, activePowerKw }) => (
          <li key={device}>
            <span>
              {name}: {fixed(activePowerKw)} kW
            </span>
            {STEPS_KW.map((kw) => (
              <button
                key={kw}
                type="button"
                class="small"
                aria-label={`${name} ${kw > 0 ? "plus" : "minus"} ${Math.abs(kw)} kW`}
                onClick={() => void perform(`load-step=${device}:${kw}`)}
              >
                {kw > 0 ? "+" : "−"}
                {Math.abs(kw)}
              </button>
            ))}
          </li>
        ))}
        {thrusters.map((thruster) => (
          <Thruster key={thruster.device} thruster={thruster} />
        ))}
      </ul>
    </section>
  );
}

/** So long a lever stays where it was let go, until the drive says where it stands. */
const LEVER_SETTLES_MS = 2500;

function Thruster({ thruster }: { thruster: PlacedDevice & { grid: GridStatus } }): JSX.Element {
  const { device, name, activePowerKw, state, ratingKw } = thruster;
  const told = useAnswer<{ devices: readonly Device[] }>(paths.devicesWithPoints(device), EVERY_MS);
  const point = told.value?.devices[0]?.points.find((one) => one.point === "demandKw");
  const [movedKw, setMovedKw] = useState<number | null>(null);
  const demandKw = movedKw ?? point?.value?.number ?? 0;
  const mostKw = ratingKw > 0 ? ratingKw : 600;
  const settling = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  useEffect(() => () => clearTimeout(settling.current), []);
  const move = (kw: number): void => {
    clearTimeout(settling.current);
    setMovedKw(kw);
  };
  const letGo = async (kw: number): Promise<void> => {
    await perform(`thruster=${device}:${kw}`);
    settling.current = setTimeout(() => setMovedKw(null), LEVER_SETTLES_MS);
  };
  return (
    <li>
      <span>
        {name}: {wordsOf(state)}, {fixed(activePowerKw)} kW
      </span>
      <label class="lever">
        <span class="hidden">Lever of {name}, kW</span>
        <input
          type="range"
          min="0"
          max={mostKw}
          step="20"
          value={demandKw}
          onInput={(event) => move(Number(event.currentTarget.value))}
          onChange={(event) => void letGo(Number(event.currentTarget.value))}
        />
        <output class="number">asks {fixed(demandKw)} kW</output>
      </label>
    </li>
  );
}

function FreeAction({ state }: { state: SimulationState }): JSX.Element {
  const [action, setAction] = useState("");
  return (
    <section class="panel">
      <h2>Anything else</h2>
      <form
        class="toolbar"
        onSubmit={(event) => {
          event.preventDefault();
          if (action !== "") void perform(action);
        }}
      >
        <label class="field free-action">
          Action, as “npm start -- --at 0s:…” takes it
          <input
            list="actions"
            value={action}
            placeholder="delay=n2:30ms:5s"
            onInput={(event) => setAction(event.currentTarget.value)}
          />
        </label>
        <datalist id="actions">
          {state.actions.map(({ form, meaning }) => (
            <option key={form} value={form}>
              {meaning}
            </option>
          ))}
        </datalist>
        <button type="submit">Do it</button>
      </form>
      <details class="forms">
        <summary>All actions</summary>
        <dl class="facts">
          {state.actions.map(({ form, meaning }) => (
            <>
              <dt key={form}>
                <code>{form}</code>
              </dt>
              <dd>{meaning}</dd>
            </>
          ))}
        </dl>
      </details>
    </section>
  );
}
