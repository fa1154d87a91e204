import { InspectionService, rems, type Types } from "../../proto/generated/rems-v1.ts";
import { OperatorClient } from "./operator-client.ts";

/** By grid: controllers that are not in sync, with the reason where the grid's leader tells one. */
export type Absences = ReadonlyMap<string, readonly string[]>;

/**
 * Asks the leader of each grid that lacks a controller in sync why: nobody else knows. One that does not answer leaves the names alone.
 *
 * @param timeoutMs - For each leader; all are asked at once.
 */
export async function absencesOf(
  grids: readonly Types.rems.v1.IGridStatus[],
  client: OperatorClient,
  timeoutMs: number,
): Promise<Absences> {
  const found = await Promise.all(
    grids.map(async ({ grid, order, inSync }): Promise<[string, readonly string[]]> => {
      const missing = (order ?? []).filter((node) => inSync?.includes(node) !== true);
      if (missing.length === 0) return [grid ?? "", []];
      const members = await membersOf(grid ?? "", client, timeoutMs).catch(() => []);
      return [
        grid ?? "",
        missing.map((node) => {
          const reason = members.find((member) => member.node === node)?.notInSyncReason ?? "";
          return reason === "" ? node : `${node}: ${reason}`;
        }),
      ];
    }),
  );
  return new Map(found);
}

async function membersOf(
  grid: string,
  client: OperatorClient,
  timeoutMs: number,
): Promise<readonly Types.rems.v1.ILeadershipMember[]> {
  const request = rems.v1.GetLeadershipRequest.create({ grid });
  const here = await client.call(InspectionService.getLeadership, request);
  const address = here.leadership?.leaderAddress ?? "";
  if (address === "" || here.leadership?.role === "leading") return here.leadership?.members ?? [];
  const leader = new OperatorClient(address, timeoutMs);
  try {
    const there = await leader.call(InspectionService.getLeadership, request);
    return there.leadership?.members ?? [];
  } finally {
    leader.close();
  }
}
