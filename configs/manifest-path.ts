import { readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

/**
 * Where the manifest is: `--config`, else `$R_EMS_CONFIG_ROOT/r-ems.toml`, else `/etc/r-ems/r-ems.toml`.
 *
 * @param option - Value of `--config`, if given.
 * @param env - The process's environment.
 */
export function findManifestPath(
  option: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
): string {
  if (option !== undefined && option !== "") return resolve(option);
  const root = env["R_EMS_CONFIG_ROOT"];
  return root === undefined || root === "" ? "/etc/r-ems/r-ems.toml" : resolve(root, "r-ems.toml");
}

/**
 * Which node this machine is, as the wizard wrote it down beside the manifest (`node.env`, which systemd reads as well); null where nothing
 * is said.
 */
export function readNodeName(manifestPath: string): string | null {
  try {
    const text = readFileSync(join(dirname(manifestPath), "node.env"), "utf8");
    return /^NODE=["']?([a-z][a-z0-9-]{0,31})["']?\s*$/m.exec(text)?.[1] ?? null;
  } catch {
    return null;
  }
}
