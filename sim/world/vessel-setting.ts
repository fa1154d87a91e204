import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { createGridCore } from "../../actors/grid/grid-core.ts";
import { loadManifest } from "../../configs/load-manifest.ts";
import type { DeviceConfig, Manifest } from "../../configs/manifest.ts";
import { devicesReadBy, permitKeyOf } from "../../configs/manifest-queries.ts";
import type { PointMapping } from "../../configs/profile.ts";
import { present } from "../../kernel/assert.ts";
import { encodeCanonical } from "../../kernel/canonical.ts";
import { hashOf } from "../../kernel/hash.ts";
import type { PointValue } from "../../kernel/point.ts";
import { PLANT_STEP_MS, Plant } from "../plant/plant.ts";
import type { PlantSpecs } from "../plant/plant-spec.ts";
import { loadPlantFile } from "../simulator/load-plant-file.ts";
import type { SeededRandom } from "../ports/seeded-random.ts";
import type { FieldDevice } from "./field.ts";
import type { Scenario, VesselOutline } from "./scenario.ts";
import type { Setting } from "./world.ts";

/** States of the vessel's grids are compared every so many frames: encoding and hashing one costs more than a scan. */
const COMPARE_FRAME_COUNT = 20;
/** The plant goes on in strides, each of some of its own steps. */
const STRIDE_MS = 10;

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
  const devices = manifest.grids.flatMap((grid) => grid.devices.map((d) => fieldDevice(d, plant)));
  return {
    grids: manifest.grids.map((grid, index) => ({
      grid: grid.id,
      permitKey: permitKeyOf(manifest, grid.id),
      order: grid.controllers.map(({ node }) => node),
      timings: scenario.timings,
      failback: scenario.failback,
      core: createGridCore(manifest, grid.id),
      devices: devicesReadBy(manifest, grid.id).map(({ device, isOwn }) => ({
        id: device.id,
        isOwn,
      })),
      phaseMs: (scenario.timings.scanMs * index) / manifest.grids.length,
      digest: (state, sequence) =>
        sequence % COMPARE_FRAME_COUNT === 0 ? hashOf(encodeCanonical(state)) : null,
    })),
    devices,
    writtenWithinMs: () => Math.max(...devices.map(({ watchdogMs }) => watchdogMs ?? 0)),
    advance: {
      everyMs: STRIDE_MS,
      run: () => {
        for (let ms = 0; ms < STRIDE_MS; ms += PLANT_STEP_MS) plant.step();
      },
    },
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

function fieldDevice(config: DeviceConfig, plant: Plant): FieldDevice {
  const { id, profile } = config;
  const mappings = profile.points.filter(({ access }) => access !== "write");
  const watchdogMs =
    profile.fallback === null || profile.fallback.behaviour === "none"
      ? null
      : profile.fallback.watchdogMs;
  return {
    id,
    isEpochChecked: profile.epochRegister !== null,
    hasOneMaster: profile.mastersMax === 1,
    isCritical: config.isCritical,
    watchdogMs,
    read() {
      const points = plant.points(id);
      return mappings.flatMap((mapping) => {
        const value = points[mapping.point];
        return value === undefined ? [] : [[mapping.point, asRead(mapping, value)] as const];
      });
    },
    write(kind, name, value) {
      if (kind === "command") return plant.command(id, name) === null;
      plant.device(id).setLevel(name, Number(value));
      return true;
    },
    setFallback: (isActive) => plant.device(id).setFallback(isActive),
  };
}

/** A value as it comes back from a register of the profile: in steps of its scale. */
function asRead({ type, scale, offset }: PointMapping, value: PointValue): PointValue {
  if (typeof value !== "number" || type === "float32" || type === "bit") return value;
  const read = Math.round((value - offset) / scale) * scale + offset;
  // Not −0, which no register holds.
  return Math.round(read * 1e6) / 1e6 + 0;
}
