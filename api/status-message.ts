import type { GridView } from "../actors/grid/view-grid.ts";
import { isAlarmStanding } from "../kernel/alarm.ts";
import { alarmMessage, byImportance, nodeAlarms } from "./alarm-message.ts";
import { rems, type Types } from "../proto/generated/rems-v1.ts";
import type { GridReplica } from "./grid-replica.ts";
import type { NodeView } from "./node-view.ts";

type GridStatus = Types.rems.v1.GridStatus;

/** Who leads a grid, how the plant is, and what is wrong. */
export function gridStatusMessage(view: NodeView, grid: string): GridStatus {
  const replica = view.replicaOf(grid);
  // With the parameters that are in force.
  const config = replica.core.planOf(replica.state).grid;
  const status = view.statusOf(grid);
  const plant = replica.view();
  const leader = status?.leader?.node ?? "";
  const { mode, n1, why, island, chosen } = plant;
  return rems.v1.GridStatus.create({
    grid,
    name: config.name,
    role: status?.role ?? "joining",
    leader,
    leaderAddress: operatorAddressOf(view, leader),
    epoch: status?.epoch ?? 0,
    sequence: replica.position?.sequence ?? 0,
    inSync: status?.inSync.map(({ node }) => node) ?? [],
    order: config.controllers.map(({ node }) => node),
    hasAuthority: status?.hasAuthority ?? false,
    lastFailover: replica.lastFailover,
    plant: plantFigures(replica, plant),
    alarms: [
      ...byImportance(replica.alarms().filter(isAlarmStanding)).map((alarm) =>
        alarmMessage(grid, alarm),
      ),
      ...nodeAlarms(view, grid),
    ],
    control: config.control,
    plantTimeMs: replica.state.plantTimeMs,
    isViewCurrent: replica.isCurrent,
    devices: deviceStatuses(replica, plant),
    roleReason:
      view.transitionsOf(`nodes/${view.node.id}/controllers/${grid}`).at(-1)?.reason ?? "",
    mode,
    isN1Held: n1.isHeld,
    n1Statement: n1.statement,
    why: [...why],
    island: [...island],
    checkpoint: replica.checkpoint,
    chosen: { ...chosen },
  });
}

/** `host:port` of a node's operator service; empty for none. */
export function operatorAddressOf(view: NodeView, node: string): string {
  const config = view.isReplay ? undefined : view.manifest.nodes.find(({ id }) => id === node);
  return config === undefined ? "" : `${config.host}:${config.operatorPort}`;
}

/** `host:port` of a node's HTTP; empty for none. */
export function httpAddressOf(view: NodeView, node: string): string {
  const config = view.isReplay ? undefined : view.manifest.nodes.find(({ id }) => id === node);
  return config === undefined ? "" : `${config.host}:${config.httpPort}`;
}

/** Whether the own busbar is certainly live, certainly dead, or neither. */
export function busStateOf(replica: GridReplica): Types.rems.v1.BusState {
  const { isBusLive, isBusDead } = replica.situation();
  return isBusLive ? BUS_STATE_LIVE : isBusDead ? BUS_STATE_DEAD : BUS_STATE_UNKNOWN;
}

/** Last value of a measured point that is a number, else null. */
function numberAt(replica: GridReplica, device: string, point: string): number | null {
  const value = replica.valueOf(device, point);
  return typeof value === "number" ? value : null;
}

const { BUS_STATE_LIVE, BUS_STATE_DEAD, BUS_STATE_UNKNOWN } = rems.v1.BusState;

function plantFigures(replica: GridReplica, grid: GridView): Types.rems.v1.PlantFigures {
  const bus = busStateOf(replica);
  return rems.v1.PlantFigures.create({
    frequencyHz: grid.frequencyHz,
    voltageV: grid.voltageV,
    generationKw: grid.loadKw,
    capacityKw: grid.capacityKw,
    freeKw: grid.freeKw,
    bus,
    loadPct: grid.loadPct ?? 0,
    reservedKw: grid.reservedKw,
    batteryReserveKw: grid.batteryReserveKw,
    isLive: bus === BUS_STATE_LIVE,
  });
}

function deviceStatuses(replica: GridReplica, grid: GridView): Types.rems.v1.DeviceStatus[] {
  return grid.devices.map((view) => {
    const position = replica.state.positions[view.device]?.position;
    return rems.v1.DeviceStatus.create({
      device: view.device,
      kind: view.kind,
      state: view.state,
      connection: view.connection === "unknown" ? "offline" : view.connection,
      activePowerKw: numberAt(replica, view.device, "activePowerKw"),
      isClosed: position === "closed" ? true : position === "open" ? false : null,
      socPct: numberAt(replica, view.device, "socPct"),
      ratingKw: view.ratedKw,
      name: view.name,
      address: view.address,
      reason: view.reason,
      sincePlantTimeMs: view.sinceMs,
      levels: view.levels,
      chosen: { ...view.chosen },
    });
  });
}
