import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { ParameterValue } from "../../data/configuration.ts";
import { wordsOf } from "../../parts/format.ts";
import { listOf, listValue, type Parameter } from "./parameter-groups.ts";

interface ParameterInputProps {
  readonly parameter: Parameter;
  /** Absent: not edited. */
  readonly edited: ParameterValue | undefined;
  readonly onChange: (value: ParameterValue) => void;
}

interface ControlProps {
  readonly parameter: Parameter;
  readonly now: ParameterValue;
  readonly onChange: (value: ParameterValue) => void;
}

/** One parameter with what it means, as the manifest's schema says. */
export function ParameterInput({ parameter, edited, onChange }: ParameterInputProps): JSX.Element {
  const { label, unit, value, facts } = parameter;
  return (
    <label class={edited === undefined ? "parameter" : "parameter edited"}>
      <span>
        {label}
        {facts.meaning === "" ? null : <small>{facts.meaning}</small>}
      </span>
      <Control parameter={parameter} now={edited ?? value} onChange={onChange} />
      <small class="unit">{unit}</small>
    </label>
  );
}

function Control(props: ControlProps): JSX.Element {
  const { parameter, now, onChange } = props;
  const { value, facts } = parameter;
  if (facts.choices.length > 0) return <Choice {...props} />;
  const list = listOf(value);
  if (list !== null) return <ListInput {...props} list={list} />;
  if (typeof value === "boolean") {
    return (
      <input
        type="checkbox"
        checked={now === true}
        onChange={(event) => onChange(event.currentTarget.checked)}
      />
    );
  }
  if (typeof value === "number") {
    return (
      <input
        type="number"
        step="any"
        min={facts.min}
        max={facts.max}
        value={typeof now === "number" ? now : 0}
        onInput={(event) => {
          const next = event.currentTarget.valueAsNumber;
          if (Number.isFinite(next)) onChange(next);
        }}
      />
    );
  }
  return (
    <input
      type="text"
      value={String(now)}
      onInput={(event) => onChange(event.currentTarget.value)}
    />
  );
}

function Choice({ parameter, now, onChange }: ControlProps): JSX.Element {
  const { choices, absent } = parameter.facts;
  return (
    <select
      onChange={(event) => {
        const text = event.currentTarget.value;
        onChange(choices.find((choice) => String(choice) === text) ?? "");
      }}
    >
      {absent === "" ? null : (
        <option value="" selected={now === ""}>
          {absent}
        </option>
      )}
      {choices.map((choice) => (
        <option key={choice} value={String(choice)} selected={choice === now}>
          {typeof choice === "string" ? wordsOf(choice) : choice}
        </option>
      ))}
    </select>
  );
}

interface ListInputProps extends ControlProps {
  readonly list: readonly (string | number)[];
}

/** Entries with commas between. */
function ListInput({ list, now, onChange }: ListInputProps): JSX.Element {
  const [typed, setTyped] = useState<string | null>(null);
  const shown = (listOf(now) ?? list).join(", ");
  const isWrong = typed !== null && listValue(typed, list) === null;
  return (
    <input
      type="text"
      aria-invalid={isWrong}
      value={typed ?? shown}
      onBlur={() => setTyped(null)}
      onInput={(event) => {
        const text = event.currentTarget.value;
        setTyped(text);
        const next = listValue(text, list);
        if (next !== null) onChange(next);
      }}
    />
  );
}
