import type { KindSpec, PointSpec } from "../../kernel/device-kinds.ts";
import { plainText } from "./csv-columns.ts";

/** Names under which manuals list the standard points and commands, as {@link plainText}. Equality counts, no resemblance: a wrong point is worse than none. */
const NAMES: Readonly<Record<string, readonly string[]>> = {
  activePowerKw: [
    "active power",
    "real power",
    "power",
    "total power",
    "total active power",
    "active power total",
    "generator power",
    "generator active power",
    "gen active power",
    "genset power",
    "actual power",
    "ac power",
    "battery power",
    "output power",
    "p",
    "p total",
    "kw",
  ],
  reactivePowerKvar: [
    "reactive power",
    "total reactive power",
    "reactive power total",
    "generator reactive power",
    "gen reactive power",
    "ac reactive power",
    "q",
    "q total",
    "kvar",
  ],
  voltageV: [
    "voltage",
    "line voltage",
    "generator voltage",
    "gen voltage",
    "mains voltage",
    "voltage l1 l2",
    "voltage l1l2",
    "u l1 l2",
    "line to line voltage",
    "voltage ll avg",
    "average line voltage",
    "v",
    "u",
  ],
  frequencyHz: [
    "frequency",
    "generator frequency",
    "gen frequency",
    "mains frequency",
    "grid frequency",
    "line frequency",
    "f",
    "hz",
  ],
  runningHoursH: [
    "running hours",
    "run hours",
    "operating hours",
    "engine hours",
    "hours run",
    "hour counter",
  ],
  fuelKgPerH: ["fuel rate", "fuel consumption", "fuel flow"],
  isClosed: [
    "breaker closed",
    "gb closed",
    "generator breaker closed",
    "gcb closed",
    "cb closed",
    "closed",
    "breaker close feedback",
    "gb close feedback",
  ],
  isOpen: [
    "breaker open",
    "gb open",
    "generator breaker open",
    "gcb open",
    "cb open",
    "open feedback",
    "breaker open feedback",
    "breaker opened",
  ],
  isTripped: [
    "breaker tripped",
    "tripped",
    "trip",
    "gb tripped",
    "generator breaker tripped",
    "drive tripped",
  ],
  isRemoteSelected: [
    "remote",
    "remote selected",
    "remote mode",
    "in remote",
    "remote control",
    "local remote",
  ],
  isReadyToStart: ["ready to start", "start ready", "engine ready"],
  isStartBlocked: ["start blocked", "start inhibit", "start interlock", "block start"],
  isShutdownActive: ["shutdown", "shutdown active", "shutdown alarm", "common shutdown"],
  isEmergencyStop: ["emergency stop", "e stop", "estop", "emergency stop active"],
  isRunning: ["running", "engine running", "genset running", "drive running", "inverter running"],
  isReadyToLoad: [
    "ready to load",
    "voltage and frequency ok",
    "u f ok",
    "gen voltage frequency ok",
    "hz v ok",
  ],
  socPct: ["soc", "state of charge", "battery soc"],
  sohPct: ["soh", "state of health", "battery soh"],
  chargeLimitKw: ["charge limit", "max charge power", "maximum charge power", "charge power limit"],
  dischargeLimitKw: [
    "discharge limit",
    "max discharge power",
    "maximum discharge power",
    "discharge power limit",
  ],
  isContactorClosed: ["contactor closed", "battery contactor closed", "main contactor closed"],
  bmsHeartbeatCount: ["bms heartbeat", "heartbeat", "life counter", "alive counter"],
  isBmsFault: ["bms fault", "battery fault", "bms alarm"],
  isGasOrFire: ["gas or fire", "fire alarm", "smoke alarm", "gas alarm"],
  isGridForming: ["grid forming", "forming", "island mode", "grid forming active"],
  powerSetpointKw: [
    "power setpoint",
    "active power setpoint",
    "power set point",
    "p setpoint",
    "power command",
  ],
  powerReferenceKw: [
    "power reference",
    "active power reference",
    "power setpoint",
    "active power setpoint",
    "fixed power setpoint",
    "load setpoint",
    "p ref",
  ],
  reactiveSetpointKvar: [
    "reactive power setpoint",
    "reactive setpoint",
    "q setpoint",
    "reactive power command",
  ],
  reactiveReferenceKvar: [
    "reactive power reference",
    "reactive power setpoint",
    "q setpoint",
    "q ref",
  ],
  powerLimitKw: ["power limit", "active power limit", "max power", "available power limit"],
  powerLimitPct: ["power limit", "active power limit", "power limit percent", "power curtailment"],
  availablePowerKw: ["available power", "possible power"],
  importLimitKw: ["import limit", "max import power"],
  isVoltagePresent: ["voltage present", "shore voltage present", "mains voltage ok", "live"],
  isPhaseRotationGood: ["phase rotation ok", "phase sequence ok", "phase rotation good"],
  isRequesting: ["power request", "requesting", "start request", "heavy consumer request"],
  demandKw: ["demand", "requested power", "power demand"],
  start: ["start", "start command", "remote start", "engine start"],
  stop: ["stop", "stop command", "remote stop", "engine stop"],
  syncAndClose: [
    "sync and close",
    "synchronise and close",
    "synchronize and close",
    "close gb",
    "gb close command",
    "breaker close command",
  ],
  open: [
    "open",
    "open command",
    "open breaker",
    "open gb",
    "gb open command",
    "breaker open command",
  ],
  close: ["close", "close command", "close breaker"],
};

export type Match =
  | { readonly type: "point"; readonly name: string; readonly spec: PointSpec }
  | { readonly type: "command"; readonly name: string };

/** The point or command of a kind that a text names exactly: `activePowerKw`, in any case. */
export function matchExactly(text: string, kind: KindSpec): Match | null {
  const name = [...Object.keys(kind.points), ...Object.keys(kind.commands)].find(
    (one) => one.toLowerCase() === text.toLowerCase(),
  );
  return name === undefined ? null : matchOf(name, kind);
}

/** The point or command that a manual's name means, or null. Only what a row can be is looked at: writable rows are levels or commands. */
export function matchByName(text: string, kind: KindSpec, isWritten: boolean): Match | null {
  const plain = plainText(text.replaceAll(/\[[^\]]*\]|\([^)]*\)/g, ""));
  for (const [name, names] of Object.entries(NAMES)) {
    if (!names.includes(plain)) continue;
    const match = matchOf(name, kind);
    if (match === null) continue;
    const isOutput = match.type === "command" || match.spec.direction === "level";
    if (isOutput === isWritten) return match;
  }
  return matchExactly(text, kind);
}

function matchOf(name: string, kind: KindSpec): Match | null {
  if (Object.hasOwn(kind.commands, name)) return { type: "command", name };
  const spec = Object.hasOwn(kind.points, name) ? kind.points[name] : undefined;
  return spec === undefined ? null : { type: "point", name, spec };
}

/** Units that manuals use for a unit of ours, with the factor to it. Their case counts: only it tells milli from mega. */
const UNITS: Readonly<Partial<Record<PointSpec["unit"], Readonly<Record<string, number>>>>> = {
  kW: { kW: 1, KW: 1, kw: 1, W: 0.001, w: 0.001, MW: 1000 },
  kvar: {
    kvar: 1,
    kVar: 1,
    kVAr: 1,
    KVAR: 1,
    var: 0.001,
    Var: 0.001,
    VAr: 0.001,
    Mvar: 1000,
    MVAr: 1000,
  },
  V: { V: 1, v: 1, kV: 1000, KV: 1000, mV: 0.001 },
  Hz: { Hz: 1, HZ: 1, hz: 1, mHz: 0.001 },
  "%": { "%": 1, pct: 1, percent: 1, pu: 100, "p.u.": 100 },
  h: { h: 1, hours: 1, hour: 1, hrs: 1, min: 1 / 60, s: 1 / 3600, sec: 1 / 3600 },
  "kg/h": { "kg/h": 1, "g/h": 0.001, "t/h": 1000 },
  A: { A: 1, a: 1, mA: 0.001, kA: 1000 },
  "°C": { "°C": 1, C: 1, degC: 1, "deg C": 1 },
};

/**
 * The factor from a manual's unit to that of a point; a number before the unit counts (`0.1 kW`).
 *
 * @returns The units that would do, where this one does not.
 */
export function unitFactor(text: string, unit: PointSpec["unit"]): number | readonly string[] {
  const divided = /^([\d.,]+)\s*(?:[x×*]\s*)?(.*)$/.exec(text.trim());
  const prefix = divided ? Number((divided[1] ?? "").replace(",", ".")) : 1;
  const known = UNITS[unit];
  const plain = (divided?.[2] ?? text).trim();
  if (!Number.isFinite(prefix) || prefix === 0) return Object.keys(known ?? {});
  if (known === undefined || plain === "") return prefix;
  const factor = Object.hasOwn(known, plain) ? known[plain] : undefined;
  return factor === undefined ? Object.keys(known) : factor * prefix;
}
