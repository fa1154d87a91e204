import { existsSync, readFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { z } from "zod";
import { RemsError } from "../kernel/errors.ts";
import { checkFile } from "./config-file.ts";
import { checkManifestText } from "./load-manifest.ts";
import { checkProfileText, readProfiles, shippedProfileDirectory } from "./load-profile.ts";
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

export interface RestoredManifest {
  readonly manifest: Manifest;
  /** What this build could not take as it was written then. */
  readonly remarks: readonly string[];
}

/**
 * The manifest of a recording, as this build understands it.
 *
 * The texts pass the checks of this build, which fill in what it knows and the recording did not; then every value that was in force at
 * the recording takes its place again, so that a default that has changed since does not change the past. A text that this build does
 * not accept any more (its form has changed since) is replaced by what it meant at the recording, with a remark.
 * @param recorded - The manifest as it was in force, read back from JSON; what does not fit the form is passed over.
 * @throws {@link RemsError} `REMS_CONFIG_INVALID` where neither the texts nor the recorded manifest can be used.
 */
export function restoreManifest(source: ManifestSource, recorded: unknown): RestoredManifest {
  const remarks: string[] = [];
  const then = recordedSchema.safeParse(recorded);
  const profiles = new Map<string, DeviceProfile>();
  for (const [id, text] of Object.entries(source.profileTexts)) {
    const checked = checkProfileText(text, `${id}.toml`);
    const profile = checked.profile ?? recordedProfile(id, then.data);
    if (profile !== null) profiles.set(profile.id, profile);
    if (checked.profile === null) {
      remarks.push(
        `profile ${id} is taken as it was understood then: ${firstOf(checked.problems)}`,
      );
    }
  }
  const surroundings = { path: source.name, profiles };
  const checked = checkManifestText(source.manifestText, surroundings);
  if (checked.manifest !== null) {
    return { manifest: overlay(checked.manifest, recorded, 0) as Manifest, remarks };
  }
  if (!then.success) {
    throw new RemsError("REMS_CONFIG_INVALID", problemsText(checked.problems));
  }
  remarks.push(`the manifest is taken as it was understood then: ${firstOf(checked.problems)}`);
  return { manifest: then.data as unknown as Manifest, remarks };
}

/** The least that a recorded manifest must have to be used without its text. */
const recordedSchema = z.looseObject({
  installation: z.looseObject({ id: z.string(), name: z.string(), kind: z.string() }),
  mode: z.string(),
  nodes: z.array(z.looseObject({ id: z.string(), host: z.string() })).max(100),
  ties: z.array(z.unknown()).max(100),
  grids: z
    .array(
      z.looseObject({
        id: z.string(),
        name: z.string(),
        power: z.looseObject({}),
        timings: z.looseObject({}),
        controllers: z.array(z.looseObject({ node: z.string() })),
        devices: z
          .array(
            z.looseObject({
              id: z.string(),
              kind: z.string(),
              ratings: z.looseObject({}),
              profile: z.looseObject({
                id: z.string(),
                points: z.array(z.looseObject({ point: z.string() })),
                commands: z.array(z.looseObject({ command: z.string() })),
              }),
            }),
          )
          .max(1000),
      }),
    )
    .max(100),
});

/** A profile as it was in force, with what this build's profile of the same name has beyond it. */
function recordedProfile(
  id: string,
  recorded: z.infer<typeof recordedSchema> | undefined,
): DeviceProfile | null {
  const devices = recorded?.grids.flatMap((grid) => grid.devices) ?? [];
  const found = devices.find(({ profile }) => profile.id === id)?.profile;
  if (found === undefined) return null;
  const present = readProfiles([shippedProfileDirectory()]).profiles.get(id);
  return (present === undefined ? found : overlay(present, found, 0)) as unknown as DeviceProfile;
}

function firstOf(problems: readonly ConfigProblem[]): string {
  const [first] = problems;
  if (first === undefined) return "it is not accepted";
  return `${first.path === "" ? "" : `${first.path}: `}found ${first.found}, allowed ${first.allowed}`;
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
