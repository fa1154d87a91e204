import type { JSX } from "preact";
import type { GridStatus } from "../../data/messages.ts";
import { replayed } from "../../data/node-link.ts";
import { leaderships, notScannedMs, topology } from "../../data/store.ts";
import { breakerOf } from "../../diagram/device-look.ts";
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
        <OperatingMode grid={grid} />
        <Utility grid={grid} />
        <span class="tag" title="Mode">
          {mode}
        </span>
        {control === "control" ? null : (
          <span class="tag warn" title="Outputs are computed and explained, not written">
            {control}
          </span>
        )}
        <NotScanned grid={grid} />
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

/** What operators chose of the grid's operating modes, by its name. */
function OperatingMode({ grid }: { grid: GridStatus }): JSX.Element | null {
  const chosen = grid.chosen["mode"];
  const offers = topology.value?.busbars.find((one) => one.grid === grid.grid)?.offers ?? [];
  const name = offers
    .find(({ command }) => command === "mode")
    ?.arguments.flatMap(({ choices }) => choices)
    .find(({ value }) => value === chosen)?.name;
  return name === undefined ? null : (
    <span class="quiet" title="Operating mode">
      {name}
    </span>
  );
}

/** On land: whether the utility is there, as its breaker says. */
function Utility({ grid }: { grid: GridStatus }): JSX.Element | null {
  const ways = grid.devices.filter(({ kind }) => kind === "shore");
  if (topology.value?.isLand !== true || ways.length === 0) return null;
  const positions = ways.map(breakerOf);
  const text = positions.includes("closed")
    ? "grid-connected"
    : positions.includes("unknown")
      ? "connection to the utility not known"
      : "islanded";
  return <span class={text === "grid-connected" ? "tag" : "tag warn"}>{text}</span>;
}

/** Nobody leads it, whatever a node says that remembers its journal. */
function NotScanned({ grid }: { grid: GridStatus }): JSX.Element | null {
  const silentMs = notScannedMs(grid, useClock(1000));
  if (silentMs === 0 || replayed.value !== "") return null;
  return <span class="tag bad">no scan for {span(silentMs)}</span>;
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
    <span class="failover" title={`${wordsOf(origin)}, ${clockUtc(wallTimeMs)} UTC`}>
      {from} → {to} <strong class="gap">{Math.round(gapMs)} ms</strong>{" "}
      <small>{replayed.value === "" ? `${span(agoMs)} ago` : clockUtc(wallTimeMs)}</small>
    </span>
  );
}
