import { rems, type Types } from "../../proto/generated/rems-v1.ts";
import { leadershipMessage } from "../leadership-message.ts";
import type { NodeView } from "../node-view.ts";
import type { Sink } from "../service.ts";

type Request = Types.rems.v1.WatchLeadershipRequest;
type Response = Types.rems.v1.WatchLeadershipResponse;

/**
 * The leadership of each grid, a bookmark, then a grid's again when it changed. A slow reader gets the newest when it reads again.
 * @returns What ends it.
 */
export function watchLeadership(
  view: NodeView,
  request: Request,
  sink: Sink<Response>,
): () => void {
  const grids = new Set(
    request.grid === "" ? view.replicas.keys() : [view.replicaOf(request.grid).grid],
  );
  const told = new Map<string, string>();
  let isListed = false;
  const tell = (grid: string): void => {
    if (!sink.isReady) return;
    const leadership = leadershipMessage(view, grid);
    const key = whatCounts(leadership);
    if (told.get(grid) === key) return;
    told.set(grid, key);
    sink.send(rems.v1.WatchLeadershipResponse.create({ leadership }));
  };
  const tellAll = (): void => {
    for (const grid of grids) tell(grid);
    if (isListed || !sink.isReady) return;
    isListed = true;
    const bookmark = { isSimulation: view.isSimulation };
    sink.send(rems.v1.WatchLeadershipResponse.create({ bookmark }));
  };
  sink.onReady = tellAll;
  const end = view.onChange((change) => {
    if (change.type === "status" || change.type === "gap" || change.type === "failover") {
      if (grids.has(change.grid)) tell(change.grid);
    }
  });
  tellAll();
  return end;
}

/** Without what moves with every frame: a follower's lag counts once it is more than a few frames. */
function whatCounts(leadership: Types.rems.v1.ILeadership): string {
  const members = leadership.members?.map((member: Types.rems.v1.ILeadershipMember) => ({
    ...member,
    heldSequence: null,
    promisedAgoMs: null,
    notInSyncReason: member.notInSyncReason?.replaceAll(/\d+/g, ""),
    lagFrameCount:
      (member.lagFrameCount ?? 0) > LAG_FRAME_COUNT_USUAL ? member.lagFrameCount : null,
  }));
  return JSON.stringify({ ...leadership, sequence: 0, members });
}

const LAG_FRAME_COUNT_USUAL = 5;
