import { RemsError } from "../../kernel/errors.ts";
import type { Installation } from "./cluster.ts";
import type { OperatorClient } from "./operator-client.ts";

const CLOSE_MS_MAX = 60_000;
const POLL_MS = 100;
const PATIENCE_MS_MAX = 20_000;
const RETRY_MS = 1000;
/** The other leader must have read the first breaker before the second is asked. */
const READ_MS = 500;

const refused = (text: string) => new RemsError("REMS_REQUEST_REFUSED", text);

/**
 * Closes or opens the first bus-tie as an operator does: one breaker after the other, each through the leader of its grid. The second
 * one to close synchronises in the device.
 * @throws {@link RemsError} `REMS_REQUEST_REFUSED` with the reason that R-EMS gave.
 */
export async function operateTie(installation: Installation, isClosing: boolean): Promise<string> {
  const [tie] = installation.manifest.ties;
  if (tie === undefined) throw refused("this installation has no bus-tie");
  const wish = isClosing ? "close" : "open";
  let askedCount = 0;
  for (const { grid, device } of tie.breakers) {
    if (isBreakerClosed(installation, grid, device) === isClosing) continue;
    const view = installation.grids().find(({ config }) => config.id === grid);
    if (view === undefined || view.leader === null) throw refused(`nobody leads grid ${grid}`);
    const { operator } = installation.node(view.leader);
    const actor = `grids/${grid}/devices/${device}`;
    const { isAccepted, reason } = await commandPatiently(operator, actor, wish);
    if (!isAccepted) throw refused(`${wish} ${device}: ${reason}`);
    await untilMoved(installation, grid, device, isClosing);
    askedCount += 1;
  }
  if (askedCount === 0) throw refused(`the tie is ${isClosing ? "closed" : "open"} already`);
  return `the bus-tie is ${isClosing ? "closed: one island" : "open: two islands"}`;
}

/**
 * Gives a device a command as an operator does, through the leader of its grid: `syncAndClose`, `transferToShore`, `start` and the like.
 * @throws {@link RemsError} `REMS_REQUEST_REFUSED` with the reason that R-EMS gave.
 */
export async function askDevice(
  installation: Installation,
  device: string,
  command: string,
): Promise<string> {
  const { grids } = installation.manifest;
  const grid = grids.find(({ devices }) => devices.some(({ id }) => id === device));
  if (grid === undefined) throw refused(`there is no device ${device}`);
  const view = installation.grids().find(({ config }) => config.id === grid.id);
  if (view === undefined || view.leader === null) throw refused(`nobody leads grid ${grid.id}`);
  const { operator } = installation.node(view.leader);
  const actor = `grids/${grid.id}/devices/${device}`;
  const { isAccepted, reason } = await commandPatiently(operator, actor, command);
  if (!isAccepted) throw refused(`${command} ${device}: ${reason}`);
  return `${device}: ${command} is accepted`;
}

/** After a change of leader commands wait for some seconds, and R-EMS says so. */
async function commandPatiently(operator: OperatorClient, actor: string, command: string) {
  const deadlineMs = performance.now() + PATIENCE_MS_MAX;
  for (;;) {
    const answer = await operator.command(actor, command);
    const isLater = !answer.isAccepted && answer.reason.includes("try again");
    if (!isLater || performance.now() > deadlineMs) return answer;
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
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
