import { join } from "node:path";

/** Every write at a device, one JSON `WriteEntry` per line, where a run is traced. */
export const WRITE_LOG = "writes.jsonl";

/** Steps of failovers as the node took them, one JSON line each, where a run is traced. */
export const tracePath = (runDirectory: string, node: string) =>
  join(runDirectory, `${node}.trace.jsonl`);
