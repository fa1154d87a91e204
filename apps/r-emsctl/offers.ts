import { RemsError } from "../../kernel/errors.ts";
import type { Types } from "../../proto/generated/rems-v1.ts";

type Topology = Types.rems.v1.GetTopologyResponse;
type Offer = Types.rems.v1.IOfferedCommand;

/**
 * Commands that an actor takes from operators.
 *
 * @param actor - `port`, `port/dg1`, or an address in full.
 * @throws {@link RemsError} `REMS_NOT_FOUND` with those that take any.
 */
export function offersOf({ busbars }: Topology, actor: string): readonly Offer[] {
  const all = busbars.flatMap(({ grid, offers, devices }) => [
    { name: grid ?? "", address: `grids/${grid}`, offers },
    ...(devices ?? []).map(({ device, address, offers: own }) => ({
      name: `${grid}/${device}`,
      address,
      offers: own,
    })),
  ]);
  const found = all.find(({ name, address }) => actor === name || actor === address);
  if (found !== undefined) return found.offers ?? [];
  const names = all.filter(({ offers }) => (offers ?? []).length > 0).map(({ name }) => name);
  throw new RemsError(
    "REMS_NOT_FOUND",
    `${actor} takes no commands; these do: ${names.join(", ")}`,
  );
}

type Argument = Types.rems.v1.IOfferedArgument;

/** Rows of a table: the command as it is typed, and what happens then, with what its arguments may be. */
export function offerRows(offers: readonly Offer[]): string[][] {
  return offers.map(({ command, meaning, arguments: args }) => {
    const all = args ?? [];
    return [
      [command, ...all.map((one) => `--arg ${one.name}=${placeOf(one)}`)].join(" "),
      [meaning ?? "", ...all.map((one) => `${placeOf(one)}: ${valueText(one)}`)].join("; "),
    ];
  });
}

/** `expiryS` is typed as `EXPIRY_S`. */
const placeOf = ({ name }: Argument): string =>
  (name ?? "").replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();

function valueText({ meaning, choices, unit, min, max }: Argument): string {
  const values = (choices ?? []).map(({ value }) => value);
  if (values.length > 0) return values.join(", ");
  if (max === null || max === undefined) return `true for ${meaning ?? ""}, or false`;
  return `${min ?? 0} to ${max} ${unit ?? ""}`;
}
