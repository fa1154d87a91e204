import { mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ManifestSource } from "../configs/manifest-source.ts";
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
const NAME = /^installation-[0-9a-f]{32}\.json$/;

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

/** Names of the records in a folder, the newest first. */
export function namesByAge(folder: string): string[] {
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
