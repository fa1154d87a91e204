import { viewGrid } from "../actors/grid/view-grid.ts";
import { isConnected } from "../energy/balance.ts";
import { gridOf } from "../configs/manifest-queries.ts";
import { rems, type Types } from "../proto/generated/rems-v1.ts";
import type { GridReplica } from "./grid-replica.ts";
import type { NodeView } from "./node-view.ts";

type GridStatus = Types.rems.v1.GridStatus;

/** Who leads a grid, how the plant is, and what is wrong. */
export function gridStatusMessage(view: NodeView, grid: string): GridStatus {
  const config = gridOf(view.manifest, grid);
  const replica = view.replicaOf(grid);
  const status = view.statusOf(grid);
  const leader = status?.leader?.node ?? "";
  const { mode, n1, why, island } = viewGrid(replica.core, replica.state);
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
    plant: plantFigures(replica),
    alarms: [...replica.alarms(), ...nodeAlarms(view, grid)].map((alarm) =>
      rems.v1.Alarm.create(alarm),
    ),
    control: config.control,
    plantTimeMs: replica.state.plantTimeMs,
    isViewCurrent: replica.isCurrent,
    devices: deviceStatuses(replica),
    roleReason:
      view.transitionsOf(`nodes/${view.node.id}/controllers/${grid}`).at(-1)?.reason ?? "",
    mode,
    isN1Held: n1.isHeld,
    n1Statement: n1.statement,
    why: [...why],
    island: [...island],
    checkpoint: replica.checkpoint,
  });
}

/** `host:port` of a node's operator service; empty for none. */
export function operatorAddressOf(view: NodeView, node: string): string {
  const config = view.manifest.nodes.find(({ id }) => id === node);
  return config === undefined ? "" : `${config.host}:${config.operatorPort}`;
}

function nodeAlarms(view: NodeView, grid: string): Types.rems.v1.IAlarm[] {
  const actor = `nodes/${view.node.id}`;
  return view
    .alarmsOf(grid)
    .map(({ code, priority, text }) => ({ code, priority, text, actor, sincePlantTimeMs: 0 }));
}

/** Last value of a measured point that is a number, else null. */
function numberAt(replica: GridReplica, device: string, point: string): number | null {
  const value = replica.valueOf(device, point);
  return typeof value === "number" ? value : null;
}

function plantFigures(replica: GridReplica): Types.rems.v1.PlantFigures {
  const { balance, sources, isBusLive } = replica.situation();
  const forming = sources.filter((source) => isConnected(source) && source.isForming);
  const measuring = [...forming.map(({ device }) => device), ...replica.metersOf()];
  const firstOf = (point: string): number => {
    for (const device of measuring) {
      const value = numberAt(replica, device, point);
      if (value !== null) return value;
    }
    return 0;
  };
  return rems.v1.PlantFigures.create({
    frequencyHz: firstOf("frequencyHz"),
    voltageV: firstOf("voltageV"),
    generationKw: balance.loadKw,
    capacityKw: balance.capacityKw,
    freeKw: balance.freeKw,
    isLive: isBusLive,
  });
}

function deviceStatuses(replica: GridReplica): Types.rems.v1.DeviceStatus[] {
  const states = new Map(replica.views().map(({ address, state }) => [address, state]));
  return replica.core.plan.devices.map((device) => {
    const position = replica.state.positions[device.id]?.position;
    return rems.v1.DeviceStatus.create({
      device: device.id,
      kind: device.kind,
      state: states.get(device.address) ?? "",
      connection: replica.state.connections[device.id] ?? "offline",
      activePowerKw: numberAt(replica, device.id, "activePowerKw"),
      isClosed: position === "closed" ? true : position === "open" ? false : null,
      socPct: numberAt(replica, device.id, "socPct"),
      ratingKw: device.ratedKw,
    });
  });
}
