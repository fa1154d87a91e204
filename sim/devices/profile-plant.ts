import type { DeviceProfile, PointMapping } from "../../configs/profile.ts";
import { DEVICE_KINDS, type PointSpec } from "../../kernel/device-kinds.ts";
import { clamp, moveToward } from "../../kernel/math.ts";
import type { PointValue } from "../../kernel/point.ts";
import type { DevicePlant } from "./simulated-device.ts";

/** Nameplate of a device that is simulated by itself, without a plant around it. */
export interface Nameplate {
  readonly powerKw: number;
  readonly voltageV: number;
  readonly frequencyHz: number;
}

/** How long an act takes until its feedback shows, ms. */
const START_MS = 3000;
const STOP_MS = 2000;
const BREAKER_MS = 300;
const SYNC_MS = 1500;
const OTHER_MS = 500;
/** Power moves by its rating in so many ms. */
const FULL_RAMP_MS = 5000;
const HEARTBEAT_MS = 1000;
/** What the device is limited to on its own where its fallback is `limit`, and its own share in droop, of the rating. */
const FALLBACK_SHARE = 0.5;

/** Switches that are on in a device that stands ready. */
const ON_AT_FIRST = new Set([
  "isRemoteSelected",
  "isReadyToStart",
  "isVoltagePresent",
  "isPhaseRotationGood",
]);
/** Kinds that are at work when one looks at them; the others stand ready with their breaker open. */
const AT_WORK = new Set(["pv", "feeder", "thruster", "meter"]);
/** Labels that a healthy device shows, the first that the profile has. */
const HEALTHY_LABELS = ["ready", "following", "running", "normal", "ok", "on"];

interface Later {
  readonly atMs: number;
  readonly values: Readonly<Record<string, PointValue>>;
}

/**
 * What a device does behind its registers when nothing is known but its profile: plausible values, commands that show their
 * feedback, power that follows the set-point, and the fallback of its watchdog.
 */
export class ProfilePlant implements DevicePlant {
  readonly #profile: DeviceProfile;
  readonly #nameplate: Nameplate;
  readonly #mappings: ReadonlyMap<string, PointMapping>;
  readonly #onFallback: (isActive: boolean) => void;
  readonly #values: Record<string, PointValue> = {};
  /** Points that somebody set by hand: the device does not move them. */
  readonly #held = new Set<string>();
  #later: Later[] = [];
  #isInFallback = false;
  #nowMs: number;
  #beatMs: number;

  constructor(
    profile: DeviceProfile,
    nameplate: Nameplate,
    nowMs: number,
    onFallback: (isActive: boolean) => void = () => {},
  ) {
    this.#profile = profile;
    this.#nameplate = nameplate;
    this.#nowMs = nowMs;
    this.#beatMs = nowMs;
    this.#onFallback = onFallback;
    this.#mappings = new Map(profile.points.map((mapping) => [mapping.point, mapping]));
    for (const mapping of profile.points) this.#values[mapping.point] = this.#firstValue(mapping);
    this.#settle();
  }

  points(): Readonly<Record<string, PointValue>> {
    return this.#values;
  }

  /** Sets a point by hand; a measured number is held there. */
  set(point: string, value: PointValue): void {
    this.#values[point] = value;
    const isLevel = this.#specOf(point)?.direction === "level";
    if (typeof value === "number" && !isLevel) this.#held.add(point);
    this.#complementContacts(point, value);
    this.#settle();
  }

  /** Lets the device move all points by itself again. */
  free(): void {
    this.#held.clear();
  }

  setLevel(_device: string, point: string, value: number): void {
    this.#values[point] = value;
  }

  command(_device: string, command: string): string | null {
    if (this.#values["isRemoteSelected"] === false) return "the selector stands on local";
    const isStopped = this.#values["isRunning"] === false;
    if (command === "syncAndClose" && this.#profile.kind === "genset" && isStopped) {
      return "the engine does not run";
    }
    const followed = this.#profile.commands.find((one) => one.command === command)?.followedBy;
    const values: Record<string, PointValue> = { ...EFFECTS[command] };
    if (followed) values[followed.point] = followed.value;
    this.#later.push({ atMs: this.#nowMs + (DURATIONS[command] ?? OTHER_MS), values });
    return null;
  }

  setFallback(_device: string, isActive: boolean): void {
    this.#isInFallback = isActive;
    if (isActive) this.#giveUpLevels();
    this.#onFallback(isActive);
  }

  /** Moves the device on to `nowMs`. */
  advance(nowMs: number): void {
    const elapsedMs = Math.max(0, nowMs - this.#nowMs);
    this.#nowMs = nowMs;
    const due = this.#later.filter(({ atMs }) => atMs <= nowMs);
    this.#later = this.#later.filter(({ atMs }) => atMs > nowMs);
    for (const { values } of due) {
      for (const [point, value] of Object.entries(values)) {
        if (this.#mappings.has(point)) this.#values[point] = value;
      }
    }
    this.#settle();
    this.#ramp((this.#nameplate.powerKw * elapsedMs) / FULL_RAMP_MS);
    if (nowMs - this.#beatMs < HEARTBEAT_MS) return;
    this.#beatMs = nowMs;
    this.#move("bmsHeartbeatCount", (Number(this.#values["bmsHeartbeatCount"]) + 1) % 65536);
  }

  /** A set-point is given up as the profile says: `hold` and `none` keep it. */
  #giveUpLevels(): void {
    const behaviour = this.#profile.fallback?.behaviour;
    for (const { point } of this.#profile.points) {
      const spec = this.#specOf(point);
      if (spec?.direction !== "level") continue;
      const ofRating = spec.unit === "%" ? 100 : this.#nameplate.powerKw;
      if (behaviour === "zero" || behaviour === "droop") this.#values[point] = 0;
      else if (behaviour === "limit") this.#values[point] = ofRating * FALLBACK_SHARE;
    }
  }

  #ramp(stepKw: number): void {
    const now = this.#values["activePowerKw"];
    if (typeof now !== "number") return;
    this.#move("activePowerKw", moveToward(now, this.#wantedKw(), stepKw));
  }

  /** What the device gives or draws once it has settled. */
  #wantedKw(): number {
    const { powerKw } = this.#nameplate;
    const value = (point: string) => {
      const found = this.#values[point];
      return typeof found === "number" ? found : null;
    };
    if (this.#values["isClosed"] === false || this.#values["isRunning"] === false) return 0;
    const reference = value("powerReferenceKw") ?? value("powerSetpointKw");
    if (reference !== null) {
      const inDroop = this.#isInFallback && this.#profile.fallback?.behaviour === "droop";
      return inDroop ? powerKw * FALLBACK_SHARE : clamp(reference, -powerKw, powerKw);
    }
    const limitPct = value("powerLimitPct");
    const limitKw =
      value("powerLimitKw") ?? (limitPct === null ? powerKw : (powerKw * limitPct) / 100);
    const wished = value("availablePowerKw") ?? value("demandKw") ?? powerKw * FALLBACK_SHARE;
    return Math.min(wished, Math.max(0, limitKw));
  }

  /** Voltage and frequency of a set that runs or does not. */
  #settle(): void {
    if (this.#profile.kind !== "genset") return;
    const isTurning = this.#values["isRunning"] === true;
    this.#move("voltageV", isTurning ? this.#nameplate.voltageV : 0);
    this.#move("frequencyHz", isTurning ? this.#nameplate.frequencyHz : 0);
  }

  #move(point: string, value: number): void {
    if (this.#mappings.has(point) && !this.#held.has(point)) this.#values[point] = value;
  }

  #complementContacts(point: string, value: PointValue): void {
    const other = { isClosed: "isOpen", isOpen: "isClosed" }[point];
    if (other !== undefined && this.#mappings.has(other)) this.#values[other] = value !== true;
  }

  #specOf(point: string): PointSpec | undefined {
    return DEVICE_KINDS[this.#profile.kind].points[point];
  }

  #firstValue(mapping: PointMapping): PointValue {
    const spec = this.#specOf(mapping.point);
    if (mapping.constant !== null) return mapping.constant.value;
    if (spec?.type === "label") {
      const labels = Object.values(mapping.labels ?? {});
      return HEALTHY_LABELS.find((label) => labels.includes(label)) ?? labels[0] ?? 0;
    }
    const isAtWork = AT_WORK.has(this.#profile.kind);
    if (spec?.type === "boolean") {
      if (mapping.point === "isOpen") return !isAtWork;
      if (mapping.point === "isClosed" || mapping.point === "isRunning") return isAtWork;
      return ON_AT_FIRST.has(mapping.point);
    }
    return this.#firstNumber(mapping.point, spec);
  }

  #firstNumber(point: string, spec: PointSpec | undefined): number {
    const { powerKw, voltageV, frequencyHz } = this.#nameplate;
    if (point === "socPct") return 62;
    if (point === "sohPct") return 97;
    if (point === "powerLimitPct") return 100;
    if (point === "powerLimitKw" || point.endsWith("LimitKw")) return powerKw;
    if (point === "availablePowerKw" || point === "demandKw") return powerKw * FALLBACK_SHARE;
    switch (spec?.unit) {
      case "V":
        return voltageV;
      case "Hz":
        return frequencyHz;
      case "%":
        return 50;
      case "h":
        return 1234;
      case "°C":
        return 40;
      default:
        return 0;
    }
  }
}

const EFFECTS: Readonly<Record<string, Readonly<Record<string, PointValue>>>> = {
  start: { isRunning: true, isReadyToLoad: true, isReadyToStart: false },
  stop: { isRunning: false, isReadyToLoad: false, isReadyToStart: true },
  syncAndClose: { isClosed: true, isOpen: false },
  close: { isClosed: true, isOpen: false },
  open: { isClosed: false, isOpen: true },
  setForming: { isGridForming: true },
  setFollowing: { isGridForming: false },
};

const DURATIONS: Readonly<Record<string, number>> = {
  start: START_MS,
  stop: STOP_MS,
  syncAndClose: SYNC_MS,
  close: BREAKER_MS,
  open: BREAKER_MS,
};
