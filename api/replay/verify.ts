import type { Manifest } from "../../configs/manifest.ts";
import { type RestoredManifest, restoreManifest } from "../../configs/manifest-source.ts";
import type { GridRecording, Incident, IncidentContent } from "../../history/incident.ts";
import { type CheckCounts, GridReplay, type Mismatch } from "./grid-replay.ts";

/** How the replay of one grid compares with its recording. */
export interface GridVerdict {
  readonly grid: string;
  readonly counts: CheckCounts;
  readonly isEqual: boolean;
  readonly firstOutputMismatch: Mismatch | null;
  readonly firstStateMismatch: Mismatch | null;
  readonly addedFields: readonly string[];
  /** Plant time that was re-run. */
  readonly spanMs: number;
  readonly elapsedMs: number;
}

/** Frames between two reports of progress. */
const PROGRESS_EVERY = 500;

/** The manifest of an incident, as this build understands it. @throws {@link RemsError} `REMS_CONFIG_INVALID`. */
export function manifestOf({ installation }: Pick<Incident, "installation">): RestoredManifest {
  return restoreManifest(installation.source, installation.manifest);
}

/** Re-runs a recording to its end. */
export function verifyGrid(
  replay: GridReplay,
  nowMs: () => number,
  onProgress: (doneCount: number) => void = () => {},
): GridVerdict {
  const startedMs = nowMs();
  let firstMs = Number.NaN;
  for (let step = replay.step(); step !== null; step = replay.step()) {
    if (Number.isNaN(firstMs)) firstMs = step.place.plantTimeMs;
    if (step.place.index % PROGRESS_EVERY === 0) onProgress(step.place.index);
  }
  const lastMs = replay.last?.place.plantTimeMs ?? firstMs;
  const elapsedMs = nowMs() - startedMs;
  return {
    grid: replay.grid,
    counts: replay.counts,
    isEqual: replay.isEqual,
    firstOutputMismatch: replay.firstOutputMismatch,
    firstStateMismatch: replay.firstStateMismatch,
    addedFields: replay.addedFields,
    spanMs: lastMs - firstMs,
    elapsedMs,
  };
}

const BACK_MS = 10_000;
const BACK_TRY_COUNT = 5;
/** No multiple of the distance between checkpoints, so that the tries meet near and far ones. */
const BACK_STRIDE = 17;

/** Longest time that stepping back ten seconds takes, of a few tries near the end; returns to where it stood. */
export function measureBack(replay: GridReplay, nowMs: () => number): number {
  const end = replay.index;
  let longestMs = 0;
  for (let i = 0; i < BACK_TRY_COUNT; i++) {
    replay.seek(end - i * BACK_STRIDE);
    const startedMs = nowMs();
    replay.seek(replay.indexBack(BACK_MS));
    longestMs = Math.max(longestMs, nowMs() - startedMs);
  }
  replay.seek(end);
  return longestMs;
}

/**
 * Re-runs what was recorded and writes down what each frame brought about, so that another build can say exactly what it does
 * otherwise. Only where this build is the one that recorded: a grid whose hashes differ keeps none, with a remark.
 */
export function withBehaviour(
  content: IncidentContent,
  manifest: Manifest,
  onProgress: (grid: string, doneCount: number, ofCount: number) => void = () => {},
): IncidentContent {
  const remarks = [...content.remarks];
  const grids = content.grids.map((recording): GridRecording => {
    const replay = new GridReplay(manifest, { ...recording, behaviour: [] });
    const behaviour: string[] = [];
    for (let step = replay.step(); step !== null; step = replay.step()) {
      behaviour.push(step.behaviour);
      if (step.place.index % PROGRESS_EVERY === 0) {
        onProgress(recording.grid, step.place.index, replay.count);
      }
    }
    const mismatch = replay.firstStateMismatch;
    if (mismatch === null) return { ...recording, behaviour };
    const { place, text } = mismatch;
    remarks.push(
      `${recording.grid}: this build is not the one that recorded (frame ${place.epoch}:${place.sequence}: ${text}), so what each frame brought about is not in the file`,
    );
    return recording;
  });
  return { ...content, grids, remarks };
}
