import { RemsError } from "../../kernel/errors.ts";
import { pointId, type PointValue } from "../../kernel/point.ts";
import { rems, type Types } from "../../proto/generated/rems-v1.ts";
import type { GridReplica } from "../grid-replica.ts";
import type { NodeView } from "../node-view.ts";
import type { Sink } from "../service.ts";

type Request = Types.rems.v1.WatchPointsRequest;
type Response = Types.rems.v1.WatchPointsResponse;

const UPDATES_PER_SECOND = 5;
const UPDATES_PER_SECOND_MAX = 50;
const FILTER_ENTRY_COUNT_MAX = 1000;
const POINTS_PER_MESSAGE_MAX = 500;

interface WatchedGrid {
  readonly replica: GridReplica;
  /** In the order of the manifest. */
  readonly points: readonly (readonly [device: string, point: string])[];
  /** Frames from one message to the next. */
  readonly every: number;
  /** Number of the frame up to which everything was told. */
  toldUpTo: number;
}

/**
 * All points that match, a bookmark, then those that changed. What a reader is too slow for is not kept: it gets the newest values when
 * it reads again.
 * @returns What ends it.
 * @throws {@link RemsError} `REMS_REQUEST_INVALID`, or `REMS_NOT_FOUND` for a grid or device that this node does not have.
 */
export function watchPoints(view: NodeView, request: Request, sink: Sink<Response>): () => void {
  const grids = watchedGrids(view, request);
  let isListed = false;
  const tell = (watched: WatchedGrid): void => {
    for (const changed of changesOf(watched)) {
      sink.send(rems.v1.WatchPointsResponse.create({ changed }));
    }
  };
  const tellAll = (): void => {
    for (const watched of grids.values()) {
      if (!sink.isReady) return;
      tell(watched);
    }
    if (isListed) return;
    isListed = true;
    sink.send(
      rems.v1.WatchPointsResponse.create({ bookmark: { isSimulation: view.isSimulation } }),
    );
  };
  sink.onReady = tellAll;
  const end = view.onChange((change) => {
    if (change.type !== "frame" && change.type !== "gap") return;
    const watched = grids.get(change.grid);
    if (watched === undefined || !sink.isReady) return;
    // Readers with one rate look at the same frames, whenever they came.
    if (watched.replica.changes.number % watched.every === 0 || change.type === "gap")
      tell(watched);
  });
  tellAll();
  return end;
}

function watchedGrids(view: NodeView, request: Request): Map<string, WatchedGrid> {
  const { grid, devices, points, updatesPerSecondMax } = request;
  if (!(updatesPerSecondMax >= 0 && updatesPerSecondMax <= UPDATES_PER_SECOND_MAX)) {
    throw invalid(
      "updates_per_second_max",
      String(updatesPerSecondMax),
      `0 (${UPDATES_PER_SECOND}) to ${UPDATES_PER_SECOND_MAX}`,
    );
  }
  for (const [field, list] of [
    ["devices", devices],
    ["points", points],
  ] as const) {
    if (list.length <= FILTER_ENTRY_COUNT_MAX) continue;
    throw invalid(field, `a list of ${list.length}`, `at most ${FILTER_ENTRY_COUNT_MAX}`);
  }
  const wantedDevices = new Set(devices);
  const wantedPoints = new Set(points);
  const replicas = grid === "" ? [...view.replicas.values()] : [view.replicaOf(grid)];
  const known = new Set(replicas.flatMap(({ core }) => [...core.plan.deviceById.keys()]));
  for (const device of wantedDevices) {
    if (known.has(device)) continue;
    throw new RemsError("REMS_NOT_FOUND", `there is no device "${device.slice(0, 64)}" here`, {
      details: { field: "devices" },
    });
  }
  const rate = updatesPerSecondMax === 0 ? UPDATES_PER_SECOND : updatesPerSecondMax;
  return new Map(
    replicas.map((replica) => {
      const { plan } = replica.core;
      const all = plan.devices
        .filter(({ id }) => wantedDevices.size === 0 || wantedDevices.has(id))
        .flatMap(({ id, config }) => config.profile.points.map(({ point }) => [id, point] as const))
        .filter((pair) => wantedPoints.size === 0 || wantedPoints.has(pointId(...pair)));
      const every = Math.max(1, Math.round(1000 / rate / plan.grid.timings.scanMs));
      return [replica.grid, { replica, points: all, every, toldUpTo: -1 }];
    }),
  );
}

/** In parts of a bounded size; none where nothing changed. */
function changesOf(watched: WatchedGrid): Types.rems.v1.PointsChanged[] {
  const { replica, points, toldUpTo } = watched;
  const { changes, state } = replica;
  watched.toldUpTo = changes.number;
  const changed = points.filter(([device, point]) =>
    changes.hasChangedSince(pointId(device, point), toldUpTo),
  );
  const parts: Types.rems.v1.PointsChanged[] = [];
  for (let from = 0; from < changed.length; from += POINTS_PER_MESSAGE_MAX) {
    const part = rems.v1.PointsChanged.create({
      grid: replica.grid,
      epoch: state.epoch,
      sequence: state.sequence,
      plantTimeMs: state.plantTimeMs,
      wallTimeMs: replica.lastFrame?.wallTimeMs ?? 0,
      points: changed
        .slice(from, from + POINTS_PER_MESSAGE_MAX)
        .map(([device, point]) => changeOf(replica, device, point)),
    });
    parts.push(part);
  }
  return parts;
}

function changeOf(replica: GridReplica, device: string, point: string): Types.rems.v1.PointChange {
  const sample = replica.sampleOf(device, point);
  const held = sample === null ? replica.heldLevelOf(device, point) : null;
  const value = sample?.[1] ?? held;
  const quality = sample?.[2] ?? (held === null ? "bad" : "good");
  return rems.v1.PointChange.create({
    device,
    point,
    value: value === null ? null : argumentOf(value),
    quality,
    ageMs: quality === "good" ? null : replica.ageMsOf(device, point),
  });
}

/** A value in the form that it travels in. */
export function argumentOf(value: PointValue): Types.rems.v1.IArgument {
  if (typeof value === "number") return { number: value };
  return typeof value === "boolean" ? { flag: value } : { text: value };
}

function invalid(field: string, found: string, allowed: string): RemsError {
  return new RemsError("REMS_REQUEST_INVALID", `${field} is ${found}; allowed is ${allowed}`, {
    details: { field },
  });
}
