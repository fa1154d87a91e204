import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { RemsError } from "../kernel/errors.ts";
import { type InstallationRecord, namesByAge } from "./keep-installation.ts";

const RECORD_BYTES_MAX = 8 * 1024 * 1024;

const text = z.string().max(1_000_000);
const installationSchema = z.object({
  node: z.string().max(64),
  version: z.string().max(64),
  nodeVersion: z.string().max(64),
  logDirectory: z.string().max(4096),
  grids: z.record(
    z.string().max(64),
    z.object({ coreVersion: z.string().max(64), manifestHash: z.string().max(64) }),
  ),
  source: z.object({
    name: z.string().max(256),
    manifestText: text,
    profileTexts: z.record(z.string().max(64), text),
  }),
  manifest: z.unknown(),
});

/** The records in a data directory, the newest first. One that cannot be read is passed over: the others still count. */
export function readInstallations(directory: string): InstallationRecord[] {
  const folder = join(directory, "installations");
  const records: InstallationRecord[] = [];
  for (const name of namesByAge(folder)) {
    try {
      const path = join(folder, name);
      if (statSync(path).size > RECORD_BYTES_MAX) continue;
      records.push(parseInstallation(JSON.parse(readFileSync(path, "utf8"))));
    } catch {
      continue;
    }
  }
  return records;
}

/** @throws {@link RemsError} `REMS_MESSAGE_INVALID` that names what is wrong. */
export function parseInstallation(value: unknown): InstallationRecord {
  const checked = installationSchema.safeParse(value);
  if (checked.success) return checked.data;
  const [issue] = checked.error.issues;
  const where = issue === undefined ? "" : `${issue.path.join(".")}: ${issue.message}`;
  throw new RemsError(
    "REMS_MESSAGE_INVALID",
    `a record of an installation is not as it should be (${where})`,
  );
}
