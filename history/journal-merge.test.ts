import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { EncodedFrame } from "../kernel/frame.ts";
import { frameBody, noteBody, snapshotBody, voidBody } from "./journal-entry.ts";
import { writeMergedJournal } from "./journal-copy.ts";
import { JournalFile } from "./journal-file.ts";
import { mergeJournals } from "./journal-merge.ts";
import { openJournalSource } from "./journal-places.ts";
import { createMemoryDisk, type MemoryDisk } from "./memory-disk.ts";
import { chain, lastOf, snapshotAt } from "./test-frames.ts";

const LIMITS = { segmentBytesMax: 3000, totalBytesMax: 1e9 };

function journal(...bodies: readonly Buffer[]): MemoryDisk {
  const disk = createMemoryDisk();
  const { file } = JournalFile.open(disk, ["port"], LIMITS);
  for (const body of bodies) {
    file.append(body);
    file.flush();
  }
  return disk;
}

function merge(...disks: readonly MemoryDisk[]) {
  const merged = mergeJournals(
    disks.map((disk, i) => ({ name: `n${i + 1}`, disk })),
    "port",
  );
  return { ...merged, read: [...merged.read()] };
}

const sequences = (frames: readonly EncodedFrame[]) =>
  frames.map(({ position }) => position.sequence);
const upTo = (count: number) => Array.from({ length: count }, (_, i) => i + 1);

describe("the merge of a grid's journals", () => {
  it("is one gapless record across a failover, though the new leader's node missed the first frames", () => {
    const first = chain(null, 20);
    const second = chain(lastOf(first), 15, 2);
    const snapshot = snapshotBody(snapshotAt(lastOf(first.slice(0, 10))));
    const { read, gaps, voidFrameCount } = merge(
      journal(...first.map(frameBody)),
      journal(snapshot, ...first.slice(10).map(frameBody), ...second.map(frameBody)),
    );
    expect(read).toEqual([...first, ...second]);
    expect(gaps).toEqual([]);
    expect(voidFrameCount).toBe(0);
  });

  it("leaves out what a later leader did not continue, marked void or not", () => {
    const held = chain(null, 5);
    const voided = chain(lastOf(held), 9, 1, "port", () => ({ facts: [["x", 1]] }));
    const next = chain(lastOf(held), 3, 2);
    const oldLeader = [...held, ...voided].map(frameBody);
    const marked = merge(
      journal(...oldLeader, voidBody("port", lastOf(held))),
      journal(...[...held, ...next].map(frameBody)),
    );
    const unmarked = merge(journal(...oldLeader), journal(...[...held, ...next].map(frameBody)));
    for (const { read, voidFrameCount, gaps } of [marked, unmarked]) {
      expect(read).toEqual([...held, ...next]);
      expect(voidFrameCount).toBe(9);
      expect(gaps).toEqual([]);
    }
  });

  it("names the gap where no journal has the frames, and keeps the snapshots in it", () => {
    const frames = chain(null, 30);
    const snapshot = snapshotAt(lastOf(frames.slice(0, 20)));
    const { read, gaps, snapshots } = merge(
      journal(...frames.slice(0, 10).map(frameBody)),
      journal(snapshotBody(snapshot), ...frames.slice(20).map(frameBody)),
    );
    expect(sequences(read)).toEqual([...upTo(10), ...upTo(30).slice(20)]);
    expect(gaps).toEqual([{ after: frames[9]?.position, before: frames[20]?.position }]);
    expect(snapshots).toEqual([snapshot.position]);
  });

  it("reads back snapshots, notes and wall times", () => {
    const frames = chain(null, 4);
    const snapshot = snapshotAt(lastOf(frames));
    const note = {
      grid: "port",
      plantTimeMs: 250,
      kind: "write",
      text: "dg1.start\nrefused",
    } as const;
    const merged = mergeJournals(
      [
        {
          name: "n1",
          disk: journal(...frames.map(frameBody), snapshotBody(snapshot), noteBody(note)),
        },
      ],
      "port",
    );
    expect(merged.snapshot(lastOf(frames))).toEqual(snapshot);
    expect(merged.notes(200, 250)).toEqual([{ ...note, source: "n1" }]);
    expect(merged.notes(0, 249)).toEqual([]);
    expect(merged.frames.map((frame) => frame.wallTimeMs)).toEqual(
      frames.map(({ frame }) => frame.wallTimeMs),
    );
  });
});

describe("nothing acknowledged is lost across the pair", () => {
  /** One case: a leader and its standby write the same frames; one of them dies at a random byte and bits flip in what it leaves. */
  const crash = fc.record({
    frameCount: fc.integer({ min: 2, max: 30 }),
    standbyLag: fc.integer({ min: 0, max: 3 }),
    victim: fc.constantFrom<0 | 1>(0, 1),
    cutAt: fc.double({ min: 0, max: 1, noNaN: true }),
    flips: fc.array(fc.record({ at: fc.nat(), xor: fc.integer({ min: 1, max: 255 }) }), {
      maxLength: 3,
    }),
    afterCount: fc.integer({ min: 0, max: 10 }),
  });

  /** Of the frames that the dead leader alone had, one in the middle is damaged, and nobody led after it. */
  const DAMAGED_BEYOND = {
    frameCount: 11,
    standbyLag: 3,
    victim: 0 as const,
    cutAt: 0.9529553679131484,
    flips: [{ at: 403494023, xor: 1 }],
    afterCount: 0,
  };

  it("after a crash at any byte, with any damage, the merge holds every acknowledged frame and no other than was written", () => {
    fc.assert(
      fc.property(crash, ({ frameCount, standbyLag, victim, cutAt, flips, afterCount }) => {
        const built = chain(null, frameCount);
        const acknowledged = built.slice(0, Math.max(1, frameCount - standbyLag));
        // The survivor holds what was acknowledged; where the standby survives, that is all it has.
        const survivorHas = victim === 0 ? acknowledged : built;
        const victimHas = victim === 0 ? built : acknowledged;
        const next = chain(lastOf(survivorHas), afterCount, 2);
        const dead = journal(...victimHas.map(frameBody));
        damage(dead, cutAt, flips);
        const alive = journal(...[...survivorHas, ...next].map(frameBody));
        const written = new Set([...built, ...next].map(({ text }) => text));
        const { read, gaps } = merge(dead, alive);
        const texts = new Set(read.map(({ text }) => text));
        for (const { text } of [...acknowledged, ...next]) expect(texts.has(text)).toBe(true);
        for (const text of texts) expect(written.has(text)).toBe(true);
        // What the dead leader had built beyond is nobody's while no later leader has decided about it: damage in it is told as a gap.
        const certainCount = afterCount === 0 ? survivorHas.length : Number.POSITIVE_INFINITY;
        const certain = read.filter(({ position }) => position.sequence <= certainCount);
        expect(gaps.filter(({ after }) => (after?.sequence ?? 0) < certainCount)).toEqual([]);
        expect(sequences(certain)).toEqual(upTo(certain.length));
      }),
      {
        numRuns: process.env["R_EMS_TEST_FULL"] === undefined ? 300 : 10_000,
        examples: [[DAMAGED_BEYOND]],
      },
    );
  }, 600_000);

  function damage(
    disk: MemoryDisk,
    cutAt: number,
    flips: readonly { readonly at: number; readonly xor: number }[],
  ): void {
    const segments = disk.list();
    const total = segments.reduce((sum, segment) => sum + disk.size(segment), 0);
    let left = Math.floor(total * cutAt);
    for (const segment of segments) {
      const size = disk.size(segment);
      disk.truncate(segment, Math.min(size, left));
      left = Math.max(0, left - size);
      const bytes = disk.bytesOf(segment);
      if (bytes.length === 0) continue;
      for (const { at, xor } of flips) bytes[at % bytes.length]! ^= xor;
    }
  }
});

it("a merged record is written as a journal that reads like it", () => {
  const directory = mkdtempSync(join(tmpdir(), "rems-merge-"));
  try {
    const frames = chain(null, 40);
    const snapshot = snapshotAt(lastOf(frames.slice(0, 5)));
    const merged = mergeJournals(
      [
        {
          name: "n1",
          disk: journal(snapshotBody(snapshot), ...frames.slice(5, 12).map(frameBody)),
        },
        { name: "n2", disk: journal(...frames.slice(20).map(frameBody)) },
      ],
      "port",
    );
    const copy = join(directory, "copy");
    writeMergedJournal(merged, copy);
    const again = mergeJournals([openJournalSource(copy)], "port");
    expect([...again.read()]).toEqual([...merged.read()]);
    expect(again.gaps).toEqual(merged.gaps);
    expect(again.snapshots).toEqual([snapshot.position]);
    expect(() => writeMergedJournal(merged, copy)).toThrow(/not empty/);
    expect(() => openJournalSource(join(directory, "absent"))).toThrow(/REMS_NOT_FOUND/);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});
