import { rems } from "../../proto/generated/rems-v1.ts";
import type { NodeState, NodeView } from "./installation-view.ts";
import type { GridStatus } from "./operator-client.ts";

/** What a node of the vessel answers, for tests. */
export function nodeView(
  id: string,
  grids: readonly GridStatus[],
  state: NodeState = "up",
): NodeView {
  const status = rems.v1.GetStatusResponse.create({
    node: id,
    grids: grids.map((grid) => rems.v1.GridStatus.create(grid)),
  });
  return { id, state, pid: 1, status };
}

export function leading(
  grid: string,
  inSync: readonly string[],
  more: GridStatus = {},
): GridStatus {
  return { grid, role: "leading", hasAuthority: true, epoch: 7, inSync: [...inSync], ...more };
}

export function standby(grid: string, more: GridStatus = {}): GridStatus {
  return { grid, role: "standby", hasAuthority: false, epoch: 7, inSync: [], ...more };
}
