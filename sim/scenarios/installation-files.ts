import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse, stringify } from "smol-toml";
import { checkManifestText } from "../../configs/load-manifest.ts";
import { readProfiles, shippedProfileDirectory } from "../../configs/load-profile.ts";
import type { Manifest } from "../../configs/manifest.ts";
import { problemsText } from "../../configs/problem.ts";
import type { DeviceProfile } from "../../configs/profile.ts";
import { RemsError } from "../../kernel/errors.ts";
import type { PlantSpecs } from "../plant/plant-spec.ts";
import { loadPlantFile } from "../simulator/load-plant-file.ts";
import type { ScenarioSpec, Table } from "./scenario-file.ts";
import { sourceFolder } from "./scenario-file.ts";

export interface InstallationFiles {
  readonly manifest: Manifest;
  readonly specs: PlantSpecs;
}

let profiles: ReadonlyMap<string, DeviceProfile> | null = null;

/**
 * The manifest and the plant of a scenario: those of its installation with what the scenario lays over them.
 * @throws {@link RemsError} `REMS_CONFIG_INVALID`, as for any manifest or plant.
 */
export function filesOf(spec: ScenarioSpec): InstallationFiles {
  const path = join(sourceFolder("configs"), `${spec.installation}.toml`);
  const laid = laidOver(parse(readFileSync(path, "utf8")), spec.manifest);
  profiles ??= readProfiles([shippedProfileDirectory()]).profiles;
  const { manifest, problems } = checkManifestText(stringify(laid), { path, profiles });
  if (manifest === null)
    throw new RemsError(
      "REMS_CONFIG_INVALID",
      `scenario ${spec.name}, its manifest: ${problemsText(problems)}`,
    );
  return { manifest, specs: loadPlantFile(manifest, undefined, spec.plant) };
}

/**
 * A table laid over another: tables merge, all else is replaced. A list of tables that have an `id` is addressed by that id:
 * `devices = { dg1 = { … } }`.
 */
export function laidOver(base: unknown, over: unknown): unknown {
  if (!isTable(over)) return over;
  if (Array.isArray(base)) {
    const known = base.map((one: unknown) => (isTable(one) ? one["id"] : undefined));
    const strange = Object.keys(over).find((id) => !known.includes(id));
    if (strange !== undefined)
      throw new RemsError(
        "REMS_CONFIG_INVALID",
        `there is no ${strange}; there are ${known.join(", ")}`,
      );
    return base.map((one: unknown) => {
      const id = isTable(one) ? one["id"] : undefined;
      return typeof id === "string" && id in over ? laidOver(one, over[id]) : one;
    });
  }
  const result: Record<string, unknown> = isTable(base) ? { ...base } : {};
  for (const [key, value] of Object.entries(over)) result[key] = laidOver(result[key], value);
  return result;
}

function isTable(value: unknown): value is Table {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
