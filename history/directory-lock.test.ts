import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { RemsError } from "../kernel/errors.ts";
import { lockDirectory } from "./directory-lock.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "rems-lock-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

function failure(action: () => unknown): RemsError {
  try {
    action();
  } catch (error) {
    if (error instanceof RemsError) return error;
    throw error;
  }
  throw new RangeError("it did not fail");
}

it("a directory has one owner, who is named to the next", () => {
  const lock = lockDirectory(directory);
  const error = failure(() => lockDirectory(directory));
  expect(error.code).toBe("REMS_DIRECTORY_LOCKED");
  expect(error.message).toContain(`process ${process.pid}`);
  expect(error.message).toContain(directory);
  lock.release();
  lockDirectory(directory).release();
});

it("a directory that does not exist is made", () => {
  const lock = lockDirectory(join(directory, "a", "b"));
  expect(readFileSync(join(directory, "a", "b", "lock"), "utf8")).toContain(String(process.pid));
  lock.release();
});

/** The id of a process that has ended. */
const deadPid = spawnSync(process.execPath, ["-e", ""]).pid;
const own = (): Record<string, unknown> => {
  const lock = lockDirectory(directory);
  const owner = JSON.parse(readFileSync(join(directory, "lock"), "utf8")) as Record<
    string,
    unknown
  >;
  lock.release();
  return owner;
};

it.each<[name: string, content: () => string]>([
  ["of a dead process", () => JSON.stringify({ ...own(), pid: deadPid })],
  [
    "of an earlier boot, though a process has its id",
    () => JSON.stringify({ ...own(), bootId: "earlier" }),
  ],
  ["that was torn", () => "{"],
  ["that is empty", () => ""],
])("a lock %s is taken over", (_name, content) => {
  writeFileSync(join(directory, "lock"), content());
  const lock = lockDirectory(directory);
  expect(readFileSync(join(directory, "lock"), "utf8")).toContain(`"pid":${process.pid}`);
  expect(failure(() => lockDirectory(directory)).code).toBe("REMS_DIRECTORY_LOCKED");
  lock.release();
});

it("a directory that cannot be made names the cause and the remedy", () => {
  const file = join(directory, "file");
  writeFileSync(file, "");
  const error = failure(() => lockDirectory(join(file, "below")));
  expect(error.code).toBe("REMS_DIRECTORY_UNWRITABLE");
  expect(error.message).toMatch(/cannot be written \(ENOTDIR.*manifest/);
});
