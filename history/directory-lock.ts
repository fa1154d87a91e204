import { mkdirSync, readFileSync, rmdirSync, statSync, unlinkSync, writeFileSync } from "node:fs";
import { uptime } from "node:os";
import { join } from "node:path";
import { RemsError } from "../kernel/errors.ts";

/** The process that owns a data directory. */
interface LockOwner {
  readonly pid: number;
  /** Names the boot of the machine: a process id means nothing beyond it. */
  readonly bootId: string;
  /** Tells a process from a later one with the same id; empty where the system does not say. */
  readonly processStart: string;
  readonly takenAt: string;
}

export interface DirectoryLock {
  release(): void;
}

const LOCK_FILE = "lock";
const GUARD = "lock.takeover";
/** A guard this old belongs to a process that died in the few milliseconds of a takeover. */
const GUARD_AGE_MS_MAX = 10_000;
/** Where only uptime is known, clocks and rounding let the time of boot wander by this much. */
const BOOT_TIME_SLACK_MS = 60_000;

/**
 * Makes `directory` if it is absent and takes it for this process. A lock left by a dead process is taken over.
 * @throws {@link RemsError} `REMS_DIRECTORY_LOCKED` naming the owner, `REMS_DIRECTORY_UNWRITABLE` naming the cause.
 */
export function lockDirectory(directory: string): DirectoryLock {
  const path = join(directory, LOCK_FILE);
  try {
    mkdirSync(directory, { recursive: true });
    if (!createLock(path)) takeOver(directory, path);
  } catch (cause) {
    if (cause instanceof RemsError) throw cause;
    throw new RemsError(
      "REMS_DIRECTORY_UNWRITABLE",
      `the data directory ${directory} cannot be written (${reasonOf(cause)}); make it writable for this user or name another one in the manifest`,
      { cause, details: { directory } },
    );
  }
  let isHeld = true;
  return {
    release() {
      if (!isHeld) return;
      isHeld = false;
      if (readOwner(path)?.pid === process.pid) unlinkSync(path);
    },
  };
}

function createLock(path: string): boolean {
  const owner: LockOwner = {
    pid: process.pid,
    bootId: bootId(),
    processStart: processStart(process.pid) ?? "",
    takenAt: new Date().toISOString(),
  };
  try {
    writeFileSync(path, JSON.stringify(owner), { flag: "wx" });
    return true;
  } catch (error) {
    if (codeOf(error) === "EEXIST") return false;
    throw error;
  }
}

/** Replaces a dead owner's lock. The guard, a directory, lets one process at a time do so. */
function takeOver(directory: string, path: string): void {
  const guard = join(directory, GUARD);
  try {
    mkdirSync(guard);
  } catch (error) {
    if (codeOf(error) !== "EEXIST") throw error;
    if (Date.now() - statSync(guard).mtimeMs < GUARD_AGE_MS_MAX) throw locked(directory, null);
  }
  try {
    const owner = readOwner(path);
    if (owner !== null && isAlive(owner)) throw locked(directory, owner);
    unlinkSync(path);
    if (!createLock(path)) throw locked(directory, readOwner(path));
  } finally {
    rmdirSync(guard);
  }
}

function locked(directory: string, owner: LockOwner | null): RemsError {
  const who =
    owner === null
      ? "another process that is just starting"
      : `process ${owner.pid}, since ${owner.takenAt}`;
  return new RemsError(
    "REMS_DIRECTORY_LOCKED",
    `the data directory ${directory} is in use by ${who}; stop that process or give this node its own directory`,
    { isRetryable: true, details: { directory, pid: owner?.pid ?? 0 } },
  );
}

/** Null for a lock that cannot be read as one: written by a process that died over it. */
function readOwner(path: string): LockOwner | null {
  try {
    const owner = JSON.parse(readFileSync(path, "utf8")) as Partial<LockOwner>;
    const { pid, bootId: boot, processStart: start, takenAt } = owner;
    const isOwner = Number.isSafeInteger(pid) && typeof boot === "string";
    if (!isOwner) return null;
    return { pid: pid as number, bootId: boot, processStart: start ?? "", takenAt: takenAt ?? "" };
  } catch {
    return null;
  }
}

function isAlive(owner: LockOwner): boolean {
  if (!isSameBoot(owner.bootId, bootId())) return false;
  try {
    process.kill(owner.pid, 0);
  } catch (error) {
    // EPERM: it lives, under another user.
    if (codeOf(error) !== "EPERM") return false;
  }
  const start = processStart(owner.pid);
  return start === null || owner.processStart === "" || start === owner.processStart;
}

/** Linux names each boot; elsewhere the time of boot stands for it. */
function bootId(): string {
  if (process.platform === "linux") {
    try {
      return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    } catch {
      // A container may hide it.
    }
  }
  return `at:${Math.round(Date.now() - uptime() * 1000)}`;
}

function isSameBoot(a: string, b: string): boolean {
  if (!a.startsWith("at:") || !b.startsWith("at:")) return a === b;
  return Math.abs(Number(a.slice(3)) - Number(b.slice(3))) <= BOOT_TIME_SLACK_MS;
}

/** Start of a process in clock ticks since boot: field 22 of proc(5) `/proc/pid/stat`; null where the system has no such file. */
function processStart(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The second field is the program's name in parentheses and may hold spaces.
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? null;
  } catch {
    return null;
  }
}

function codeOf(error: unknown): string {
  const code: unknown = error instanceof Error ? Reflect.get(error, "code") : undefined;
  return typeof code === "string" ? code : "";
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
