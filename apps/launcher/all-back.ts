import type { RunContext } from "./run.ts";
import type { StateCompare } from "./state-compare.ts";

const SETTLE_MS_MAX = 60_000;
const AGREE_MS_MAX = 30_000;
const LOOK_MS = 500;
const POLL_MS = 100;

const delay = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/**
 * After the last fault: starts what is down and waits until every grid is led, every controller in sync, and every node has named the
 * same state of one and the same frame.
 *
 * @returns What did not come back; empty where all is well.
 */
export async function untilAllBack(
  { installation, act }: RunContext,
  states: StateCompare,
  isStopped: () => boolean,
): Promise<readonly string[]> {
  const isAnyDown = installation
    .nodeViews()
    .some(({ state }) => state !== "up" && state !== "starting");
  if (isAnyDown) await act({ type: "restart" });
  const settledByMs = performance.now() + SETTLE_MS_MAX;
  while (installation.whyUnsettled() !== null && !isStopped()) {
    if (performance.now() > settledByMs) {
      return [`a minute after the last fault ${installation.whyUnsettled() ?? ""}`];
    }
    await delay(POLL_MS);
  }
  states.reset();
  const differences: string[] = [];
  const agreedByMs = performance.now() + AGREE_MS_MAX;
  const missing = () =>
    installation.manifest.grids.filter(
      ({ id, controllers }) =>
        !states.isAgreed(
          id,
          controllers.map(({ node }) => node),
        ),
    );
  while (missing().length > 0 && performance.now() < agreedByMs && !isStopped()) {
    differences.push(...states.look(installation.nodeViews()));
    await delay(LOOK_MS);
  }
  if (isStopped()) return differences;
  return [
    ...differences,
    ...missing().map(({ id }) => `not every node named one and the same frame of ${id}`),
  ];
}
