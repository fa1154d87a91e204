import { copyFileSync, existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { DatabaseSync } from "@photostructure/sqlite";
import { RemsError } from "../../kernel/errors.ts";
import { lockDirectory } from "../directory-lock.ts";
import { MIGRATIONS } from "./schema.ts";

/**
 * Puts a backup in the place of a node's history database; the one that was there is kept beside it as `history.db.before-restore`. The
 * node must be stopped. When it runs again it goes on from the backup with what the journal has.
 * @throws {@link RemsError} `REMS_REQUEST_INVALID` if the file is no whole backup or of a newer version, `REMS_DIRECTORY_LOCKED` if the
 *   node runs.
 */
export function restoreBackup(
  backupPath: string,
  dataDirectory: string,
): { readonly path: string } {
  checkBackup(backupPath);
  const lock = lockDirectory(dataDirectory);
  try {
    const path = join(dataDirectory, "history", "history.db");
    const before = `${path}.before-restore`;
    mkdirSync(dirname(path), { recursive: true });
    copyFileSync(backupPath, `${path}.part`);
    for (const end of ["", "-wal", "-shm"]) {
      rmSync(`${before}${end}`, { force: true });
      if (existsSync(`${path}${end}`)) renameSync(`${path}${end}`, `${before}${end}`);
    }
    renameSync(`${path}.part`, path);
    return { path };
  } finally {
    lock.release();
  }
}

function checkBackup(path: string): void {
  const refuse = (reason: string, cause?: unknown): never => {
    throw new RemsError(
      "REMS_REQUEST_INVALID",
      `${path} is no backup that can be restored: ${reason}`,
      {
        cause,
        details: { path },
      },
    );
  };
  if (!existsSync(path)) refuse("there is no such file");
  try {
    const db = new DatabaseSync(path, { readOnly: true });
    try {
      const { user_version: version } = db.prepare("PRAGMA user_version").get() as {
        user_version: number;
      };
      if (version === 0) refuse("it holds no history");
      if (version > MIGRATIONS.length) {
        refuse(`it has version ${version}, this R-EMS knows up to ${MIGRATIONS.length}`);
      }
      const { quick_check: verdict } = db.prepare("PRAGMA quick_check(1)").get() as {
        quick_check: string;
      };
      if (verdict !== "ok") refuse(verdict);
    } finally {
      db.close();
    }
  } catch (error) {
    if (error instanceof RemsError) throw error;
    refuse(error instanceof Error ? error.message : String(error), error);
  }
}
