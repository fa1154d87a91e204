import type { JSX } from "preact";
import type { GridStatus } from "../../data/messages.ts";
import { leaderships } from "../../data/store.ts";
import { clockUtc, span, wordsOf } from "../../parts/format.ts";
import { useClock } from "../../parts/use-clock.ts";
import { linkTo } from "../../shell/route.ts";

/** Who leads a grid and who could next, what mode it is in, and the last change of leader. */
export function GridCard({ grid, island }: { grid: GridStatus; island: number }): JSX.Element {
  const { name, grid: id, mode, control, leader, epoch } = grid;
  return (
    <section class={`panel grid-card island-${island % 4}`} aria-label={name}>
      <div class="grid-card-head">
        <h2>
          <a href={linkTo("grids", id)}>{name}</a>
        </h2>
        <span class="tag" title="Mode">
          {mode}
        </span>
        {control === "control" ? null : (
          <span class="tag warn" title="Outputs are computed and explained, not written">
            {control}
          </span>
        )}
        {grid.isViewCurrent ? null : <span class="tag warn">view lags</span>}
      </div>
      <dl class="lead">
        <div>
          <dt>Leads</dt>
          <dd class={leader === "" ? "nobody" : "leads"}>
            {leader === "" ? "nobody" : leader}
            <small>epoch {epoch}</small>
          </dd>
        </div>
        <div>
          <dt>Stand by</dt>
          <dd>
            <Standbys grid={grid} />
          </dd>
        </div>
        <div class="grow">
          <dt>Last failover</dt>
          <dd>
            <LastFailover grid={grid} />
          </dd>
        </div>
      </dl>
    </section>
  );
}

function Standbys({ grid }: { grid: GridStatus }): JSX.Element {
  const others = grid.order.filter((node) => node !== grid.leader);
  if (others.length === 0) return <>none</>;
  return (
    <span class="standbys">
      {others.map((node) => {
        const isInSync = grid.inSync.includes(node);
        return (
          <span key={node} class={isInSync ? "standby" : "standby behind"}>
            {node}
            <span aria-hidden="true">{isInSync ? " ✓" : " ✗"}</span>
            <span class="hidden">{isInSync ? " in sync" : " not in sync"}</span>
          </span>
        );
      })}
    </span>
  );
}

function LastFailover({ grid }: { grid: GridStatus }): JSX.Element {
  const nowMs = useClock(1000);
  const failover = leaderships.value.get(grid.grid)?.failovers[0] ?? grid.lastFailover;
  if (failover === null || failover === undefined) return <span class="quiet">none seen</span>;
  const { from, to, gapMs, wallTimeMs, origin } = failover;
  const agoMs = Math.max(0, nowMs - wallTimeMs);
  return (
    <span class="failover" title={`${clockUtc(wallTimeMs)} UTC`}>
      {from} → {to} <strong class="gap">{Math.round(gapMs)} ms</strong>{" "}
      <small>
        {wordsOf(origin)}, {span(agoMs)} ago
      </small>
    </span>
  );
}
