import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { RemsError } from "../../kernel/errors.ts";

/** Where one run keeps journals, logs and the coordinator's data. */
export interface RunDirectory {
  readonly path: string;
  remove(): void;
}

/** `20261124-012345`, UTC: sorts by time, and is a name on every system. */
function stampOf(now: Date): string {
  return now.toISOString().slice(0, 19).replaceAll(/[-:]/g, "").replace("T", "-");
}

/** Folders of runs that ended badly: enough to look into, not so many that they fill a disk. */
const KEPT_COUNT_MAX = 10;

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0); // asks only, on every system
    return true;
  } catch {
    return false;
  }
}

/** Removes the oldest folders of runs that are over. */
function removeOldest(parent: string): void {
  const isOver = (name: string) => {
    const pid = /^\d{8}-\d{6}-(\d+)/.exec(name)?.[1];
    return pid !== undefined && !isAlive(Number(pid));
  };
  const over = readdirSync(parent).filter(isOver).sort();
  for (const name of over.slice(0, Math.max(0, over.length - KEPT_COUNT_MAX))) {
    rmSync(join(parent, name), { recursive: true, force: true });
  }
}

/**
 * Makes a new folder under `parent`.
 * @throws {@link RemsError} `REMS_DIRECTORY_UNWRITABLE` that names the folder and what to do.
 */
export function createRunDirectory(parent: string, now: Date, attempt: number): RunDirectory {
  const path = join(parent, `${stampOf(now)}-${process.pid}${attempt === 1 ? "" : `-${attempt}`}`);
  try {
    mkdirSync(path, { recursive: true });
    writeFileSync(join(path, "writable"), "");
    removeOldest(parent);
  } catch (cause) {
    const what = cause instanceof Error && "code" in cause ? String(cause.code) : "failed";
    throw new RemsError(
      "REMS_DIRECTORY_UNWRITABLE",
      `cannot write in ${path} (${what}): journals and logs of a run stand there. Make ${parent} writable for this user, or free space on its disk`,
      { cause, details: { path } },
    );
  }
  return {
    path,
    remove() {
      // Another run may hold the parent; what cannot be removed is left to the next cleaning.
      try {
        rmSync(path, { recursive: true, force: true, maxRetries: 3 });
      } catch {
        return;
      }
    },
  };
}
