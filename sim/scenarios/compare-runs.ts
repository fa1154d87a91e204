import type { Manifest } from "../../configs/manifest.ts";
import type { Finding } from "./finding.ts";
import { SAMPLE_MS, type OperationKind, type Recording, type Samples } from "./recording.ts";

/** A leader's death may move the voltage by so much beyond what it would have been, percent. */
const VOLTAGE_PCT_MAX = 1;

/** Samples after which a busbar that was dark is compared: two seconds. */
const COMES_UP_COUNT = 2000 / SAMPLE_MS;

/**
 * Compares a run in which a leader died or stood still with the same run without. The sequence may go on a little later, and what
 * synchronises meets another angle then; so each sample is held against all that the other run showed within `lateMs` of it.
 * @param deathHz - So much beyond that the frequency may go; null: nobody was left to follow, so only what was done is compared.
 */
export function compareRuns(
  manifest: Manifest,
  base: Recording,
  struck: Recording,
  faultAtMs: number,
  lateMs: number,
  deathHz: number | null,
): Finding[] {
  const findings: Finding[] = [];
  for (const { id } of manifest.grids) {
    const before = base.samples.get(id);
    const after = struck.samples.get(id);
    if (before === undefined || after === undefined || deathHz === null) continue;
    findings.push(...compareGrid(id, before, after, faultAtMs, lateMs, deathHz));
  }
  const endMs = lengthMs(base) - lateMs;
  // What the struck run does at the other one's very end that one may do a moment later.
  findings.push(...compareOperations(base, struck, endMs));
  return [...findings, ...forgottenOperations(base, struck, endMs - lateMs)];
}

function lengthMs({ samples }: Recording): number {
  return SAMPLE_MS * Math.max(...[...samples.values()].map(({ isLive }) => isLive.length));
}

function compareGrid(
  grid: string,
  before: Samples,
  after: Samples,
  faultAtMs: number,
  lateMs: number,
  deathHz: number,
): Finding[] {
  const findings: Finding[] = [];
  const reach = Math.ceil(lateMs / SAMPLE_MS);
  const quantities = [
    ["death-frequency", before.frequencyHz, after.frequencyHz, deathHz, "Hz"],
    ["death-voltage", before.voltagePct, after.voltagePct, VOLTAGE_PCT_MAX, "%"],
  ] as const;
  for (const [check, base, struck, most, unit] of quantities) {
    const low = slidingExtreme(base, before.isLive, reach, Math.min);
    const high = slidingExtreme(base, before.isLive, reach, Math.max);
    for (let index = Math.floor(faultAtMs / SAMPLE_MS); index < struck.length; index++) {
      // A busbar that was dark comes up: from which moment on is not the question here.
      if (!isLiveSince(after, index - COMES_UP_COUNT, index)) continue;
      const value = struck[index] ?? 0;
      const [min, max] = [low[index] ?? value, high[index] ?? value];
      if (value >= min - most && value <= max + most) continue;
      const text = `${grid}: ${value.toFixed(2)} ${unit}, undisturbed between ${min.toFixed(2)} and ${max.toFixed(2)}; ${most} beyond are allowed`;
      findings.push({ check, atMs: index * SAMPLE_MS, text });
      break;
    }
  }
  return findings;
}

function isLiveSince({ isLive }: Samples, from: number, to: number): boolean {
  for (let index = Math.max(0, from); index <= to; index++)
    if (isLive[index] !== true) return false;
  return true;
}

/** Least or greatest of the live samples within `reach` of each; by a queue of candidates, each entered and left once. */
function slidingExtreme(
  values: readonly number[],
  isLive: readonly boolean[],
  reach: number,
  better: (a: number, b: number) => number,
): (number | undefined)[] {
  const queue: number[] = [];
  const result: (number | undefined)[] = [];
  let entered = 0;
  for (let index = 0; index < values.length; index++) {
    for (; entered < values.length && entered <= index + reach; entered++) {
      if (isLive[entered] !== true) continue;
      const value = values[entered] ?? 0;
      while (queue.length > 0) {
        const last = values[queue.at(-1) ?? 0] ?? 0;
        if (better(last, value) !== value) break;
        queue.pop();
      }
      queue.push(entered);
    }
    while (queue.length > 0 && (queue[0] ?? 0) < index - reach) queue.shift();
    const first = queue[0];
    result.push(first === undefined ? undefined : values[first]);
  }
  return result;
}

const KINDS: readonly OperationKind[] = ["starts", "stops", "closes", "opens", "trips"];

/** No device does more than it does undisturbed. */
function compareOperations(base: Recording, struck: Recording, untilMs: number): Finding[] {
  const findings: Finding[] = [];
  const devices = new Set(struck.operations.map(({ device }) => device));
  for (const device of devices) {
    for (const kind of KINDS) {
      const [usual, found] = [base.countOf(device, kind), struck.countOf(device, kind, untilMs)];
      if (found <= usual) continue;
      const extra = struck.operations.findLast((one) => one.device === device && one.kind === kind);
      findings.push({
        check: "death-operations",
        atMs: extra?.atMs ?? 0,
        text: `${device} ${kind} ${found} times, undisturbed ${usual} times`,
      });
    }
  }
  return findings;
}

/** Nor less: what every device has done undisturbed well before the end, it has done in the struck run at its end. */
function forgottenOperations(base: Recording, struck: Recording, untilMs: number): Finding[] {
  const devices = new Set(base.operations.map(({ device }) => device));
  return [...devices].flatMap((device) =>
    KINDS.filter((kind) => kind !== "trips").flatMap((kind) => {
      const [usual, found] = [base.countOf(device, kind, untilMs), struck.countOf(device, kind)];
      if (found >= usual) return [];
      const text = `${device} ${kind} ${found} times, undisturbed ${usual} times`;
      return [{ check: "death-forgotten", atMs: untilMs, text }];
    }),
  );
}
