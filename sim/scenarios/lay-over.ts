import { RemsError } from "../../kernel/errors.ts";

export type Table = { readonly [key: string]: unknown };

/**
 * A table laid over another: tables merge, all else is replaced. A list of tables that have an `id` is addressed by that id:
 * `devices = { dg1 = { … } }`.
 */
export function laidOver(base: unknown, over: unknown): unknown {
  if (!isTable(over)) return over;
  if (Array.isArray(base)) {
    const known = base.map((one: unknown) => (isTable(one) ? one["id"] : undefined));
    const strange = Object.keys(over).find((id) => !known.includes(id));
    if (strange !== undefined)
      throw new RemsError(
        "REMS_CONFIG_INVALID",
        `there is no ${strange}; there are ${known.join(", ")}`,
      );
    return base.map((one: unknown) => {
      const id = isTable(one) ? one["id"] : undefined;
      return typeof id === "string" && id in over ? laidOver(one, over[id]) : one;
    });
  }
  const result: Record<string, unknown> = isTable(base) ? { ...base } : {};
  for (const [key, value] of Object.entries(over)) result[key] = laidOver(result[key], value);
  return result;
}

function isTable(value: unknown): value is Table {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
