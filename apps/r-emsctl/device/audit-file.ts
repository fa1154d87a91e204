import { closeSync, fsyncSync, mkdirSync, openSync, writeSync } from "node:fs";
import { homedir, hostname, userInfo } from "node:os";
import { dirname, join } from "node:path";
import type { Manifest } from "../../../configs/manifest.ts";
import { RemsError } from "../../../kernel/errors.ts";

/** What a tool wants to do to a device, or did. */
export interface AuditEntry {
  readonly tool: "device write" | "device learn";
  readonly device: string;
  readonly address: string;
  readonly unitId: number;
  readonly profile: string;
  /** `asked` stands in the file before anything is sent. */
  readonly stage: "asked" | "done" | "failed";
  /** What is written, for example `powerReferenceKw=100`. */
  readonly what: string;
  /** What was read back that allowed it, or what came of it. */
  readonly because: string;
}

const FILE_NAME = "device-tools.jsonl";

/** Where the lines go: the option, else beside the logs of the manifest, else the user's state directory. */
export function auditPath(option: string | undefined, manifest: Manifest | null): string {
  if (option !== undefined) return option;
  if (manifest !== null) return join(manifest.logging.directory, FILE_NAME);
  const state = process.env["XDG_STATE_HOME"] ?? join(homedir(), ".local", "state");
  return join(state, "r-ems", FILE_NAME);
}

/**
 * Appends one line, on disk when this returns.
 *
 * @throws {@link RemsError} `REMS_DIRECTORY_UNWRITABLE`: without the line nothing may be written to a device.
 */
export function writeAudit(path: string, entry: AuditEntry): void {
  const line = { at: new Date().toISOString(), user: userName(), host: hostname(), ...entry };
  try {
    mkdirSync(dirname(path), { recursive: true });
    const file = openSync(path, "a", 0o640);
    try {
      writeSync(file, `${JSON.stringify(line)}\n`);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
  } catch (cause) {
    throw new RemsError(
      "REMS_DIRECTORY_UNWRITABLE",
      `the audit line cannot be written to ${path}, and without it nothing is written to a device; name another file with --audit-file`,
      { cause },
    );
  }
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return "unknown";
  }
}
