import { RemsError } from "../kernel/errors.ts";
import { HASH_NONE } from "../kernel/hash.ts";
import type { StateHash } from "../kernel/peer-message.ts";
import type { Snapshot } from "../kernel/ports/journal.ts";
import type { LogPosition } from "../kernel/record.ts";
import type { GridRecording, IncidentContent, LogFile } from "./incident.ts";
import type { InstallationRecord } from "./keep-installation.ts";
import { gridsInJournals, type MergedJournal, mergeJournals } from "./journal-merge.ts";
import type { JournalSource } from "./journal-places.ts";

/** What one node knows of the time in question. */
export interface NodeHistory {
  readonly node: string;
  readonly journal: JournalSource;
  /** The newest first. */
  readonly installations: readonly InstallationRecord[];
  readonly logs: readonly LogFile[];
}

export interface IncidentRange {
  /** Empty: every grid that was recorded. */
  readonly grids: readonly string[];
  /** Wall times, both included. The recording begins at the last snapshot before, so that it can be re-run. */
  readonly fromWallMs: number;
  readonly toWallMs: number;
  readonly reason: string;
  /** Of R-EMS, that writes the file. */
  readonly version: string;
  readonly nowMs: number;
}

/**
 * Makes an incident of what several nodes wrote down.
 * @throws {@link RemsError} `REMS_NOT_FOUND` where nothing was recorded in that time, or nobody kept the manifest.
 */
export function assembleIncident(
  histories: readonly NodeHistory[],
  range: IncidentRange,
): IncidentContent {
  const remarks: string[] = [];
  const sources = histories.map(({ journal }) => journal);
  const known = gridsInJournals(sources);
  for (const grid of range.grids) {
    if (!known.includes(grid)) {
      throw new RemsError(
        "REMS_NOT_FOUND",
        `nothing is recorded of a grid "${grid}"; recorded are ${known.join(", ")}`,
      );
    }
  }
  const wanted = known.filter((grid) => range.grids.length === 0 || range.grids.includes(grid));
  const records = new Map(wanted.map((grid) => [grid, mergeJournals(sources, grid)]));
  const cuts = new Map(
    [...records].map(([grid, record]) => [grid, cutRuns(record, range)] as const),
  );
  const installation = chooseInstallation(histories, [...cuts.values()].flat());
  const order = gridOrder(installation, wanted);
  const grids = order.flatMap((grid) => {
    const record = records.get(grid);
    const runs = cuts.get(grid) ?? [];
    if (record === undefined || runs.length === 0) return [];
    return [recordingOf(grid, record, usable(grid, runs, installation, remarks), remarks)];
  });
  if (grids.length === 0) throw nothingThen([...records], range);
  return {
    createdAt: new Date(range.nowMs).toISOString(),
    createdBy: { version: range.version, nodeVersion: process.version },
    reason: range.reason,
    installation,
    grids,
    logs: histories.flatMap(({ logs }) => logs),
    remarks,
  };
}

/** A part of a record in which every frame continues the one before, by index. */
interface Run {
  readonly from: number;
  readonly to: number;
}

interface CutRun extends Run {
  /** State before the first frame; null where that is the grid's very first. */
  readonly base: Snapshot | null;
  /** Which manifest the frames were decided on; empty where no snapshot says. */
  readonly manifestHash: string;
}

function runsOf({ frames, gaps }: MergedJournal): Run[] {
  const begins = new Set(gaps.map(({ before }) => before.hash));
  const starts = frames.flatMap(({ position }, i) =>
    i === 0 || begins.has(position.hash) ? i : [],
  );
  return starts.map((from, i) => ({ from, to: starts[i + 1] ?? frames.length }));
}

/** The part of each run that lies in the range, from the last snapshot before it: only so it can be re-run. */
function cutRuns(record: MergedJournal, { fromWallMs, toWallMs }: IncidentRange): CutRun[] {
  const { frames } = record;
  const snapshots = new Map(record.snapshots.map((position) => [position.hash, position]));
  const cuts: CutRun[] = [];
  for (const run of runsOf(record)) {
    const isAfter = (i: number) => (frames[i]?.wallTimeMs ?? 0) >= fromWallMs;
    const isBefore = (i: number) => (frames[i]?.wallTimeMs ?? 0) <= toWallMs;
    let wanted = run.from;
    while (wanted < run.to && !isAfter(wanted)) wanted++;
    let to = run.to;
    while (to > wanted && !isBefore(to - 1)) to--;
    if (wanted >= to) continue;
    const start = startOf(record, snapshots, run, wanted, to);
    if (start === null) continue;
    const { base, from } = start;
    const inside = frames.slice(from, to).find(({ position }) => snapshots.has(position.hash));
    const named = base ?? (inside === undefined ? null : record.snapshot(inside.position));
    cuts.push({ base, from, to, manifestHash: named?.manifestHash ?? "" });
  }
  return cuts;
}

/** The last place at or before `wanted` from which the run can be re-run; else the first one behind it. */
function startOf(
  record: MergedJournal,
  snapshots: ReadonlyMap<string, LogPosition>,
  run: Run,
  wanted: number,
  to: number,
): { readonly base: Snapshot | null; readonly from: number } | null {
  const { frames } = record;
  const at = (i: number): LogPosition | undefined =>
    snapshots.get(frames[i]?.previousHash ?? HASH_NONE);
  for (let i = wanted; i >= run.from; i--) {
    const position = at(i);
    if (position !== undefined) return { base: record.snapshot(position), from: i };
    if (frames[i]?.previousHash === HASH_NONE) return { base: null, from: i };
  }
  for (let i = wanted + 1; i < to; i++) {
    const position = at(i);
    if (position !== undefined) return { base: record.snapshot(position), from: i };
  }
  return null;
}

/** The one that the newest frames were decided on. */
function chooseInstallation(
  histories: readonly NodeHistory[],
  runs: readonly CutRun[],
): InstallationRecord {
  const all = histories.flatMap(({ installations }) => installations);
  const hashes = runs.map(({ manifestHash }) => manifestHash).filter((hash) => hash !== "");
  const newest = hashes.at(-1);
  const fits = (record: InstallationRecord) =>
    Object.values(record.grids).some(({ manifestHash }) => manifestHash === newest);
  const chosen = all.find(fits) ?? (newest === undefined ? all[0] : undefined);
  if (chosen !== undefined) return chosen;
  throw new RemsError(
    "REMS_NOT_FOUND",
    all.length === 0
      ? "no node kept the manifest that it ran with (folder installations of its data directory)"
      : "none of the manifests that were kept is the one that this time was recorded with",
  );
}

/** Runs that were decided on the same manifest; the others cannot be re-run with it. */
function usable(
  grid: string,
  runs: readonly CutRun[],
  installation: InstallationRecord,
  remarks: string[],
): CutRun[] {
  const wanted = installation.grids[grid]?.manifestHash;
  const same = runs.filter(({ manifestHash }) => manifestHash === "" || manifestHash === wanted);
  const leftOut = runs.filter((run) => !same.includes(run));
  const frameCount = leftOut.reduce((sum, { from, to }) => sum + to - from, 0);
  if (frameCount > 0) {
    remarks.push(`${frameCount} frames of ${grid} are left out: they ran on another manifest`);
  }
  return same.length > 0 ? same : [...runs];
}

function recordingOf(
  grid: string,
  record: MergedJournal,
  runs: readonly CutRun[],
  remarks: string[],
): GridRecording {
  const texts: string[] = [];
  const places: LogPosition[] = [];
  const bases = new Map<number, Snapshot>();
  for (const [i, { base, from, to }] of runs.entries()) {
    if (base !== null) bases.set(texts.length, base);
    const before = places.at(-1);
    const after = record.frames[from]?.position;
    if (i > 0 && before !== undefined && after !== undefined) {
      remarks.push(
        `frames of ${grid} are missing in every journal between ${placeText(before)} and ${placeText(after)}`,
      );
    }
    for (const { text, position } of record.read(from, to)) {
      texts.push(text);
      places.push(position);
    }
  }
  const hashes = new Set(places.map(({ hash }) => hash));
  const names = new Set(places.map(placeText));
  const fromMs = record.frames[runs[0]?.from ?? 0]?.plantTimeMs ?? 0;
  const toMs = record.frames[(runs.at(-1)?.to ?? 1) - 1]?.plantTimeMs ?? 0;
  const notes = record.notes(fromMs, toMs);
  const stateHashes = new Map<string, StateHash>();
  for (const { kind, text } of notes) {
    if (kind === "stateHash") stateHashes.set(text, stateHashOf(text));
  }
  return {
    grid,
    bases,
    frames: texts,
    snapshots: record.snapshots
      .filter(({ hash }) => hashes.has(hash))
      .map((position) => record.snapshot(position)),
    stateHashes: [...stateHashes.values()].filter((one) => names.has(placeText(one))),
    notes: notes
      .filter(({ kind }) => kind !== "stateHash")
      .map(({ plantTimeMs, kind, text, source }) => ({ plantTimeMs, kind, text, source })),
    behaviour: [],
  };
}

function placeText({ epoch, sequence }: { readonly epoch: number; readonly sequence: number }) {
  return `${epoch}:${sequence}`;
}

function stateHashOf(text: string): StateHash {
  const [epoch = "", sequence = "", hash = ""] = text.split(":");
  return { epoch: Number(epoch), sequence: Number(sequence), hash };
}

function gridOrder(installation: InstallationRecord, grids: readonly string[]): string[] {
  const { grids: configured } = installation.manifest as { grids?: readonly { id: string }[] };
  const order = (configured ?? []).map(({ id }) => id);
  return grids.toSorted((a, b) => order.indexOf(a) - order.indexOf(b));
}

function nothingThen(
  records: readonly (readonly [string, MergedJournal])[],
  { fromWallMs, toWallMs }: IncidentRange,
): RemsError {
  const held = records.map(([grid, { frames }]) => {
    const from = frames[0]?.wallTimeMs;
    const to = frames.at(-1)?.wallTimeMs;
    return from === undefined || to === undefined
      ? `${grid}: nothing`
      : `${grid}: ${utc(from)} to ${utc(to)}`;
  });
  return new RemsError(
    "REMS_NOT_FOUND",
    `nothing is recorded between ${utc(fromWallMs)} and ${utc(toWallMs)}; recorded are ${held.join("; ")}`,
  );
}

const TIME_MS_MAX = 8.64e15;
const utc = (ms: number): string =>
  new Date(Math.min(Math.max(ms, -TIME_MS_MAX), TIME_MS_MAX)).toISOString();
