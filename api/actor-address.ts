import { RemsError } from "../kernel/errors.ts";

const SUGGESTION_COUNT_MAX = 3;
const FAMILY_SEGMENTS = new Set(["grids", "devices", "nodes", "controllers"]);

/**
 * Finds the address that is meant: the whole one, one without its family names (`port/dg1` for `grids/port/devices/dg1`), or an end
 * that only one address has.
 * @throws {@link RemsError} `REMS_NOT_FOUND` with the nearest addresses, `REMS_REQUEST_INVALID` if several are meant.
 */
export function resolveAddress(addresses: readonly string[], wanted: string): string {
  if (wanted === "") {
    throw new RemsError("REMS_REQUEST_INVALID", "address is empty; allowed is that of an actor", {
      details: { field: "address" },
    });
  }
  const exact = addresses.find((address) => address === wanted || shortAddress(address) === wanted);
  if (exact !== undefined) return exact;
  const ends = addresses.filter((address) => address.endsWith(`/${wanted}`));
  const only = ends[0];
  if (only !== undefined && ends.length === 1) return only;
  if (ends.length > 1) {
    const shown = ends.slice(0, SUGGESTION_COUNT_MAX).map(shortAddress).join(", ");
    throw new RemsError(
      "REMS_REQUEST_INVALID",
      `"${wanted}" means ${ends.length} actors (${shown}); name the grid too`,
    );
  }
  const near = nearest(addresses, wanted);
  const hint =
    near.length === 0
      ? `; the first of ${addresses.length} are ${addresses.slice(0, SUGGESTION_COUNT_MAX).map(shortAddress).join(", ")}`
      : `; near it are ${near.join(", ")}`;
  throw new RemsError("REMS_NOT_FOUND", `there is no actor "${wanted.slice(0, 100)}"${hint}`);
}

/** Without the names of families, as people write it: `port/dg1`. */
export function shortAddress(address: string): string {
  return address
    .split("/")
    .filter((segment) => !FAMILY_SEGMENTS.has(segment))
    .join("/");
}

function nearest(addresses: readonly string[], wanted: string): string[] {
  const short = addresses.map(shortAddress);
  return short
    .map((address) => ({ address, distance: distanceOf(address, wanted.slice(0, 100)) }))
    .filter(({ address, distance }) => distance <= Math.max(2, address.length / 3))
    .sort((a, b) => a.distance - b.distance)
    .slice(0, SUGGESTION_COUNT_MAX)
    .map(({ address }) => address);
}

/** Levenshtein's distance: single-character changes from one to the other. */
function distanceOf(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const substituted = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(substituted, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
