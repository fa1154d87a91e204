import type { NodeHistory } from "./assemble-incident.ts";
import type { Incident } from "./incident.ts";
import { readInstallations } from "./installation-record.ts";
import { entryPrefix, frameBody, noteBody, scanEntries, snapshotBody } from "./journal-entry.ts";
import { type JournalSource, openJournalSource } from "./journal-places.ts";
import { readLogs } from "./log-files.ts";
import { decodeFrame } from "../kernel/frame.ts";
import { NOTE_KINDS } from "../kernel/ports/journal.ts";
import { nativeHashOf } from "./native-hash.ts";

/**
 * What a data directory holds of a time: of a node that runs, of one that is down, or a copy. Nothing of it is changed.
 * @throws {@link RemsError} `REMS_NOT_FOUND` if it has no journal.
 */
export function readNodeHistory(
  directory: string,
  fromWallMs: number,
  toWallMs: number,
): NodeHistory {
  const journal = since(openJournalSource(directory), fromWallMs);
  const installations = readInstallations(directory);
  const [newest] = installations;
  const node = newest?.node ?? directory;
  const logs =
    newest === undefined ? [] : readLogs(node, newest.logDirectory, fromWallMs, toWallMs);
  return { node, journal, installations, logs };
}

/** Only the newest segments: back to the one that has, of every grid, a snapshot from before `fromWallMs`. */
function since(source: JournalSource, fromWallMs: number): JournalSource {
  const { disk } = source;
  const needed: number[] = [];
  const grids = new Set<string>();
  for (const segment of disk.list().reverse()) {
    needed.push(segment);
    const early = new Set<string>();
    const withSnapshot = new Set<string>();
    for (const { kind, grid, text } of scanEntries(disk.read(segment)).entries) {
      if (kind === "snapshot") withSnapshot.add(grid);
      if (kind !== "frame") continue;
      grids.add(grid);
      if (withSnapshot.has(grid) && wallTimeOf(text) <= fromWallMs) early.add(grid);
    }
    if (grids.size > 0 && [...grids].every((grid) => early.has(grid))) break;
  }
  const numbers = needed.reverse();
  return { ...source, disk: { ...disk, list: () => [...numbers] } };
}

/** The last key of a frame's canonical text: found without parsing the rest. */
function wallTimeOf(text: Buffer): number {
  const end = text.toString("latin1", Math.max(0, text.length - 48));
  return Number(/"wallTimeMs":(\d+)\}$/.exec(end)?.[1] ?? Number.NaN);
}

/** An incident as if it were one node's journal: several of them merge into one. */
export function historyOfIncident(name: string, incident: Incident): NodeHistory {
  const { installation, logs } = incident;
  const segments = incident.grids.map((recording) => {
    const { grid } = recording;
    const bodies: Buffer[] = [];
    for (const snapshot of recording.bases.values()) bodies.push(snapshotBody(snapshot));
    const plantTimes = new Map<string, number>();
    for (const text of recording.frames) {
      const encoded = decodeFrame(text, nativeHashOf);
      const { epoch, sequence, plantTimeMs } = encoded.frame;
      plantTimes.set(`${epoch}:${sequence}`, plantTimeMs);
      bodies.push(frameBody(encoded));
    }
    for (const snapshot of recording.snapshots) bodies.push(snapshotBody(snapshot));
    for (const { epoch, sequence, hash } of recording.stateHashes) {
      const plantTimeMs = plantTimes.get(`${epoch}:${sequence}`) ?? 0;
      const text = `${epoch}:${sequence}:${hash}`;
      bodies.push(noteBody({ grid, plantTimeMs, kind: "stateHash", text }));
    }
    for (const { kind, plantTimeMs, text } of recording.notes) {
      const known = NOTE_KINDS.find((one) => one === kind);
      if (known !== undefined) bodies.push(noteBody({ grid, plantTimeMs, kind: known, text }));
    }
    return Buffer.concat(bodies.flatMap((body) => [entryPrefix(body), body]));
  });
  const read = (segment: number) => segments[segment - 1] ?? Buffer.alloc(0);
  const list = () => segments.map((_bytes, i) => i + 1);
  const journal = { name, disk: { list, read, size: (segment: number) => read(segment).length } };
  return { node: installation.node, journal, installations: [installation], logs };
}
