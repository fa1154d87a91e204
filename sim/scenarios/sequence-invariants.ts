import { commandsOf, type Evidence, finding, type Invariant, MOVES, silences } from "./evidence.ts";
import type { Finding } from "./finding.ts";

/** Invariants of sequences: what belongs together in time, whoever leads. */

/** A command that was on its way when every controller died is done with after so long. */
const UNDER_WAY_MS = 60_000;
/** A start that has failed is followed by stop within this time: a scan, and what a takeover and a doubt add. */
const STOP_FOLLOWS_MS = 1000;
const TAKEOVER_MS = 8000;
const STALE_MS = 1500;

export const SEQUENCE_INVARIANTS: readonly Invariant[] = [
  {
    name: "plain-close-is-dead",
    rule: "a plain close of a source or tie goes onto a dead busbar only, and of a tie only from a live far side",
    check: (evidence) =>
      commandsOf(evidence)
        .filter(({ name, device, isBusLive, isAccepted }) => {
          const { kind } = evidence.deviceOf(device);
          const isMeant = kind === "busTie" || kind === "shore" || kind === "battery";
          return name === "close" && isMeant && isBusLive && isAccepted;
        })
        .map((one) => finding("plain-close-is-dead", one, "its busbar is live")),
  },
  {
    name: "untouched-while-gone",
    rule: "while no controller lives nothing moves but what a device's own protection or an earlier command moves",
    check: checkUntouched,
  },
  {
    name: "failed-start-is-stopped",
    rule: "whoever leaves starting without success is told to stop",
    check: checkFailedStarts,
  },
  {
    name: "lock-out-stays",
    rule: "after an emergency stop, gas or fire nothing is started or connected before somebody has reset it",
    check: checkLockouts,
  },
  {
    name: "nothing-granted-while-unknown",
    rule: "while a device of the grid is unknown no heavy consumer is granted power",
    check: checkGrants,
  },
];

function checkUntouched(evidence: Evidence): Finding[] {
  const gone = evidence.rows.flatMap(({ atS, inputs }) =>
    inputs.flatMap((input) =>
      input.kind === "kill" && input.subject === "all"
        ? [{ fromMs: atS * 1000, toMs: atS * 1000 + (input.forS ?? 0) * 1000 }]
        : [],
    ),
  );
  return evidence.recording.operations
    .filter(({ kind }) => kind !== "trips")
    .filter(({ atMs }) => gone.some(({ fromMs, toMs }) => atMs > fromMs && atMs < toMs))
    .filter(({ device, atMs }) => !isExplained(evidence, device, atMs))
    .map(({ device, atMs, text }) => ({
      check: "untouched-while-gone",
      atMs,
      text: `${device}: ${text}, and nobody had asked for it`,
    }));
}

/** Its own protection, a person's push-button, or a command of before. */
function isExplained(evidence: Evidence, device: string, atMs: number): boolean {
  const { recording, rows } = evidence;
  const hasTripped = recording.operations.some(
    (one) => one.device === device && one.kind === "trips" && Math.abs(one.atMs - atMs) < 1000,
  );
  const isPressed = rows.some(
    ({ atS, inputs }) =>
      Math.abs(atS * 1000 - atMs) < 5000 &&
      inputs.some((input) => "device" in input && input.device === device),
  );
  const isCommanded = commandsOf(evidence).some(
    (one) =>
      one.device === device &&
      MOVES.has(one.name) &&
      one.atMs <= atMs &&
      atMs - one.atMs < UNDER_WAY_MS,
  );
  return hasTripped || isPressed || isCommanded;
}

const UNSUCCESSFUL: ReadonlySet<string> = new Set(["startFailed", "tripped", "local"]);

function checkFailedStarts(evidence: Evidence): Finding[] {
  const { transitions, lines } = evidence.recording;
  const stops = commandsOf(evidence).filter(({ name }) => name === "stop");
  const isStruck = lines.some((line) => line.includes("its power is cut"));
  const patienceMs = STOP_FOLLOWS_MS + (isStruck ? TAKEOVER_MS : 0);
  return transitions
    .filter(({ from, to }) => from === "starting" && UNSUCCESSFUL.has(to))
    .filter(
      ({ device, atMs }) =>
        !stops.some(
          (stop) => stop.device === device && stop.atMs >= atMs && stop.atMs - atMs < patienceMs,
        ),
    )
    .map(({ device, atMs, to }) => ({
      check: "failed-start-is-stopped",
      atMs,
      text: `${device} went from starting to ${to}, and no stop followed`,
    }));
}

const LOCKING: ReadonlySet<string> = new Set(["isEmergencyStop", "isGasOrFire"]);
const COMES_BACK: ReadonlySet<string> = new Set(["start", "syncAndClose", "setForming"]);

function checkLockouts(evidence: Evidence): Finding[] {
  const inputs = evidence.rows.flatMap((row) =>
    row.inputs.map((input) => ({ input, atMs: row.atS * 1000 })),
  );
  const locked = inputs.flatMap(({ input, atMs }) => {
    if (input.kind !== "switch" || !input.isOn || !LOCKING.has(input.name)) return [];
    const { device } = input;
    const reset = inputs.find(
      (one) =>
        one.atMs > atMs &&
        one.input.kind === "ask" &&
        one.input.subject === device &&
        one.input.command === "reset" &&
        !isStillOn(evidence, device, one.atMs),
    );
    return [{ device, fromMs: atMs + STALE_MS, toMs: reset?.atMs ?? Number.POSITIVE_INFINITY }];
  });
  return commandsOf(evidence)
    .filter(({ name }) => COMES_BACK.has(name))
    .filter((one) =>
      locked.some(
        ({ device, fromMs, toMs }) => device === one.device && one.atMs > fromMs && one.atMs < toMs,
      ),
    )
    .map((one) => finding("lock-out-stays", one, "nobody has reset it"));
}

/** What locks a device out is on at that time of the scenario. */
function isStillOn({ rows }: Evidence, device: string, atMs: number): boolean {
  const on = new Set<string>();
  for (const { atS, inputs } of rows)
    for (const input of inputs) {
      if (atS * 1000 > atMs || input.kind !== "switch" || input.device !== device) continue;
      if (input.isOn && LOCKING.has(input.name)) on.add(input.name);
      else on.delete(input.name);
    }
  return on.size > 0;
}

function checkGrants(evidence: Evidence): Finding[] {
  const found: Finding[] = [];
  const unknown = silences(evidence);
  const limits = new Map<string, number>();
  for (const write of evidence.recording.writes) {
    if (write.name !== "powerLimitKw" || evidence.deviceOf(write.device).kind !== "thruster")
      continue;
    const before = limits.get(write.device) ?? 0;
    const limitKw = Number(write.value);
    limits.set(write.device, limitKw);
    if (before >= 1 || limitKw < 1 || write.atMs < 0) continue;
    const cause = unknown.find(
      ({ device, fromMs, toMs }) =>
        device !== write.device &&
        evidence.gridOf(device) === evidence.gridOf(write.device) &&
        evidence.deviceOf(device).kind !== "thruster" &&
        write.atMs > fromMs + STALE_MS &&
        write.atMs < toMs,
    );
    if (cause !== undefined)
      found.push(finding("nothing-granted-while-unknown", write, `${cause.device} is not known`));
  }
  return found;
}
