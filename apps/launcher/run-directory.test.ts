import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { createRunDirectory } from "./run-directory.ts";

const root = mkdtempSync(join(tmpdir(), "r-ems-run-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const now = new Date("2026-11-24T01:23:45Z");

it("names a run by its time and process, and removes it on request", () => {
  const parent = join(root, "a");
  const run = createRunDirectory(parent, now, 1);
  expect(readdirSync(parent)).toEqual([`20261124-012345-${process.pid}`]);
  run.remove();
  expect(readdirSync(parent)).toEqual([]);
});

it("keeps the ten newest folders of runs that are over, and never one of a running process", () => {
  const parent = join(root, "b");
  // Process ids end below 2^22 on Linux: nobody has this one.
  for (let second = 10; second < 25; second++) {
    mkdirSync(join(parent, `20260101-0000${second}-99999999`), { recursive: true });
  }
  mkdirSync(join(parent, `20250101-000000-${process.pid}`));
  createRunDirectory(parent, now, 2);
  const names = readdirSync(parent).sort();
  expect(names).toHaveLength(12);
  expect(names[0]).toBe(`20250101-000000-${process.pid}`);
  expect(names[1]).toBe("20260101-000015-99999999");
});

it("says which folder it cannot write in, and what to do", () => {
  const file = join(root, "file");
  writeFileSync(file, "");
  expect(() => createRunDirectory(file, now, 1)).toThrow(
    /cannot write in .*file.* \(ENOTDIR\).*Make .* writable.*REMS_DIRECTORY_UNWRITABLE/,
  );
});
