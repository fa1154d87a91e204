import type { DeviceConfig } from "../../configs/manifest.ts";
import type { MqttSettings, PointMapping } from "../../configs/profile.ts";
import { present } from "../../kernel/assert.ts";
import type { CommandFate, CommandOutput } from "../../kernel/command.ts";
import { DEVICE_KINDS } from "../../kernel/device-kinds.ts";
import { pointId, type ConnectionState, type PointValue } from "../../kernel/point.ts";
import type { ControlMode, WriteReport } from "../../kernel/ports/device-io.ts";
import type { DriverOptions } from "../driver-options.ts";
import type { PointCodec } from "../modbus/codec.ts";
import { LevelImage } from "../modbus/level-image.ts";
import { LevelWatch } from "../modbus/level-watch.ts";
import type { BrokerLink, PublishOutcome } from "./broker-link.ts";
import { decodeLevel, decodePoint, levelPayload, topicOf, withEpoch } from "./payload.ts";
import { ValueImage } from "./value-image.ts";

export interface MqttDeviceContext extends DriverOptions {
  readonly report: (report: WriteReport) => void;
  readonly settled: (fate: CommandFate) => void;
}

const COMMAND_COUNT_MAX = 16;
/** What a device shows of a level may be rounded. */
const SAME_SHARE = 1e-4;

/** A level is one number: what the device is told and shows, in the unit of the point. */
const LEVEL_CODEC: PointCodec = {
  wordCount: 1,
  neutral: 0,
  decode: (words, index) => Number(words[index]),
  encode: (value) => (typeof value === "number" && Number.isFinite(value) ? [value] : null),
  isSame(written, words, index) {
    const wanted = written[0] ?? 0;
    return Math.abs(wanted - Number(words[index])) <= Math.max(1e-6, Math.abs(wanted) * SAME_SHARE);
  },
};

/** One device behind a broker: what it told, what it is told, and whether it lives. */
export class MqttDevice {
  readonly config: DeviceConfig;
  readonly isOwn: boolean;
  readonly values: ValueImage;
  readonly topics: readonly string[];
  readonly #mqtt: MqttSettings;
  readonly #context: MqttDeviceContext;
  readonly #levels: LevelImage;
  readonly #watch: LevelWatch;
  /** Set-points that hold now. */
  #wanted: ReadonlyMap<string, number> = new Map();
  /** What to do with a message, by topic. */
  readonly #takers = new Map<string, ((payload: string, nowMs: number) => void)[]>();
  readonly #commands: CommandOutput[] = [];
  #isConnected = false;
  #isConnecting = false;
  #isAvailable = false;
  #hasLevelsWaiting = false;
  #reason = "";
  #lastEpoch = 0;

  constructor(config: DeviceConfig, context: MqttDeviceContext) {
    const { profile } = config;
    this.config = config;
    this.#context = context;
    this.#mqtt = present(profile.mqtt, "a profile of family mqtt has its topics");
    this.isOwn = context.isOwn(config);
    const { points, levels, maxAgeMs } = this.#mqtt;
    const ids = [...points, ...levels].map(({ point }) => pointId(config.id, point));
    this.values = new ValueImage(ids, context.timings.staleMs, maxAgeMs);
    this.#levels = this.#createLevels();
    this.#watch = new LevelWatch(
      levels.map(({ point }) => ({ point, supervision: this.#mappingOf(point).supervision })),
      (point, outcome, reason) => this.#report("level", point, outcome, reason),
    );
    this.#listen();
    this.topics = [...this.#takers.keys()];
  }

  get control(): ControlMode {
    return this.#context.controlOf(this.config);
  }

  get state(): ConnectionState {
    if (!this.#isConnected) return this.#isConnecting ? "connecting" : "offline";
    if (!this.#isAvailable) return "offline";
    return this.values.badPoints().length > 0 ? "degraded" : "online";
  }

  get reason(): string {
    return this.#reason;
  }

  get isReached(): boolean {
    return this.#isConnected && this.#isAvailable;
  }

  /** A write waits and could go out. */
  get isWriteWaiting(): boolean {
    return this.isReached && (this.#hasLevelsWaiting || this.#commands.length > 0);
  }

  /** Only the first attempt is called so: a device stays offline while it is tried again. */
  connecting(): void {
    this.#isConnecting = this.#reason === "";
  }

  connected(): void {
    this.#isConnected = true;
    this.#isConnecting = false;
    if (this.#isAvailable) return;
    const { topic } = this.#mqtt.availability;
    this.#reason = `nothing said yet on ${topicOf(topic, this.config.id)}`;
  }

  lost(reason: string, nowMs: number): void {
    this.#isConnected = false;
    this.#isConnecting = false;
    this.#setAvailable(false, reason, nowMs);
  }

  message(topic: string, payload: string, nowMs: number): void {
    for (const take of this.#takers.get(topic) ?? []) take(payload, nowMs);
  }

  setLevels(values: ReadonlyMap<string, PointValue>): void {
    const changed = this.#levels.replace(values);
    this.#wanted = new Map(
      [...values].flatMap(([point, value]) =>
        typeof value === "number" ? [[point, value] as const] : [],
      ),
    );
    if (this.isOwn && this.control === "control") this.#hasLevelsWaiting = values.size > 0;
    else this.#levels.reportWould(changed, this.#whyNotWritten());
  }

  beginLeadership(): void {
    this.#levels.forget();
    this.values.tellAgain();
  }

  execute(command: CommandOutput): void {
    const isKnown = this.#mqtt.commands.some((one) => one.command === command.command);
    if (!isKnown) {
      const reason = `profile ${this.config.profile.id} has no command ${command.command}`;
      this.#finish(command, "dropped", reason);
    } else if (!this.isOwn || this.control !== "control") {
      const reason = this.#whyNotWritten();
      this.#report("command", command.command, "wouldWrite", reason);
      this.#context.settled({ id: command.id, fate: "dropped", reason });
    } else if (this.#commands.length >= COMMAND_COUNT_MAX) {
      this.#finish(command, "dropped", `${COMMAND_COUNT_MAX} commands wait already`);
    } else this.#commands.push(command);
  }

  abandonWrites(reason: string): void {
    this.#hasLevelsWaiting = false;
    this.#wanted = new Map();
    this.#watch.clear();
    this.#levels.release();
    for (const command of this.#commands.splice(0)) this.#finish(command, "dropped", reason);
  }

  /** Looks whether the device does what it acknowledged. */
  watch(nowMs: number): void {
    if (!this.isReached) this.#watch.clear();
    else if (this.isOwn && this.control === "control") {
      const measured = (point: string) =>
        this.values.goodNumber(pointId(this.config.id, point), nowMs);
      this.#watch.check(this.#wanted, measured, nowMs);
    }
  }

  dropExpired(): void {
    const plantTimeMs = this.#context.plantTimeMs();
    for (const command of this.#commands.filter((one) => one.expiresAtPlantMs <= plantTimeMs)) {
      this.#commands.splice(this.#commands.indexOf(command), 1);
      const reason = `not written before it expired; the device is ${this.state}`;
      this.#finish(command, "dropped", reason);
    }
  }

  /** Publishes what is due, levels before commands. @returns Whether the link is in use now. */
  startWrite(link: BrokerLink): boolean {
    this.dropExpired();
    return this.isReached && (this.#startLevel(link) || this.#startCommand(link));
  }

  #startLevel(link: BrokerLink): boolean {
    if (!this.#hasLevelsWaiting) return false;
    const isDue = this.#levels.due(this.#context.clock.monotonicMs());
    const index = isDue.indexOf(true);
    const level = this.#mqtt.levels[index];
    const epoch = level === undefined ? null : this.#epoch();
    if (level === undefined || epoch === null) {
      this.#hasLevelsWaiting = false;
      const due = isDue.flatMap((is, place) => (is ? [place] : []));
      this.#levels.dropped(due, "no authority");
      return false;
    }
    const sent = this.#levels.words();
    const value = present(sent[index]?.[0], "a level that is due has a value");
    this.#publish(link, level.topic, levelPayload(level, value, epoch), epoch, (outcome) => {
      const nowMs = this.#context.clock.monotonicMs();
      if (outcome.type === "acknowledged") this.#levels.acknowledged([index], sent, nowMs);
      else if (outcome.type === "dropped") this.#levels.dropped([index], outcome.reason);
      else this.#levels.unanswered([index], sent, outcome.reason, nowMs);
    });
    return true;
  }

  #startCommand(link: BrokerLink): boolean {
    const command = this.#commands.shift();
    if (command === undefined) return false;
    const epoch = this.#epoch();
    if (epoch === null) {
      this.#finish(command, "dropped", "no authority");
      return this.#startCommand(link);
    }
    const { topic, payload } = present(
      this.#mqtt.commands.find((one) => one.command === command.command),
      "the command was found in the profile",
    );
    this.#publish(link, topic, withEpoch(payload, epoch), epoch, (outcome) => {
      if (outcome.type === "acknowledged") this.#finish(command, "confirmed", "");
      else this.#finish(command, outcome.type, outcome.reason);
    });
    return true;
  }

  #publish(
    link: BrokerLink,
    topic: string,
    payload: string,
    epoch: number,
    done: (outcome: PublishOutcome) => void,
  ): void {
    const { id, profile } = this.config;
    // Asked again as the packet goes to the kernel: time has passed, and it may carry the epoch.
    const admit = (): string | null => {
      const now = this.#epoch();
      if (now === null) return "no authority";
      return now === epoch ? null : `the epoch changed from ${epoch} to ${now}`;
    };
    link.publish(topicOf(topic, id), payload, profile.writeMs, admit, done);
  }

  #epoch(): number | null {
    const { grid, gate } = this.#context;
    const epoch = gate.epochForWrite(grid, this.config.id, this.config.profile.writeMs);
    if (epoch !== null) this.#lastEpoch = epoch;
    return epoch;
  }

  #createLevels(): LevelImage {
    const { fallback, writeMs } = this.config.profile;
    const { scanMs } = this.#context.timings;
    // Served a scan early, so that waiting for the next scan does not make it late.
    const serveMs =
      fallback === null ? Infinity : Math.max(fallback.watchdogMs / 3 - scanMs, scanMs);
    const layout = this.#mqtt.levels.map(({ point }, index) => ({
      point,
      address: index,
      codec: LEVEL_CODEC,
      mapping: this.#mappingOf(point),
      before: [],
      after: [],
    }));
    return new LevelImage(layout, { settleMs: writeMs, serveMs }, (point, outcome, reason) => {
      if (outcome === "written") this.#watch.written(point, this.#context.clock.monotonicMs());
      if (outcome === "confirmed") this.#watch.confirmed(point);
      this.#report("level", point, outcome, reason);
    });
  }

  #mappingOf(point: string): PointMapping {
    return present(
      this.config.profile.points.find((mapping) => mapping.point === point),
      "a level is a point of the profile",
    );
  }

  #listen(): void {
    const { availability, points, levels } = this.#mqtt;
    const on = (topic: string, take: (payload: string, nowMs: number) => void): void => {
      const own = topicOf(topic, this.config.id);
      this.#takers.set(own, [...(this.#takers.get(own) ?? []), take]);
    };
    on(availability.topic, (payload, nowMs) => {
      const text = payload.trim();
      const isOnline = text === availability.online;
      this.#setAvailable(isOnline, isOnline ? "" : `it says "${text.slice(0, 40)}"`, nowMs);
    });
    const specs = DEVICE_KINDS[this.config.kind].points;
    for (const [slot, point] of points.entries()) {
      const spec = present(specs[point.point], "a point of the kind");
      on(point.topic, (payload, nowMs) =>
        this.values.told(slot, decodePoint(point, spec, payload), nowMs),
      );
    }
    for (const [index, level] of levels.entries()) {
      on(level.readBack.topic, (payload, nowMs) => {
        const value = decodeLevel(level, payload);
        this.values.told(points.length + index, value, nowMs);
        if (value !== null) this.#levels.readBack(index, [value], 0, nowMs);
      });
    }
  }

  #setAvailable(isAvailable: boolean, reason: string, nowMs: number): void {
    this.#reason = reason;
    // A device that was away may have forgotten what it held.
    if (this.#isAvailable && !isAvailable) this.#levels.unconfirm();
    this.#isAvailable = isAvailable;
    this.values.setAvailable(isAvailable, nowMs);
  }

  #finish(command: CommandOutput, fate: CommandFate["fate"], reason: string): void {
    this.#report("command", command.command, fate, reason);
    this.#context.settled({ id: command.id, fate, reason });
  }

  #whyNotWritten(): string {
    return this.isOwn ? `control is ${this.control}` : "the device belongs to another grid";
  }

  #report(
    kind: WriteReport["kind"],
    name: string,
    outcome: WriteReport["outcome"],
    reason: string,
  ): void {
    const { id } = this.config;
    this.#context.report({ device: id, epoch: this.#lastEpoch, kind, name, outcome, reason });
  }
}
