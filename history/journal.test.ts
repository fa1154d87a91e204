import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { encodeFrame, type EncodedFrame } from "../kernel/frame.ts";
import { HASH_NONE } from "../kernel/hash.ts";
import type { LogPosition } from "../kernel/record.ts";
import { openJournal, type OpenedJournal } from "./journal.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "rems-journal-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** Frames of about 10 kB, as a grid of forty devices has them when much changes. */
function chain(count: number): EncodedFrame[] {
  const frames: EncodedFrame[] = [];
  for (let sequence = 1; sequence <= count; sequence++) {
    const points = Array.from(
      { length: 300 },
      (_, i) => [`device${i}.activePowerKw`, sequence + i / 7, "good"] as const,
    );
    frames.push(
      encodeFrame({
        grid: "port",
        epoch: 1,
        sequence,
        previousHash: frames.at(-1)?.position.hash ?? HASH_NONE,
        plantTimeMs: sequence * 100,
        wallTimeMs: 0,
        isFirstOfEpoch: sequence === 1,
        points,
        connections: [],
        fates: [],
        requests: [],
        messages: [],
        facts: [],
        leadership: null,
      }),
    );
  }
  return frames;
}

function synced(opened: OpenedJournal, sequence: number): Promise<LogPosition> {
  return new Promise((resolve) => {
    opened.journal.onSynced((grid, position) => {
      expect(grid).toBe("port");
      if (position.sequence >= sequence) resolve(position);
    });
  });
}

it("appends through the worker, reports what is on disk, and recovers it after a restart", async () => {
  const frames = chain(20);
  const first = await openJournal({ directory, grids: ["port"] });
  expect(first.recovered.get("port")?.last).toBeNull();
  const done = synced(first, 20);
  for (const frame of frames) first.journal.appendFrame(frame);
  expect(await done).toEqual(frames.at(-1)?.position);
  await first.journal.close();

  const second = await openJournal({ directory, grids: ["port"] });
  expect(second.recovered.get("port")).toEqual({
    snapshot: null,
    frames,
    last: frames.at(-1)?.position,
    plantTimeMs: 2000,
    epochMax: 1,
    cutByteCount: 0,
  });
  await second.journal.close();
});

it("closing writes what was appended just before", async () => {
  const frames = chain(3);
  const first = await openJournal({ directory, grids: ["port"], journalSyncMs: 1000 });
  for (const frame of frames) first.journal.appendFrame(frame);
  await first.journal.close();
  const second = await openJournal({ directory, grids: ["port"] });
  expect(second.recovered.get("port")?.frames).toEqual(frames);
  await second.journal.close();
});

it("an overflow is a gap: the journal fails, asks for a snapshot, and is good again with it", async () => {
  const frames = chain(12);
  const opened = await openJournal({ directory, grids: ["port"], ringBytes: 65_536 });
  const health: string[] = [];
  opened.journal.onHealthChanged((state) => health.push(state));
  const needed = new Promise<string>((resolve) => opened.onSnapshotNeeded(resolve));
  for (const frame of frames.slice(0, 11)) opened.journal.appendFrame(frame);
  expect((await synced(opened, 1)).sequence).toBeLessThan(11);
  for (const frame of frames.slice(11)) opened.journal.appendFrame(frame);
  expect(await needed).toBe("port");
  const last = frames[11];
  if (last === undefined) throw new RangeError("twelve frames");
  const position = last.position;
  const isGood = new Promise<void>((resolve) => {
    opened.journal.onHealthChanged((state) => state === "good" && resolve());
  });
  opened.journal.appendSnapshot({
    grid: "port",
    position,
    plantTimeMs: 1200,
    coreVersion: "1",
    manifestHash: "m",
    state: "{}",
  });
  await isGood;
  expect(health).toEqual(["failed", "good"]);
  await opened.journal.close();
  const again = await openJournal({ directory, grids: ["port"] });
  expect(again.recovered.get("port")?.last).toEqual(position);
  await again.journal.close();
});

it("a directory in use is refused, and free again after closing", async () => {
  const first = await openJournal({ directory, grids: ["port"] });
  await expect(openJournal({ directory, grids: ["port"] })).rejects.toThrow(
    /in use by process \d+.*REMS_DIRECTORY_LOCKED/,
  );
  await first.journal.close();
  await (await openJournal({ directory, grids: ["port"] })).journal.close();
});

it("a journal that cannot be read fails with its reason and frees the directory", async () => {
  mkdirSync(join(directory, "journal", "journal-00000001.rems"), { recursive: true });
  await expect(openJournal({ directory, grids: ["port"] })).rejects.toThrow(
    /EISDIR.*REMS_JOURNAL_FAILED/,
  );
  rmSync(join(directory, "journal"), { recursive: true });
  await (await openJournal({ directory, grids: ["port"] })).journal.close();
});
