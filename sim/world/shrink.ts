import type { Fault } from "./faults.ts";
import type { WorldResult, WorldRun } from "./run-world.ts";
import { runWorld } from "./run-world.ts";

/**
 * The fewest faults of a failing run with which the same check still fails: leaves out halves, then quarters, down to single faults
 * (delta debugging, Zeller and Hildebrandt 2002).
 *
 * @param runOne - How a run is judged.
 * @returns The shortest failing run; null where the run does not fail at all.
 */
export function shrink(
  run: WorldRun,
  onTry: (faultCount: number, tryCount: number) => void = () => {},
  runOne: (run: WorldRun) => WorldResult = runWorld,
): WorldResult | null {
  let best = runOne(run);
  const { violation } = best;
  if (violation === null) return null;
  let tryCount = 0;
  const fails = (faults: readonly Fault[]): boolean => {
    onTry(best.scenario.faults.length, ++tryCount);
    const result = runOne({ ...run, faults });
    if (result.violation?.check !== violation.check) return false;
    best = result;
    return true;
  };
  // What comes after the violation has no part in it.
  fails(best.scenario.faults.filter(({ atMs }) => atMs <= violation.atMs));
  for (let size = Math.ceil(best.scenario.faults.length / 2); size >= 1;) {
    let hasShrunk = false;
    for (let from = 0; from < best.scenario.faults.length;) {
      const { faults } = best.scenario;
      if (fails([...faults.slice(0, from), ...faults.slice(from + size)])) hasShrunk = true;
      else from += size;
    }
    if (!hasShrunk || size > best.scenario.faults.length) size = Math.floor(size / 2);
  }
  return best;
}
