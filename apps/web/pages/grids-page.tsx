import type { JSX } from "preact";
import { grids, islandOf, status } from "../data/store.ts";
import { NodeStart } from "../parts/node-start.tsx";
import { linkTo, route } from "../shell/route.ts";
import { GridPage } from "./grid/grid-page.tsx";
import { GridCard } from "./overview/grid-card.tsx";
import { IslandFigures } from "./overview/island-figures.tsx";
import "./overview/overview.css";

export default function GridsPage(): JSX.Element {
  if (status.value === null) return <NodeStart />;
  const { rest } = route.value;
  if (rest !== "") return <GridPage id={rest} key={rest} />;
  return (
    <div class="stack">
      <div class="page-head">
        <h1>Grids (switchboard sections)</h1>
        <p>{grids.value.length} of this node</p>
      </div>
      <div class="columns">
        {grids.value.map((grid) => {
          const island = islandOf.value.get(grid.grid) ?? 0;
          return (
            <div class="stack" key={grid.grid}>
              <GridCard grid={grid} island={island} />
              <IslandFigures members={[grid]} island={island} />
              <a class="button" href={linkTo("grids", grid.grid)}>
                Open {grid.name}
              </a>
            </div>
          );
        })}
      </div>
    </div>
  );
}
