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
import { laidOver } from "./lay-over.ts";
import type { ScenarioSpec } from "./scenario-file.ts";
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
