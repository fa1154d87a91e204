import { present } from "../../kernel/assert.ts";
import {
  CLOSES,
  commandsOf,
  type Evidence,
  finding,
  type Invariant,
  isAsked,
  limitOf,
  MOVES,
  silences,
  SOURCES,
} from "./evidence.ts";
import type { Finding } from "./finding.ts";
import type { TakenWrite } from "./recording.ts";
import { SEQUENCE_INVARIANTS } from "./sequence-invariants.ts";

/** What a controller may not have read yet: two scans and the way there. */
const UNREAD_MS = 300;
/** A closing command is done with, one way or the other, after so long. */
const CLOSING_MS = 2000;
/** The same command is not given again sooner: R-EMS asks a genset again after five seconds. */
const REPEAT_MS = 2000;
/** A point is believed for so long after its device fell silent. */
const STALE_MS = 1500;
const COLD_WAIT_MS = 10_000;
/** Noise, rounding and the ramp of a scan that came late, percent of rating. */
const STEP_PCT_MAX = 1;

/** A set is unloaded below this, percent of its rating. */
const UNLOADED_PCT = 10;
/** A battery covers a gap at once: its converter's own ramp bounds it. */
const BATTERY_RAMP_PCT_PER_S = 100;

export const INVARIANTS: readonly Invariant[] = [
  {
    name: "sync-in-device",
    rule: "R-EMS never times the closing of a live breaker: it asks only devices that synchronise by themselves",
    check: (evidence) => {
      const closes = commandsOf(evidence).filter(({ name }) => CLOSES.has(name));
      const bonds = new Set(evidence.manifest.grids.map(({ site }) => site?.neutralEarth));
      const wrong = closes.filter(({ device, isBusLive }) => {
        const { kind, profile } = evidence.deviceOf(device);
        const joinsNothing = kind === "feeder" || bonds.has(device);
        return !joinsNothing && isBusLive && profile.syncCheck !== "device";
      });
      const found = wrong.map((one) =>
        finding("sync-in-device", one, "the device has no synchronising check of its own"),
      );
      if (evidence.outOfPhaseCount === 0) return found;
      const text = `${evidence.outOfPhaseCount} joins out of phase`;
      return [...found, { check: "sync-in-device", atMs: 0, text }];
    },
  },
  {
    name: "no-trip-by-ems",
    rule: "protection is not ours: R-EMS opens no genset's breaker that carries load, it unloads the set first",
    check: (evidence) =>
      commandsOf(evidence)
        .filter(({ name, device, points }) => {
          const { kind, ratings } = evidence.deviceOf(device);
          const limitKw = (UNLOADED_PCT * ratings.powerKw) / 100;
          return name === "open" && kind === "genset" && limitOf(points, "activePowerKw") > limitKw;
        })
        .filter((one) => !isAsked(evidence, one))
        .map((one) =>
          finding("no-trip-by-ems", one, `it carries ${String(one.points["activePowerKw"])} kW`),
        ),
  },
  {
    name: "bus-stays-formed",
    rule: "somebody always forms the bus: no busbar goes dark because of what R-EMS commanded",
    check: checkBusStaysFormed,
  },
  {
    name: "cold-start-waits",
    rule: "after all controllers were gone nothing is started, stopped, opened or closed for ten seconds",
    check: (evidence) =>
      evidence.coldStartsAtMs.flatMap((coldMs) =>
        commandsOf(evidence)
          .filter(({ name, atMs }) => MOVES.has(name) && atMs >= coldMs)
          .filter(({ atMs }) => atMs < coldMs + COLD_WAIT_MS)
          .map((one) =>
            finding("cold-start-waits", one, `${one.atMs - coldMs} ms after the cold start`),
          ),
      ),
  },
  {
    name: "bumpless",
    rule: "no reference of a source steps by more than its ramp and one percent of its rating, whoever leads",
    check: checkBumpless,
  },
  {
    name: "unknown-means-worse",
    rule: "while a breaker or source is unknown nothing is stopped or parted by R-EMS itself, and no dead busbar closed",
    check: (evidence) =>
      silences(evidence).flatMap(({ device, fromMs, toMs }) =>
        commandsOf(evidence)
          .filter(({ atMs }) => atMs > fromMs + STALE_MS && atMs < toMs)
          .filter((one) => evidence.gridOf(one.device) === evidence.gridOf(device))
          .filter(({ name, device: at, isBusLive }) => {
            const { kind } = evidence.deviceOf(at);
            const parts = name === "stop" || (name === "open" && kind !== "feeder");
            return parts || (CLOSES.has(name) && !isBusLive && kind !== "feeder");
          })
          .filter((one) => !isAsked(evidence, one))
          .map((one) => finding("unknown-means-worse", one, `${device} is not known`)),
      ),
  },
  {
    name: "one-dead-close",
    rule: "at most one source closes onto a dead busbar at a time, and never towards shore or utility",
    check: checkDeadClose,
  },
  {
    name: "start-block-holds",
    rule: "a start block, an emergency stop and the place of control are never overridden",
    check: checkStartBlock,
  },
  {
    name: "battery-limits",
    rule: "a battery is asked for no more than its BMS allows",
    check: (evidence) =>
      evidence.recording.writes
        .filter(({ kind, name }) => kind === "level" && name === "powerSetpointKw")
        .filter(({ device, points, value }) => {
          const { ratings } = evidence.deviceOf(device);
          const slackKw = ratings.powerKw / 100;
          const isTooMuch = Number(value) > limitOf(points, "dischargeLimitKw") + slackKw;
          return isTooMuch || -Number(value) > limitOf(points, "chargeLimitKw") + slackKw;
        })
        .map((one) => {
          const { dischargeLimitKw, chargeLimitKw } = one.points;
          const limits = `${String(dischargeLimitKw)} kW out, ${String(chargeLimitKw)} kW in`;
          return finding("battery-limits", one, `${String(one.value)} kW, allowed ${limits}`);
        }),
  },
  {
    name: "no-repeats",
    rule: "a command is not given again before its effect can be seen, also after a takeover",
    check: (evidence) => {
      const last = new Map<string, number>();
      return commandsOf(evidence).flatMap((one) => {
        const key = `${one.device} ${one.name}`;
        const beforeMs = last.get(key);
        last.set(key, one.atMs);
        if (beforeMs === undefined || one.atMs - beforeMs >= REPEAT_MS) return [];
        return [finding("no-repeats", one, `again after ${(one.atMs - beforeMs).toFixed(0)} ms`)];
      });
    },
  },
  ...SEQUENCE_INVARIANTS,
];

/** The busbar of a source that R-EMS took off went dark within a second, and no source of it had failed by itself. */
function checkBusStaysFormed(evidence: Evidence): Finding[] {
  const { recording } = evidence;
  const takes = commandsOf(evidence).filter(
    ({ name, device }) =>
      SOURCES.has(evidence.deviceOf(device).kind) &&
      (name === "stop" || name === "open" || name === "setFollowing"),
  );
  return recording.events.flatMap((event) => {
    if (event.kind !== "blackout" || event.plantMs < 0) return [];
    const { plantMs, grid } = event;
    const hasFailed = recording.events.some(
      (other) =>
        (other.kind === "tripped" || other.kind === "supplyLost") &&
        other.plantMs <= plantMs &&
        plantMs - other.plantMs < 10_000,
    );
    const cause = takes.findLast(
      ({ atMs, device }) =>
        evidence.gridOf(device) === grid && atMs <= plantMs && plantMs - atMs < 30_000,
    );
    if (cause === undefined || hasFailed) return [];
    return [{ ...finding("bus-stays-formed", cause, `${grid} went dark after it`), atMs: plantMs }];
  });
}

/** Levels of sources move along ramps: what one write says against what the write before said, whoever wrote it. */
function checkBumpless(evidence: Evidence): Finding[] {
  const before = new Map<string, TakenWrite>();
  const found: Finding[] = [];
  for (const write of evidence.recording.writes) {
    if (write.kind !== "level") continue;
    const { kind, ratings } = evidence.deviceOf(write.device);
    if (!SOURCES.has(kind) || !write.isAccepted) continue;
    const key = `${write.device}.${write.name}`;
    const last = before.get(key);
    before.set(key, write);
    // An open breaker takes any reference; it begins anew when it closes.
    if (last === undefined || write.points["isClosed"] !== true || write.atMs < 0) continue;
    // Where the switchboard had the device in the meantime, R-EMS goes on from what it finds.
    if (wasOnLocal(evidence, write.device, last.atMs, write.atMs)) continue;
    const grid = evidence.manifest.grids.find(({ id }) => id === evidence.gridOf(write.device));
    const { power } = present(grid, "a device has a grid");
    const rampPctPerS = kind === "battery" ? BATTERY_RAMP_PCT_PER_S : power.rampPctPerS;
    const isReactive = write.name.endsWith("Kvar");
    const rated = isReactive ? ratings.apparentKva : ratings.powerKw;
    const elapsedS = Math.min(1, (write.atMs - last.atMs) / 1000 + 0.1);
    const stepPct = (100 * Math.abs(Number(write.value) - Number(last.value))) / rated;
    if (stepPct <= STEP_PCT_MAX + rampPctPerS * elapsedS) continue;
    const text = `from ${String(last.value)} to ${String(write.value)} in ${(write.atMs - last.atMs).toFixed(0)} ms`;
    found.push(finding("bumpless", write, text));
  }
  return found;
}

function wasOnLocal({ rows }: Evidence, device: string, fromMs: number, toMs: number): boolean {
  return rows.some(
    ({ atS, inputs }) =>
      atS * 1000 >= fromMs &&
      atS * 1000 <= toMs &&
      inputs.some(
        (input) =>
          input.kind === "switch" && input.name === "isRemoteSelected" && input.device === device,
      ),
  );
}

function checkDeadClose(evidence: Evidence): Finding[] {
  const found: Finding[] = [];
  let last: TakenWrite | null = null;
  for (const close of commandsOf(evidence)) {
    const { kind } = evidence.deviceOf(close.device);
    if (!CLOSES.has(close.name) || close.isBusLive || !close.isAccepted) continue;
    // The first breaker of a tie closes onto a dead line; onto a dead busbar only the other one, by a plain close.
    const isTie = kind === "busTie" && close.name === "close";
    if (!isTie && !SOURCES.has(kind)) continue;
    const isLand = evidence.manifest.installation.kind === "land";
    if (isLand && kind === "shore")
      found.push(finding("one-dead-close", close, "a utility is never closed onto a dead grid"));
    const before: TakenWrite | null = last;
    if (before !== null && isBeside(before, close))
      found.push(
        finding("one-dead-close", close, `${before.device} closes onto the same dead busbar`),
      );
    last = close;
  }
  return found;
}

function isBeside(before: TakenWrite, close: TakenWrite): boolean {
  const isOther = before.device !== close.device && before.island === close.island;
  return isOther && close.atMs - before.atMs < CLOSING_MS;
}

function checkStartBlock(evidence: Evidence): Finding[] {
  const { rows } = evidence;
  const blocked: { device: string; atMs: number; what: string }[] = [];
  for (const { atS, inputs } of rows)
    for (const input of inputs)
      if (input.kind === "switch")
        blocked.push({ device: input.device, atMs: atS * 1000, what: input.name });
  return commandsOf(evidence).flatMap((one) => {
    const isNew = (what: string) =>
      blocked.some(
        (entry) =>
          entry.device === one.device &&
          entry.what === what &&
          one.atMs - entry.atMs >= 0 &&
          one.atMs - entry.atMs < UNREAD_MS,
      );
    const { points, name } = one;
    if (points["isRemoteSelected"] === false && !isNew("isRemoteSelected"))
      return [finding("start-block-holds", one, "its selector stands on local")];
    if (name !== "start") return [];
    for (const what of ["isStartBlocked", "isEmergencyStop", "isShutdownActive"])
      if (points[what] === true && !isNew(what))
        return [finding("start-block-holds", one, `${what} is on`)];
    return [];
  });
}
