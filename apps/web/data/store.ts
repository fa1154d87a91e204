import { computed, signal } from "@preact/signals";
import type { DiagramTie } from "../diagram/plan-diagram.ts";
import { byUrgency } from "../parts/alarm-mark.tsx";
import type {
  Actor,
  Alarm,
  DeviceStatus,
  GridStatus,
  Leadership,
  NodeInfo,
  Status,
  Topology,
} from "./messages.ts";
import { Recent } from "./recent.ts";

/** All that the page knows, as it comes in. Components read signals; whatever reads one is drawn again when it changes. */

export const status = signal<Status | null>(null);
export const topology = signal<Topology | null>(null);
export const nodes = signal<readonly NodeInfo[]>([]);
export const leaderships = signal<ReadonlyMap<string, Leadership>>(new Map());
/** This computer's clock when the node was last asked for the whole, ms. */
export const wholeAtMs = signal(0);

export const grids = computed<readonly GridStatus[]>(() => status.value?.grids ?? []);

/** Of all grids, the most urgent first. */
export const alarms = computed<readonly Alarm[]>(() =>
  byUrgency(grids.value.flatMap((grid) => grid.alarms)),
);

/** By grid the place of its island's first grid: the island's colour stays when another one changes. */
export const islandOf = computed<ReadonlyMap<string, number>>(() => {
  const order = grids.value.map(({ grid }) => grid);
  return new Map(
    grids.value.map(({ grid, island }) => {
      const places = island.map((member) => order.indexOf(member)).filter((place) => place >= 0);
      return [grid, Math.min(order.indexOf(grid), ...places)];
    }),
  );
});

/** Islands in the order of the manifest, each with its grids. */
export const islands = computed<readonly (readonly GridStatus[])[]>(() => {
  const byPlace = new Map<number, GridStatus[]>();
  for (const grid of grids.value) {
    const place = islandOf.value.get(grid.grid) ?? 0;
    byPlace.set(place, [...(byPlace.get(place) ?? []), grid]);
  }
  return [...byPlace.values()];
});

export const ties = computed<readonly DiagramTie[]>(() =>
  (topology.value?.ties ?? []).map(({ tie, from, to }) => ({
    id: tie,
    breakers: [from, to].filter((end) => end !== undefined),
  })),
);

export interface PlacedDevice extends DeviceStatus {
  readonly grid: GridStatus;
}

export const devices = computed<readonly PlacedDevice[]>(() =>
  grids.value.flatMap((grid) => grid.devices.map((device) => ({ ...device, grid }))),
);

export const gridById = (id: string): GridStatus | null =>
  grids.value.find(({ grid }) => grid === id) ?? null;

/** The last minutes of load and frequency, by grid. */
export const recent = new Map<string, { readonly loadKw: Recent; readonly frequencyHz: Recent }>();

export function takeStatus(next: Status): void {
  for (const grid of next.grids) keepRecent(grid);
  wholeAtMs.value = Date.now();
  status.value = next;
}

/** One grid's newest, as the stream has it. */
export function takeGridStatus(next: GridStatus): void {
  keepRecent(next);
  const before = status.value;
  if (before === null) return;
  const others = before.grids.map((grid) => (grid.grid === next.grid ? next : grid));
  status.value = { ...before, grids: others };
}

/** By grid the plant time that was heard last, and when it began to stand still. */
const scanned = new Map<string, { readonly plantTimeMs: number; readonly atMs: number }>();
/** A change of leader is over before. */
const SILENT_MS_MIN = 2500;

/**
 * How long a grid was not scanned as far as this page hears, ms; 0 where all is well. A node that has just started tells what its journal
 * says, the leader of then too.
 */
export function notScannedMs({ grid }: GridStatus, nowMs: number): number {
  const silentMs = nowMs - (scanned.get(grid)?.atMs ?? nowMs);
  return silentMs < SILENT_MS_MIN ? 0 : silentMs;
}

function keepRecent({ grid, plant, plantTimeMs }: GridStatus): void {
  if (scanned.get(grid)?.plantTimeMs !== plantTimeMs) {
    scanned.set(grid, { plantTimeMs, atMs: Date.now() });
  }
  if (plant === null || plant === undefined) return;
  let rings = recent.get(grid);
  if (rings === undefined) {
    rings = { loadKw: new Recent(), frequencyHz: new Recent() };
    recent.set(grid, rings);
  }
  const nowMs = Date.now();
  rings.loadKw.add(nowMs, plant.generationKw);
  rings.frequencyHz.add(nowMs, plant.frequencyHz);
}

/** What was known of one place or time says nothing about another. */
export function forgetAll(): void {
  status.value = null;
  topology.value = null;
  leaderships.value = new Map();
  actors.value = new Map();
  happenings.value = [];
  recent.clear();
  scanned.clear();
}

export function takeLeadership(leadership: Leadership): void {
  leaderships.value = new Map(leaderships.value).set(leadership.grid, leadership);
}

/** Something that happened, for the list of what is new. */
export interface Happening {
  readonly key: string;
  /** UTC, ms, by this computer's clock where the node gives none. */
  readonly atMs: number;
  readonly grid: string;
  readonly title: string;
  readonly reason: string;
  readonly isMajor: boolean;
}

const HAPPENING_COUNT_MAX = 60;

/** The newest first. */
export const happenings = signal<readonly Happening[]>([]);

export function takeHappening(happening: Happening): void {
  if (happenings.value.some(({ key }) => key === happening.key)) return;
  happenings.value = [happening, ...happenings.value]
    .toSorted((a, b) => b.atMs - a.atMs)
    .slice(0, HAPPENING_COUNT_MAX);
}

/** Every actor of the node by its address, as the stream has it. */
export const actors = signal<ReadonlyMap<string, Actor>>(new Map());
