import { existsSync, readFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { RemsError } from "../kernel/errors.ts";
import { checkFile } from "./config-file.ts";
import { checkManifestText } from "./load-manifest.ts";
import { checkProfileText, shippedProfileDirectory } from "./load-profile.ts";
import { manifestSchema } from "./manifest-schema.ts";
import type { Manifest } from "./manifest.ts";
import { type ConfigProblem, problemsText } from "./problem.ts";
import type { DeviceProfile } from "./profile.ts";

/** The texts that an installation was configured with: enough to configure it again on a machine that has none of its files. */
export interface ManifestSource {
  /** Name of the manifest's file, for messages. */
  readonly name: string;
  readonly manifestText: string;
  /** The profiles that its devices use, by id. */
  readonly profileTexts: Readonly<Record<string, string>>;
}

/**
 * Reads again the files that a manifest came from.
 * @throws {@link RemsError} `REMS_CONFIG_NOT_FOUND` where one of them has gone since.
 */
export function readManifestSource(manifest: Manifest): ManifestSource {
  const manifestText = readText(manifest.path);
  const own = checkFile(manifestSchema, manifestText, manifest.path).value?.profile_directories;
  const directories = [
    shippedProfileDirectory(),
    ...(own ?? []).map((directory) => resolve(dirname(manifest.path), directory)),
  ];
  const profileTexts: Record<string, string> = {};
  const ids = manifest.grids.flatMap((grid) => grid.devices.map(({ profile }) => profile.id));
  for (const id of [...new Set(ids)].sort()) {
    const path = directories.map((directory) => join(directory, `${id}.toml`)).find(existsSync);
    profileTexts[id] = readText(path ?? join(shippedProfileDirectory(), `${id}.toml`));
  }
  return { name: basename(manifest.path), manifestText, profileTexts };
}

/**
 * The manifest of a recording, as this build understands it.
 *
 * The texts pass the checks of this build, which fill in what it knows and the recording did not; then every value that was in force at
 * the recording takes its place again, so that a default that has changed since does not change the past.
 * @param recorded - The manifest as it was in force, read back from JSON; what does not fit the form is passed over.
 * @throws {@link RemsError} `REMS_CONFIG_INVALID` with everything that this build finds wrong in the texts.
 */
export function restoreManifest(source: ManifestSource, recorded: unknown): Manifest {
  const profiles = new Map<string, DeviceProfile>();
  const problems: ConfigProblem[] = [];
  for (const [id, text] of Object.entries(source.profileTexts)) {
    const checked = checkProfileText(text, `${id}.toml`);
    problems.push(...checked.problems);
    if (checked.profile !== null) profiles.set(checked.profile.id, checked.profile);
  }
  const checked = checkManifestText(source.manifestText, { path: source.name, profiles });
  problems.push(...checked.problems);
  if (checked.manifest === null || problems.length > 0) {
    throw new RemsError("REMS_CONFIG_INVALID", problemsText(problems));
  }
  return overlay(checked.manifest, recorded, 0) as Manifest;
}

const DEPTH_MAX = 16;

/** `base` with the values of `over` wherever both have the same form; lists of other lengths are taken whole. */
function overlay(base: unknown, over: unknown, depth: number): unknown {
  if (over === undefined || depth > DEPTH_MAX) return base;
  if (base === null || over === null) return over;
  if (Array.isArray(base)) {
    if (!Array.isArray(over)) return base;
    const model: unknown = base[0];
    return over.map((item: unknown, i) =>
      overlay(i < base.length ? base[i] : model, item, depth + 1),
    );
  }
  if (typeof base === "object") {
    if (typeof over !== "object" || Array.isArray(over)) return base;
    const values = over as Readonly<Record<string, unknown>>;
    const entries = Object.entries(base).map(([key, value]) => [
      key,
      overlay(value, values[key], depth + 1),
    ]);
    return Object.fromEntries(entries) as unknown;
  }
  return typeof base === typeof over ? over : base;
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw new RemsError("REMS_CONFIG_NOT_FOUND", `${path} cannot be read any more`, { cause });
  }
}
