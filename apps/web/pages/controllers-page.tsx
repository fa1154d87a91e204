import type { JSX } from "preact";
import { transfer } from "../data/commands.ts";
import type {
  Failover,
  GridStatus,
  Leadership,
  LeadershipMember,
  NodeInfo,
} from "../data/messages.ts";
import { originOf, replayed } from "../data/node-link.ts";
import { paths } from "../data/paths.ts";
import { grids, leaderships, nodes, status, wholeAtMs } from "../data/store.ts";
import { fixed, NONE, span, wordsOf } from "../parts/format.ts";
import { NodeStart } from "../parts/node-start.tsx";
import { useClock } from "../parts/use-clock.ts";
import { useAnswer } from "../parts/use-answer.ts";
import { linkTo } from "../shell/route.ts";
import { FailoverTimeline } from "./controllers/failover-timeline.tsx";
import "./controllers/controllers.css";

const EVERY_MS = 1000;

export default function ControllersPage(): JSX.Element {
  if (status.value === null) return <NodeStart />;
  return (
    <div class="stack">
      <div class="page-head">
        <h1>Controllers</h1>
        <p>
          as node {status.value.node} knows them, coordinator: {status.value.coordinator}
        </p>
      </div>
      {grids.value.map((grid) => (
        <GridControllers key={grid.grid} grid={grid} />
      ))}
      <Nodes />
    </div>
  );
}

function GridControllers({ grid }: { grid: GridStatus }): JSX.Element {
  const own = leaderships.value.get(grid.grid);
  // How far the others are behind is known to the leader alone: it is asked itself.
  const address = own?.leaderHttpAddress ?? "";
  const leader = useAnswer<{ leadership: Leadership }>(
    address === "" ? null : paths.leadership(grid.grid),
    EVERY_MS,
    originOf(address),
  );
  const told = leader.failure === "" ? leader.value?.leadership : undefined;
  const members = (told?.leader === own?.leader ? told : own)?.members ?? [];
  const failovers: readonly Failover[] = own?.failovers ?? [];
  return (
    <section class="panel" aria-label={grid.name}>
      <div class="controllers-head">
        <h2>
          <a href={linkTo("grids", grid.grid)}>{grid.name}</a>
        </h2>
        <span class="tag">epoch {grid.epoch}</span>
        <span class="quiet">
          this node: {wordsOf(grid.role)}
          {grid.roleReason === "" ? "" : `, ${grid.roleReason}`}
        </span>
      </div>
      <div class="table-scroll">
        <table>
          <thead>
            <tr>
              <th scope="col">Node</th>
              <th scope="col" class="number">
                Order
              </th>
              <th scope="col">Role</th>
              <th scope="col">In sync</th>
              <th scope="col" class="number">
                Behind, frames
              </th>
              <th scope="col" class="number">
                Promise given
              </th>
              <th scope="col" class="number">
                Reaches, devices
              </th>
              <th scope="col">
                <span class="hidden">Handover</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {members.map((member) => (
              <Member key={member.node} member={member} grid={grid} />
            ))}
          </tbody>
        </table>
      </div>
      <FailoverTimeline failovers={failovers} />
    </section>
  );
}

function Member({ member, grid }: { member: LeadershipMember; grid: GridStatus }): JSX.Element {
  const { node, failoverOrder, isLeader, isInSync, notInSyncReason } = member;
  const { lagFrameCount, promisedAgoMs, reachedCount } = member;
  return (
    <tr>
      <th scope="row">{node}</th>
      <td class="number">{failoverOrder}</td>
      <td>{isLeader ? <strong>leads</strong> : isInSync ? "stands by" : "not in sync"}</td>
      <td class={isInSync ? "" : "behind"}>
        <span aria-hidden="true">{isInSync ? "✓ " : "✗ "}</span>
        {isInSync ? "yes" : `no${notInSyncReason === "" ? "" : `: ${notInSyncReason}`}`}
      </td>
      <td class="number">{fixed(lagFrameCount)}</td>
      <td class="number">
        {typeof promisedAgoMs === "number" ? `${fixed(promisedAgoMs)} ms ago` : NONE}
      </td>
      <td class="number">{fixed(reachedCount)}</td>
      <td>
        {isLeader ? null : (
          <button
            type="button"
            class="small"
            disabled={!isInSync || replayed.value !== ""}
            onClick={() => transfer(grid, node)}
          >
            Hand over to {node} …
          </button>
        )}
      </td>
    </tr>
  );
}

function Nodes(): JSX.Element {
  const nowMs = useClock(1000);
  return (
    <section class="panel">
      <h2>Nodes</h2>
      <div class="table-scroll">
        <table>
          <thead>
            <tr>
              <th scope="col">Node</th>
              <th scope="col">Seen from {status.value?.node}</th>
              <th scope="col">Controls</th>
              <th scope="col">gRPC</th>
              <th scope="col">This application there</th>
            </tr>
          </thead>
          <tbody>
            {nodes.value.map((node) => (
              <NodeRow key={node.node} node={node} />
            ))}
          </tbody>
        </table>
      </div>
      <p class="quiet note">
        {status.value?.node} answers this page, version {status.value?.version}, up for{" "}
        {span((status.value?.uptimeMs ?? 0) + nowMs - wholeAtMs.value)}.
      </p>
    </section>
  );
}

function NodeRow({ node }: { node: NodeInfo }): JSX.Element {
  return (
    <tr>
      <th scope="row">{node.node}</th>
      <td>{node.isSelf ? "answers this page" : node.connection}</td>
      <td>
        {node.controllers
          .map(({ grid, role, failoverOrder }) => `${grid}: ${wordsOf(role)} (${failoverOrder})`)
          .join(", ")}
      </td>
      <td>
        <code>{node.operatorAddress}</code>
      </td>
      <td>
        <a href={`${location.protocol}//${node.httpAddress}/${location.hash}`}>
          {node.httpAddress}
        </a>
      </td>
    </tr>
  );
}
