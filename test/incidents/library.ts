import { appendFileSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createHash } from "node:crypto";
import { GridReplay } from "../../api/replay/grid-replay.ts";
import { manifestOf, verifyGrid, type GridVerdict } from "../../api/replay/verify.ts";
import type { PlannedGridCore } from "../../actors/grid/grid-core.ts";
import {
  encodeIncident,
  type GridRecording,
  type Incident,
  readIncident,
} from "../../history/incident.ts";

const directory = import.meta.dirname;
const CHANGES = join(directory, "CHANGES.md");

export interface KeptIncident {
  readonly name: string;
  readonly path: string;
  readonly incident: Incident;
}

/** The incidents that are kept with the source, by name. */
export function keptIncidents(): KeptIncident[] {
  return readdirSync(directory)
    .filter((name) => name.endsWith(".incident"))
    .sort()
    .map((name) => {
      const path = join(directory, name);
      return { name, path, incident: readIncident(readFileSync(path)) };
    });
}

/** Re-runs all grids of an incident on this build. */
export function verdictsOf(
  incident: Incident,
): { readonly verdict: GridVerdict; readonly core: PlannedGridCore }[] {
  const { manifest } = manifestOf(incident);
  return incident.grids.map((recording) => {
    const replay = new GridReplay(manifest, recording);
    const verdict = verifyGrid(replay, () => performance.now());
    return { verdict, core: replay.replica.core };
  });
}

/** The same inputs with what this build makes of them. */
function recordAgain(incident: Incident): Incident {
  const { manifest } = manifestOf(incident);
  const versions = { ...incident.installation.grids };
  const grids = incident.grids.map((recording): GridRecording => {
    const { grid, stateHashes, snapshots } = recording;
    const replay = new GridReplay(manifest, {
      ...recording,
      behaviour: [],
      stateHashes: [],
      snapshots: [],
    });
    const hashAt = new Set(stateHashes.map(({ epoch, sequence }) => `${epoch}:${sequence}`));
    const snapshotAt = new Map(snapshots.map((snapshot) => [snapshot.position.hash, snapshot]));
    const { coreVersion, manifestHash } = replay.replica.core;
    versions[grid] = { coreVersion, manifestHash };
    const again = {
      behaviour: [] as string[],
      stateHashes: [...stateHashes],
      snapshots: [...snapshots],
    };
    again.stateHashes.length = 0;
    again.snapshots.length = 0;
    for (let step = replay.step(); step !== null; step = replay.step()) {
      again.behaviour.push(step.behaviour);
      const { epoch, sequence } = step.place;
      const snapshot = snapshotAt.get(replay.replica.position?.hash ?? "");
      if (!hashAt.has(`${epoch}:${sequence}`) && snapshot === undefined) continue;
      const state = replay.replica.text();
      const hash = createHash("sha256").update(state).digest("hex").slice(0, 32);
      if (hashAt.has(`${epoch}:${sequence}`)) again.stateHashes.push({ epoch, sequence, hash });
      if (snapshot !== undefined)
        again.snapshots.push({ ...snapshot, coreVersion, manifestHash, state });
    }
    return { ...recording, ...again };
  });
  return { ...incident, grids, installation: { ...incident.installation, grids: versions } };
}

/**
 * Writes the kept incidents anew with what this build makes of them, and the reason into CHANGES.md.
 * @param lines - What changed, per incident.
 */
export function acceptChanges(
  changed: readonly { readonly kept: KeptIncident; readonly lines: readonly string[] }[],
  reason: string,
  date: string,
): void {
  const entries = changed.map(({ kept, lines }) => {
    writeFileSync(kept.path, encodeIncident(recordAgain(kept.incident), { isSmallest: true }));
    return [
      `- \`${kept.name}\``,
      "",
      "  ```",
      ...lines.map((line) => `  ${line.trimEnd()}`),
      "  ```",
      "",
    ].join("\n");
  });
  appendFileSync(CHANGES, [`## ${date}: ${reason}`, "", ...entries].join("\n"));
}
