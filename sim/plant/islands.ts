import { type Bus, wrapRad } from "./bus.ts";
import type { TieBreakerDevice } from "./breaker-device.ts";
import type { Island } from "./island-solution.ts";
import { type PlantDevice, type SourceDevice, isSource } from "./plant-device.ts";

/** Two live islands that were joined with a larger angle than the check relay allows. */
export interface OutOfPhaseJoin {
  readonly grids: readonly [string, string];
  readonly angleDeg: number;
}

const ANGLE_RAD_MAX = (12 * Math.PI) / 180;

/**
 * Finds the islands: connected components of busbars over conducting ties. Where live ones join, speed and angle are blended by
 * inertia (the masses keep their momentum), and a join out of phase is returned.
 */
export function findIslands(
  buses: readonly Bus[],
  devices: readonly PlantDevice[],
  ties: readonly TieBreakerDevice[],
): { islands: Island[]; outOfPhase: OutOfPhaseJoin[] } {
  const previous = new Map(buses.map((bus) => [bus, bus.island]));
  for (const [index, bus] of buses.entries()) bus.island = index;
  for (const tie of ties) {
    if (tie.far === null || !tie.isConducting || tie.bus.island === tie.far.bus.island) continue;
    const from = Math.max(tie.bus.island, tie.far.bus.island);
    const to = Math.min(tie.bus.island, tie.far.bus.island);
    for (const bus of buses) if (bus.island === from) bus.island = to;
  }
  const outOfPhase: OutOfPhaseJoin[] = [];
  const islands: Island[] = [];
  for (const index of new Set(buses.map((bus) => bus.island))) {
    const members = buses.filter((bus) => bus.island === index);
    const inside = devices.filter((device) => members.includes(device.bus));
    const sources = inside.filter(isSource).filter((source) => source.breaker.isClosed);
    const loads = inside.filter((device) => !isSource(device));
    outOfPhase.push(...blend(members, sources, previous));
    const isLive = sources.some((source) => source.isForming);
    const isStiff = sources.some((source) => source.isStiff);
    for (const bus of members) {
      bus.isLive = isLive;
      bus.isStiff = isStiff;
    }
    const loadKw = loads.reduce((sum, load) => sum + load.loadKw, 0);
    const loadKvar = loads.reduce((sum, load) => sum + load.loadKvar, 0);
    islands.push({ buses: members, sources, loads, loadKw, loadKvar });
  }
  return { islands, outOfPhase };
}

/** Brings the buses of one island to one speed, angle and voltage. */
function blend(
  members: readonly Bus[],
  sources: readonly SourceDevice[],
  previous: ReadonlyMap<Bus, number>,
): OutOfPhaseJoin[] {
  const live = members.filter((bus) => bus.isLive);
  const reference = live[0];
  if (reference === undefined) return [];
  const outOfPhase: OutOfPhaseJoin[] = [];
  let weight = 0;
  let omega = 0;
  let offsetRad = 0;
  for (const bus of live) {
    let inertia = 1e-6;
    for (const source of sources) if (source.bus === bus) inertia += source.inertiaKws;
    if (bus.isStiff) inertia += 1e6;
    const errorRad = wrapRad(bus.angleRad - reference.angleRad);
    weight += inertia;
    omega += inertia * bus.omegaPu;
    offsetRad += inertia * errorRad;
    if (previous.get(bus) !== previous.get(reference) && Math.abs(errorRad) > ANGLE_RAD_MAX) {
      outOfPhase.push({
        grids: [reference.gridId, bus.gridId],
        angleDeg: (Math.abs(errorRad) * 180) / Math.PI,
      });
    }
  }
  const omegaPu = omega / weight;
  const angleRad = wrapRad(reference.angleRad + offsetRad / weight);
  const { voltagePu, trimPu } = reference;
  for (const bus of members) {
    bus.omegaPu = omegaPu;
    bus.angleRad = angleRad;
    bus.voltagePu = voltagePu;
    bus.trimPu = trimPu;
  }
  return outOfPhase;
}
