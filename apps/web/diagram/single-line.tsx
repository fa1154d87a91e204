import type { JSX } from "preact";
import { useMemo } from "preact/hooks";
import type { Alarm, DeviceStatus, GridStatus } from "../data/messages.ts";
import { AlarmMark, worstOf } from "../parts/alarm-mark.tsx";
import { fixed, wordsOf } from "../parts/format.ts";
import { useSize } from "../parts/use-size.ts";
import { breakerOf, hasBreaker, isNumber, lookOf, spokenState } from "./device-look.ts";
import { fitDiagram, type DiagramTie, type PlannedTie, type PlannedUnit } from "./plan-diagram.ts";
import { Breaker, DeviceSymbol, FlowArrow, LoadBar } from "./symbols.tsx";
import "./single-line.css";

const FLOW_KW_MIN = 1;

export interface SingleLineProps {
  readonly grids: readonly GridStatus[];
  readonly ties: readonly DiagramTie[];
  /** Place of an island's colour, by grid. */
  readonly islandOf: ReadonlyMap<string, number>;
}

/** The plant as a single-line diagram; every device is a link to its page. */
export function SingleLine({ grids, ties, islandOf }: SingleLineProps): JSX.Element {
  const [ref, { width, height }] = useSize();
  const shape = grids
    .map(({ grid, devices }) => `${grid}:${devices.map(({ device }) => device).join(",")}`)
    .join(";");
  const plan = useMemo(() => {
    const topology = {
      grids: grids.map(({ grid, name, devices }) => ({
        id: grid,
        name,
        devices: devices.map(({ device, name: called, kind }) => ({
          id: device,
          name: called,
          kind,
        })),
      })),
      ties,
    };
    return width === 0 ? null : fitDiagram(topology, width, height);
  }, [shape, ties, width, height]);
  const devices = new Map(grids.flatMap((grid) => grid.devices.map((one) => [one.device, one])));
  const alarms = alarmsByActor(grids);
  const gridOf = new Map(grids.map((grid) => [grid.grid, grid]));
  const classOf = (grid: string): string => {
    const isLive = gridOf.get(grid)?.plant?.isLive === true;
    return isLive ? `live island-${(islandOf.get(grid) ?? 0) % 4}` : "dead";
  };
  return (
    <div class="single-line" ref={ref} style={{ minHeight: `${plan?.heightMin ?? 0}px` }}>
      {plan === null ? null : (
        <svg
          width={plan.width * plan.scale}
          height={plan.height * plan.scale}
          viewBox={`0 0 ${plan.width} ${plan.height}`}
          role="group"
          aria-label="Single-line diagram"
        >
          {plan.ties.map((tie) => (
            <Tie key={tie.id} tie={tie} devices={devices} alarms={alarms} classOf={classOf} />
          ))}
          {plan.buses.map((bus) => (
            <g key={bus.grid} class={`bus ${classOf(bus.grid)}`}>
              <path d={`M${bus.x1} ${bus.y}H${bus.x2}`} />
            </g>
          ))}
          {plan.units.map((unit) => {
            const device = devices.get(unit.device);
            return device === undefined ? null : (
              <Unit
                key={unit.device}
                unit={unit}
                device={device}
                alarms={alarms.get(device.address) ?? []}
                busClass={classOf(unit.grid)}
              />
            );
          })}
        </svg>
      )}
    </div>
  );
}

function alarmsByActor(grids: readonly GridStatus[]): Map<string, Alarm[]> {
  const byActor = new Map<string, Alarm[]>();
  for (const alarm of grids.flatMap((grid) => grid.alarms)) {
    const list = byActor.get(alarm.actor);
    if (list === undefined) byActor.set(alarm.actor, [alarm]);
    else list.push(alarm);
  }
  return byActor;
}

interface UnitProps {
  readonly unit: PlannedUnit;
  readonly device: DeviceStatus;
  readonly alarms: readonly Alarm[];
  readonly busClass: string;
}

function Unit({ unit, device, alarms, busClass }: UnitProps): JSX.Element {
  const { x, busY, side } = unit;
  const isAbove = side === "above";
  const look = lookOf(device);
  const hasOwn = hasBreaker(device.kind);
  const isClosed = !hasOwn || breakerOf(device) === "closed";
  const symbolY = isAbove ? busY - 76 : busY + 68;
  const breakerY = isAbove ? busY - 32 : busY + 26;
  const symbolEdge = isAbove ? symbolY + 19 : symbolY - 19;
  // A source that runs is live up to its breaker; a consumer is live behind a closed one.
  const isFarLive = isAbove ? look === "on" || look === "changing" : isClosed;
  const kw = device.activePowerKw;
  const isFlowing = isNumber(kw) && Math.abs(kw) >= FLOW_KW_MIN && isClosed;
  const worst = worstOf(alarms);
  const spoken = spokenState(device) + (worst === null ? "" : `, alarm: ${worst.text}`);
  const farClass = isFarLive ? busClass : "dead";
  return (
    <a href={`#/devices/${device.device}`} class={`unit look-${look}`} aria-label={spoken}>
      <title>{`${spoken}\n${device.reason}`}</title>
      <rect
        class="unit-ground"
        x={x - 40}
        y={isAbove ? busY - 154 : busY + 10}
        width="80"
        height={isAbove ? 142 : 126}
        rx="6"
      />
      <path class={`conductor ${farClass}`} d={`M${x} ${symbolEdge}V${breakerY}`} />
      <path class={`conductor ${busClass}`} d={`M${x} ${breakerY}V${busY}`} />
      {isFlowing ? (
        <g class={busClass}>
          <FlowArrow
            x={x}
            y={isAbove ? busY - 14 : busY + 42}
            isDown={isAbove ? kw > 0 : kw >= 0}
          />
        </g>
      ) : null}
      {hasOwn ? (
        <g class={isClosed ? busClass : ""}>
          <Breaker x={x} y={breakerY} device={device} />
        </g>
      ) : null}
      <DeviceSymbol x={x} y={symbolY} device={device} />
      {device.kind === "feeder" ? null : <LoadBar x={x + 25} y={symbolY} device={device} />}
      <Labels x={x} top={isAbove ? busY - 138 : busY + 102} room={unit.room} device={device} />
      {worst === null ? null : <AlarmMark x={x - 30} y={symbolY - 14} alarm={worst} />}
    </a>
  );
}

interface LabelsProps {
  readonly x: number;
  readonly top: number;
  /** Width of the column. */
  readonly room: number;
  readonly device: DeviceStatus;
}

function Labels({ x, top, room, device }: LabelsProps): JSX.Element {
  const { name, state, activePowerKw } = device;
  const isWide = name.length * LETTER_PX > room;
  return (
    <>
      <text class={isWide ? "name small" : "name"} x={x} y={top}>
        {isWide ? short(name, Math.floor(room / LETTER_SMALL_PX)) : name}
      </text>
      <text class="figure" x={x} y={top + 15}>
        {fixed(activePowerKw)}
        <tspan class="unit-of"> kW</tspan>
      </text>
      <text class="state" x={x} y={top + 29}>
        {device.connection === "offline" ? "offline" : wordsOf(state)}
      </text>
    </>
  );
}

/** What a letter of a name takes at most on average, in both sizes. */
const LETTER_PX = 7.6;
const LETTER_SMALL_PX = 6;
const TIE_NAME_LENGTH_MAX = 8;
const short = (name: string, lengthMax: number): string =>
  name.length <= lengthMax ? name : `${name.slice(0, lengthMax - 1)}…`;

interface TieProps {
  readonly tie: PlannedTie;
  readonly devices: ReadonlyMap<string, DeviceStatus>;
  readonly alarms: ReadonlyMap<string, readonly Alarm[]>;
  readonly classOf: (grid: string) => string;
}

/** Each end is live with its busbar behind a closed breaker; the middle if either is. */
function Tie({ tie, devices, alarms, classOf }: TieProps): JSX.Element {
  const ends = tie.breakers.map(({ device }) => devices.get(device));
  const closed = tie.breakers.map(({ grid }, index) => {
    const device = ends[index];
    return device !== undefined && breakerOf(device) === "closed" ? classOf(grid) : "dead";
  });
  const middle = closed.find((name) => name !== "dead") ?? "dead";
  const [start, ...rest] = tie.path;
  const d = `M${start?.x ?? 0} ${start?.y ?? 0}${rest.map(({ x, y }) => `L${x} ${y}`).join("")}`;
  return (
    <g class="tie">
      <path class={`conductor ${middle}`} d={d} />
      {tie.breakers.map(({ device: id, grid, at }, index) => {
        const device = devices.get(id);
        if (device === undefined) return null;
        const worst = worstOf(alarms.get(device.address) ?? []);
        const spoken = spokenState(device);
        return (
          <a
            key={id}
            href={`#/devices/${id}`}
            class={`unit look-${lookOf(device)}`}
            aria-label={spoken}
          >
            <title>{`${spoken}\n${device.reason}`}</title>
            <rect class="unit-ground" x={at.x - 26} y={at.y - 34} width="52" height="62" rx="6" />
            <path class={`conductor ${closed[index] ?? "dead"}`} d={`M${at.x - 14} ${at.y}h28`} />
            <g class={closed[index] === "dead" ? "" : classOf(grid)}>
              <Breaker x={at.x} y={at.y} device={device} />
            </g>
            <text class="name" x={at.x} y={at.y - 16}>
              {short(device.name, TIE_NAME_LENGTH_MAX)}
            </text>
            <text class="state" x={at.x} y={at.y + 23}>
              {wordsOf(device.state)}
            </text>
            {worst === null ? null : <AlarmMark x={at.x - 20} y={at.y - 22} alarm={worst} />}
          </a>
        );
      })}
    </g>
  );
}
