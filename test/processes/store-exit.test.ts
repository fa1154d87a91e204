import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { inProject, Program } from "./program.ts";

/** Moments at which its worker is in the database's native code, more often than not. */
const AFTER_MS = [0, 1, 1, 2, 2, 4, 4];

it("a process that must end at once closes the history's database first, and is not aborted by it", async () => {
  const directory = mkdtempSync(join(tmpdir(), "r-ems-store-exit-"));
  try {
    for (const [index, afterMs] of AFTER_MS.entries()) {
      const own = join(directory, String(index));
      mkdirSync(join(own, "journal"), { recursive: true });
      const args = [inProject("test/processes/store-exit.mjs"), own, String(afterMs)];
      const program = new Program("store", process.execPath, args);
      const { code } = await program.untilExit(10_000);
      expect(code, program.tail()).toBe(2);
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});
