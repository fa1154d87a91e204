import { z } from "zod";
import type { Snapshot } from "../kernel/ports/journal.ts";
import type { StateHash } from "../kernel/peer-message.ts";
import {
  type EncodeOptions,
  type IncidentFile,
  type IncidentHeader,
  encodeIncidentFile,
  invalid,
  readIncidentFile,
} from "./incident-file.ts";
import { parseInstallation } from "./installation-record.ts";
import type { InstallationRecord } from "./keep-installation.ts";

/** A line beside the frames: what was written, who led. */
export interface RecordedNote {
  readonly plantTimeMs: number;
  readonly kind: string;
  readonly text: string;
  /** Journal that it stood in. */
  readonly source: string;
}

/** What one grid lived through, with what its replay can be checked against. */
export interface GridRecording {
  readonly grid: string;
  /** Canonical texts, oldest first. Where one does not continue the one before, {@link bases} has the state to go on from. */
  readonly frames: readonly string[];
  /** State before the frame of that index; index 0 has none where the record begins with the grid's first frame. */
  readonly bases: ReadonlyMap<number, Snapshot>;
  /** Whole states after a frame, as journalled. */
  readonly snapshots: readonly Snapshot[];
  readonly stateHashes: readonly StateHash[];
  readonly notes: readonly RecordedNote[];
  /** Per frame what it changed and brought about, as the build that recorded it did: canonical texts; empty where it was not kept. */
  readonly behaviour: readonly string[];
}

export interface LogFile {
  readonly node: string;
  readonly name: string;
  readonly text: string;
}

/** Everything that is needed to re-run and explain what happened, on any machine. */
export interface Incident {
  readonly createdAt: string;
  readonly createdBy: IncidentHeader["createdBy"];
  readonly reason: string;
  readonly installation: InstallationRecord;
  /** In the order of the manifest. */
  readonly grids: readonly GridRecording[];
  readonly logs: readonly LogFile[];
  readonly remarks: readonly string[];
  readonly summary: IncidentHeader;
  readonly signedBy: string | null;
}

export type IncidentContent = Pick<
  Incident,
  "createdAt" | "createdBy" | "reason" | "installation" | "grids" | "logs" | "remarks"
>;

const hash = z.string().regex(/^[0-9a-f]{32}$/);
const count = z.number().int().min(0);
const snapshotSchema = z.object({
  grid: z.string().max(64),
  position: z.object({ epoch: count, sequence: count, hash }),
  plantTimeMs: z.number(),
  coreVersion: z.string().max(64),
  manifestHash: z.string().max(64),
  state: z.string().max(16 * 1024 * 1024),
});
const baseSchema = z.object({ index: count, snapshot: snapshotSchema });
const noteSchema = z.object({
  plantTimeMs: z.number(),
  kind: z.string().max(32),
  text: z.string().max(10_000),
  source: z.string().max(4096),
});
const stateHashSchema = z.object({ epoch: count, sequence: count, hash });
const logSchema = z.object({
  node: z.string().max(64),
  name: z.string().max(256),
  text: z.string(),
});
const FRAME_LENGTH_MAX = 16 * 1024 * 1024;

/** Writes an incident. What is in it is checked when it is read. */
export function encodeIncident(content: IncidentContent, options: EncodeOptions = {}): Buffer {
  const { grids, installation, logs, ...about } = content;
  const sections = new Map<string, Buffer>([["installation", json(installation)]]);
  for (const recording of grids) {
    const { grid } = recording;
    const bases = [...recording.bases].map(([index, snapshot]) => ({ index, snapshot }));
    sections.set(`frames/${grid}`, lines(recording.frames));
    sections.set(`bases/${grid}`, jsonLines(bases));
    sections.set(`snapshots/${grid}`, jsonLines(recording.snapshots));
    sections.set(`state-hashes/${grid}`, jsonLines(recording.stateHashes));
    sections.set(`notes/${grid}`, jsonLines(recording.notes));
    if (recording.behaviour.length > 0) {
      sections.set(`behaviour/${grid}`, lines(recording.behaviour));
    }
  }
  sections.set("logs", jsonLines(logs));
  const manifest = installation.manifest as {
    installation?: { id?: string; name?: string };
    mode?: string;
  };
  const id = manifest.installation?.id ?? "unknown";
  return encodeIncidentFile(
    {
      ...about,
      remarks: [...about.remarks],
      installation: { id, name: manifest.installation?.name ?? id },
      isSimulation: manifest.mode === "simulation",
      grids: grids.map((recording) => summaryOf(recording, installation)),
    },
    sections,
    options,
  );
}

function summaryOf(
  recording: GridRecording,
  installation: InstallationRecord,
): IncidentHeader["grids"][number] {
  const { grid, frames, bases } = recording;
  const { coreVersion, manifestHash } = installation.grids[grid] ?? {
    coreVersion: "",
    manifestHash: "",
  };
  return {
    grid,
    frameCount: frames.length,
    gapCount: bases.size - (bases.has(0) ? 1 : 0),
    first: placeOf(frames[0]),
    last: placeOf(frames.at(-1)),
    coreVersion,
    manifestHash,
  };
}

function placeOf(frame: string | undefined): IncidentHeader["grids"][number]["first"] {
  if (frame === undefined) throw invalid("a grid has no frame");
  const { epoch, sequence, plantTimeMs, wallTimeMs } = JSON.parse(frame) as {
    epoch: number;
    sequence: number;
    plantTimeMs: number;
    wallTimeMs: number;
  };
  return { epoch, sequence, plantTimeMs, wallTimeMs };
}

/**
 * Reads an incident whole.
 * @throws {@link RemsError} `REMS_INCIDENT_INVALID`, `REMS_MESSAGE_INVALID` that say what is wrong. Whether frames are what their hashes
 *   say is found by the replay.
 */
export function readIncident(bytes: Buffer): Incident {
  const file = readIncidentFile(bytes);
  const { header, signedBy } = file;
  const { createdAt, createdBy, reason, remarks } = header;
  return {
    createdAt,
    createdBy,
    reason,
    remarks,
    signedBy,
    summary: header,
    installation: parseInstallation(parseJson(file.section("installation").toString("utf8"))),
    grids: header.grids.map((summary) => readGrid(file, summary)),
    logs: parsed(file, "logs", logSchema),
  };
}

function readGrid(file: IncidentFile, summary: IncidentHeader["grids"][number]): GridRecording {
  const { grid, frameCount } = summary;
  const frames = linesOf(file, `frames/${grid}`);
  const behaviour = file.has(`behaviour/${grid}`) ? linesOf(file, `behaviour/${grid}`) : [];
  if (frames.length !== frameCount) {
    throw invalid(`it has ${frames.length} frames of ${grid}, its header says ${frameCount}`);
  }
  if (behaviour.length !== 0 && behaviour.length !== frameCount) {
    throw invalid(`the behaviour of ${grid} does not have one line per frame`);
  }
  const bases = parsed(file, `bases/${grid}`, baseSchema);
  return {
    grid,
    frames,
    behaviour,
    bases: new Map(bases.map(({ index, snapshot }) => [index, snapshot])),
    snapshots: parsed(file, `snapshots/${grid}`, snapshotSchema),
    stateHashes: parsed(file, `state-hashes/${grid}`, stateHashSchema),
    notes: parsed(file, `notes/${grid}`, noteSchema),
  };
}

function parsed<T>(file: IncidentFile, section: string, schema: z.ZodType<T>): T[] {
  return linesOf(file, section).map((line) => {
    const checked = schema.safeParse(parseJson(line));
    if (checked.success) return checked.data;
    const [issue] = checked.error.issues;
    throw invalid(`section "${section}", ${issue?.path.join(".") ?? ""}: ${issue?.message ?? ""}`);
  });
}

function linesOf(file: IncidentFile, section: string): string[] {
  const bytes = file.section(section);
  const found: string[] = [];
  for (let at = 0; at < bytes.length;) {
    const end = bytes.indexOf(10, at);
    if (end < 0) throw invalid(`section "${section}" does not end with a line's end`);
    if (end - at > FRAME_LENGTH_MAX) throw invalid(`section "${section}" has a line too long`);
    found.push(bytes.toString("utf8", at, end));
    at = end + 1;
  }
  return found;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw invalid("a part of it is not JSON", cause);
  }
}

function json(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}

function jsonLines(values: readonly unknown[]): Buffer {
  return lines(values.map((value) => JSON.stringify(value)));
}

function lines(texts: readonly string[]): Buffer {
  return Buffer.from(texts.map((text) => `${text}\n`).join(""));
}
