/**
 * Where everything of the single-line diagram stands: busbars side by side, sources above, consumers below, ties between them. Pure: from
 * the topology and a width in pixels to coordinates.
 */

export interface DiagramDevice {
  readonly id: string;
  readonly name: string;
  readonly kind: string;
}

export interface DiagramGrid {
  readonly id: string;
  readonly name: string;
  readonly devices: readonly DiagramDevice[];
}

export interface DiagramTie {
  readonly id: string;
  readonly breakers: readonly { readonly grid: string; readonly device: string }[];
}

export interface Topology {
  readonly grids: readonly DiagramGrid[];
  readonly ties: readonly DiagramTie[];
}

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface PlannedUnit {
  readonly device: string;
  readonly kind: string;
  readonly grid: string;
  /** Sources stand above their busbar. */
  readonly side: "above" | "below";
  readonly x: number;
  /** Width of its column. */
  readonly room: number;
  /** Of the busbar. */
  readonly busY: number;
}

export interface PlannedBus {
  readonly grid: string;
  readonly x1: number;
  readonly x2: number;
  readonly y: number;
  /** Devices that measure the busbar. */
  readonly meters: readonly string[];
}

export interface PlannedTie {
  readonly id: string;
  readonly grids: readonly [string, string];
  /** Corners from the first busbar to the second. */
  readonly path: readonly Point[];
  readonly breakers: readonly {
    readonly device: string;
    readonly grid: string;
    readonly at: Point;
  }[];
}

export interface DiagramPlan {
  readonly width: number;
  readonly height: number;
  readonly buses: readonly PlannedBus[];
  readonly units: readonly PlannedUnit[];
  readonly ties: readonly PlannedTie[];
}

export interface FittedPlan extends DiagramPlan {
  /** Pixels of the screen for one of the plan. */
  readonly scale: number;
  /** What it takes on the screen where no more height is offered. */
  readonly heightMin: number;
}

/** Height above a busbar that a source with its labels takes, and below it that a consumer takes. */
export const ABOVE = 156;
export const BELOW = 138;
const COLUMN_MIN = 84;
const COLUMN_MAX = 132;
/** Between two busbars: room for the two breakers of a tie and their names. */
const TIE_GAP = 132;
const EDGE = 8;
const ROW_GAP = 28;
/** Ties that do not join neighbours run around the outside, each in a lane of its own. */
const LANE = 30;
/** A tie's breaker stands so far from the end of its busbar. */
const STUB = 34;

const SOURCES = new Set(["genset", "battery", "shore", "pv"]);

/** On a wall screen it is looked at from further away: it grows with the width, and further where there is height. */
const SCALED_FROM_PX = 1000;
const SCALE_MAX = 1.4;
const SCALE_FULL_MAX = 2;
/** Coarse: the picture must not move where a sentence beneath takes a line more. */
const SCALE_STEP = 0.1;
/** A name of sixteen letters is not cut for the sake of size. */
const COLUMN_WISH = 98;

/**
 * The plan as large as its place allows, with as many busbars in a row as at the least scale.
 * @param width - Room in pixels of the screen.
 * @param height - Room in pixels; 0 where there is as little as need be.
 */
export function fitDiagram(topology: Topology, width: number, height: number): FittedPlan {
  const least = Math.max(1, Math.min(SCALE_MAX, width / SCALED_FROM_PX));
  const atLeast = planDiagram(topology, width / least);
  const heightMin = atLeast.height * least;
  const most = Math.min(SCALE_FULL_MAX, height / atLeast.height);
  for (let step = Math.floor(most / SCALE_STEP); step * SCALE_STEP > least; step--) {
    const scale = step * SCALE_STEP;
    const plan = planDiagram(topology, width / scale);
    const hasRoom = plan.units.every(({ room }) => room >= COLUMN_WISH);
    const fits = plan.height === atLeast.height && plan.width * scale <= width + 1;
    if (fits && hasRoom) return { ...plan, scale, heightMin };
  }
  return { ...atLeast, scale: least, heightMin };
}

interface Row {
  readonly grids: readonly DiagramGrid[];
}

/** @param width - Room in pixels; narrower than one busbar needs, the plan is as wide as it must be. */
export function planDiagram(topology: Topology, width: number): DiagramPlan {
  const tied = new Set(
    topology.ties.flatMap(({ breakers }) => breakers.map(({ device }) => device)),
  );
  const rows = rowsOf(topology.grids, tied, width);
  const around = topology.ties.filter((tie) => !joinsNeighbours(tie, rows));
  const laneRoom = around.length === 0 ? 0 : around.length * LANE + STUB;
  const room = width - 2 * EDGE - laneRoom;
  const buses: PlannedBus[] = [];
  const units: PlannedUnit[] = [];
  let y = 0;
  for (const row of rows) {
    const counts = row.grids.map((grid) => columnCount(grid, tied));
    const gaps = (row.grids.length - 1) * TIE_GAP;
    const all = counts.reduce((sum, count) => sum + count, 0);
    const column = Math.max(COLUMN_MIN, Math.min(COLUMN_MAX, (room - gaps) / all));
    const used = all * column + gaps;
    let x = EDGE + Math.max(0, (room - used) / 2);
    const busY = y + ABOVE;
    for (const [index, grid] of row.grids.entries()) {
      const wide = (counts[index] ?? 1) * column;
      buses.push({ grid: grid.id, x1: x, x2: x + wide, y: busY, meters: metersOf(grid) });
      units.push(...unitsOf(grid, tied, x, wide, busY));
      x += wide + TIE_GAP;
    }
    y = busY + BELOW + ROW_GAP;
  }
  const right = Math.max(width - EDGE, ...buses.map(({ x2 }) => x2 + laneRoom));
  const bottom = y - ROW_GAP;
  const ties = topology.ties.flatMap((tie) => {
    const planned = planTie(tie, buses, around.indexOf(tie), right, bottom);
    return planned === null ? [] : [planned];
  });
  const hasLaneBelow = ties.some(({ path }) => path.some((point) => point.y > bottom));
  return {
    width: right + EDGE,
    height: bottom + (hasLaneBelow ? around.length * LANE : 0),
    buses,
    units,
    ties,
  };
}

const isColumn = (device: DiagramDevice, tied: ReadonlySet<string>): boolean =>
  device.kind !== "meter" && !tied.has(device.id);

function columnCount(grid: DiagramGrid, tied: ReadonlySet<string>): number {
  const columns = grid.devices.filter((device) => isColumn(device, tied));
  const above = columns.filter(({ kind }) => SOURCES.has(kind)).length;
  return Math.max(1, above, columns.length - above);
}

const metersOf = (grid: DiagramGrid): string[] =>
  grid.devices.filter(({ kind }) => kind === "meter").map(({ id }) => id);

/** As many busbars in a row as fit. */
function rowsOf(grids: readonly DiagramGrid[], tied: ReadonlySet<string>, width: number): Row[] {
  const rows: DiagramGrid[][] = [];
  let used = 0;
  for (const grid of grids) {
    const wide = columnCount(grid, tied) * COLUMN_MIN;
    const row = rows.at(-1);
    if (row !== undefined && used + TIE_GAP + wide <= width - 2 * EDGE) {
      row.push(grid);
      used += TIE_GAP + wide;
    } else {
      rows.push([grid]);
      used = wide;
    }
  }
  return rows.map((row) => ({ grids: row }));
}

function joinsNeighbours({ breakers }: DiagramTie, rows: readonly Row[]): boolean {
  const [a, b] = breakers;
  return rows.some(({ grids }) => {
    const ia = grids.findIndex(({ id }) => id === a?.grid);
    const ib = grids.findIndex(({ id }) => id === b?.grid);
    return ia >= 0 && ib >= 0 && Math.abs(ia - ib) === 1;
  });
}

function unitsOf(
  grid: DiagramGrid,
  tied: ReadonlySet<string>,
  x: number,
  wide: number,
  busY: number,
): PlannedUnit[] {
  const columns = grid.devices.filter((device) => isColumn(device, tied));
  const place = (side: "above" | "below", devices: readonly DiagramDevice[]): PlannedUnit[] =>
    devices.map(({ id, kind }, index) => ({
      device: id,
      kind,
      grid: grid.id,
      side,
      x: x + ((index + 0.5) * wide) / devices.length,
      room: wide / devices.length,
      busY,
    }));
  const above = columns.filter(({ kind }) => SOURCES.has(kind));
  const below = columns.filter(({ kind }) => !SOURCES.has(kind));
  return [...place("above", above), ...place("below", below)];
}

/** @param lane - Place among the ties that run around; -1 for one between neighbours. */
function planTie(
  tie: DiagramTie,
  buses: readonly PlannedBus[],
  lane: number,
  right: number,
  bottom: number,
): PlannedTie | null {
  const [first, second] = tie.breakers;
  if (first === undefined || second === undefined) return null;
  const placeOf = (grid: string) => buses.findIndex((bus) => bus.grid === grid);
  const isInOrder = placeOf(first.grid) <= placeOf(second.grid);
  const [a, b] = isInOrder ? [first, second] : [second, first];
  const from = buses[placeOf(a.grid)];
  const to = buses[placeOf(b.grid)];
  if (from === undefined || to === undefined) return null;
  const grids = [a.grid, b.grid] as const;
  if (lane < 0) {
    const path = [
      { x: from.x2, y: from.y },
      { x: to.x1, y: to.y },
    ];
    const at = [
      { x: from.x2 + STUB, y: from.y },
      { x: to.x1 - STUB, y: to.y },
    ] as const;
    return {
      id: tie.id,
      grids,
      path,
      breakers: [
        { ...a, at: at[0] },
        { ...b, at: at[1] },
      ],
    };
  }
  const laneX = right - lane * LANE - 4;
  if (from.y !== to.y) {
    const path = [
      { x: from.x2, y: from.y },
      { x: laneX, y: from.y },
      { x: laneX, y: to.y },
      { x: to.x2, y: to.y },
    ];
    const at = [
      { x: (from.x2 + laneX) / 2, y: from.y },
      { x: (to.x2 + laneX) / 2, y: to.y },
    ] as const;
    return {
      id: tie.id,
      grids,
      path,
      breakers: [
        { ...a, at: at[0] },
        { ...b, at: at[1] },
      ],
    };
  }
  // In one row but not side by side: below everything, and up again at the other end.
  const laneY = bottom + (lane + 0.5) * LANE;
  const path = [
    { x: from.x1 + 6, y: from.y },
    { x: from.x1 + 6, y: laneY },
    { x: to.x2 - 6, y: laneY },
    { x: to.x2 - 6, y: to.y },
  ];
  const at = [
    { x: from.x1 + 6 + STUB, y: laneY },
    { x: to.x2 - 6 - STUB, y: laneY },
  ] as const;
  return {
    id: tie.id,
    grids,
    path,
    breakers: [
      { ...a, at: at[0] },
      { ...b, at: at[1] },
    ],
  };
}
