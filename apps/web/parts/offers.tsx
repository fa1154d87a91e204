import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { command } from "../data/commands.ts";
import type {
  DeviceStatus,
  GridStatus,
  OfferedArgument,
  OfferedCommand,
  Value,
} from "../data/messages.ts";
import { actors } from "../data/store.ts";
import { capital, wordsOf } from "./format.ts";

interface OffersProps {
  readonly grid: GridStatus;
  readonly target: {
    readonly name: string;
    readonly address: string;
    readonly chosen: GridStatus["chosen"];
  } & Partial<DeviceStatus>;
  readonly offers: readonly OfferedCommand[];
}

/** Commands that may be given to a grid or a device: a button each, and a small form for one that needs to know more. */
export function Offers({ grid, target, offers }: OffersProps): JSX.Element {
  const isQuarantined = actors.value.get(target.address)?.isQuarantined === true;
  // Only a machine in quarantine can be let go.
  const shown = offers.filter((offer) => offer.command !== "release" || isQuarantined);
  const plain = shown.filter((offer) => offer.arguments.length === 0);
  const forms = shown.filter((offer) => offer.arguments.length > 0);
  if (shown.length === 0) return <p class="quiet">It takes no commands.</p>;
  return (
    <div class="stack">
      {plain.length === 0 ? null : (
        <div class="toolbar">
          {plain.map(({ command: name, meaning }) => (
            <button
              key={name}
              type="button"
              title={capital(meaning)}
              onClick={() => command(grid, target, name, meaning)}
            >
              {capital(wordsOf(name))}
            </button>
          ))}
        </div>
      )}
      {forms.map((offer) => (
        <OfferForm key={offer.command} grid={grid} target={target} offer={offer} />
      ))}
    </div>
  );
}

interface OfferFormProps extends Omit<OffersProps, "offers"> {
  readonly offer: OfferedCommand;
}

function OfferForm({ grid, target, offer }: OfferFormProps): JSX.Element {
  const [picked, setPicked] = useState<Readonly<Record<string, Value>>>({});
  const now = target.chosen[offer.command];
  const values: Readonly<Record<string, Value>> = Object.fromEntries(
    offer.arguments.map((argument) => [
      argument.name,
      picked[argument.name] ?? firstOf(argument, now),
    ]),
  );
  return (
    <form
      class="toolbar"
      title={capital(offer.meaning)}
      onSubmit={(event) => {
        event.preventDefault();
        command(grid, target, offer.command, offer.meaning, values);
      }}
    >
      {offer.arguments.map((argument) => (
        <ArgumentInput
          key={argument.name}
          argument={argument}
          now={now}
          value={values[argument.name] ?? firstOf(argument, now)}
          onChange={(value) => setPicked({ ...picked, [argument.name]: value })}
        />
      ))}
      <button type="submit">
        {offer.arguments.every(({ choices }) => choices.length > 0)
          ? "Choose …"
          : `${capital(wordsOf(offer.command))} …`}
      </button>
    </form>
  );
}

const isNumeric = ({ max }: Pick<OfferedArgument, "max">): boolean =>
  max !== undefined && max !== null;

/** What stands there at first: what holds now, or what narrows nothing. */
function firstOf({ choices, ...argument }: OfferedArgument, now: string | undefined): Value {
  const first = choices.find(({ value }) => value === now) ?? choices[0];
  if (first !== undefined) return { text: first.value };
  return isNumeric(argument) ? { number: argument.max ?? 0 } : { flag: false };
}

interface ArgumentInputProps {
  readonly argument: OfferedArgument;
  /** The choice that holds. */
  readonly now: string | undefined;
  readonly value: Value;
  readonly onChange: (value: Value) => void;
}

function ArgumentInput({ argument, now, value, onChange }: ArgumentInputProps): JSX.Element {
  const { meaning, choices, unit, min, max } = argument;
  if (choices.length > 0) {
    return (
      <label class="field">
        {capital(meaning)}
        <select onChange={(event) => onChange({ text: event.currentTarget.value })}>
          {choices.map((choice) => (
            <option key={choice.value} value={choice.value} selected={choice.value === value.text}>
              {choice.name}
              {choice.value === now ? " (now)" : ""}
            </option>
          ))}
        </select>
      </label>
    );
  }
  if (isNumeric(argument)) {
    return (
      <label class="field">
        {capital(meaning)}, {unit}
        <input
          type="number"
          required
          step="any"
          min={min ?? undefined}
          max={max ?? undefined}
          value={value.number ?? 0}
          onInput={(event) => {
            const next = event.currentTarget.valueAsNumber;
            if (Number.isFinite(next)) onChange({ number: next });
          }}
        />
      </label>
    );
  }
  return (
    <label class="check-field">
      <input
        type="checkbox"
        checked={value.flag === true}
        onChange={(event) => onChange({ flag: event.currentTarget.checked })}
      />
      {capital(meaning)}
    </label>
  );
}
