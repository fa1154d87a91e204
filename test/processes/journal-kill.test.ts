import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { mergeJournals } from "../../history/journal-merge.ts";
import { openJournalSource } from "../../history/journal-places.ts";
import { inProject, Program } from "./program.ts";

const KILLS = process.env["R_EMS_TEST_FULL"] === undefined ? 4 : 40;
const directory = mkdtempSync(join(tmpdir(), "rems-kill-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

it("a journal whose writer is killed at any moment holds every frame that was reported as synced, and goes on without a gap", async () => {
  let synced = 0;
  for (let kill = 0; kill < KILLS; kill++) {
    const args = ["--import", "tsx", inProject("test/processes/journal-writer.ts"), directory];
    const writer = new Program(`writer ${kill}`, process.execPath, args);
    const number = (line: string | undefined) => Number(line?.split(" ")[1] ?? 0);
    await writer.until("its start", () => writer.out.length > 0, 60_000);
    expect(number(writer.out[0])).toBeGreaterThanOrEqual(synced);
    // A different number of syncs each time: the kill falls anywhere between two of them.
    const count = 5 + ((kill * 7) % 23);
    await writer.until("some syncs", () => writer.out.length > count, 60_000);
    await writer.end("SIGKILL", 20_000);
    synced = Math.max(synced, ...writer.out.slice(1).map(number));
    const { frames, gaps } = mergeJournals([openJournalSource(directory)], "port");
    expect(gaps).toEqual([]);
    expect(frames.map(({ position }) => position.sequence)).toEqual(
      Array.from({ length: frames.length }, (_, i) => i + 1),
    );
    expect(frames.length).toBeGreaterThanOrEqual(synced);
  }
}, 600_000);
