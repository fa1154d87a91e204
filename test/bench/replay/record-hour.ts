import { join } from "node:path";
import { createGridCore } from "../../../actors/grid/grid-core.ts";
import { readManifestSource } from "../../../configs/manifest-source.ts";
import { frameBody, noteBody, snapshotBody, voidBody } from "../../../history/journal-entry.ts";
import { JournalFile } from "../../../history/journal-file.ts";
import { keepInstallation } from "../../../history/keep-installation.ts";
import { openSegmentDisk } from "../../../history/segment-disk.ts";
import { RemsError } from "../../../kernel/errors.ts";
import type { Journal } from "../../../kernel/ports/journal.ts";
import { TIMING_SETS } from "../../../kernel/timings.ts";
import { Plant } from "../../../sim/plant/plant.ts";
import type { MemoryDisk } from "../../../sim/ports/memory-journal.ts";
import { createSeededRandom } from "../../../sim/ports/seeded-random.ts";
import { installationSetting } from "../../../sim/world/installation-setting.ts";
import type { Scenario } from "../../../sim/world/scenario.ts";
import { vesselFiles, vesselOutline } from "../../../sim/world/vessel-setting.ts";
import { type Setting, World } from "../../../sim/world/world.ts";

const SEED = 1;
const JOURNAL_LIMITS = { segmentBytesMax: 32 << 20, totalBytesMax: 4 * 2 ** 30 };
const FLUSH_ENTRY_COUNT = 5000;
const DOWN_MS = 60_000;
const STRIDE_MS = 5000;
/** Every so often the load of a feeder moves. */
const LOAD_EVERY_MS = 1000;

export interface HourOptions {
  /** Gets a data directory for each node. */
  readonly directory: string;
  readonly lastsMs: number;
  /** When whoever leads the grid then loses its power, for a minute. */
  readonly failovers: readonly { readonly atMs: number; readonly grid: string }[];
  readonly version: string;
  readonly onProgress: (doneMs: number) => void;
}

/**
 * The vessel example on virtual time, as the deterministic world runs it: real rules, control loops, cores and physics. What each node
 * gives its journal goes into a real one.
 * @throws {@link RemsError} `REMS_PROGRAM_FAILED` where the world's referee finds something wrong.
 */
export function recordHour(options: HourOptions): void {
  const { manifest } = vesselFiles();
  const { nodes } = vesselOutline();
  const world = new World(scenarioOf(nodes), settingOf(nodes), false);
  const grids = Object.fromEntries(
    manifest.grids.map(({ id }) => {
      const { coreVersion, manifestHash } = createGridCore(manifest, id);
      return [id, { coreVersion, manifestHash }];
    }),
  );
  const closes = world.nodes.map((node) => {
    const directory = join(options.directory, node.name);
    const { disk, close } = recorded(node.disk, directory);
    node.disk = disk;
    keepInstallation(directory, {
      node: node.name,
      version: options.version,
      nodeVersion: process.version,
      logDirectory: join(directory, "log"),
      grids,
      source: readManifestSource(manifest),
      manifest,
    });
    return close;
  });
  for (const { atMs, grid } of options.failovers) {
    world.clock.at(atMs, () => {
      const leader = world.nodes.find(({ name }) => isLeading(world, name, grid));
      if (leader === undefined)
        throw new RemsError("REMS_PROGRAM_FAILED", `nobody leads ${grid} at ${atMs} ms`);
      leader.crash("power");
      world.clock.at(atMs + DOWN_MS, () => leader.boot());
    });
  }
  for (let atMs = STRIDE_MS; atMs <= options.lastsMs; atMs += STRIDE_MS) {
    world.run(atMs);
    if (world.violation !== null) {
      const { check, text } = world.violation;
      throw new RemsError("REMS_PROGRAM_FAILED", `the referee found, ${check}: ${text}`);
    }
    options.onProgress(atMs);
  }
  for (const close of closes) close();
}

function isLeading(world: World, node: string, grid: string): boolean {
  return world.node(node).controller(grid)?.loop.view().role === "leading";
}

function scenarioOf(nodes: readonly string[]): Scenario {
  return {
    seed: SEED,
    kind: "vessel",
    nodes,
    timings: TIMING_SETS.default,
    failback: "manual",
    rates: nodes.map((_node, i) => 1 + (i - 1) * 1e-5),
    bootsAtMs: nodes.map((_node, i) => i * 10),
    network: { delayMsMin: 0.1, delayMsMax: 0.6, breakProbability: 0 },
    store: { latencyMsMin: 1, latencyMsMax: 4 },
    field: { delayMsMin: 0.2, delayMsMax: 2 },
    hasOneMaster: false,
    faults: [],
    single: null,
    succession: null,
    healAtMs: Number.POSITIVE_INFINITY,
    recoveryMsMax: Number.POSITIVE_INFINITY,
  };
}

/** The vessel with loads that never rest: a day's work goes by in the hour, with drives that ask for power and leave. */
function settingOf(nodes: readonly string[]): Setting {
  const { manifest, specs } = vesselFiles();
  const plant = new Plant(manifest, specs, SEED);
  const random = createSeededRandom(`hour/${SEED}`);
  const devices = manifest.grids.flatMap((grid) => grid.devices);
  const feeders = devices.filter(({ kind }) => kind === "feeder");
  const thrusters = devices.filter(({ kind }) => kind === "thruster");
  const deltas = new Map(feeders.map(({ id }) => [id, 0]));
  const setting = installationSetting({
    manifest,
    plant,
    timings: TIMING_SETS.default,
    failback: "manual",
    nodes,
    coreOf: (grid) => createGridCore(manifest, grid),
    digest: () => "",
    comparedEvery: 0,
  });
  let loadAtMs = LOAD_EVERY_MS;
  const { advance } = setting;
  if (advance === null) throw new RemsError("REMS_PROGRAM_FAILED", "the vessel has physics");
  return {
    ...setting,
    advance: {
      everyMs: advance.everyMs,
      run(nowMs) {
        advance.run(nowMs);
        if (nowMs < loadAtMs) return;
        loadAtMs += LOAD_EVERY_MS;
        for (const { id } of feeders) {
          const held = deltas.get(id) ?? 0;
          const wanted = 40 * Math.sin(nowMs / 120_000) + random.between(-5, 5);
          plant.loadStep(id, wanted - held);
          deltas.set(id, wanted);
        }
        for (const [i, { id }] of thrusters.entries()) {
          const isAsking = Math.sin(nowMs / 240_000 + i) > 0.8;
          plant.setThrusterDemand(id, isAsking ? 200 + random.between(-20, 20) : 0);
        }
      },
    },
    disturb: null,
    request: () => {
      throw new RemsError("REMS_PROGRAM_FAILED", "nobody operates this vessel");
    },
  };
}

/** A disk whose journals are also written to `directory`, whatever becomes of the disk. */
function recorded(disk: MemoryDisk, directory: string): { disk: MemoryDisk; close: () => void } {
  const { file } = JournalFile.open(
    openSegmentDisk(join(directory, "journal")),
    [],
    JOURNAL_LIMITS,
  );
  const append = (body: Buffer): void => {
    file.append(body);
    if (file.pendingCount >= FLUSH_ENTRY_COUNT) file.flush();
  };
  const teed = (journal: Journal): Journal => ({
    ...journal,
    appendFrame(encoded) {
      append(frameBody(encoded));
      journal.appendFrame(encoded);
    },
    appendSnapshot(snapshot) {
      append(snapshotBody(snapshot));
      journal.appendSnapshot(snapshot);
    },
    markVoid(grid, after) {
      append(voidBody(grid, after));
      journal.markVoid(grid, after);
    },
    note(note) {
      append(noteBody(note));
    },
  });
  return {
    disk: { ...disk, open: (clock, syncMs) => teed(disk.open(clock, syncMs)) },
    close() {
      file.flush();
      file.close();
    },
  };
}
