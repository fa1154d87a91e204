import type { DeviceConfig } from "../configs/manifest.ts";
import { oneOf } from "../configs/spelling.ts";
import { DEVICE_KINDS } from "../kernel/device-kinds.ts";
import { RemsError } from "../kernel/errors.ts";
import { rems, type Types } from "../proto/generated/rems-v1.ts";
import type { GridReplica } from "./grid-replica.ts";
import type { NodeView } from "./node-view.ts";
import { argumentOf } from "./watch/point-watch.ts";

/**
 * The devices of this node's grids.
 *
 * @param device - Only this one; "" for all.
 * @throws {@link RemsError} `REMS_NOT_FOUND` for a device that no grid of this node has.
 */
export function deviceMessages(
  view: NodeView,
  device: string,
  withPoints: boolean,
): Types.rems.v1.Device[] {
  const all = [...view.replicas.values()].flatMap((replica) =>
    replica.core.planOf(replica.state).grid.devices.map((config) => ({ replica, config })),
  );
  const wanted = device === "" ? all : all.filter(({ config }) => config.id === device);
  if (wanted.length === 0 && device !== "") {
    const known = oneOf(
      device,
      all.map(({ config }) => config.id),
    );
    throw new RemsError(
      "REMS_NOT_FOUND",
      `node ${view.node.id} has no device "${device}"; ${known}`,
    );
  }
  return wanted.map(({ replica, config }) => deviceMessage(view, replica, config, withPoints));
}

function deviceMessage(
  view: NodeView,
  replica: GridReplica,
  config: DeviceConfig,
  withPoints: boolean,
): Types.rems.v1.Device {
  const { id, name, kind, profile, host, port, unitId } = config;
  return rems.v1.Device.create({
    device: id,
    name,
    grid: replica.grid,
    kind,
    profile: profile.id,
    host,
    port,
    unitId,
    connection: replica.connectionOf(id),
    points: withPoints ? pointReadings(view, replica, config) : [],
  });
}

function pointReadings(
  view: NodeView,
  replica: GridReplica,
  config: DeviceConfig,
): Types.rems.v1.PointReading[] {
  const { points: specs } = DEVICE_KINDS[config.kind];
  const refusals = new Map(
    (view.statusOf(replica.grid)?.refused ?? [])
      .filter(({ device }) => device === config.id)
      .map(({ point, text }) => [point, text]),
  );
  return config.profile.points.map(({ point }) => {
    const sample = replica.sampleOf(config.id, point);
    const spec = specs[point];
    const held = sample === null ? replica.heldLevelOf(config.id, point) : null;
    return rems.v1.PointReading.create({
      point,
      value: sample === null ? (held === null ? null : { number: held }) : argumentOf(sample[1]),
      quality: sample?.[2] ?? (held === null ? "bad" : "good"),
      unit: spec?.unit ?? "",
      ageMs: held === null ? replica.ageMsOf(config.id, point) : replica.frameAgeMs,
      isLevel: spec?.direction === "level",
      refusal: refusals.get(point) ?? "",
    });
  });
}
