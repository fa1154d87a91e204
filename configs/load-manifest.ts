import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { RemsError } from "../kernel/errors.ts";
import { crossCheck } from "./check-manifest.ts";
import { checkFile } from "./config-file.ts";
import { readProfiles, shippedProfileDirectory } from "./load-profile.ts";
import { manifestSchema } from "./manifest-schema.ts";
import type { Manifest } from "./manifest.ts";
import { type ConfigProblem, problemsText } from "./problem.ts";
import type { DeviceProfile } from "./profile.ts";
import { toManifest } from "./to-manifest.ts";

export interface CheckedManifest {
  /** Null where there is any problem. */
  readonly manifest: Manifest | null;
  readonly problems: readonly ConfigProblem[];
}

/** What the text of a manifest is checked against besides itself. */
export interface ManifestSurroundings {
  /** Path of the file, for messages and the manifest. */
  readonly path: string;
  readonly profiles: ReadonlyMap<string, DeviceProfile>;
}

/** Checks the text of a manifest. Pure: reads no file; never throws for what the text holds. */
export function checkManifestText(
  text: string,
  surroundings: ManifestSurroundings,
): CheckedManifest {
  const { path, profiles } = surroundings;
  const checked = checkFile(manifestSchema, text, path);
  if (checked.value === null) return { manifest: null, problems: checked.problems };
  const crossProblems = crossCheck(checked.value, profiles, checked.problem);
  const problems = checked.withCrossProblems(crossProblems);
  const manifest = problems.length === 0 ? toManifest(checked.value, path, profiles) : null;
  return { manifest, problems };
}

/**
 * Loads a manifest and the profiles that it may use.
 *
 * @param path - As {@link findManifestPath} returns it.
 * @throws {@link RemsError} `REMS_CONFIG_NOT_FOUND` where the file cannot be read; `REMS_CONFIG_INVALID` whose message lists
 *   everything that is wrong in it and in the profiles: file, line, path, what was found, what is allowed.
 */
export function loadManifest(path: string): Manifest {
  const text = readManifest(path);
  const own = ownProfileDirectories(text, path);
  const read = readProfiles([shippedProfileDirectory(), ...own]);
  const { manifest, problems } = checkManifestText(text, { path, profiles: read.profiles });
  const all = [...read.problems, ...problems];
  if (manifest === null || all.length > 0) {
    throw new RemsError("REMS_CONFIG_INVALID", problemsText(all));
  }
  return manifest;
}

function readManifest(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    const reason = cause instanceof Error && "code" in cause ? String(cause.code) : "unreadable";
    throw new RemsError(
      "REMS_CONFIG_NOT_FOUND",
      `There is no readable manifest at ${path} (${reason}). Name one with --config, or set R_EMS_CONFIG_ROOT to the directory that holds r-ems.toml.`,
      { cause, details: { path } },
    );
  }
}

function ownProfileDirectories(text: string, path: string): string[] {
  const directories = checkFile(manifestSchema, text, path).value?.profile_directories ?? [];
  return directories.map((directory) => resolve(dirname(path), directory));
}
