import { rems, type Types } from "../../proto/generated/rems-v1.ts";
import type { Absences } from "./absences.ts";
import { paint, table, type Terminal } from "./terminal.ts";

type Status = Types.rems.v1.GetStatusResponse;
type Grid = Types.rems.v1.IGridStatus;

/** The node's view of its grids for people: who leads, how the plant is, what is wrong. */
export function statusText(terminal: Terminal, status: Status, absences: Absences): string {
  const simulation = status.isSimulation ? `${paint(terminal, "yellow", "SIMULATION")}  ` : "";
  const uptime = `up ${durationText(status.uptimeMs)}`;
  const head = `${paint(terminal, "bold", "R-EMS")}  ${simulation}${status.installation}  node ${status.node}  ${uptime}  coordinator ${status.coordinator}`;
  return [head, ...status.grids.map((grid) => gridText(terminal, grid, absences))].join("\n\n");
}

function gridText(terminal: Terminal, grid: Grid, absences: Absences): string {
  const leader = grid.leader ? `led by ${grid.leader}` : paint(terminal, "red", "no leader known");
  const authority = grid.hasAuthority ? ", commanding from here" : "";
  const inSync = (grid.inSync ?? []).join(" ");
  const lines = [
    `${paint(terminal, "bold", `GRID ${grid.grid}`)} (${grid.name}, switchboard section)  ${leader}, epoch ${Number(grid.epoch)}${authority}`,
    `  this node: ${grid.role}${grid.roleReason ? ` (${grid.roleReason})` : ""}   in sync: ${inSync || "-"} of ${(grid.order ?? []).join(" ")}   control: ${grid.control}`,
  ];
  for (const absence of absences.get(grid.grid ?? "") ?? []) {
    lines.push(paint(terminal, "yellow", `  not in sync: ${absence}`));
  }
  if (!grid.isViewCurrent) {
    lines.push(paint(terminal, "yellow", "  this node's view is not complete yet"));
  }
  const { plant, lastFailover: failover } = grid;
  if (plant) {
    lines.push(
      `  ${grid.mode}  bus ${busText(terminal, plant)}  ${(plant.voltageV ?? 0).toFixed(0)} V  ${(plant.frequencyHz ?? 0).toFixed(2)} Hz  load ${kw(plant.generationKw)}  connected ${kw(plant.capacityKw)}  free ${kw(plant.freeKw)}   island ${(grid.island ?? []).join(" + ")}`,
      `  N-1 ${grid.isN1Held ? "OK" : paint(terminal, "yellow", "not held")}: ${grid.n1Statement}`,
    );
    for (const sentence of grid.why ?? []) lines.push(`  why: ${sentence}`);
  }
  if (failover) {
    lines.push(
      `  last change of leader: ${failover.from} → ${failover.to} (${failover.origin}), epoch ${Number(failover.epoch)}, ${(failover.gapMs ?? 0).toFixed(0)} ms without a scan`,
    );
  }
  const devices = (grid.devices ?? []).map((device) => [
    `  ${device.device}`,
    device.isClosed === true ? "[■]" : device.isClosed === false ? "[□]" : "[?]",
    device.state ?? "",
    device.activePowerKw === null || device.activePowerKw === undefined
      ? ""
      : kw(device.activePowerKw),
    device.socPct === null || device.socPct === undefined ? "" : `${device.socPct.toFixed(0)} %`,
    device.connection === "online" ? "" : paint(terminal, "yellow", device.connection ?? ""),
  ]);
  if (devices.length > 0) lines.push(table(devices));
  const alarms = grid.alarms ?? [];
  if (alarms.length === 0) lines.push(paint(terminal, "green", "  no alarms"));
  for (const { priority, code, actor, text } of alarms) {
    lines.push(paint(terminal, "red", `  ALARM ${priority} ${code} ${actor}: ${text}`));
  }
  return lines.join("\n");
}

function busText(terminal: Terminal, plant: Types.rems.v1.IPlantFigures): string {
  if (plant.bus === rems.v1.BusState.BUS_STATE_LIVE) return "live";
  if (plant.bus === rems.v1.BusState.BUS_STATE_DEAD) return paint(terminal, "red", "DEAD");
  return paint(terminal, "yellow", "unknown");
}

function kw(value: number | null | undefined): string {
  return `${(value ?? 0).toFixed(0)} kW`;
}

/** `1:02:03` from milliseconds. */
export function durationText(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  const two = (count: number): string => String(count).padStart(2, "0");
  return `${Math.floor(seconds / 3600)}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
}
