import { existsSync, readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Manifest } from "../../configs/manifest.ts";
import { readIncident } from "../../history/incident.ts";
import { DEVICE_KINDS } from "../../kernel/device-kinds.ts";
import { RemsError } from "../../kernel/errors.ts";
import type { Frame } from "../../kernel/frame.ts";
import { CSV_BYTES_MAX, type DescribePoint, readCsvPlayback } from "./csv-series.ts";
import { createTerm } from "./generators.ts";
import { parsePlaybackMap, type PlaybackMap } from "./playback-map.ts";
import type { Playback, Signal } from "./signal.ts";

/** What a recording asks of a plant; the rest follows from it. */
const DRIVING_POINTS: Readonly<Record<string, readonly string[]>> = {
  feeder: ["activePowerKw"],
  thruster: ["demandKw"],
  pv: ["availablePowerKw", "activePowerKw"],
};

/** Points of an installation that can be played into it: what its devices measure. */
export function describeManifest(manifest: Manifest): DescribePoint {
  const kinds = new Map(
    manifest.grids.flatMap((grid) => grid.devices.map(({ id, kind }) => [id, kind])),
  );
  return (device, point) => {
    const kind = kinds.get(device);
    const spec = kind === undefined ? undefined : DEVICE_KINDS[kind].points[point];
    return spec === undefined || spec.direction !== "measured" ? null : spec;
  };
}

/**
 * Loads what is to be played: a table (CSV), an incident (what its consumers drew and its sun gave), a map with generated signals, or
 * the name of a shipped one.
 * @param mapPath - Which columns of a table drive which points; null: those that are named as points.
 * @throws {@link RemsError} that names file, line, what was found and what is allowed.
 */
export function loadPlayback(
  what: string,
  mapPath: string | null,
  describe: DescribePoint,
  kindOf: (device: string) => string | null,
): Playback {
  const map = mapPath === null ? null : parsePlaybackMap(readText(mapPath), mapPath);
  const path = /^[\w-]+$/.test(what) && !existsSync(what) ? shippedPath(what) : what;
  if (path.endsWith(".toml"))
    return generated(parsePlaybackMap(readText(path), path), path, describe);
  const base = path.endsWith(".incident")
    ? playIncident(path, kindOf)
    : readCsvPlayback(readText(path), path, map, describe);
  if (map === null || map.signals.length === 0) return base;
  const more = generated(map, mapPath ?? "", describe);
  return { ...base, signals: [...base.signals, ...more.signals] };
}

function generated(map: PlaybackMap, file: string, describe: DescribePoint): Playback {
  if (map.signals.length === 0) {
    throw new RemsError(
      "REMS_REQUEST_INVALID",
      `${file} generates no signals: name a table to play with --play, and this file with --map`,
    );
  }
  const signals = map.signals.map(({ point: name, min, max, terms }): Signal => {
    const [device = "", point = ""] = name.split(".", 2);
    if (describe(device, point)?.type !== "number") {
      throw new RemsError(
        "REMS_NOT_FOUND",
        `${file}: the installation has no measured number "${name}"`,
      );
    }
    const parts = terms.map((term) => createTerm(term, map.time.start_h));
    return {
      device,
      point,
      at(tMs) {
        const sum = parts.reduce((total, part) => total + part(tMs / 1000), 0);
        return Math.min(max, Math.max(min, sum));
      },
    };
  });
  const name = map.title === "" ? file : map.title;
  return { name, durationMs: Infinity, startWallMs: null, signals, remarks: [] };
}

/** What the consumers of an incident drew and its sun gave, as it was measured then. */
function playIncident(path: string, kindOf: (device: string) => string | null): Playback {
  const incident = readIncident(readBytes(path));
  const courses = new Map<string, { tMs: number; value: number }[]>();
  let startMs = Infinity;
  let endMs = -Infinity;
  for (const { frames } of incident.grids) {
    for (const text of frames) {
      const { wallTimeMs, points } = JSON.parse(text) as Frame;
      startMs = Math.min(startMs, wallTimeMs);
      endMs = Math.max(endMs, wallTimeMs);
      for (const [name, value, quality] of points) {
        const [device = "", point = ""] = name.split(".", 2);
        const isDriving = DRIVING_POINTS[kindOf(device) ?? ""]?.includes(point) ?? false;
        if (!isDriving || typeof value !== "number" || quality === "bad") continue;
        const course = courses.get(name) ?? [];
        course.push({ tMs: wallTimeMs, value });
        courses.set(name, course);
      }
    }
  }
  if (courses.size === 0) {
    throw new RemsError(
      "REMS_REQUEST_INVALID",
      `${path} holds no consumer and no sun of this installation`,
    );
  }
  const signals = [...courses].map(([name, course]): Signal => {
    const [device = "", point = ""] = name.split(".", 2);
    let cursor = 0;
    return {
      device,
      point,
      at(tMs) {
        const atMs = startMs + tMs;
        if ((course[cursor]?.tMs ?? Infinity) > atMs) cursor = 0;
        while ((course[cursor + 1]?.tMs ?? Infinity) <= atMs) cursor++;
        const held = course[cursor];
        return held === undefined || held.tMs > atMs ? null : held.value;
      },
    };
  });
  return { name: path, durationMs: endMs - startMs, startWallMs: startMs, signals, remarks: [] };
}

function shippedPath(name: string): string {
  for (let folder = dirname(fileURLToPath(import.meta.url)), depth = 0; depth < 5; depth++) {
    const path = join(folder, "configs", "playback", `${name}.toml`);
    if (existsSync(path)) return path;
    folder = dirname(folder);
  }
  throw new RemsError(
    "REMS_NOT_FOUND",
    `"${name}" is neither a file nor a shipped course; shipped are voyage and land-day (configs/playback)`,
  );
}

function readText(path: string): string {
  return readBytes(path).toString("utf8");
}

function readBytes(path: string): Buffer {
  try {
    if (statSync(path).size > CSV_BYTES_MAX) {
      throw new RemsError(
        "REMS_REQUEST_INVALID",
        `${path} is longer than ${CSV_BYTES_MAX / 1024 / 1024} MiB`,
      );
    }
    return readFileSync(path);
  } catch (cause) {
    if (cause instanceof RemsError) throw cause;
    throw new RemsError("REMS_NOT_FOUND", `${path} cannot be read`, { cause });
  }
}
