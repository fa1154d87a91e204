import { readFileSync } from "node:fs";
import { join } from "node:path";
import { tracePath, WRITE_LOG } from "../../apps/launcher/run-files.ts";
import type { WriteEntry } from "../../sim/devices/simulated-device.ts";
import { readJournal } from "../processes/journal-file.ts";
import { readTrace } from "../support/trace-lines.ts";
import type { DoneFault, Evidence, JournalledFrame } from "./referee.ts";

/** Reads what a run left behind: the devices' log of writes, the nodes' traces and their journals. */
export function gatherEvidence(
  runDirectory: string,
  nodes: readonly string[],
  dataDirectory: (node: string) => string,
  faults: readonly DoneFault[],
): Evidence {
  return {
    nodes,
    faults,
    writes: readWrites(join(runDirectory, WRITE_LOG)),
    trace: nodes.flatMap((node) => readTrace(tracePath(runDirectory, node))),
    frames: nodes.flatMap((node) => framesOf(dataDirectory(node))),
  };
}

/** Written by the simulator, which ended in order: a line that does not parse is a defect, but for a torn last one. */
function readWrites(path: string): WriteEntry[] {
  const lines = readFileSync(path, "utf8").split("\n");
  return lines
    .filter((line) => line.endsWith("}"))
    .map((line) => JSON.parse(line) as WriteEntry)
    .sort((a, b) => a.atMs - b.atMs);
}

function framesOf(directory: string): JournalledFrame[] {
  return readJournal(directory)
    .filter(({ kind }) => kind === "frame")
    .map(({ grid, position, previousHash }) => ({ grid, ...position, previousHash }));
}
