import { isAlarmStanding } from "../../kernel/alarm.ts";
import type { Quality } from "../../kernel/point.ts";
import type { GridReplica } from "../grid-replica.ts";
import type { NodeView } from "../node-view.ts";
import { GRID_POINTS } from "./modbus-map.ts";

export interface GridFigures {
  /** By the names of {@link GRID_POINTS}. */
  readonly values: ReadonlyMap<string, number>;
  readonly quality: Quality;
  readonly ageMs: number;
}

/** A replica that heard no frame for so long shows what was. */
const STALE_MS = 1000;

/** The figures of a grid as this node's replica has them; null for a grid without a controller here. */
export function gridFigures(view: NodeView, grid: string): GridFigures | null {
  const replica = view.replicas.get(grid);
  if (replica === undefined || replica.position === null) return null;
  const ageMs = replica.frameAgeMs;
  const isFresh = replica.isCurrent && ageMs < STALE_MS;
  return { values: valuesOf(view, replica), quality: isFresh ? "good" : "uncertain", ageMs };
}

function valuesOf(view: NodeView, replica: GridReplica): ReadonlyMap<string, number> {
  const figures = replica.view();
  const { isBusLive, isBusDead } = replica.situation();
  const status = view.statusOf(replica.grid);
  const labelled = (name: string, label: string): number =>
    Math.max(0, GRID_POINTS.find((point) => point.name === name)?.labels.indexOf(label) ?? 0);
  return new Map([
    ["frequencyHz", figures.frequencyHz],
    ["voltageV", figures.voltageV],
    ["loadKw", figures.loadKw],
    ["capacityKw", figures.capacityKw],
    ["freeKw", figures.freeKw],
    // Load without capacity has no percentage.
    ...(figures.loadPct === null ? [] : [["loadPct", figures.loadPct] as const]),
    ["reservedKw", figures.reservedKw],
    ["batteryReserveKw", figures.batteryReserveKw],
    ["busState", labelled("busState", isBusLive ? "live" : isBusDead ? "dead" : "unknown")],
    ["mode", labelled("mode", figures.mode)],
    ["isN1Held", Number(figures.n1.isHeld)],
    ["isLeadingHere", Number(status?.role === "leading" && status.hasAuthority)],
    ["hasLeader", Number((status?.leader ?? null) !== null)],
    ["alarmCount", figures.alarms.filter((alarm) => isAlarmStanding(alarm)).length],
  ]);
}
