import type { JSX } from "preact";
import { SingleLine } from "../../diagram/single-line.tsx";
import { grids, islandOf, islands, status, ties } from "../../data/store.ts";
import { NodeStart } from "../../parts/node-start.tsx";
import { AlarmList } from "./alarm-list.tsx";
import { GridCard } from "./grid-card.tsx";
import { IslandFigures } from "./island-figures.tsx";
import { RecentEvents } from "./recent-events.tsx";
import "./overview.css";

export function Overview(): JSX.Element {
  if (status.value === null) return <NodeStart />;
  const places = islandOf.value;
  return (
    <div class="overview">
      <h1 class="hidden">Overview</h1>
      <div class="overview-plant">
        <div class="grid-cards">
          {grids.value.map((grid) => (
            <GridCard key={grid.grid} grid={grid} island={places.get(grid.grid) ?? 0} />
          ))}
        </div>
        <section class="panel diagram" aria-label="Plant">
          <SingleLine grids={grids.value} ties={ties.value} islandOf={places} />
        </section>
        <div class="island-figures">
          {islands.value.map((members) => (
            <IslandFigures
              key={members[0]?.grid ?? ""}
              members={members}
              island={places.get(members[0]?.grid ?? "") ?? 0}
            />
          ))}
        </div>
      </div>
      <aside class="overview-side">
        <AlarmList />
        <RecentEvents />
      </aside>
    </div>
  );
}
