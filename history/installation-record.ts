import { mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import type { Manifest } from "../configs/manifest.ts";
import { type ManifestSource, readManifestSource } from "../configs/manifest-source.ts";
import { RemsError } from "../kernel/errors.ts";
import { hashOf } from "../kernel/hash.ts";

/** What a node ran with: kept beside its journal, so that the journal means something on any machine. */
export interface InstallationRecord {
  readonly node: string;
  /** Of R-EMS. */
  readonly version: string;
  readonly nodeVersion: string;
  /** Where it wrote its log files. */
  readonly logDirectory: string;
  /** Per grid what snapshots carry: which decisions, on which manifest. */
  readonly grids: Readonly<Record<string, { coreVersion: string; manifestHash: string }>>;
  readonly source: ManifestSource;
  /** The manifest as it was in force, with what options of the program changed. Checked against `source` where it is used. */
  readonly manifest: unknown;
}

const FORMAT = 1;
const KEPT_COUNT_MAX = 20;
const RECORD_BYTES_MAX = 8 * 1024 * 1024;
const NAME = /^installation-[0-9a-f]{32}\.json$/;

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

/** What {@link keepInstallation} writes down; reads the manifest's files once more. */
export function describeInstallation(
  manifest: Manifest,
  what: Pick<InstallationRecord, "node" | "version" | "logDirectory" | "grids">,
): InstallationRecord {
  const source = readManifestSource(manifest);
  return { ...what, nodeVersion: process.version, source, manifest };
}

/**
 * Writes the record into `directory`/installations under the hash of its content: nothing where it stands there already.
 * @throws The operating system's error.
 */
export function keepInstallation(directory: string, record: InstallationRecord): void {
  const folder = join(directory, "installations");
  mkdirSync(folder, { recursive: true });
  const content = JSON.stringify({ format: FORMAT, ...record });
  const name = `installation-${hashOf(content)}.json`;
  writeFileSync(join(folder, name), content);
  const older = namesByAge(folder).filter((other) => other !== name);
  for (const other of older.slice(KEPT_COUNT_MAX - 1)) rmSync(join(folder, other), { force: true });
}

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

function namesByAge(folder: string): string[] {
  let names: string[];
  try {
    names = readdirSync(folder).filter((name) => NAME.test(name));
  } catch {
    return [];
  }
  return names
    .map((name) => ({ name, atMs: statSync(join(folder, name)).mtimeMs }))
    .sort((a, b) => b.atMs - a.atMs)
    .map(({ name }) => name);
}
