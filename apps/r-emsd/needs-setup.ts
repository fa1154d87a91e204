import { existsSync } from "node:fs";
import { findManifestPath } from "../../configs/manifest-path.ts";
import type { DaemonOptions } from "./options.ts";

/** A machine that nobody has set up yet: no manifest was named, and there is none where it is looked for. */
export function needsSetup(
  options: DaemonOptions,
  env: Readonly<Record<string, string | undefined>>,
): boolean {
  return options.configPath === null && !existsSync(findManifestPath(undefined, env));
}
