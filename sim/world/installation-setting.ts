import type { DeviceConfig, Manifest } from "../../configs/manifest.ts";
import { devicesReadBy, permitKeyOf } from "../../configs/manifest-queries.ts";
import type { PointMapping } from "../../configs/profile.ts";
import { present } from "../../kernel/assert.ts";
import type { GridCore } from "../../kernel/core.ts";
import type { PointValue } from "../../kernel/point.ts";
import type { Timings } from "../../kernel/timings.ts";
import { PLANT_STEP_MS, type Plant } from "../plant/plant.ts";
import type { FieldDevice } from "./field.ts";
import type { Setting } from "./world.ts";

/** The plant goes on in strides, each of some of its own steps. */
const STRIDE_MS = 10;

export interface InstallationParts {
  readonly manifest: Manifest;
  readonly plant: Plant;
  readonly timings: Timings;
  readonly failback: "manual" | "automatic";
  /** Computers that run; controllers of others are left out. */
  readonly nodes: readonly string[];
  readonly coreOf: (grid: string) => GridCore<unknown>;
  readonly digest: Setting["grids"][number]["digest"];
  readonly comparedEvery: number;
}

/** A whole installation as its manifest states it: its grids, its devices over the physics of a plant. */
export function installationSetting({
  manifest,
  plant,
  timings,
  failback,
  nodes,
  coreOf,
  digest,
  comparedEvery,
}: InstallationParts): Pick<Setting, "grids" | "devices" | "writtenWithinMs" | "advance"> {
  const devices = manifest.grids.flatMap((grid) => grid.devices.map((d) => fieldDevice(d, plant)));
  return {
    grids: manifest.grids.map((grid, index) => ({
      grid: grid.id,
      permitKey: permitKeyOf(manifest, grid.id),
      order: grid.controllers.map(({ node }) => node).filter((node) => nodes.includes(node)),
      timings,
      failback,
      core: coreOf(grid.id),
      devices: devicesReadBy(manifest, grid.id).map(({ device, isOwn }) => ({
        id: device.id,
        isOwn,
      })),
      phaseMs: (timings.scanMs * index) / manifest.grids.length,
      digest,
      comparedEvery,
    })),
    devices,
    writtenWithinMs: () => Math.max(...devices.map(({ watchdogMs }) => watchdogMs ?? 0)),
    advance: {
      everyMs: STRIDE_MS,
      run: () => {
        for (let ms = 0; ms < STRIDE_MS; ms += PLANT_STEP_MS) plant.step();
      },
    },
  };
}

function fieldDevice(config: DeviceConfig, plant: Plant): FieldDevice {
  const { id, profile } = config;
  const mappings = profile.points.filter(({ access }) => access !== "write");
  /** What was read last, by place in the profile: what has not changed is not built again. */
  const read: (readonly [string, PointValue] | undefined)[] = [];
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
      const values: (readonly [string, PointValue])[] = [];
      for (let index = 0; index < mappings.length; index++) {
        const mapping = present(mappings[index], "a mapping of the profile");
        const shown = points[mapping.point];
        if (shown === undefined) continue;
        const value = asRead(mapping, shown);
        const last = read[index];
        const entry = last?.[1] === value ? last : ([mapping.point, value] as const);
        read[index] = entry;
        values.push(entry);
      }
      return values;
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
