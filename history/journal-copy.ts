import { existsSync, readdirSync } from "node:fs";
import { RemsError } from "../kernel/errors.ts";
import { comparePositions } from "../kernel/record.ts";
import { frameBody, snapshotBody } from "./journal-entry.ts";
import { JournalFile } from "./journal-file.ts";
import type { MergedJournal } from "./journal-merge.ts";
import { openSegmentDisk } from "./segment-disk.ts";

const LIMITS = { segmentBytesMax: 32 * 1024 * 1024, totalBytesMax: Infinity };
const FRAMES_PER_FLUSH = 1000;

/**
 * Writes a merged record as a journal of its own into `directory`, which must be absent or empty. It can be read, merged and
 * replayed like a node's.
 * @param onProgress - Called every thousand frames with how many are written.
 * @throws {@link RemsError} `REMS_REQUEST_INVALID` if the directory holds something; an operating system's error if it cannot be written.
 */
export function writeMergedJournal(
  merged: MergedJournal,
  directory: string,
  onProgress: (frameCount: number) => void = () => {},
): void {
  if (existsSync(directory) && readdirSync(directory).length > 0) {
    throw new RemsError(
      "REMS_REQUEST_INVALID",
      `${directory} is not empty; name a directory that is new`,
      { details: { directory } },
    );
  }
  const { file } = JournalFile.open(openSegmentDisk(directory), [merged.grid], LIMITS);
  const waiting = [...merged.snapshots];
  const gapsBefore = new Set(merged.gaps.map(({ before }) => before.hash));
  let writtenCount = 0;
  for (const encoded of merged.read()) {
    if (gapsBefore.has(encoded.position.hash)) file.appendGap(1);
    for (; waiting[0] !== undefined; waiting.shift()) {
      if (comparePositions(waiting[0], encoded.position) >= 0) break;
      file.append(snapshotBody(merged.snapshot(waiting[0])));
    }
    file.append(frameBody(encoded));
    writtenCount++;
    if (writtenCount % FRAMES_PER_FLUSH > 0) continue;
    file.flush();
    onProgress(writtenCount);
  }
  for (const position of waiting) file.append(snapshotBody(merged.snapshot(position)));
  file.flush();
  file.close();
}
