import type { JSX } from "preact";
import type { GridStatus } from "../../data/messages.ts";
import { gridById, islandOf, ties, topology } from "../../data/store.ts";
import { SingleLine } from "../../diagram/single-line.tsx";
import { fixed, wordsOf } from "../../parts/format.ts";
import { Offers } from "../../parts/offers.tsx";
import { linkTo } from "../../shell/route.ts";
import { DeviceAlarms } from "../device/device-alarms.tsx";
import { GridCard } from "../overview/grid-card.tsx";
import { GridTrend } from "./grid-trend.tsx";
import { Sources } from "./sources.tsx";
import { StartTable } from "./start-table.tsx";
import "../device/device-page.css";

export function GridPage({ id }: { id: string }): JSX.Element {
  const grid = gridById(id);
  if (grid === null) {
    return (
      <section class="panel empty">
        <h1>This node has no grid “{id}”</h1>
        <p>
          <a href={linkTo("grids")}>All grids</a>
        </p>
      </section>
    );
  }
  const address = `grids/${id}`;
  return (
    <div class="grid-page">
      <div class="page-head">
        <h1>{grid.name}</h1>
        <p>
          grid (switchboard section) {id}: {CONTROL[grid.control] ?? grid.control}
        </p>
      </div>
      <GridCard grid={grid} island={islandOf.value.get(id) ?? 0} />
      <section class="panel diagram" aria-label="Busbar">
        <SingleLine grids={[grid]} ties={NO_TIES} islandOf={islandOf.value} />
        <TieLine grid={grid} />
      </section>
      <div class="columns">
        <div class="stack">
          <Reserve grid={grid} />
          <section class="panel">
            <h2>Why</h2>
            <ul class="reasons">
              {grid.why.map((sentence) => (
                <li key={sentence}>{sentence}</li>
              ))}
            </ul>
          </section>
          <DeviceAlarms address={address} />
          <Mode grid={grid} />
        </div>
        <div class="stack">
          <Sources grid={grid} />
          <StartTable grid={grid} />
          <GridTrend grid={grid} />
        </div>
      </div>
    </div>
  );
}

const CONTROL: Readonly<Record<string, string>> = {
  observe: "R-EMS looks on, and writes nothing",
  advise: "R-EMS proposes, and writes nothing",
  control: "R-EMS commands",
};

const NO_TIES: [] = [];

/** A tie leads out of this page: it is named in words. */
function TieLine({ grid }: { grid: GridStatus }): JSX.Element | null {
  const own = ties.value.filter(({ breakers }) => breakers.some((end) => end.grid === grid.grid));
  if (own.length === 0) return null;
  const isTied = grid.island.length > 1;
  return (
    <p class="quiet tie-line">
      {isTied
        ? `In parallel with ${grid.island.filter((one) => one !== grid.grid).join(", ")} over `
        : "Could be joined by "}
      {own.map(({ id, breakers }) => {
        const end = breakers.find((one) => one.grid !== grid.grid);
        return (
          <span key={id}>
            {id} with <a href={linkTo("grids", end?.grid ?? "")}>{end?.grid}</a>{" "}
          </span>
        );
      })}
    </p>
  );
}

/** What may be lost or added before the lights go out. */
function Reserve({ grid }: { grid: GridStatus }): JSX.Element {
  const { plant } = grid;
  const rows: readonly (readonly [string, string])[] = [
    [
      topology.value?.isLand === true ? "Load of the site" : "Load of the island",
      `${fixed(plant?.generationKw)} kW, ${plant?.capacityKw === 0 ? "no source that counts is connected" : `${fixed(plant?.loadPct, 1)} % of capacity`}`,
    ],
    ["Connected capacity", `${fixed(plant?.capacityKw)} kW`],
    ["Free", `${fixed(plant?.freeKw)} kW`],
    ["Reserved for heavy consumers", `${fixed(plant?.reservedKw)} kW`],
    ["Reserve of batteries", `${fixed(plant?.batteryReserveKw)} kW`],
    ["Frequency, voltage", `${fixed(plant?.frequencyHz, 2)} Hz, ${fixed(plant?.voltageV)} V`],
  ];
  return (
    <section class="panel">
      <h2>Reserve</h2>
      <p class={grid.isN1Held ? "n1 held" : "n1 lost"}>
        <strong>{grid.isN1Held ? "N-1 held" : "N-1 not held"}</strong> {grid.n1Statement}
      </p>
      <dl class="facts reserve">
        {rows.map(([name, value]) => (
          <>
            <dt key={name}>{name}</dt>
            <dd>{value}</dd>
          </>
        ))}
      </dl>
    </section>
  );
}

function Mode({ grid }: { grid: GridStatus }): JSX.Element {
  const { name, chosen } = grid;
  const target = { name, address: `grids/${grid.grid}`, chosen };
  const busbar = topology.value?.busbars.find((one) => one.grid === grid.grid);
  const now = grid.mode.toLowerCase();
  const offers = (busbar?.offers ?? []).filter(({ command }) => command !== now);
  return (
    <section class="panel">
      <h2>Mode and commands</h2>
      <p>
        {grid.mode}
        {grid.mode === "SWBD" ? ": operated from the switchboard, by its selectors" : ""}
        {grid.roleReason === ""
          ? ""
          : `. This node's controller is ${wordsOf(grid.role)}: ${grid.roleReason}`}
      </p>
      <Offers grid={grid} target={target} offers={offers} />
    </section>
  );
}
