import { existsSync, readFileSync } from "node:fs";
import { basename } from "node:path";
import {
  checkProfileText,
  readProfiles,
  shippedProfileDirectory,
} from "../../configs/load-profile.ts";
import { problemsText } from "../../configs/problem.ts";
import type { DeviceProfile } from "../../configs/profile.ts";
import { oneOf } from "../../configs/spelling.ts";
import { RemsError } from "../../kernel/errors.ts";

/**
 * A device profile by its id, among those that come with R-EMS and those of `directories`, or by the path of its file.
 *
 * @throws {@link RemsError} `REMS_NOT_FOUND` with the ids that there are, `REMS_PROFILE_INVALID` with all that is wrong in it.
 */
export function findProfile(idOrPath: string, directories: readonly string[] = []): DeviceProfile {
  if (idOrPath.endsWith(".toml") || idOrPath.includes("/")) return profileOfFile(idOrPath);
  const { profiles, problems } = readProfiles([shippedProfileDirectory(), ...directories]);
  const found = profiles.get(idOrPath);
  if (found !== undefined) return found;
  const own = problems.filter(({ file }) => basename(file) === `${idOrPath}.toml`);
  if (own.length > 0) throw new RemsError("REMS_PROFILE_INVALID", problemsText(own));
  const known = oneOf(idOrPath, [...profiles.keys()]);
  throw new RemsError(
    "REMS_NOT_FOUND",
    `there is no profile "${idOrPath}"; ${known}; or the path of a .toml file`,
  );
}

/** Whether there is a profile with this id, among those that come with R-EMS and those of `directories`. */
export function isProfile(id: string, directories: readonly string[] = []): boolean {
  return readProfiles([shippedProfileDirectory(), ...directories]).profiles.has(id);
}

function profileOfFile(path: string): DeviceProfile {
  if (!existsSync(path)) {
    throw new RemsError("REMS_NOT_FOUND", `there is no file ${path}`);
  }
  const { profile, problems } = checkProfileText(readFileSync(path, "utf8"), path);
  if (profile !== null) return profile;
  throw new RemsError("REMS_PROFILE_INVALID", problemsText(problems));
}

/**
 * A profile of a device that speaks Modbus.
 *
 * @throws {@link RemsError} `REMS_REQUEST_INVALID` for one whose registers mean nothing.
 */
export function checkSpeaksModbus({ id, family }: DeviceProfile): void {
  if (family !== "mqtt") return;
  throw new RemsError(
    "REMS_REQUEST_INVALID",
    `${id} is a profile of topics (family mqtt); this tool speaks Modbus. Look at such a device with the tools of your broker, or through a node`,
  );
}
