import { existsSync } from "node:fs";
import { guardOfDevice, planInForce } from "../../actors/grid/configuration.ts";
import { problemsText } from "../../configs/problem.ts";
import { isTable } from "../../configs/setup/document.ts";
import { writeWhole } from "../../configs/setup/wizard.ts";
import { RemsError } from "../../kernel/errors.ts";
import type { NodeView } from "../node-view.ts";
import { changesBetween } from "./config-changes.ts";
import type { RestartRequest } from "./config-service.ts";
import { checkText, readText } from "./manifest-in-force.ts";

/** The answer goes out before the node does. */
const ANSWER_FIRST_MS = 200;

/**
 * Takes a manifest as this node's file and has the node start anew. What stood there is kept as `.previous`, and is what the node goes back
 * to where it cannot start with the new one.
 *
 * @returns What `RestartNode` does; it throws {@link RemsError} `REMS_CONFIG_INVALID` or `REMS_REQUEST_REFUSED`.
 */
export function createRestart(
  view: NodeView,
  restart: (user: string) => void,
): (request: RestartRequest) => Promise<string> {
  const { path } = view.manifest;
  return (request) => {
    const before = readText(path);
    if (before === null || view.isReplay) {
      return Promise.reject(
        new RemsError(
          "REMS_REQUEST_REFUSED",
          `${path} cannot be read: this node cannot start anew with it`,
        ),
      );
    }
    const text = request.manifestText === "" ? before : request.manifestText;
    const wanted = checkText(text, path);
    if (wanted.manifest === null) {
      return Promise.reject(new RemsError("REMS_CONFIG_INVALID", problemsText(wanted.problems)));
    }
    const refusal = refusalOf(
      view,
      checkText(before, path).complete,
      wanted,
      request.acceptStructure,
    );
    if (refusal !== null) return Promise.reject(new RemsError("REMS_REQUEST_REFUSED", refusal));
    if (request.isValidateOnly) return Promise.resolve(`${view.node.id} would start anew`);
    if (text !== before) {
      if (existsSync(path)) writeWhole(`${path}.previous`, before);
      writeWhole(path, text);
    }
    setTimeout(() => restart(request.user), ANSWER_FIRST_MS);
    return Promise.resolve(`${view.node.id} hands over what it leads and starts anew`);
  };
}

function refusalOf(
  view: NodeView,
  before: unknown,
  wanted: ReturnType<typeof checkText>,
  acceptStructure: boolean,
): string | null {
  const { manifest } = wanted;
  if (manifest?.nodes.every(({ id }) => id !== view.node.id) === true) {
    return `the new manifest has no node ${view.node.id}`;
  }
  if (!isTable(before) || !isTable(wanted.complete)) return null;
  const changes = changesBetween(before, wanted.complete);
  const never = changes.find(({ kind }) => kind === "never");
  if (never !== undefined) return `${never.path} would make it another installation`;
  const structure = changes.find(({ kind }) => kind === "structure");
  for (const { path, grid } of changes.filter(({ kind }) => kind === "structure")) {
    const guard = guardOfPath(view, grid, path);
    if (guard !== null) return guard;
  }
  if (structure === undefined || acceptStructure) return null;
  return `${structure.path} changes what grids are made of: this node would not be in sync with the others until they have it too`;
}

/** A device that is taken out, or becomes another, must be out of the plant before. */
function guardOfPath(view: NodeView, grid: string, path: string): string | null {
  const device = /^grids\.[^.]+\.devices\.([^.]+)/.exec(path)?.[1];
  const replica = view.replicas.get(grid);
  if (device === undefined || replica === undefined) return null;
  const plan = planInForce(replica.core.plan, replica.state);
  const reason = guardOfDevice(plan, replica.state, device);
  return reason === null ? null : `${path} changes only ${reason}`;
}
