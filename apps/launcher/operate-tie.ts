import { askDevice, refused } from "./ask-device.ts";
import type { Installation } from "./cluster.ts";

const CLOSE_MS_MAX = 60_000;
const POLL_MS = 100;
/** The other leader must have read the first breaker before the second is asked. */
const READ_MS = 500;

/**
 * Closes or opens the first bus-tie as an operator does: one breaker after the other, each through the leader of its grid. The second
 * one to close synchronises in the device.
 * @throws {@link RemsError} `REMS_REQUEST_REFUSED` with the reason that R-EMS gave.
 */
export async function operateTie(installation: Installation, isClosing: boolean): Promise<string> {
  const [tie] = installation.manifest.ties;
  if (tie === undefined) throw refused("this installation has no bus-tie");
  let askedCount = 0;
  for (const { grid, device } of tie.breakers) {
    if (isBreakerClosed(installation, grid, device) === isClosing) continue;
    await askDevice(installation, device, isClosing ? "close" : "open");
    await untilMoved(installation, grid, device, isClosing);
    askedCount += 1;
  }
  if (askedCount === 0) throw refused(`the tie is ${isClosing ? "closed" : "open"} already`);
  return `the bus-tie is ${isClosing ? "closed: one island" : "open: two islands"}`;
}

function isBreakerClosed(installation: Installation, grid: string, device: string): boolean | null {
  const status = installation.grids().find(({ config }) => config.id === grid)?.status;
  return status?.devices?.find((one) => one.device === device)?.isClosed ?? null;
}

async function untilMoved(
  installation: Installation,
  grid: string,
  device: string,
  isClosing: boolean,
): Promise<void> {
  const deadlineMs = performance.now() + CLOSE_MS_MAX;
  while (isBreakerClosed(installation, grid, device) !== isClosing) {
    if (performance.now() > deadlineMs) {
      throw refused(`${device} did not ${isClosing ? "close" : "open"} within a minute`);
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  await new Promise((resolve) => setTimeout(resolve, READ_MS));
}
