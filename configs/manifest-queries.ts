import { RemsError } from "../kernel/errors.ts";
import type {
  ControllerConfigEntry,
  DeviceConfig,
  GridConfig,
  Manifest,
  NodeConfig,
} from "./manifest.ts";

/** A device that a grid's driver reads, and whether the grid may command it. */
export interface ReadDevice {
  /** Of another grid: `control` is `observe` and `isCritical` false, so that it is read and never written or counted for reach. */
  readonly device: DeviceConfig;
  readonly ownerGrid: string;
  readonly isOwn: boolean;
}

/** @throws {@link RemsError} `REMS_NOT_FOUND`. */
export function gridOf(manifest: Manifest, gridId: string): GridConfig {
  const grid = manifest.grids.find(({ id }) => id === gridId);
  if (grid) return grid;
  throw notFound("grid", gridId, manifest.grids);
}

/** @throws {@link RemsError} `REMS_NOT_FOUND`. */
export function nodeOf(manifest: Manifest, nodeId: string): NodeConfig {
  const node = manifest.nodes.find(({ id }) => id === nodeId);
  if (node) return node;
  throw notFound("node", nodeId, manifest.nodes);
}

function notFound(what: string, id: string, all: readonly { readonly id: string }[]): RemsError {
  const known = all.map((one) => one.id).join(", ");
  return new RemsError(
    "REMS_NOT_FOUND",
    `There is no ${what} "${id}" in the manifest; it has ${known}.`,
  );
}

/** Devices of all grids. */
export function deviceCountOf(manifest: Manifest): number {
  return manifest.grids.reduce((count, grid) => count + grid.devices.length, 0);
}

/** Controllers of a grid in `failover_order`, the preferred leader first. */
export function controllersOf(
  manifest: Manifest,
  gridId: string,
): readonly ControllerConfigEntry[] {
  return gridOf(manifest, gridId).controllers;
}

/** Grids that have a controller on a node, in the order of the manifest. */
export function gridsOnNode(manifest: Manifest, nodeId: string): GridConfig[] {
  return manifest.grids.filter(({ controllers }) =>
    controllers.some(({ node }) => node === nodeId),
  );
}

/** Own devices in the order of the manifest, then the far breaker of each tie of the grid, in the order of the ties. */
export function devicesReadBy(manifest: Manifest, gridId: string): ReadDevice[] {
  const own = gridOf(manifest, gridId).devices.map((device) => ({
    device,
    ownerGrid: gridId,
    isOwn: true,
  }));
  const far = manifest.ties.flatMap(({ breakers }) => {
    if (!breakers.some(({ grid }) => grid === gridId)) return [];
    return breakers
      .filter(({ grid }) => grid !== gridId)
      .map(({ grid, device }) => ({
        device: observed(gridOf(manifest, grid), device),
        ownerGrid: grid,
        isOwn: false,
      }));
  });
  return [...own, ...far];
}

function observed(grid: GridConfig, deviceId: string): DeviceConfig {
  const device = grid.devices.find(({ id }) => id === deviceId);
  if (device) return { ...device, control: "observe", isCritical: false };
  throw notFound("device", deviceId, grid.devices);
}

/** The grids that may form one island with this one: all that ties lead to, at any remove; in the order of the manifest. */
export function otherGridsOf(manifest: Manifest, gridId: string): string[] {
  const reached = new Set([gridOf(manifest, gridId).id]);
  // Each round reaches at least one more grid or ends.
  for (let round = 0; round < manifest.grids.length; round++) {
    for (const { breakers } of manifest.ties) {
      const ends = breakers.map(({ grid }) => grid);
      if (ends.some((end) => reached.has(end))) ends.forEach((end) => reached.add(end));
    }
  }
  return manifest.grids.map(({ id }) => id).filter((id) => id !== gridId && reached.has(id));
}

/**
 * Key of the permit to close onto a dead busbar: one for all grids that closed ties could ever join, so that never two are held in
 * one possible island. Grid ids hold no dot, so it is no grid's.
 * @returns `permit.` and the first grid of them, in the order of the manifest.
 */
export function permitKeyOf(manifest: Manifest, gridId: string): string {
  const joined = new Set([gridId]);
  for (let size = 0; size < joined.size;) {
    size = joined.size;
    for (const { breakers } of manifest.ties) {
      if (breakers.some(({ grid }) => joined.has(grid))) {
        for (const { grid } of breakers) joined.add(grid);
      }
    }
  }
  const first = manifest.grids.find(({ id }) => joined.has(id));
  return `permit.${first?.id ?? gridId}`;
}
