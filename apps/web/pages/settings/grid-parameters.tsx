import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import {
  endTrial,
  tryValues,
  type Configuration,
  type Parameters,
  type ParameterValue,
} from "../../data/configuration.ts";
import type { GridStatus, Reply } from "../../data/messages.ts";
import { paths } from "../../data/paths.ts";
import { grids } from "../../data/store.ts";
import { ask } from "../../parts/dialog.tsx";
import { tell } from "../../parts/notices.tsx";
import { useAnswer } from "../../parts/use-answer.ts";
import { differenceOf, groupParameters, type Parameter } from "./parameter-groups.ts";

const EVERY_MS = 1000;

/** What may change while a grid runs: edited here, tried for a minute, and undone by itself unless somebody keeps it. */
export function GridParameters(): JSX.Element {
  const [chosen, setChosen] = useState("");
  const grid = grids.value.find((one) => one.grid === chosen) ?? grids.value[0];
  if (grid === undefined) return <p class="quiet">This node has no grid.</p>;
  return (
    <div class="stack">
      <div class="toolbar">
        <label class="field">
          Grid
          <select onChange={(event) => setChosen(event.currentTarget.value)}>
            {grids.value.map((one) => (
              <option key={one.grid} value={one.grid} selected={one.grid === grid.grid}>
                {one.name}
              </option>
            ))}
          </select>
        </label>
      </div>
      <OfGrid key={grid.grid} grid={grid} />
    </div>
  );
}

function OfGrid({ grid }: { grid: GridStatus }): JSX.Element {
  const {
    value: configuration,
    failure,
    again,
  } = useAnswer<Configuration>(paths.configuration(grid.grid), EVERY_MS);
  const [changes, setChanges] = useState<Parameters>({});
  const revision = configuration?.revision ?? 0;
  // What was typed is about the values that were shown.
  useEffect(() => setChanges({}), [revision]);
  if (configuration === null)
    return <p class="waiting">{failure === "" ? "Asking the node …" : failure}</p>;
  const { values, manifest, trial } = configuration;
  const edited = Object.fromEntries(
    Object.entries(changes).filter(([name, value]) => values[name] !== value),
  );
  const difference = differenceOf(values, { ...values, ...edited });
  const set = (name: string, value: ParameterValue): void =>
    setChanges({ ...changes, [name]: value });
  return (
    <>
      {configuration.isUndone && trial === null ? (
        <p class="check refused" role="status">
          The last change was undone by itself: nobody kept it in time.
        </p>
      ) : null}
      <div class="settings-columns">
        {groupParameters(values).map(({ title, parameters }) => (
          <fieldset key={title} class="panel parameters" disabled={trial !== null}>
            <legend>{title}</legend>
            {parameters.map((parameter) => (
              <ParameterInput
                key={parameter.name}
                parameter={parameter}
                edited={edited[parameter.name]}
                manifest={manifest[parameter.name]}
                onChange={(value) => set(parameter.name, value)}
              />
            ))}
          </fieldset>
        ))}
      </div>
      <section class="panel difference" aria-label="Difference">
        {trial === null ? null : <Trial grid={grid} configuration={configuration} onDone={again} />}
        <p>
          Revision {revision}
          {configuration.changedBy === "" ? "" : `, by ${configuration.changedBy}`}.{" "}
          {difference.length === 0 ? "Nothing is edited." : ""}
        </p>
        <ul>
          {difference.map((line) => (
            <li key={line}>{line}</li>
          ))}
        </ul>
        <div class="toolbar">
          <button
            type="button"
            class="primary"
            disabled={difference.length === 0 || trial !== null}
            onClick={() => askToTry(grid, edited, revision, difference, again)}
          >
            Try it for 60 s …
          </button>
          <button type="button" disabled={difference.length === 0} onClick={() => setChanges({})}>
            Forget the edits
          </button>
        </div>
      </section>
    </>
  );
}

function askToTry(
  grid: GridStatus,
  changes: Parameters,
  revision: number,
  difference: readonly string[],
  onDone: () => void,
): void {
  ask({
    title: `Change ${grid.name}?`,
    body: (
      <>
        <ul class="reasons">
          {difference.map((line) => (
            <li key={line}>{line}</li>
          ))}
        </ul>
        <p class="note">
          It is in force on every controller at once, and undone by itself after 60 s unless
          somebody keeps it.
        </p>
      </>
    ),
    confirm: "Try it",
    check: () => tryValues(grid, changes, revision, true),
    act: () => report(tryValues(grid, changes, revision, false)).then(onDone),
  });
}

function Trial({
  grid,
  configuration,
  onDone,
}: {
  grid: GridStatus;
  configuration: Configuration;
  onDone: () => void;
}): JSX.Element {
  const { revision, trial, values } = configuration;
  const end = (isKept: boolean): void => void report(endTrial(grid, revision, isKept)).then(onDone);
  return (
    <div class="trial" role="status" aria-label="On trial">
      <div>
        <h2>
          On trial: undone in {Math.max(0, Math.ceil((trial?.endsInMs ?? 0) / 1000))} s unless it is
          kept
        </h2>
        <ul>
          {differenceOf(trial?.before ?? {}, values).map((line) => (
            <li key={line}>{line}</li>
          ))}
        </ul>
      </div>
      <div class="toolbar">
        <button type="button" class="primary" onClick={() => end(true)}>
          Keep it
        </button>
        <button type="button" onClick={() => end(false)}>
          Undo it now
        </button>
      </div>
    </div>
  );
}

async function report(asked: Promise<Reply>): Promise<void> {
  try {
    const { isAccepted, reason } = await asked;
    tell(reason, !isAccepted);
  } catch (error) {
    tell(error instanceof Error ? error.message : String(error), true);
  }
}

interface ParameterInputProps {
  readonly parameter: Parameter;
  /** Absent: not edited. */
  readonly edited: ParameterValue | undefined;
  readonly manifest: ParameterValue | undefined;
  readonly onChange: (value: ParameterValue) => void;
}

const MODES = ["observe", "advise", "control"];

function ParameterInput({
  parameter,
  edited,
  manifest,
  onChange,
}: ParameterInputProps): JSX.Element {
  const { name, label, unit, value } = parameter;
  const now = edited ?? value;
  const isOther = manifest !== undefined && manifest !== value;
  return (
    <label class={edited === undefined ? "parameter" : "parameter edited"}>
      <span>
        {label}
        {isOther ? <small> (manifest: {manifest === "" ? "none" : String(manifest)})</small> : null}
      </span>
      {typeof value === "boolean" ? (
        <input
          type="checkbox"
          checked={now === true}
          onChange={(event) => onChange(event.currentTarget.checked)}
        />
      ) : name === "control" || name.endsWith(".control") ? (
        <select onChange={(event) => onChange(event.currentTarget.value)}>
          {(name === "control" ? MODES : ["", ...MODES]).map((mode) => (
            <option key={mode} value={mode} selected={mode === now}>
              {mode === "" ? "as the grid" : mode}
            </option>
          ))}
        </select>
      ) : typeof value === "number" ? (
        <input
          type="number"
          step="any"
          value={typeof now === "number" ? now : 0}
          onInput={(event) => {
            const next = event.currentTarget.valueAsNumber;
            if (Number.isFinite(next)) onChange(next);
          }}
        />
      ) : (
        <input
          type="text"
          value={String(now)}
          onInput={(event) => onChange(event.currentTarget.value)}
        />
      )}
      <small class="unit">{unit}</small>
    </label>
  );
}
