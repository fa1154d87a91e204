import { gridOf } from "../configs/manifest-queries.ts";
import { rems, type Types } from "../proto/generated/rems-v1.ts";
import { absenceReason } from "./absence-reason.ts";
import type { NodeView } from "./node-view.ts";
import { httpAddressOf, operatorAddressOf } from "./status-message.ts";

/**
 * Who leads a grid and who stands by, as this node knows it.
 * @throws RemsError `REMS_NOT_FOUND` for a grid without a controller on this node.
 */
export function leadershipMessage(view: NodeView, grid: string): Types.rems.v1.Leadership {
  const replica = view.replicaOf(grid);
  const status = view.statusOf(grid);
  const leader = status?.leader?.node ?? "";
  const controller = view.actorAt(`nodes/${view.node.id}/controllers/${grid}`);
  return rems.v1.Leadership.create({
    grid,
    epoch: status?.epoch ?? 0,
    leader,
    leaderAddress: operatorAddressOf(view, leader),
    leaderHttpAddress: httpAddressOf(view, leader),
    role: status?.role ?? "joining",
    roleReason: controller?.reason ?? "",
    roleSinceMs: controller?.sinceMs ?? 0,
    hasAuthority: status?.hasAuthority ?? false,
    sequence: replica.position?.sequence ?? 0,
    members: membersOf(view, grid),
    failovers: [...replica.failovers],
  });
}

function membersOf(view: NodeView, grid: string): Types.rems.v1.LeadershipMember[] {
  const status = view.statusOf(grid);
  const sequence = view.replicaOf(grid).position?.sequence ?? 0;
  const followers = new Map(
    (status?.role === "leading" ? (status.controller?.followers ?? []) : []).map((one) => [
      one.node,
      one,
    ]),
  );
  return gridOf(view.manifest, grid).controllers.map(({ node, failoverOrder }) => {
    const isLeader = status?.leader?.node === node;
    const member = isLeader
      ? status.leader
      : status?.inSync.find((candidate) => candidate.node === node);
    const follower = followers.get(node);
    const isInSync = status?.inSync.some((candidate) => candidate.node === node) ?? false;
    return rems.v1.LeadershipMember.create({
      node,
      failoverOrder,
      isLeader,
      isInSync,
      incarnation: member?.incarnation ?? "",
      notInSyncReason:
        // A recording says who was in sync, not why.
        status?.role !== "leading" || isInSync || view.isReplay
          ? ""
          : absenceReason(follower, view.actorAt(`nodes/${view.node.id}/peers/${node}`)?.state),
      ...(follower === undefined
        ? {}
        : {
            heldSequence: follower.heldSequence,
            lagFrameCount: Math.max(0, sequence - (follower.heldSequence ?? 0)),
            promisedAgoMs: follower.promisedMsAgo === null ? null : -follower.promisedMsAgo,
            reachedCount: follower.reachedCount,
          }),
    });
  });
}

/** The computers of the installation, as this one sees them. */
export function nodeMessages(view: NodeView): Types.rems.v1.Node[] {
  return view.manifest.nodes.map(({ id, host }) => {
    const isSelf = id === view.node.id;
    const peer = view.actorAt(`nodes/${view.node.id}/peers/${id}`);
    return rems.v1.Node.create({
      node: id,
      host,
      operatorAddress: operatorAddressOf(view, id),
      httpAddress: httpAddressOf(view, id),
      isSelf,
      connection: isSelf ? "self" : (peer?.state ?? "unknown"),
      controllers: controllersOf(view, id),
    });
  });
}

function controllersOf(view: NodeView, node: string): Types.rems.v1.NodeController[] {
  return view.manifest.grids.flatMap(({ id: grid, controllers }) => {
    const entry = controllers.find((controller) => controller.node === node);
    if (entry === undefined) return [];
    const status = view.statusOf(grid);
    const isInSync = status?.inSync.some((member) => member.node === node) ?? false;
    const isLeader = status?.leader?.node === node;
    const role =
      node === view.node.id
        ? (status?.role ?? "joining")
        : isLeader
          ? "leading"
          : isInSync
            ? "standby"
            : "unknown";
    const { failoverOrder } = entry;
    return [rems.v1.NodeController.create({ grid, role, isInSync, failoverOrder })];
  });
}
