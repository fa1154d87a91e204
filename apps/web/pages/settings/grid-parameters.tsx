import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import {
  configurationOf,
  editsOf,
  plain,
  type Parameters,
  type ParameterValue,
} from "../../data/configuration.ts";
import type { GetConfigResponse, GridStatus } from "../../data/messages.ts";
import { paths } from "../../data/paths.ts";
import { grids } from "../../data/store.ts";
import { useAnswer } from "../../parts/use-answer.ts";
import type { FieldSchema } from "./manifest-schema.ts";
import { differenceOf, groupParameters } from "./parameter-groups.ts";
import { ParameterInput } from "./parameter-input.tsx";
import { Trial } from "./trial.tsx";
import { TryChange } from "./try-change.tsx";

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
  const { value, failure, again } = useAnswer<GetConfigResponse>(paths.parameters, EVERY_MS);
  const schema = useAnswer<FieldSchema>(paths.manifestSchema);
  const [changes, setChanges] = useState<Parameters>({});
  const configuration = configurationOf(value, grid.grid);
  const revision = configuration?.revision ?? 0;
  // What was typed is about the values that were shown.
  useEffect(() => setChanges({}), [revision]);
  if (configuration === undefined || (schema.value === null && schema.isWaiting))
    return <p class="waiting">{failure === "" ? "Asking the node …" : failure}</p>;
  const values = plain(configuration.parameters);
  const edited = Object.fromEntries(
    Object.entries(changes).filter(([name, to]) => values[name] !== to),
  );
  const difference = differenceOf(values, { ...values, ...edited });
  const set = (name: string, to: ParameterValue): void => setChanges({ ...changes, [name]: to });
  const devices = new Map(grid.devices.map((device) => [device.device, device]));
  return (
    <>
      <div class="settings-columns">
        {groupParameters(values, schema.value, devices).map(({ title, parameters }) => (
          <fieldset key={title} class="panel parameters" disabled={configuration.isOnTrial}>
            <legend>{title}</legend>
            {parameters.map((parameter) => (
              <ParameterInput
                key={parameter.name}
                parameter={parameter}
                edited={edited[parameter.name]}
                onChange={(to) => set(parameter.name, to)}
              />
            ))}
          </fieldset>
        ))}
      </div>
      <section class="panel difference" aria-label="Difference">
        <Trial grids={[configuration]} onEnded={again} />
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
        {difference.length === 0 ? null : (
          <TryChange
            wanted={{ edits: [editsOf(grid.grid, edited)] }}
            onForget={() => setChanges({})}
            onTried={again}
          />
        )}
      </section>
    </>
  );
}
