import {
  closeSync,
  mkdirSync,
  openSync,
  readSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";

/** Incidents that a node captured by itself: files in `incidents` of its data directory. */
export interface StoredIncident {
  readonly name: string;
  readonly path: string;
  readonly byteCount: number;
  readonly reason: string;
  readonly fromWallMs: number;
  readonly toWallMs: number;
  readonly grids: readonly string[];
}

const NAME = /^[\w.-]{1,120}\.incident$/;
const HEADER_BYTES_MAX = 256 * 1024;

interface IncidentHead {
  readonly reason: string;
  readonly grids: readonly {
    readonly grid: string;
    readonly first: { readonly wallTimeMs: number };
    readonly last: { readonly wallTimeMs: number };
  }[];
}

/** By hand: a schema library would cost the thread of the API several megabytes for these fields. */
function isHead(value: unknown): value is IncidentHead {
  const { reason, grids } = (value ?? {}) as Partial<IncidentHead>;
  return (
    typeof reason === "string" &&
    Array.isArray(grids) &&
    grids.every(
      (one: Partial<IncidentHead["grids"][number]> | null) =>
        typeof one?.grid === "string" &&
        typeof one.first?.wallTimeMs === "number" &&
        typeof one.last?.wallTimeMs === "number",
    )
  );
}

function incidentDirectory(dataDirectory: string): string {
  return join(dataDirectory, "incidents");
}

/** Newest first; read from the files' headers alone. What is no incident is passed over. */
export function listStoredIncidents(dataDirectory: string): StoredIncident[] {
  const directory = incidentDirectory(dataDirectory);
  let names: string[];
  try {
    names = readdirSync(directory).filter((name) => NAME.test(name));
  } catch {
    return [];
  }
  return names
    .sort()
    .reverse()
    .flatMap((name) => describe(join(directory, name), name) ?? []);
}

function describe(path: string, name: string): StoredIncident | null {
  try {
    const head: unknown = JSON.parse(secondLine(path));
    if (!isHead(head)) return null;
    const { reason, grids } = head;
    return {
      name,
      path,
      byteCount: statSync(path).size,
      reason,
      fromWallMs: Math.min(...grids.map(({ first }) => first.wallTimeMs)),
      toWallMs: Math.max(...grids.map(({ last }) => last.wallTimeMs)),
      grids: grids.map(({ grid }) => grid),
    };
  } catch {
    return null;
  }
}

function secondLine(path: string): string {
  const file = openSync(path, "r");
  try {
    const bytes = Buffer.alloc(HEADER_BYTES_MAX);
    const length = readSync(file, bytes, 0, bytes.length, 0);
    return bytes.toString("utf8", 0, length).split("\n", 2)[1] ?? "";
  } finally {
    closeSync(file);
  }
}

export interface StoreLimits {
  readonly countMax: number;
  readonly totalBytesMax: number;
}

/** Removes the oldest beyond the limits. */
export function pruneIncidents(dataDirectory: string, limits: StoreLimits): void {
  let totalBytes = 0;
  for (const [i, { path, byteCount }] of listStoredIncidents(dataDirectory).entries()) {
    totalBytes += byteCount;
    if (i >= limits.countMax || totalBytes > limits.totalBytesMax) rmSync(path, { force: true });
  }
}

/** Writes a file as a whole or not at all. @returns Its path. @throws The operating system's error. */
export function storeIncident(dataDirectory: string, name: string, bytes: Buffer): string {
  const directory = incidentDirectory(dataDirectory);
  mkdirSync(directory, { recursive: true });
  const path = join(directory, name);
  writeFileSync(`${path}.part`, bytes);
  renameSync(`${path}.part`, path);
  return path;
}
