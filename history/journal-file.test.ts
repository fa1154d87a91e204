import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { LogPosition } from "../kernel/record.ts";
import { frameBody, noteBody, scanEntries, snapshotBody, voidBody } from "./journal-entry.ts";
import { JournalFile } from "./journal-file.ts";
import { createMemoryDisk, type MemoryDisk } from "./memory-disk.ts";
import { chain, lastOf, snapshotAt } from "./test-frames.ts";

const LIMITS = { segmentBytesMax: 1e6, totalBytesMax: 1e9 };
const SMALL = { segmentBytesMax: 4000, totalBytesMax: 12_000 };

function open(disk: MemoryDisk, limits = LIMITS, grids: readonly string[] = ["port"]) {
  const opened = JournalFile.open(disk, grids, limits);
  const port = opened.recovered.get("port");
  if (port === undefined) throw new RangeError("the grid asked for is recovered");
  return { ...opened, port, sequences: port.frames.map((frame) => frame.position.sequence) };
}

function write(disk: MemoryDisk, bodies: readonly Buffer[], limits = LIMITS): JournalFile {
  const { file } = open(disk, limits);
  for (const body of bodies) {
    file.append(body);
    file.flush();
  }
  return file;
}

describe("recovery", () => {
  it("a new journal is empty", () => {
    const { port, cutByteCount } = open(createMemoryDisk());
    expect(port).toEqual({
      snapshot: null,
      frames: [],
      last: null,
      baseSegment: null,
      epochMax: 0,
      plantTimeMs: 0,
    });
    expect(cutByteCount).toBe(0);
  });

  it("gives back the newest snapshot and the frames after it, across segments and restarts", () => {
    const disk = createMemoryDisk();
    const first = chain(null, 5);
    const snapshot = snapshotAt(lastOf(first));
    const second = chain(lastOf(first), 30);
    write(disk, [...first.map(frameBody), snapshotBody(snapshot)], SMALL);
    write(disk, second.map(frameBody), SMALL);
    const { port } = open(disk, SMALL);
    expect(disk.list().length).toBeGreaterThan(2);
    expect(port.snapshot).toEqual(snapshot);
    expect(port.frames).toEqual(second);
    expect(port.last).toEqual(lastOf(second));
  });

  it("keeps void frames in the file, skips them, and still counts their epoch and plant time", () => {
    const disk = createMemoryDisk();
    const held = chain(null, 3);
    const voided = chain(lastOf(held), 4, 2);
    const next = chain(lastOf(held), 2, 3);
    write(disk, [...held, ...voided].map(frameBody));
    expect(open(disk).port.epochMax).toBe(2);
    write(disk, [voidBody("port", lastOf(held)), ...next.map(frameBody)]);
    const { port, sequences } = open(disk);
    expect(sequences).toEqual([1, 2, 3, 4, 5]);
    expect(port.last).toEqual(lastOf(next));
    expect(port.plantTimeMs).toBe(700);
    const kept = disk.list().flatMap((segment) => scanEntries(disk.read(segment)).entries);
    expect(kept.filter((entry) => entry.kind === "frame")).toHaveLength(9);
  });

  it("a void mark behind the newest snapshot falls back to the snapshot before it", () => {
    const disk = createMemoryDisk();
    const held = chain(null, 3);
    const voided = chain(lastOf(held), 2);
    const old = snapshotAt(lastOf(held.slice(0, 2)));
    write(disk, [
      ...held.slice(0, 2).map(frameBody),
      snapshotBody(old),
      ...held.slice(2).map(frameBody),
      ...voided.map(frameBody),
      snapshotBody(snapshotAt(lastOf(voided))),
      voidBody("port", lastOf(held)),
    ]);
    const { port, sequences } = open(disk);
    expect(port.snapshot).toEqual(old);
    expect(sequences).toEqual([3]);
  });

  it("frames behind a gap count for nothing until a snapshot comes", () => {
    const disk = createMemoryDisk();
    const frames = chain(null, 10);
    const { file } = open(disk);
    for (const frame of frames.slice(0, 3)) file.append(frameBody(frame));
    expect(file.flush()).toEqual([["port", lastOf(frames.slice(0, 3))]]);
    file.appendGap(2);
    for (const frame of frames.slice(5, 8)) file.append(frameBody(frame));
    expect(file.flush()).toEqual([]);
    expect(file.brokenGrids()).toEqual(["port"]);
    expect(open(disk).sequences).toEqual([1, 2, 3]);
    file.append(snapshotBody(snapshotAt(lastOf(frames.slice(0, 8)))));
    for (const frame of frames.slice(8)) file.append(frameBody(frame));
    expect(file.flush()).toEqual([["port", lastOf(frames)]]);
    expect(file.brokenGrids()).toEqual([]);
    expect(open(disk).sequences).toEqual([9, 10]);
  });

  it("keeps grids apart", () => {
    const disk = createMemoryDisk();
    const port = chain(null, 3);
    const starboard = chain(null, 2, 7, "starboard");
    write(disk, [...port, ...starboard].map(frameBody));
    const { recovered } = open(disk, LIMITS, ["port", "starboard"]);
    expect(recovered.get("port")?.frames).toEqual(port);
    expect(recovered.get("starboard")?.frames).toEqual(starboard);
    expect(recovered.get("starboard")?.epochMax).toBe(7);
  });
});

/** `npm run test:full` tries ten thousand. */
const caseCount = (count: number) =>
  process.env["R_EMS_TEST_FULL"] === undefined ? count : 10_000;

describe("damage", () => {
  const frames = chain(null, 6);
  const bodies = [
    ...frames.slice(0, 2).map(frameBody),
    snapshotBody(snapshotAt(lastOf(frames.slice(0, 2)))),
    noteBody({ grid: "port", plantTimeMs: 1, kind: "write", text: "dg1.start" }),
    ...frames.slice(2).map(frameBody),
  ];
  const texts = new Set(frames.map((frame) => frame.text));

  it("a journal cut at any byte gives a gapless prefix, and goes on from there", () => {
    const whole = createMemoryDisk();
    write(whole, bodies);
    const bytes = whole.read(1);
    let longest = 0;
    for (let length = 0; length <= bytes.length; length++) {
      const disk = createMemoryDisk();
      disk.create(1).write(bytes.subarray(0, length), 0);
      const { port, file, cutByteCount } = open(disk);
      const sequence = port.last?.sequence ?? 0;
      expect(sequence).toBeGreaterThanOrEqual(longest);
      longest = sequence;
      for (const frame of port.frames) expect(texts.has(frame.text)).toBe(true);
      expect(disk.size(1) + cutByteCount).toBe(length);
      for (const frame of frames.slice(sequence)) file.append(frameBody(frame));
      file.flush();
      expect(file.brokenGrids()).toEqual([]);
      expect(open(disk).port.last).toEqual(lastOf(frames));
    }
    expect(longest).toBe(6);
  });

  it("corrupt bytes anywhere never give a frame or a snapshot that was not written", () => {
    const whole = createMemoryDisk();
    const file = write(whole, bodies, { segmentBytesMax: 900, totalBytesMax: 1e6 });
    expect(file.pendingCount).toBe(0);
    const segments = whole.list();
    expect(segments.length).toBeGreaterThan(2);
    const damage = fc.record({
      segment: fc.constantFrom(...segments),
      at: fc.nat(),
      xor: fc.integer({ min: 1, max: 255 }),
    });
    fc.assert(
      fc.property(fc.array(damage, { minLength: 1, maxLength: 4 }), (damages) => {
        const disk = createMemoryDisk();
        for (const segment of segments) disk.create(segment).write(whole.read(segment), 0);
        for (const { segment, at, xor } of damages) {
          const bytes = disk.bytesOf(segment);
          const place = at % bytes.length;
          bytes[place] = (bytes[place] ?? 0) ^ xor;
        }
        const { port, sequences } = open(disk);
        for (const frame of port.frames) expect(texts.has(frame.text)).toBe(true);
        const first = port.snapshot?.position.sequence ?? 0;
        expect([0, 2]).toContain(first);
        expect(sequences).toEqual(sequences.map((_, i) => first + 1 + i));
      }),
      { numRuns: caseCount(500) },
    );
  }, 600_000);

  it("what was reported as synced survives a power cut, whatever the kernel had written of the rest", () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 5 }), { maxLength: 8 }),
        fc.nat({ max: 2000 }),
        (groups, unsyncedBytes) => {
          const disk = createMemoryDisk();
          const { file } = open(disk, SMALL);
          const all = chain(null, 60);
          let done = 0;
          for (const count of groups) {
            for (const frame of all.slice(done, done + count)) file.append(frameBody(frame));
            done += count;
            file.flush();
          }
          disk.failure = "EIO";
          for (const frame of all.slice(done, done + 3)) file.append(frameBody(frame));
          expect(() => file.flush()).toThrow("EIO");
          disk.failure = "";
          disk.losePower(unsyncedBytes);
          const { sequences } = open(disk, SMALL);
          expect(sequences.length).toBeGreaterThanOrEqual(done);
          expect(sequences).toEqual(all.slice(0, sequences.length).map((_, i) => i + 1));
        },
      ),
      { numRuns: caseCount(100) },
    );
  }, 600_000);
});

describe("a disk that refuses", () => {
  it("a full disk loses nothing and leaves no trail of files; writing goes on once there is room", () => {
    const disk = createMemoryDisk();
    const frames = chain(null, 20);
    const { file } = open(disk);
    for (const frame of frames.slice(0, 5)) file.append(frameBody(frame));
    file.flush();
    disk.failure = "ENOSPC";
    for (const frame of frames.slice(5)) {
      file.append(frameBody(frame));
      expect(() => file.flush()).toThrow("ENOSPC");
    }
    expect(disk.list().length).toBeLessThanOrEqual(2);
    disk.failure = "";
    expect(file.flush()).toEqual([["port", lastOf(frames)]]);
    expect(open(disk).port.frames).toEqual(frames);
  });
});

describe("retention", () => {
  it("removes what is older than its time, never what a recovery needs", () => {
    const disk = createMemoryDisk();
    const limits = { ...SMALL, totalBytesMax: 1e9, ageMsMax: 1000 };
    const { file } = open(disk, limits);
    const frames = chain(null, 60);
    const write = (from: number, to: number) => {
      for (const frame of frames.slice(from, to)) file.append(frameBody(frame));
      file.append(snapshotBody(snapshotAt(lastOf(frames.slice(0, to)))));
      file.flush();
    };
    write(0, 20);
    const first = disk.list()[0];
    disk.passTime(900);
    write(20, 40);
    expect(disk.list()[0]).toBe(first);
    disk.passTime(200);
    write(40, 60);
    expect(disk.list()[0]).not.toBe(first);
    expect(open(disk, limits).port.last).toEqual(lastOf(frames));
  });

  it("removes the oldest segments, never the newest snapshot or what follows it", () => {
    const disk = createMemoryDisk();
    const { file } = open(disk, SMALL);
    let last: LogPosition | null = null;
    for (let round = 0; round < 40; round++) {
      const frames = chain(last, 10);
      last = lastOf(frames);
      for (const frame of frames) file.append(frameBody(frame));
      file.append(snapshotBody(snapshotAt(last)));
      file.flush();
    }
    const total = disk.list().reduce((sum, segment) => sum + disk.size(segment), 0);
    expect(total).toBeLessThan(SMALL.totalBytesMax + 2 * SMALL.segmentBytesMax);
    expect(open(disk, SMALL).port.last).toEqual(last);
    for (let round = 0; round < 40; round++) {
      const frames = chain(last, 10);
      last = lastOf(frames);
      for (const frame of frames) file.append(frameBody(frame));
      file.flush();
    }
    const { port } = open(disk, SMALL);
    expect(port.snapshot?.position.sequence).toBe(400);
    expect(port.frames).toHaveLength(400);
  });

  it("remembers epochs and plant times of segments that are gone", () => {
    const disk = createMemoryDisk();
    const held = chain(null, 2);
    const voided = chain(lastOf(held), 3, 9);
    const { file } = open(disk, SMALL);
    for (const frame of [...held, ...voided]) file.append(frameBody(frame));
    file.append(voidBody("port", lastOf(held)));
    let last = lastOf(held);
    for (let round = 0; round < 40; round++) {
      const frames = chain(last, 10, 3);
      last = lastOf(frames);
      for (const frame of frames) file.append(frameBody(frame));
      file.append(snapshotBody(snapshotAt(last)));
      file.flush();
    }
    expect(disk.list()[0]).toBeGreaterThan(1);
    expect(open(disk, SMALL).port.epochMax).toBe(9);
  });
});
