import type { Balance } from "./balance.ts";
import { reasonOf, type Reason } from "./reason.ts";

/** A heavy consumer that waits for power or has it. */
export interface HeavyConsumer {
  readonly device: string;
  /** What it asks for, kW: its lever, or its rating. */
  readonly demandKw: number;
  readonly powerKw: number;
  /** Higher first. */
  readonly priority: number;
  /** `fixed`: draws its demand as soon as it runs. `variable`: by its lever. */
  readonly load: "variable" | "fixed";
  /** Not granted yet. */
  readonly isWaiting: boolean;
  /** Its feedback says that it runs. */
  readonly isRunning: boolean;
  /** When its request came, plant time; 0 for consumers of other grids: each grid has its own time. */
  readonly requestedAtMs: number;
}

/** Highest priority first; among equals first come, first served; then the order given. */
export function inOrderOfGrant<T extends HeavyConsumer>(consumers: readonly T[]): T[] {
  return consumers.toSorted((a, b) => b.priority - a.priority || a.requestedAtMs - b.requestedAtMs);
}

/**
 * What stays reserved for granted consumers, kW ≥ 0. A variable one keeps what it has not drawn of its demand; a fixed one keeps its
 * demand until it runs, and then draws it.
 */
export function reservedKw(consumers: readonly HeavyConsumer[]): number {
  let sumKw = 0;
  for (const { isWaiting, isRunning, load, demandKw, powerKw } of consumers) {
    if (isWaiting) continue;
    if (load === "variable" || !isRunning) sumKw += Math.max(0, demandKw - Math.max(0, powerKw));
  }
  return sumKw;
}

/**
 * Which consumer is granted now: one at a time, the first in line only, and only where what it asks for and the margin are free.
 * @param consumers - In order of grant.
 * @param marginKw - Must stay free after the grant, ≥ 0.
 */
export function grantOf(
  consumers: readonly HeavyConsumer[],
  balance: Balance,
  marginKw: number,
): { readonly device: string | null; readonly because: readonly Reason[] } {
  const first = consumers.find((consumer) => consumer.isWaiting);
  if (first === undefined) return { device: null, because: [] };
  if (balance.unknowns.length > 0) return { device: null, because: balance.unknowns };
  const coming = consumers.find((consumer) => !consumer.isWaiting && !consumer.isRunning);
  if (coming !== undefined) {
    const reason = reasonOf("CONSUMER_STARTS", first.device, { other: coming.device });
    return { device: null, because: [reason] };
  }
  const needKw = first.demandKw + marginKw;
  const values = { demandKw: first.demandKw, freeKw: balance.freeKw, needKw };
  return balance.freeKw < needKw
    ? { device: null, because: [reasonOf("CONSUMER_WAITS", first.device, values)] }
    : { device: first.device, because: [reasonOf("GRANTED", first.device, values)] };
}
