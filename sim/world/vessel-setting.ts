import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { createGridCore } from "../../actors/grid/grid-core.ts";
import { loadManifest } from "../../configs/load-manifest.ts";
import type { DeviceConfig, Manifest } from "../../configs/manifest.ts";
import { present } from "../../kernel/assert.ts";
import { encodeCanonical } from "../../kernel/canonical.ts";
import { hashOf } from "../../kernel/hash.ts";
import { Plant } from "../plant/plant.ts";
import type { PlantSpecs } from "../plant/plant-spec.ts";
import { loadPlantFile } from "../simulator/load-plant-file.ts";
import type { SeededRandom } from "../ports/seeded-random.ts";
import type { FieldWrite } from "./field.ts";
import { installationSetting } from "./installation-setting.ts";
import type { Scenario, VesselOutline } from "./scenario.ts";
import type { Setting } from "./world.ts";

/** States of the vessel's grids are compared every so many frames: encoding and hashing one costs more than a scan. */
const COMPARE_FRAME_COUNT = 20;

interface VesselFiles {
  readonly manifest: Manifest;
  readonly specs: PlantSpecs;
  /** The batteries stand ready beside their busbars, so that these go dark when the gensets trip. */
  readonly specsOfBlackout: PlantSpecs;
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
  const batteries = manifest.grids.flatMap(({ devices }) => devices.filter(isBattery));
  const ready = Object.fromEntries(
    batteries.map(({ id }) => [id, { is_closed: false, is_forming: false }]),
  );
  const specsOfBlackout = loadPlantFile(manifest, undefined, ready);
  files = { manifest, specs: loadPlantFile(manifest), specsOfBlackout };
  return files;
}

const isBattery = ({ kind }: DeviceConfig): boolean => kind === "battery";

export function vesselOutline(): VesselOutline {
  const { manifest } = vesselFiles();
  return {
    nodes: manifest.nodes
      .filter(({ id }) =>
        manifest.grids.some((grid) => grid.controllers.some(({ node }) => node === id)),
      )
      .map(({ id }) => id),
    grids: manifest.grids.map(({ id }) => id),
    devices: manifest.grids.flatMap(({ devices }) => devices.map(({ id }) => id)),
  };
}

/** The whole vessel example: two grids with a tie, the physics of its plant, the real cores. */
export function vesselSetting(scenario: Scenario, random: SeededRandom): Setting {
  const { manifest, specs, specsOfBlackout } = vesselFiles();
  const isBlackout = scenario.faults.some(({ kind }) => kind === "blackout");
  const plant = new Plant(manifest, isBlackout ? specsOfBlackout : specs, scenario.seed);
  const dead = new DeadBuses(manifest, plant);
  const installation = installationSetting({
    manifest,
    plant,
    timings: scenario.timings,
    failback: scenario.failback,
    nodes: scenario.nodes,
    coreOf: (grid) => createGridCore(manifest, grid),
    digest: (state) => hashOf(encodeCanonical(state)),
    comparedEvery: COMPARE_FRAME_COUNT,
  });
  const { advance } = installation;
  return {
    ...installation,
    advance: advance && {
      ...advance,
      run: (nowMs) => {
        advance.run(nowMs);
        dead.look(nowMs);
      },
    },
    isDeadClose: (write) => dead.isClosedOnto(write),
    blackout: (grid) => tripSources(manifest, plant, grid),
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

/** Since when each busbar has been dead, and which of its devices are sources. */
class DeadBuses {
  readonly #plant: Plant;
  readonly #sinceMs = new Map<string, number>();
  readonly #sources: ReadonlySet<string>;

  constructor({ grids }: Manifest, plant: Plant) {
    this.#plant = plant;
    for (const { id } of grids) this.#sinceMs.set(id, Infinity);
    const isSource = ({ kind }: DeviceConfig) =>
      kind === "genset" || kind === "battery" || kind === "shore";
    const permitted = grids.filter(({ blackout }) => blackout.deadBusInterlock === "permit");
    this.#sources = new Set(permitted.flatMap((grid) => grid.devices.filter(isSource).map(idOf)));
  }

  look(nowMs: number): void {
    for (const [grid, sinceMs] of this.#sinceMs) {
      if (this.#plant.grid(grid).isLive) this.#sinceMs.set(grid, Infinity);
      else if (sinceMs === Infinity) this.#sinceMs.set(grid, nowMs);
    }
  }

  /** Outputs of a frame from before may still close onto a busbar that died just now. */
  isClosedOnto({ grid, device, kind, values, arrivedAtMs }: FieldWrite): boolean {
    const sinceMs = this.#sinceMs.get(grid) ?? Infinity;
    if (kind !== "command" || !this.#sources.has(device) || arrivedAtMs < sinceMs + DEAD_MS)
      return false;
    return values.some(([name]) => name === "close" || name === "syncAndClose");
  }
}

const DEAD_MS = 1_000;
const idOf = ({ id }: DeviceConfig): string => id;

/** Trips every set that feeds a grid. @returns What, for the trace. */
function tripSources(manifest: Manifest, plant: Plant, gridId: string): string {
  const devices = manifest.grids.find(({ id }) => id === gridId)?.devices ?? [];
  const feeding = devices.filter(
    ({ id, kind }) => kind === "genset" && plant.points(id)["isClosed"] === true,
  );
  for (const { id } of feeding) plant.device(id).trip("tripped by the world");
  return `${feeding.map(idOf).join(" and ") || "nothing"} trips in ${gridId}`;
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
