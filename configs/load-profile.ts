import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { RemsError } from "../kernel/errors.ts";
import { checkProfile } from "./check-profile.ts";
import { checkFile } from "./config-file.ts";
import { mqttLaidOut, toMqtt } from "./mqtt/to-mqtt.ts";
import { type ConfigProblem, problemsText } from "./problem.ts";
import { type ProfileFile, profileSchema } from "./profile-schema.ts";
import type { DeviceProfile } from "./profile.ts";
import { nominalLayout } from "./sunspec/nominal-layout.ts";
import { needsOf } from "./sunspec/to-needs.ts";
import { supervisionOf } from "./supervision-schema.ts";

export interface CheckedProfile {
  readonly profile: DeviceProfile | null;
  readonly problems: readonly ConfigProblem[];
}

/** Checks the text of one profile, schema and sense. Never throws for what the text holds. */
export function checkProfileText(text: string, file: string): CheckedProfile {
  const checked = checkFile(profileSchema, text, file);
  if (checked.value === null) return { profile: null, problems: checked.problems };
  const problems = checked.withCrossProblems(checkProfile(checked.value, checked.problem));
  return { profile: problems.length === 0 ? toProfile(checked.value) : null, problems };
}

/** Profiles by id, as far as they are right, and what is wrong with the others. */
export interface ReadProfiles {
  readonly profiles: ReadonlyMap<string, DeviceProfile>;
  readonly problems: readonly ConfigProblem[];
}

/** Reads the profiles (`*.toml`) of directories; an id may stand in only one of them. */
export function readProfiles(directories: readonly string[]): ReadProfiles {
  const profiles = new Map<string, DeviceProfile>();
  const problems: ConfigProblem[] = [];
  for (const directory of directories) {
    for (const name of fileNames(directory)) {
      const file = join(directory, name);
      const id = name.slice(0, -".toml".length);
      const checked = checkProfileText(readFileSync(file, "utf8"), file);
      problems.push(...checked.problems);
      const { profile } = checked;
      if (profile === null) continue;
      const wrong = (found: string, allowed: string) =>
        problems.push({ file, line: 1, path: "id", found, allowed });
      if (profile.id !== id) wrong(JSON.stringify(profile.id), `"${id}", as the file is named`);
      else if (profiles.has(id)) wrong(JSON.stringify(id), "an id that no other profile has");
      else profiles.set(id, profile);
    }
  }
  return { profiles, problems };
}

function fileNames(directory: string): string[] {
  try {
    return readdirSync(directory)
      .filter((name) => name.endsWith(".toml"))
      .sort();
  } catch (cause) {
    throw new RemsError(
      "REMS_CONFIG_NOT_FOUND",
      `There is no readable directory of device profiles at ${directory}; correct \`profile_directories\` in the manifest.`,
      { cause },
    );
  }
}

/**
 * Loads all profiles of a directory, by id.
 *
 * @throws {@link RemsError} `REMS_PROFILE_INVALID` that lists everything that is wrong in any of them;
 *   `REMS_CONFIG_NOT_FOUND` where the directory cannot be read.
 */
export function loadProfiles(
  directory: string = shippedProfileDirectory(),
): ReadonlyMap<string, DeviceProfile> {
  const { profiles, problems } = readProfiles([directory]);
  if (problems.length > 0) throw new RemsError("REMS_PROFILE_INVALID", problemsText(problems));
  return profiles;
}

/** The profiles that come with R-EMS: beside this source, or, for the compiled form, in the package around it. */
export function shippedProfileDirectory(): string {
  let directory = dirname(fileURLToPath(import.meta.url));
  for (let depth = 0; depth < 4; depth++) {
    const profiles = join(directory, "configs", "profiles");
    if (existsSync(profiles)) return profiles;
    directory = dirname(directory);
  }
  throw new RemsError("REMS_CONFIG_NOT_FOUND", "The folder configs/profiles of R-EMS is missing.");
}

function toModbus(file: ProfileFile["modbus"]): DeviceProfile["modbus"] {
  return {
    gapMs: file.gap_ms,
    inFlightMax: file.in_flight_max,
    registersPerReadMax: file.registers_per_read_max,
    bitsPerReadMax: file.bits_per_read_max,
    registersPerWriteMax: file.registers_per_write_max,
    registerGapMax: file.register_gap_max ?? null,
    bitGapMax: file.bit_gap_max ?? null,
    forbidden: file.forbidden.map(({ table, address, count }) => ({
      table,
      address,
      end: address + count,
    })),
    barriers: file.barriers,
  };
}

function toProfile(given: ProfileFile): DeviceProfile {
  const file = given.mqtt === undefined ? given : mqttLaidOut(given);
  const { fallback, signature, sunspec } = file;
  const needs = sunspec ? needsOf(sunspec) : null;
  const nominal = needs === null ? null : nominalLayout(needs, file.kind, file.id);
  return {
    id: file.id,
    name: file.name,
    kind: file.kind,
    family: file.family,
    source: file.source,
    signStatement: file.sign_statement,
    fallback: fallback
      ? {
          behaviour: fallback.behaviour,
          reason: fallback.reason,
          watchdogMs: fallback.watchdog_ms,
        }
      : null,
    syncCheck: file.sync_check ?? null,
    mastersMax: file.masters_max,
    slotReleaseMs: file.slot_release_ms,
    writeMs: file.write_ms,
    requestTimeoutMs: file.request_timeout_ms,
    signature: signature ?? null,
    modbus: toModbus(file.modbus),
    epochRegister: file.epoch_register ?? null,
    sunspec:
      needs === null || nominal === null ? null : { needs, fixedRegisters: nominal.fixedRegisters },
    mqtt: file.mqtt === undefined ? null : toMqtt(file.mqtt),
    points:
      nominal?.points ??
      file.points.map((point) => ({
        point: point.point,
        table: point.table,
        address: point.address,
        type: point.type,
        bit: point.bit ?? null,
        wordOrder: point.word_order,
        // Adding 0 turns −0, which a TOML text can hold, into 0.
        scale: point.scale,
        offset: point.offset + 0,
        access: point.access,
        poll: point.poll,
        labels: point.labels ?? null,
        notAvailable: point.not_available === undefined ? null : point.not_available + 0,
        trueWhen:
          point.true_values !== undefined
            ? { values: point.true_values }
            : point.true_mask !== undefined
              ? { mask: point.true_mask }
              : null,
        constant:
          point.constant === undefined
            ? null
            : { value: point.constant, reason: point.reason ?? "" },
        readBack: point.read_back ?? null,
        supervision: supervisionOf(point),
        writeWith: point.write_with ?? null,
      })),
    release: file.release,
    commands:
      nominal?.commands ??
      file.commands.map((command) => ({
        command: command.command,
        table: command.table,
        address: command.address,
        value: command.value + 0,
        before: command.before,
        followedBy: command.followed_by
          ? {
              point: command.followed_by.point,
              value: command.followed_by.value,
              withinMs: command.followed_by.within_ms,
            }
          : null,
      })),
  };
}
