import { ALARM_CODES, isAlarmCode } from "../../actors/alarms/catalogue.ts";
import { closest } from "../../configs/spelling.ts";
import { GridReplay, type ReplayStep } from "./grid-replay.ts";
import { manifestOf } from "./verify.ts";
import { resolveAddress, shortAddress } from "../actor-address.ts";
import type { Manifest } from "../../configs/manifest.ts";
import type { Incident } from "../../history/incident.ts";
import { RemsError } from "../../kernel/errors.ts";
import type { PointValue } from "../../kernel/point.ts";
import { type Condition, parseCondition } from "./condition.ts";
import { parseDuration, parseWhen, WHEN_HELP } from "./when.ts";

/** Why a run stopped: what it was told to look for, or the end. */
export interface Stop {
  readonly step: ReplayStep | null;
  readonly reason: string;
  readonly isFound: boolean;
}

/** Looks at each step; a text says why to stop there. */
export type StopRule = (step: ReplayStep) => string | null;

/** The replay of an incident: all its grids, one of which is looked at; the others follow by wall time. */
export class ReplaySession {
  readonly incident: Incident;
  readonly manifest: Manifest;
  readonly remarks: readonly string[];
  readonly grids: ReadonlyMap<string, GridReplay>;
  #current: GridReplay;
  readonly #onMoved: ((grid: string, isStep: boolean, step: ReplayStep | null) => void)[] = [];

  /** @throws {@link RemsError} where this build cannot take the incident, with the reason. */
  constructor(incident: Incident, manifest?: Manifest) {
    const restored = manifest === undefined ? manifestOf(incident) : { manifest, remarks: [] };
    this.incident = incident;
    this.manifest = restored.manifest;
    this.remarks = restored.remarks;
    this.grids = new Map(
      incident.grids.map((recording) => [recording.grid, new GridReplay(this.manifest, recording)]),
    );
    const [first] = this.grids.values();
    if (first === undefined) throw new RemsError("REMS_INCIDENT_INVALID", "it holds no grid");
    this.#current = first;
  }

  get current(): GridReplay {
    return this.#current;
  }

  /** @throws {@link RemsError} `REMS_NOT_FOUND`. */
  select(grid: string): void {
    const found = this.grids.get(grid);
    if (found === undefined) {
      throw new RemsError(
        "REMS_NOT_FOUND",
        `the incident has no grid "${grid}"; it has ${[...this.grids.keys()].join(", ")}`,
      );
    }
    this.#current = found;
  }

  /** Called after every move: a single step forward, or a jump. */
  onMoved(handler: (grid: string, isStep: boolean, step: ReplayStep | null) => void): void {
    this.#onMoved.push(handler);
  }

  /** One frame of the current grid; the others follow. */
  step(): ReplayStep | null {
    const step = this.#current.step();
    if (step === null) return null;
    this.#tell(this.#current.grid, true, step);
    this.#follow();
    return step;
  }

  /** Runs forward until a rule says stop, at most to the end. Every so many frames `breathe` is waited for. */
  async run(rule: StopRule, breathe: () => Promise<boolean>): Promise<Stop> {
    for (let count = 1; ; count++) {
      const step = this.step();
      if (step === null) return { step: null, reason: "the end of the recording", isFound: false };
      const reason = rule(step);
      if (reason !== null) return { step, reason, isFound: true };
      if (count % 200 === 0 && !(await breathe())) {
        return { step, reason: "interrupted", isFound: false };
      }
    }
  }

  /** Jumps to the place after `index` frames of the current grid. */
  seek(index: number): void {
    this.#current.seek(index);
    this.#tell(this.#current.grid, false, null);
    this.#follow();
  }

  /** All grids to a wall time: each stands behind its first frame at or after it. */
  seekWall(wallTimeMs: number): void {
    for (const replay of this.grids.values()) {
      replay.seek(replay.indexAt(wallTimeMs));
      this.#tell(replay.grid, false, null);
    }
  }

  /**
   * All grids to a time, or to the frame of the current one that has a sequence.
   *
   * @param text - A time as {@link parseWhen} reads it, `1234` or `2:1234`.
   * @throws {@link RemsError} `REMS_REQUEST_INVALID`.
   */
  goTo(text: string): void {
    const { wallTimesMs, sequences, count } = this.#current;
    const sequence = sequenceOf(text);
    if (sequence === null) {
      const frame = { startMs: wallTimesMs[0] ?? 0, endMs: wallTimesMs.at(-1) ?? 0 };
      return this.seekWall(parseWhen(text, frame));
    }
    const index = sequences.findIndex((one) => one >= sequence);
    this.seek(index < 0 ? count : index + 1);
  }

  indexBack(durationMs: number): number {
    return this.#current.indexBack(durationMs);
  }

  /** Index behind the first frame that is `durationMs` ahead. */
  indexAhead(durationMs: number): number {
    const { wallTimesMs, index, count } = this.#current;
    const targetMs = (wallTimesMs[Math.max(0, index - 1)] ?? 0) + durationMs;
    let to = index;
    while (to < count && (wallTimesMs[to - 1] ?? -Infinity) < targetMs) to++;
    return to;
  }

  /** `now` value of a point or state of an actor. @throws {@link RemsError} for a name that can never have one. */
  reader(condition: Condition): (name: string) => PointValue | undefined {
    const addresses = this.#current.replica.views().map(({ address }) => address);
    const actors = new Map<string, string>();
    for (const name of condition.names) {
      if (name.includes(".")) this.#checkPoint(name);
      else actors.set(name, resolveAddress(addresses, name));
    }
    return (name) => {
      const address = actors.get(name);
      if (address !== undefined) {
        return this.#current.replica.views().find((view) => view.address === address)?.state;
      }
      const sample = this.#current.replica.image().points.get(name);
      return sample === undefined || sample[2] === "bad" ? undefined : sample[1];
    };
  }

  #checkPoint(name: string): void {
    const [device = ""] = name.split(".");
    const points = this.#pointNames();
    if (points.includes(name)) return;
    const near = points.filter((point) => point.startsWith(`${device}.`));
    throw new RemsError(
      "REMS_NOT_FOUND",
      near.length === 0
        ? `grid ${this.#current.grid} has no device "${device}"; it has ${[...new Set(points.map((point) => point.split(".")[0]))].join(", ")}`
        : `there is no point "${name}"; ${device} has ${near.map((point) => point.slice(device.length + 1)).join(", ")}`,
    );
  }

  #pointNames(): string[] {
    return this.manifest.grids.flatMap((grid) =>
      grid.devices.flatMap(({ id, profile }) =>
        profile.points.map(({ point }) => `${id}.${point}`),
      ),
    );
  }

  /** The others to the wall time of the current one. */
  #follow(): void {
    const atMs = this.#current.wallTimeMs;
    for (const replay of this.grids.values()) {
      if (replay === this.#current) continue;
      if (replay.wallTimeMs > atMs) {
        replay.seek(Math.max(0, replay.indexAt(atMs) - 1));
        this.#tell(replay.grid, false, null);
      }
      while (
        replay.index < replay.count &&
        (replay.wallTimesMs[replay.index] ?? Infinity) <= atMs
      ) {
        this.#tell(replay.grid, true, replay.step());
      }
    }
  }

  #tell(grid: string, isStep: boolean, step: ReplayStep | null): void {
    for (const handler of this.#onMoved) handler(grid, isStep, step);
  }
}

export const UNTIL_HELP = `a time (${WHEN_HELP}), a sequence (1234 or 2:1234), "alarm" or "alarm=CODE", "transition" or "transition=port/dg1", "command", "failover", or a condition such as "dg1.activePowerKw > 500"`;

/**
 * Reads where to stop.
 * @throws {@link RemsError} for what is none of the forms, or names what the incident does not have.
 */
export function parseUntil(session: ReplaySession, text: string): StopRule {
  const [kind = "", argument = ""] = text.split(/=(.*)/s, 2);
  switch (kind) {
    case "alarm":
      checkAlarmCode(argument);
      return ({ outputs }) => {
        const found = outputs.alarms.find(
          ({ code, event }) => event === "raised" && (argument === "" || code === argument),
        );
        return found === undefined
          ? null
          : `alarm ${found.code} of ${shortAddress(found.actor)}: ${found.text}`;
      };
    case "command":
      return ({ outputs }) => {
        const [command] = outputs.commands;
        return command === undefined
          ? null
          : `command ${command.device} ${command.command}: ${command.reason}`;
      };
    case "failover":
      // A grid that begins with the recording was nobody's before.
      return ({ frame, place }) =>
        frame.isFirstOfEpoch &&
        frame.leadership !== null &&
        (place.index > 1 || frame.leadership.origin !== "cold")
          ? `${frame.leadership.leader.node} leads, epoch ${frame.epoch} (${frame.leadership.origin})`
          : null;
    case "transition":
      return untilTransition(session, argument);
    default:
  }
  const sequence = sequenceOf(text);
  if (sequence !== null) {
    return (step) => (step.place.sequence >= sequence ? `sequence ${sequence}` : null);
  }
  if (/[<>=!]/.test(text)) return untilCondition(session, text);
  const { current } = session;
  const frame = { startMs: current.wallTimesMs[0] ?? 0, endMs: current.wallTimesMs.at(-1) ?? 0 };
  const durationMs = parseDuration(text);
  const atMs = durationMs === null ? parseWhen(text, frame) : current.wallTimeMs + durationMs;
  return (step) => (step.place.wallTimeMs >= atMs ? new Date(atMs).toISOString() : null);
}

/** `1234` or `2:1234`: sequences go on over epochs, so that the epoch is for people. Null where it is none. */
function sequenceOf(text: string): number | null {
  const place = /^(?:\d+:)?(\d+)$/.exec(text.trim());
  return place === null ? null : Number(place[1]);
}

function checkAlarmCode(code: string): void {
  if (code === "" || isAlarmCode(code)) return;
  const near = closest(code, ALARM_CODES);
  const hint = near === null ? "" : `; did you mean ${near}?`;
  throw new RemsError(
    "REMS_NOT_FOUND",
    `there is no alarm "${code}"${hint} (r-emsctl alarm-help lists them)`,
  );
}

function untilTransition(session: ReplaySession, actor: string): StopRule {
  const addresses = session.current.replica.views().map(({ address }) => address);
  const wanted = actor === "" ? null : resolveAddress(addresses, actor);
  return ({ transitions }) => {
    const found = transitions.find((one) => wanted === null || one.actor === wanted);
    return found === undefined
      ? null
      : `${shortAddress(found.actor)} ${found.from} → ${found.to}: ${found.reason}`;
  };
}

/** Stops where the condition becomes true: one that held already must cease first. */
function untilCondition(session: ReplaySession, text: string): StopRule {
  const condition = parseCondition(text);
  const read = session.reader(condition);
  let wasTrue = condition.isTrue(read);
  return () => {
    const isTrue = condition.isTrue(read);
    const isReached = isTrue && !wasTrue;
    wasTrue = isTrue;
    if (!isReached) return null;
    const values = condition.names.map((name) => `${name} = ${String(read(name))}`);
    return `${text} (${values.join(", ")})`;
  };
}
