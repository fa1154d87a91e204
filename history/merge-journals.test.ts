import { appendFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { encodeFrame, type EncodedFrame } from "../kernel/frame.ts";
import { HASH_NONE } from "../kernel/hash.ts";
import type { LogPosition } from "../kernel/record.ts";
import { frameBody, noteBody, snapshotBody, voidBody } from "./journal-entry.ts";
import { JournalFile } from "./journal-file.ts";
import { mergeJournals, type MergedRecord } from "./merge-journals.ts";
import { readJournal } from "./read-journal.ts";
import { openSegmentDisk } from "./segment-disk.ts";

let root = "";
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "r-ems-merge-"));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function chain(from: LogPosition | null, count: number, epoch: number): EncodedFrame[] {
  const frames: EncodedFrame[] = [];
  for (let last = from; frames.length < count;) {
    const sequence = (last?.sequence ?? 0) + 1;
    const encoded = encodeFrame({
      grid: "port",
      epoch,
      sequence,
      previousHash: last?.hash ?? HASH_NONE,
      plantTimeMs: sequence * 100,
      wallTimeMs: sequence * 100,
      isFirstOfEpoch: frames.length === 0,
      points: [["dg1.activePowerKw", sequence * epoch, "good"]],
      connections: [],
      fates: [],
      requests: [],
      messages: [],
      facts: [],
      leadership: null,
    });
    frames.push(encoded);
    last = encoded.position;
  }
  return frames;
}

const endOf = (frames: readonly EncodedFrame[]): LogPosition | null =>
  frames.at(-1)?.position ?? null;

function snapshot(position: LogPosition): Buffer {
  const plantTimeMs = position.sequence * 100;
  const state = `{"at":${position.sequence}}`;
  return snapshotBody({
    grid: "port",
    position,
    plantTimeMs,
    coreVersion: "1",
    manifestHash: "m",
    state,
  });
}

/** One node's data directory with these entries, every segment small. */
function journal(node: string, bodies: readonly Buffer[], segmentBytesMax = 2000): string {
  const directory = join(root, node);
  const limits = { segmentBytesMax, totalBytesMax: 1e9 };
  const { file } = JournalFile.open(openSegmentDisk(join(directory, "journal")), ["port"], limits);
  for (const body of bodies) {
    file.append(body);
    file.flush();
  }
  file.close();
  return directory;
}

function merge(directories: readonly string[], fromWallMs = 0): MergedRecord {
  const read = directories.map((directory) => readJournal(directory, fromWallMs).get("port"));
  return mergeJournals(read.filter((entries) => entries !== undefined));
}

const sequences = (record: MergedRecord) =>
  record.runs.map(({ frames }) => frames.map(({ position }) => position.sequence));

describe("the journals of several controllers", () => {
  const first = chain(null, 30, 1);
  const second = chain(endOf(first.slice(0, 28)), 20, 2);
  const last = second[11]?.position ?? null;

  it("give one gapless record across a failover; what the dead leader wrote last is void", () => {
    const n1 = journal("n1", first.map(frameBody));
    const n2 = journal("n2", [...first.slice(0, 28), ...second].map(frameBody));
    const record = merge([n1, n2]);
    expect(sequences(record)).toEqual([Array.from({ length: 48 }, (_, i) => i + 1)]);
    expect(record.runs[0]?.base).toBeNull();
    expect(record.voidCount).toBe(2);
    expect(merge([n2, n1])).toEqual(record);
  });

  it("give a gapless record where each of them alone has gaps", () => {
    const all = [...first.slice(0, 28), ...second];
    const n1 = journal("n1", all.slice(0, 20).map(frameBody));
    const rest = all.slice(19).map(frameBody);
    const n2 = journal("n2", rest);
    expect(sequences(merge([n1, n2]))).toEqual([Array.from({ length: 48 }, (_, i) => i + 1)]);
    expect(sequences(merge([n2]))).toEqual([]);
  });

  it("say where nobody has the frames, and go on at the next snapshot", () => {
    const all = [...first.slice(0, 28), ...second];
    if (last === null) throw new RangeError("there is such a frame");
    const bodies = all.map(frameBody);
    const n1 = journal("n1", [
      ...bodies.slice(0, 10),
      ...bodies.slice(15, 40),
      snapshot(last),
      ...bodies.slice(40),
    ]);
    const record = merge([n1]);
    expect(sequences(record)).toEqual([
      Array.from({ length: 10 }, (_, i) => i + 1),
      Array.from({ length: 8 }, (_, i) => i + 41),
    ]);
    expect(record.runs[1]?.base?.position).toEqual(last);
  });

  it("pass over a frame that was taken back though nothing follows it", () => {
    const tenth = first[9]?.position;
    if (tenth === undefined) throw new RangeError("there is such a frame");
    const n1 = journal("n1", [...first.slice(0, 12).map(frameBody), voidBody("port", tenth)]);
    expect(sequences(merge([n1]))).toEqual([Array.from({ length: 10 }, (_, i) => i + 1)]);
  });

  it("are read only as far back as is needed, from a snapshot on", () => {
    const all = [...first.slice(0, 28), ...second];
    if (last === null) throw new RangeError("there is such a frame");
    const bodies = all.map(frameBody);
    const n1 = journal("n1", [...bodies.slice(0, 40), snapshot(last), ...bodies.slice(40)], 4000);
    const [run] = merge([n1], 4500).runs;
    expect(run?.frames.at(-1)?.position.sequence).toBe(48);
    expect(run?.frames.at(0)?.position.sequence).toBeGreaterThan(20);
  });

  it("hold notes of all, each once, and a torn end harms nothing", () => {
    const note = noteBody({ grid: "port", plantTimeMs: 500, kind: "role", text: "n1 leads" });
    const n1 = journal("n1", [...first.slice(0, 10).map(frameBody), note]);
    const n2 = journal("n2", [...first.slice(0, 9).map(frameBody), note]);
    appendFileSync(join(n1, "journal", "journal-00000001.rems"), "torn");
    const record = merge([n1, n2]);
    expect(record.notes).toEqual([{ plantTimeMs: 500, kind: "role", text: "n1 leads" }]);
    expect(record.runs[0]?.frames).toHaveLength(10);
  });

  it("refuse a directory without a journal", () => {
    expect(() => readJournal(join(root, "none"), 0)).toThrow("there is no journal in");
  });
});
