import type { JSX } from "preact";
import type { GridStatus } from "../../data/messages.ts";
import { recent } from "../../data/store.ts";
import { lookOf } from "../../diagram/device-look.ts";
import { fixed, unbroken } from "../../parts/format.ts";
import { Sparkline } from "../../parts/sparkline.tsx";

const SOURCES = new Set(["genset", "battery", "shore", "pv"]);
const WHY_COUNT = 3;

export interface IslandFiguresProps {
  readonly members: readonly GridStatus[];
  readonly island: number;
}

/** What one island gives and takes, which sources run, and why it is so. Its first grid is the master and answers for all. */
export function IslandFigures({ members, island }: IslandFiguresProps): JSX.Element | null {
  const master = members.find(({ grid, island: order }) => order[0] === grid) ?? members[0];
  if (master === undefined) return null;
  const { plant } = master;
  const running = members
    .flatMap((grid) => grid.devices)
    .filter(
      (device) => SOURCES.has(device.kind) && device.isClosed === true && lookOf(device) !== "off",
    );
  const rings = recent.get(master.grid);
  const title = members.map(({ grid }) => grid).join(" + ");
  const isDead = plant?.isLive !== true;
  return (
    <section class={`panel island-panel island-${island % 4}`} aria-label={`Island ${title}`}>
      <div class="island-head">
        <h2>
          <span class="bus-mark" data-live={!isDead} />
          {members.length > 1 ? `Island ${title}` : title}
        </h2>
        <span class="running">
          {isDead ? (
            <strong class="tag bad">
              busbar {plant?.bus === "BUS_STATE_DEAD" ? "dead" : "not known"}
            </strong>
          ) : (
            <>
              running: <strong>{running.map(({ name }) => name).join(", ") || "none"}</strong>
            </>
          )}
        </span>
      </div>
      <dl class="figures">
        <Figure label="Load" value={fixed(plant?.generationKw)} unit="kW" />
        <Figure
          label="Loaded"
          value={fixed(plant?.capacityKw === 0 ? null : plant?.loadPct)}
          unit="%"
          bar={plant?.loadPct ?? 0}
        />
        <Figure
          label="Free"
          value={fixed(plant?.freeKw)}
          unit="kW"
          isBad={(plant?.freeKw ?? 0) < 0}
        />
        <Figure label="Connected" value={fixed(plant?.capacityKw)} unit="kW" />
        <Figure label="Frequency" value={fixed(plant?.frequencyHz, 2)} unit="Hz" />
        <Figure label="Voltage" value={fixed(plant?.voltageV)} unit="V" />
      </dl>
      <div class="why">
        <p class={master.isN1Held ? "n1 held" : "n1 lost"}>
          <strong>{master.isN1Held ? "N-1 held" : "N-1 not held"}</strong>{" "}
          {unbroken(master.n1Statement)}
        </p>
        <ul>
          {master.why
            .filter((sentence) => sentence !== master.n1Statement)
            .slice(0, WHY_COUNT)
            .map((sentence) => (
              <li key={sentence}>{unbroken(sentence)}</li>
            ))}
        </ul>
      </div>
      {rings === undefined ? null : (
        <div class="sparks">
          <Sparkline
            label="Load, last five minutes"
            ring={rings.loadKw}
            unit="kW"
            digits={0}
            spanMin={20}
          />
        </div>
      )}
    </section>
  );
}

interface FigureProps {
  readonly label: string;
  readonly value: string;
  readonly unit: string;
  /** Percent, drawn beneath. */
  readonly bar?: number;
  readonly isBad?: boolean;
}

function Figure({ label, value, unit, bar, isBad = false }: FigureProps): JSX.Element {
  return (
    <div class="figure">
      <dt>{label}</dt>
      <dd class={isBad ? "bad" : ""}>
        {value} <small>{unit}</small>
        {bar === undefined ? null : (
          <span class="meter" aria-hidden="true">
            <span style={{ width: `${Math.max(0, Math.min(100, bar))}%` }} />
          </span>
        )}
      </dd>
    </div>
  );
}
