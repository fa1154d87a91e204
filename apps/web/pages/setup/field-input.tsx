import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { SetupField } from "../../data/setup-state.ts";
import { capital } from "../../parts/format.ts";
import { WithCode } from "../../parts/with-code.tsx";

interface FieldInputProps {
  readonly name: string;
  readonly field: SetupField;
  readonly value: unknown;
  readonly problem: string;
  readonly onChange: (value: unknown) => void;
  /** Instead of the field's own choices. */
  readonly choices?: readonly (string | number)[] | undefined;
}

/** One field of the manifest, as its schema describes it. Left empty, the default holds. */
export function FieldInput(props: FieldInputProps): JSX.Element {
  const { name, field, problem } = props;
  const hint = [field.meaning, defaultText(field)].filter(Boolean).join(" ");
  const isSwitch = field.type === "boolean" && field.defaultValue !== null;
  return (
    <label
      class={isSwitch ? "check-field setup-field" : "field setup-field"}
      title={hint.replaceAll("`", "")}
    >
      <span>
        {labelOf(name, field.unit)}
        {field.isRequired ? <abbr title="needed"> *</abbr> : null}
      </span>
      <Control {...props} />
      {problem === "" ? (
        <small>
          <WithCode text={hint} />
        </small>
      ) : (
        <small class="problem">{problem}</small>
      )}
    </label>
  );
}

/** `power_kw` is "Power, kW". */
function labelOf(name: string, unit: string): string {
  const ending = `_${unit.replace("%", "pct").toLowerCase()}`;
  const plain = unit !== "" && name.endsWith(ending) ? name.slice(0, -ending.length) : name;
  const words = capital(plain.replaceAll("_", " ")).replace("Http", "HTTP");
  return unit === "" ? words : `${words}, ${unit}`;
}

function defaultText({ defaultText: text, defaultValue, isRequired }: SetupField): string {
  if (isRequired) return "";
  if (text !== "") return `Default: ${text}.`;
  const isPlain = ["string", "number", "boolean"].includes(typeof defaultValue);
  return isPlain ? `Default: ${JSON.stringify(defaultValue)}.` : "";
}

function Control(props: FieldInputProps): JSX.Element {
  const { field, value, onChange, problem } = props;
  if (field.path === "ties[].breakers") return <TieEnds {...props} />;
  const choices = props.choices ?? field.choices;
  const isWrong = problem !== "";
  if (choices.length > 0) {
    return (
      <select
        aria-invalid={isWrong}
        onChange={(event) => {
          const text = event.currentTarget.value;
          onChange(text === "" ? undefined : (choices.find((one) => String(one) === text) ?? text));
        }}
      >
        <option value="">{field.isRequired ? "choose" : "default"}</option>
        {choices.map((one) => (
          <option key={one} value={String(one)} selected={String(one) === String(value)}>
            {one}
          </option>
        ))}
      </select>
    );
  }
  if (field.type === "boolean") {
    return (
      <input
        type="checkbox"
        aria-invalid={isWrong}
        checked={(value ?? field.defaultValue) === true}
        onChange={(event) => onChange(event.currentTarget.checked)}
      />
    );
  }
  if (field.type === "number") {
    return (
      <input
        type="number"
        step="any"
        aria-invalid={isWrong}
        min={field.min ?? undefined}
        max={field.max ?? undefined}
        value={typeof value === "number" ? value : ""}
        placeholder={typeof field.defaultValue === "number" ? String(field.defaultValue) : ""}
        onInput={(event) => {
          const text = event.currentTarget.value;
          onChange(text === "" ? undefined : Number(text));
        }}
      />
    );
  }
  if (field.type === "list" || field.type === "table") return <JsonInput {...props} />;
  return (
    <input
      type="text"
      aria-invalid={isWrong}
      value={typeof value === "string" ? value : ""}
      placeholder={typeof field.defaultValue === "string" ? field.defaultValue : ""}
      onInput={(event) =>
        onChange(event.currentTarget.value === "" ? undefined : event.currentTarget.value)
      }
    />
  );
}

interface End {
  readonly grid: string;
  readonly device: string;
}

/** The two breakers of a bus-tie, one of each grid. Choices are written `port/btp`. */
function TieEnds({ value, choices = [], onChange, problem }: FieldInputProps): JSX.Element {
  const ends = Array.isArray(value) ? (value as readonly End[]) : [];
  const set = (place: number, text: string): void => {
    const [grid = "", device = ""] = text.split("/");
    const next = [0, 1].map((one) =>
      one === place ? { grid, device } : (ends[one] ?? { grid: "", device: "" }),
    );
    onChange(next);
  };
  return (
    <span class="tie-ends">
      {[0, 1].map((place) => (
        <select
          key={place}
          aria-label={place === 0 ? "One end" : "Other end"}
          aria-invalid={problem !== ""}
          onChange={(event) => set(place, event.currentTarget.value)}
        >
          <option value="/">choose</option>
          {choices.map((one) => (
            <option
              key={one}
              selected={one === `${ends[place]?.grid ?? ""}/${ends[place]?.device ?? ""}`}
            >
              {one}
            </option>
          ))}
        </select>
      ))}
    </span>
  );
}

/** A list of words with commas between, or a table as JSON: what has no form of its own. */
function JsonInput({ field, value, onChange, problem }: FieldInputProps): JSX.Element {
  const isWords =
    field.type === "list" &&
    (!Array.isArray(value) || value.every((one) => typeof one === "string"));
  const [text, setText] = useState(
    isWords ? (Array.isArray(value) ? value.join(", ") : "") : jsonOf(value),
  );
  const [isBroken, setIsBroken] = useState(false);
  const take = (next: string): void => {
    setText(next);
    setIsBroken(false);
    if (next.trim() === "") onChange(undefined);
    else if (isWords)
      onChange(
        next
          .split(",")
          .map((one) => one.trim())
          .filter(Boolean),
      );
    else {
      try {
        onChange(JSON.parse(next));
      } catch {
        setIsBroken(true);
      }
    }
  };
  return (
    <input
      type="text"
      aria-invalid={isBroken || problem !== ""}
      value={text}
      placeholder={isWords ? "one, two" : "{ }"}
      onInput={(event) => take(event.currentTarget.value)}
    />
  );
}

const jsonOf = (value: unknown): string =>
  value === undefined || value === null ? "" : JSON.stringify(value);
