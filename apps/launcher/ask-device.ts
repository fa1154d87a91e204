import { RemsError } from "../../kernel/errors.ts";
import type { Installation } from "./cluster.ts";
import type { OperatorClient } from "./operator-client.ts";

const PATIENCE_MS_MAX = 20_000;
const RETRY_MS = 1000;

export const refused = (text: string) => new RemsError("REMS_REQUEST_REFUSED", text);

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
