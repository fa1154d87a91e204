import type { DeviceConfig } from "../../configs/manifest.ts";
import { rems, type Types } from "../../proto/generated/rems-v1.ts";
import type { PlantSnapshot } from "../../sim/simulator/protocol.ts";
import type { GridView } from "./installation-view.ts";
import { epochOf } from "./installation-view.ts";
import type { Line, Piece, Role } from "./screen-text.ts";
import { clip, columns, flow, piece } from "./screen-text.ts";

const { BUS_STATE_DEAD, BUS_STATE_LIVE } = rems.v1.BusState;
type DeviceStatus = Types.rems.v1.IDeviceStatus;

export interface GridLayout {
  readonly width: number;
  /** Here the word grid is explained. */
  readonly isFirst: boolean;
  readonly isSelected: boolean;
  readonly isLand: boolean;
  /** The plant itself, for when no controller answers. */
  readonly plant: PlantSnapshot["grids"][number] | null;
  /** Fewer lines, for a small terminal. */
  readonly isDense: boolean;
}

/** Three columns on 100 characters, and three narrower ones on 80. */
const CELL_WIDTH = 32;
const NARROW_CELL_WIDTH = 26;
/** Shown elsewhere: the busbar's own figures, and the line of the tie. */
const NOT_CELLS = new Set(["meter", "busTie"]);

const kw = (value: number): string => {
  const rounded = Math.round(value);
  return String(Object.is(rounded, -0) ? 0 : rounded);
};

/** A grid: who leads it, its figures, every device, and why it does what it does. */
export function gridLines(grid: GridView, layout: GridLayout): Line[] {
  const { width, isDense } = layout;
  const { config, status } = grid;
  const lines = [...flow(headingParts(grid, layout), width, 4)];
  if (status === null) {
    const { plant } = layout;
    const silent = piece("  no controller answers: the devices hold by themselves", "warning");
    lines.push(clip([silent], width));
    if (plant === null) return lines;
    const { voltageV, frequencyHz, loadKw, isLive } = plant;
    const seen = isLive
      ? `${Math.round(voltageV)} V  ${frequencyHz.toFixed(2)} Hz  load ${kw(loadKw)} kW`
      : "BUSBAR DEAD";
    const role: Role = isLive ? "plain" : "bad";
    return [
      ...lines,
      clip([piece("  seen at the simulated plant: ", "dim"), piece(seen, role)], width),
    ];
  }
  lines.push(...flow(figureParts(grid), width, 4).map((line) => indented(line, width)));
  const cellWidth = width - 2 >= 3 * CELL_WIDTH ? CELL_WIDTH : NARROW_CELL_WIDTH;
  const cells = config.devices
    .filter(({ kind }) => !NOT_CELLS.has(kind))
    .map((device) => {
      const own = status.devices?.find((one) => one.device === device.id);
      return deviceCell(device, own, cellWidth === NARROW_CELL_WIDTH);
    });
  lines.push(...columns(cells, width - 2, cellWidth).map((line) => indented(line, width)));
  const why = (status.why ?? []).find((reason) => reason !== status.n1Statement) ?? "";
  const n1: Piece = piece(
    `${status.isN1Held === true ? "N-1 OK" : "N-1 NOT HELD"}: ${status.n1Statement ?? ""}`,
    status.isN1Held === true ? "good" : "warning",
  );
  const whyPart: Line = why === "" ? [] : [piece(`why: ${why}`, "dim")];
  const reasons = isDense ? [[n1]] : flow(why === "" ? [[n1]] : [[n1], whyPart], width - 2, 0, 6);
  lines.push(...reasons.map((line) => indented(line, width)));
  const alarms = status.alarms ?? [];
  const alarm = alarms.find(({ priority }) => priority === "high") ?? alarms[0];
  if (alarm !== undefined) {
    const role: Role = alarm.priority === "high" ? "bad" : "warning";
    const more = alarms.length > 1 ? ` (and ${alarms.length - 1} more: w)` : "";
    lines.push(clip([piece(`  alarm ${alarm.code}: ${alarm.text}${more}`, role)], width));
  }
  return lines;
}

function indented(line: Line, width: number): Line {
  return clip([piece("  "), ...line], width);
}

function headingParts(grid: GridView, { isFirst, isSelected, isLand }: GridLayout): Line[] {
  const { config, leader, status, standbys } = grid;
  const mark = isSelected ? "▸" : " ";
  const mode = status?.mode ?? "";
  const name = [piece(`${mark}${config.id.toUpperCase()}`, "title"), piece(` ${mode}`)];
  const explained = isFirst ? [[piece("grid (switchboard section)", "dim")]] : [];
  const led =
    leader === null
      ? [piece("NO LEADER: devices hold", "bad")]
      : [piece(`leader ${leader} epoch ${epochOf(status)}`)];
  const marks = standbys.map(({ node, state, isInSync }): Piece => {
    if (isInSync && state === "up") return piece(` ${node}✓`, "good");
    return piece(` ${node}${state === "up" || state === "starting" ? "…" : "✗"}`, "warning");
  });
  const site = isLand ? siteState(grid) : "";
  const place = site === "" ? [] : [[piece(site)]];
  const control = status?.control ?? "control";
  const limited =
    control === "control" ? [] : [[piece(`${control.toUpperCase()} ONLY`, "warning")]];
  return [name, ...explained, ...place, led, [piece("standby"), ...marks], ...limited];
}

/** On land people say whether the site hangs on the utility. */
function siteState({ config, status }: GridView): string {
  const point = config.devices.find(({ kind }) => kind === "shore");
  if (point === undefined) return "";
  const isClosed = status?.devices?.find(({ device }) => device === point.id)?.isClosed ?? null;
  return isClosed === null ? "" : isClosed ? "grid-connected" : "islanded";
}

function figureParts({ config, status }: GridView): Line[] {
  const plant = status?.plant;
  if (!plant) return [[piece("no figures yet", "dim")]];
  if (plant.bus === BUS_STATE_DEAD) return [[piece("BUSBAR DEAD", "bad")]];
  if (plant.bus !== BUS_STATE_LIVE) return [[piece("busbar not known", "warning")]];
  const { frequencyHz, voltageV, generationKw, capacityKw, freeKw } = plant;
  const isOff = Math.abs(frequencyHz / config.nominalFrequencyHz - 1) > 0.02;
  return [
    [piece(`${Math.round(voltageV)} V`)],
    [piece(`${frequencyHz.toFixed(2)} Hz`, isOff ? "warning" : "plain")],
    [piece(`load ${kw(generationKw)}`)],
    [piece(`connected ${kw(capacityKw)}`)],
    [piece(`free ${kw(freeKw)} kW`, freeKw < 0 ? "bad" : "plain")],
  ];
}

/** `onLoad` reads "on load". */
function words(state: string): string {
  return state.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

const ROLES: Readonly<Record<string, Role>> = {
  tripped: "bad",
  fault: "bad",
  startFailed: "bad",
  unknown: "warning",
  blocked: "warning",
  starting: "warning",
  syncing: "warning",
  unloading: "warning",
};

function deviceCell(
  config: DeviceConfig,
  status: DeviceStatus | undefined,
  isNarrow: boolean,
): Line {
  const name = config.name.split(" ").length > 1 ? shortName(config.name) : config.name;
  if (status === undefined) return [piece(`${name} [?]`, "warning")];
  if (status.connection === "offline") return [piece(`${name} [✗] does not answer`, "bad")];
  const { isClosed, activePowerKw, socPct, ratingKw } = status;
  const powerKw = typeof activePowerKw === "number" ? activePowerKw : null;
  const hasBreaker = config.kind !== "thruster";
  const isIn = hasBreaker ? (isClosed ?? null) : powerKw !== null && powerKw >= 0.5;
  const symbol = isIn === null ? "?" : isIn ? "■" : "□";
  const state = words(status.state ?? "");
  const parts = [`${name} [${symbol}]`];
  if (typeof socPct === "number") parts.push(`${Math.round(socPct)}%`);
  // What a closed feeder and a battery normally are goes without saying.
  const isUsual = isIn === true && (config.kind === "feeder" || status.state === "following");
  if (!isUsual) parts.push(state);
  if (powerKw !== null && isIn === true) {
    parts.push(`${kw(powerKw)} kW`);
    const ratedKw = ratingKw ?? 0;
    if (config.kind === "genset" && ratedKw > 0 && !isNarrow) {
      parts.push(`${Math.round((powerKw / ratedKw) * 100)}%`);
    }
  }
  const role = ROLES[status.state ?? ""] ?? (isIn === true ? "plain" : "dim");
  return [piece(parts.join(" "), role)];
}

/** The tag alone where the name begins with one: "F1 essential" is F1. */
function shortName(name: string): string {
  const [tag = name] = name.split(" ");
  return /\d/.test(tag) ? tag : name;
}
