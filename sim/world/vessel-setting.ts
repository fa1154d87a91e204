import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { createGridCore } from "../../actors/grid/grid-core.ts";
import { loadManifest } from "../../configs/load-manifest.ts";
import type { Manifest } from "../../configs/manifest.ts";
import { present } from "../../kernel/assert.ts";
import { encodeCanonical } from "../../kernel/canonical.ts";
import { hashOf } from "../../kernel/hash.ts";
import { Plant } from "../plant/plant.ts";
import type { PlantSpecs } from "../plant/plant-spec.ts";
import { loadPlantFile } from "../simulator/load-plant-file.ts";
import type { SeededRandom } from "../ports/seeded-random.ts";
import { installationSetting } from "./installation-setting.ts";
import type { Scenario, VesselOutline } from "./scenario.ts";
import type { Setting } from "./world.ts";

/** States of the vessel's grids are compared every so many frames: encoding and hashing one costs more than a scan. */
const COMPARE_FRAME_COUNT = 20;

interface VesselFiles {
  readonly manifest: Manifest;
  readonly specs: PlantSpecs;
}

let files: VesselFiles | null = null;

/** `configs/vessel.toml` of the source tree, from the source or from what was compiled into `dist/`. */
function manifestPath(): string {
  const here = dirname(fileURLToPath(import.meta.url));
  const candidates = ["../../configs", "../../../configs"].map((up) =>
    join(here, up, "vessel.toml"),
  );
  const found = candidates.find((path) => existsSync(path));
  return present(found, "the sources hold configs/vessel.toml");
}

/** The vessel example's manifest and plant, read once: reading files has no place in a run. */
export function vesselFiles(): VesselFiles {
  if (files !== null) return files;
  const manifest = loadManifest(manifestPath());
  files = { manifest, specs: loadPlantFile(manifest) };
  return files;
}

export function vesselOutline(): VesselOutline {
  const { manifest } = vesselFiles();
  return {
    nodes: manifest.nodes
      .filter(({ id }) =>
        manifest.grids.some((grid) => grid.controllers.some(({ node }) => node === id)),
      )
      .map(({ id }) => id),
    devices: manifest.grids.flatMap(({ devices }) => devices.map(({ id }) => id)),
  };
}

/** The whole vessel example: two grids with a tie, the physics of its plant, the real cores. */
export function vesselSetting(scenario: Scenario, random: SeededRandom): Setting {
  const { manifest, specs } = vesselFiles();
  const plant = new Plant(manifest, specs, scenario.seed);
  return {
    ...installationSetting({
      manifest,
      plant,
      timings: scenario.timings,
      failback: scenario.failback,
      nodes: scenario.nodes,
      coreOf: (grid) => createGridCore(manifest, grid),
      digest: (state, sequence) =>
        sequence % COMPARE_FRAME_COUNT === 0 ? hashOf(encodeCanonical(state)) : null,
    }),
    request: (draw, requestId) => {
      const grid = pick(draw, manifest.grids);
      const device = pick(draw, grid.devices);
      return {
        grid: grid.id,
        requestId,
        role: "operator",
        user: "test",
        actor: `grids/${grid.id}/devices/${device.id}`,
        command: pick(draw, ["start", "stop", "open", "close"]),
        arguments: {},
      };
    },
    disturb: () => disturb(manifest, plant, random),
  };
}

function pick<T>(random: SeededRandom, items: readonly T[]): T {
  return items[Math.floor(random.next() * items.length)] as T;
}

/** Something happens in the plant. @returns What, for the trace. */
function disturb(manifest: Manifest, plant: Plant, random: SeededRandom): string {
  const all = manifest.grids.flatMap(({ devices }) => devices);
  const ofKind = (kind: string) => all.filter((device) => device.kind === kind);
  const draw = random.next();
  if (draw < 0.4) {
    const { id } = pick(random, ofKind("feeder"));
    const deltaKw = Math.round(random.between(-60, 120));
    plant.loadStep(id, deltaKw);
    return `load of ${id} steps by ${deltaKw} kW`;
  }
  if (draw < 0.75) {
    const { id } = pick(random, ofKind("thruster"));
    const kw = Math.round(random.between(0, 600));
    plant.setThrusterDemand(id, kw);
    return `${id} asks for ${kw} kW`;
  }
  const { id } = pick(random, ofKind("genset"));
  plant.device(id).trip("tripped by the world");
  return `${id} trips`;
}
