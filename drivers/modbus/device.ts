import type { DeviceConfig } from "../../configs/manifest.ts";
import { present } from "../../kernel/assert.ts";
import type { CommandFate, CommandOutput } from "../../kernel/command.ts";
import { DEVICE_KINDS } from "../../kernel/device-kinds.ts";
import { RemsError, type ErrorDetails } from "../../kernel/errors.ts";
import { pointId, type ConnectionState, type PointValue } from "../../kernel/point.ts";
import type { Clock } from "../../kernel/ports/clock.ts";
import type {
  AuthorityGate,
  ControlMode,
  PollMode,
  WriteReport,
} from "../../kernel/ports/device-io.ts";
import type { Timings } from "../../kernel/timings.ts";
import { createPointCodec, type PointCodec } from "./codec.ts";
import type { Connection, Outcome } from "./connection.ts";
import { LevelImage } from "./level-image.ts";
import { PointImage } from "./point-image.ts";
import { ReadSchedule, type ScheduledRead } from "./read-schedule.ts";
import type { ReadItem, ReadRequest } from "./request-plan.ts";
import { layoutWrites, planCommandWrite, planLevelWrites, type WriteLayout } from "./write-plan.ts";

export interface DeviceContext {
  readonly grid: string;
  readonly clock: Clock;
  readonly gate: AuthorityGate;
  readonly timings: Pick<Timings, "scanMs" | "staleMs">;
  readonly mode: "simulation" | "production";
  readonly plantTimeMs: () => number;
  readonly report: (report: WriteReport) => void;
  readonly settled: (fate: CommandFate) => void;
  readonly onFatal: (error: RemsError) => void;
  readonly log: (level: "info" | "warn" | "error", message: string, details: ErrorDetails) => void;
}

/** What a reply, or its absence, says about the connection that the device shares. */
export type Sign = "alive" | "silent" | "none";

/** Two time-outs make a device offline; this bounds them, so that it is known within 1.5 s whatever a profile says. */
export const REQUEST_TIMEOUT_MS_MAX = 600;
const TIMEOUT_COUNT_MAX = 2;
/** A standby reads every device once in this time: at least once a second, and never old enough to be `uncertain`. */
const PROBE_MS = 900;
const COMMAND_COUNT_MAX = 16;
const SILENT_RETRY_MS_MIN = 250;
const SILENT_RETRY_MS_MAX = 2000;

/** Exception codes (Modbus Application Protocol V1.1b3, section 7). */
const ILLEGAL_FUNCTION = 1;
const ACKNOWLEDGE = 5;
const BUSY = 6;
const GATEWAY_PATH_UNAVAILABLE = 10;
const GATEWAY_TARGET_SILENT = 11;

/** One device: what is read of it, what is to be written, and how it answers. Its endpoint decides when it may use the connection. */
export class ModbusDevice {
  readonly config: DeviceConfig;
  readonly isOwn: boolean;
  readonly control: ControlMode;
  readonly points: PointImage;
  readonly #context: DeviceContext;
  readonly #levelOfSlot: readonly number[];
  readonly #reads: ReadSchedule;
  readonly #layout: WriteLayout;
  readonly #levels: LevelImage;
  readonly #commands: CommandOutput[] = [];
  readonly #requestTimeoutMs: number;
  readonly #unmappedLevels = new Set<string>();
  readonly #settled: (sign: Sign) => void;
  #state: ConnectionState = "offline";
  #isConnected = false;
  #isVerified = false;
  #isForbidden = false;
  #isReading = false;
  #hasLevelsWaiting = false;
  #timeoutCount = 0;
  #retryAtMs = -Infinity;
  #probedAtMs = -Infinity;
  #lastEpoch = 0;

  /** @param settled - Told what each finished exchange says about the connection. */
  constructor(
    config: DeviceConfig,
    rights: { isOwn: boolean; control: ControlMode; phase: number },
    context: DeviceContext,
    settled: (sign: Sign) => void,
  ) {
    this.config = config;
    this.isOwn = rights.isOwn;
    this.control = rights.control;
    this.#context = context;
    this.#settled = settled;
    const { profile } = config;
    this.#requestTimeoutMs = Math.min(profile.requestTimeoutMs, REQUEST_TIMEOUT_MS_MAX);
    this.#layout = layoutWrites(profile);
    const plan = planPoints(config, this.#layout);
    this.#levelOfSlot = plan.levelOfSlot;
    this.points = new PointImage(plan.points, context.timings.staleMs);
    this.#reads = new ReadSchedule(plan, context.timings.staleMs / 2, rights.phase);
    // Served a scan early, so that waiting for the next scan does not make it late.
    const serveMs = profile.fallback
      ? Math.max(profile.fallback.watchdogMs / 3 - context.timings.scanMs, context.timings.scanMs)
      : Infinity;
    this.#levels = new LevelImage(
      this.#layout.levels,
      { settleMs: profile.writeMs, serveMs },
      (point, outcome, reason) => this.#report("level", point, outcome, reason),
    );
  }

  get state(): ConnectionState {
    return this.#state;
  }

  /** It answered with something else than the simulator's signature: nothing is ever sent to it again. */
  get isForbidden(): boolean {
    return this.#isForbidden;
  }

  /** Fast reads left out because the ones before were still under way. */
  get skippedReadCount(): number {
    return this.#reads.skippedCount;
  }

  /** A write waits that could go out now. */
  get hasWaitingWrite(): boolean {
    return this.#isUsable && (this.#hasLevelsWaiting || this.#commands.length > 0);
  }

  get #isUsable(): boolean {
    return this.#isConnected && this.#isVerified && !this.#isForbidden;
  }

  // -- connection ------------------------------------------------------------------------------------------------------

  connecting(): void {
    // Only before the first outcome: a device that keeps failing stays `offline`, so that its state does not flicker.
    if (this.#state === "offline" && this.#retryAtMs === -Infinity) this.#setState("connecting");
  }

  connected(): void {
    this.#isConnected = true;
    this.#isVerified = this.#context.mode === "production";
    this.#timeoutCount = 0;
    this.#probedAtMs = -Infinity;
    this.#reads.restart();
  }

  lost(reason: string, nowMs: number): void {
    this.#isConnected = false;
    this.#retryAtMs = nowMs;
    this.#reads.clear();
    this.#levels.forget();
    this.#setState("offline", reason);
  }

  // -- reads -----------------------------------------------------------------------------------------------------------

  /** Makes due reads wait. Commands that waited too long are dropped. */
  poll(mode: PollMode, nowMs: number): void {
    this.#dropExpired();
    if (!this.#isUsable || nowMs < this.#retryAtMs) return;
    if (this.#timeoutCount >= TIMEOUT_COUNT_MAX) {
      if (!this.#isReading) this.#reads.requestOne();
    } else if (mode === "full") {
      this.#reads.requestFull(nowMs, this.#isReading);
    } else if (nowMs - this.#probedAtMs >= PROBE_MS && !this.#reads.isWaiting) {
      this.#probedAtMs = nowMs;
      this.#reads.requestAll(nowMs);
    }
  }

  /** Reads the simulator's signature if that is still owed. @returns Whether the connection is in use now. */
  startVerification(connection: Connection): boolean {
    if (!this.#isConnected || this.#isVerified || this.#isForbidden) return false;
    if (this.#context.clock.monotonicMs() < this.#retryAtMs) return false;
    const { profile, unitId } = this.config;
    const signature = present(profile.signature, "checked when the driver was created");
    const item: ReadItem = {
      slot: -1,
      table: signature.table,
      address: signature.address,
      wordCount: 1,
    };
    const request: ReadRequest = {
      table: item.table,
      address: item.address,
      count: 1,
      items: [item],
    };
    connection.read(unitId, request, this.#requestTimeoutMs, (outcome) => {
      if (outcome.type === "data" && Number(outcome.words[0]) === signature.value) {
        this.#isVerified = true;
        this.#settled("alive");
      } else if (outcome.type === "data") {
        this.#forbid(`answers ${Number(outcome.words[0])} instead of the simulator's signature`);
      } else if (outcome.type === "exception" && !isUnreached(outcome.code)) {
        this.#forbid(`refuses the simulator's signature register with exception ${outcome.code}`);
      } else {
        this.#settled(this.#unanswered(outcome));
      }
    });
    return true;
  }

  /** Sends the next waiting read, if any. @returns Whether the connection is in use now. */
  startRead(connection: Connection): boolean {
    if (!this.#isUsable) return false;
    const read = this.#reads.take();
    if (read === null) return false;
    this.#isReading = true;
    connection.read(this.config.unitId, read.request, this.#requestTimeoutMs, (outcome) => {
      this.#isReading = false;
      this.#settled(this.#readDone(read, outcome));
    });
    return true;
  }

  #readDone(read: ScheduledRead, outcome: Outcome): Sign {
    const nowMs = this.#context.clock.monotonicMs();
    if (outcome.type === "data") {
      this.#take(read, outcome.words, outcome.bytes, nowMs);
      this.#reads.answered(read, nowMs);
    } else if (outcome.type === "exception" && !isUnreached(outcome.code)) {
      const isTransient = outcome.code === ACKNOWLEDGE || outcome.code === BUSY;
      if (!isTransient) {
        const isDivisible = outcome.code !== ILLEGAL_FUNCTION;
        for (const item of this.#reads.refused(read, nowMs, isDivisible)) {
          this.points.refused(item.slot, nowMs);
        }
      }
    } else {
      return this.#unanswered(outcome);
    }
    this.#timeoutCount = 0;
    this.#retryAtMs = nowMs;
    this.#setState(this.#reads.hasRefused ? "degraded" : "online");
    return "alive";
  }

  #take(
    read: ScheduledRead,
    words: ArrayLike<number | boolean>,
    bytes: Buffer,
    nowMs: number,
  ): void {
    const isSame = read.lastBytes !== null && read.lastBytes.equals(bytes);
    const { address, items } = read.request;
    for (const item of items) {
      const at = item.address - address;
      if (isSame) this.points.touched(item.slot, nowMs);
      else this.points.read(item.slot, words, at, nowMs);
      const level = this.#levelOfSlot[item.slot] ?? -1;
      if (level >= 0) this.#levels.readBack(level, words, at, nowMs);
    }
    read.lastBytes = bytes;
  }

  /** After a time-out the other waiting reads would only wait in vain, and hold up the devices behind the same gateway. */
  #unanswered(outcome: Outcome): Sign {
    if (outcome.type === "lost" || outcome.type === "dropped") return "none";
    const nowMs = this.#context.clock.monotonicMs();
    this.#reads.clear();
    this.#probedAtMs = -Infinity;
    this.#timeoutCount++;
    if (this.#timeoutCount >= TIMEOUT_COUNT_MAX) {
      const doubled =
        SILENT_RETRY_MS_MIN * 2 ** Math.min(this.#timeoutCount - TIMEOUT_COUNT_MAX, 8);
      this.#retryAtMs = nowMs + Math.min(doubled, SILENT_RETRY_MS_MAX);
      this.#levels.forget();
      this.#setState("offline", "does not answer");
    } else if (this.#state === "online") {
      this.#setState("degraded", "did not answer in time");
    }
    // A gateway that says so is alive itself.
    return outcome.type === "exception" ? "alive" : "silent";
  }

  // -- writes ----------------------------------------------------------------------------------------------------------

  /** Takes the complete set-points of this device. */
  setLevels(values: ReadonlyMap<string, PointValue>): void {
    for (const point of values.keys()) {
      if (this.#unmappedLevels.has(point)) continue;
      if (this.#layout.levels.some((level) => level.point === point)) continue;
      this.#unmappedLevels.add(point);
      this.#report("level", point, "dropped", "the profile has no such level");
    }
    const changed = this.#levels.replace(values);
    if (this.control === "control" && this.isOwn) this.#hasLevelsWaiting = values.size > 0;
    else this.#levels.reportWould(changed, this.#whyNotWritten());
  }

  reassertLevels(): void {
    this.#levels.forget();
  }

  execute(command: CommandOutput): void {
    if (!this.#layout.commands.has(command.command)) {
      this.#finish(
        command,
        "dropped",
        `profile ${this.config.profile.id} has no command ${command.command}`,
      );
    } else if (!this.isOwn || this.control !== "control") {
      const reason = this.#whyNotWritten();
      this.#report("command", command.command, "wouldWrite", reason);
      this.#context.settled({ id: command.id, fate: "dropped", reason });
    } else if (this.#commands.length >= COMMAND_COUNT_MAX) {
      this.#finish(command, "dropped", `${COMMAND_COUNT_MAX} commands wait already`);
    } else {
      this.#commands.push(command);
    }
  }

  /** Nothing waits any more, and no level is held until the next image. */
  abandonWrites(reason: string): void {
    this.#hasLevelsWaiting = false;
    this.#levels.release();
    for (const command of this.#commands.splice(0)) this.#finish(command, "dropped", reason);
  }

  /** Sends the next waiting write, levels before commands. @returns Whether the connection is in use now. */
  startWrite(connection: Connection): boolean {
    if (!this.#isUsable) return false;
    return this.#startLevels(connection) || this.#startCommand(connection);
  }

  #startLevels(connection: Connection): boolean {
    if (!this.#hasLevelsWaiting) return false;
    this.#hasLevelsWaiting = false;
    const isDue = this.#levels.due(this.#context.clock.monotonicMs());
    if (!isDue.includes(true)) return false;
    const due = isDue.flatMap((is, index) => (is ? [index] : []));
    const epoch = this.#epoch();
    if (epoch === null) {
      this.#levels.dropped(due, "no authority");
      return false;
    }
    const sent = this.#levels.words();
    const writes = planLevelWrites(this.#layout, sent, isDue, epoch);
    if (typeof writes === "string") {
      this.#levels.dropped(due, writes);
      return false;
    }
    const [write] = writes;
    if (write === undefined) return false;
    this.#hasLevelsWaiting = writes.length > 1;
    const { unitId, profile } = this.config;
    connection.write(unitId, write.request, profile.writeMs, this.#admit(epoch), (outcome) => {
      const nowMs = this.#context.clock.monotonicMs();
      if (outcome.type === "acknowledged") this.#levels.acknowledged(write.levels, sent, nowMs);
      else if (outcome.type === "dropped") this.#levels.dropped(write.levels, outcome.reason);
      else if (isRefusal(outcome)) {
        this.#levels.refused(write.levels, sent, textOf(outcome), nowMs);
      } else this.#levels.unanswered(write.levels, textOf(outcome));
      this.#settled(outcome.type === "acknowledged" ? "alive" : "none");
    });
    return true;
  }

  #startCommand(connection: Connection): boolean {
    this.#dropExpired();
    for (;;) {
      const command = this.#commands.shift();
      if (command === undefined) return false;
      const epoch = this.#epoch();
      if (epoch === null) {
        this.#finish(command, "dropped", "no authority");
        continue;
      }
      const sent = this.#levels.words();
      const request = planCommandWrite(this.#layout, command.command, sent, epoch);
      if (typeof request === "string") {
        this.#finish(command, "dropped", request);
        continue;
      }
      const { unitId, profile } = this.config;
      connection.write(unitId, request, profile.writeMs, this.#admit(epoch), (outcome) =>
        this.#commandDone(command, outcome, sent),
      );
      return true;
    }
  }

  #commandDone(
    command: CommandOutput,
    outcome: Outcome,
    sent: readonly (readonly number[] | null)[],
  ): void {
    const carried =
      this.#layout.epochAddress === null ? [] : this.#layout.levels.map((_level, index) => index);
    if (outcome.type === "acknowledged") {
      this.#levels.acknowledged(carried, sent, this.#context.clock.monotonicMs());
      this.#finish(command, "confirmed", "");
    } else if (outcome.type === "dropped") this.#finish(command, "dropped", outcome.reason);
    else if (isRefusal(outcome)) this.#finish(command, "failed", textOf(outcome));
    else {
      this.#levels.unanswered(carried, textOf(outcome));
      this.#finish(command, "unknown", textOf(outcome));
    }
    this.#settled(outcome.type === "acknowledged" ? "alive" : "none");
  }

  #epoch(): number | null {
    const epoch = this.#context.gate.epochForWrite(
      this.#context.grid,
      this.config.id,
      this.config.profile.writeMs,
    );
    if (epoch !== null) this.#lastEpoch = epoch;
    return epoch;
  }

  /** Asked again as the frame goes to the kernel: time has passed, and the frame may carry the epoch. */
  #admit(epoch: number): () => string | null {
    return () => {
      const now = this.#epoch();
      if (now === null) return "no authority";
      return now === epoch ? null : `the epoch changed from ${epoch} to ${now}`;
    };
  }

  #dropExpired(): void {
    if (this.#commands.length === 0) return;
    const plantTimeMs = this.#context.plantTimeMs();
    for (let i = 0; i < this.#commands.length;) {
      const command = present(this.#commands[i], "an index below the length");
      if (plantTimeMs < command.expiresAtPlantMs) i++;
      else {
        this.#commands.splice(i, 1);
        this.#finish(
          command,
          "dropped",
          `not written before it expired; the device is ${this.#state}`,
        );
      }
    }
  }

  #finish(command: CommandOutput, fate: CommandFate["fate"], reason: string): void {
    this.#report("command", command.command, fate, reason);
    this.#context.settled({ id: command.id, fate, reason });
  }

  // -- reports ---------------------------------------------------------------------------------------------------------

  #whyNotWritten(): string {
    return this.isOwn ? `control is ${this.control}` : "the device belongs to another grid";
  }

  #report(
    kind: WriteReport["kind"],
    name: string,
    outcome: WriteReport["outcome"],
    reason: string,
  ): void {
    this.#context.report({
      device: this.config.id,
      epoch: this.#lastEpoch,
      kind,
      name,
      outcome,
      reason,
    });
  }

  #forbid(found: string): void {
    const { id, host, port, unitId } = this.config;
    this.#isForbidden = true;
    this.#setState("offline", found);
    this.abandonWrites("not a simulated device");
    this.#settled("none");
    this.#context.onFatal(
      new RemsError(
        "REMS_NOT_A_SIMULATOR",
        `${id} at ${host}:${port} unit ${unitId} ${found}. In simulation mode R-EMS talks to simulated devices only`,
        { details: { device: id, host, port, unitId } },
      ),
    );
  }

  #setState(state: ConnectionState, reason = ""): void {
    if (this.#state === state) return;
    this.#state = state;
    const level = state === "offline" || state === "degraded" ? "warn" : "info";
    this.#context.log(level, `${this.config.id} is ${state}`, { device: this.config.id, reason });
  }
}

/** A gateway's word that the device behind it was not reached. */
function isUnreached(code: number): boolean {
  return code === GATEWAY_PATH_UNAVAILABLE || code === GATEWAY_TARGET_SILENT;
}

/** An exception by which a write was certainly not done; "acknowledge" and a gateway's time-out leave it open. */
function isRefusal(outcome: Outcome): boolean {
  return (
    outcome.type === "exception" &&
    outcome.code !== ACKNOWLEDGE &&
    outcome.code !== GATEWAY_TARGET_SILENT
  );
}

function textOf(outcome: Outcome): string {
  if (outcome.type === "exception") return `exception ${outcome.code}`;
  if (outcome.type === "timedOut") return "no answer in time";
  return outcome.type === "lost" ? outcome.reason : outcome.type;
}

interface PointPlan {
  readonly points: readonly { id: string; codec: PointCodec }[];
  readonly fast: readonly ReadItem[];
  readonly slow: readonly ReadItem[];
  /** For each point the index of its level, or −1. */
  readonly levelOfSlot: readonly number[];
}

/** The points of a device that are read, each with its slot, and where the device shows them. */
function planPoints(config: DeviceConfig, layout: WriteLayout): PointPlan {
  const points: { id: string; codec: PointCodec }[] = [];
  const fast: ReadItem[] = [];
  const slow: ReadItem[] = [];
  const levelOfSlot: number[] = [];
  for (const mapping of config.profile.points) {
    const at = mapping.readBack ?? (mapping.access === "write" ? null : mapping);
    if (at === null) continue;
    const spec = present(
      DEVICE_KINDS[config.profile.kind].points[mapping.point],
      "checked by layoutWrites",
    );
    const codec = createPointCodec(mapping, spec);
    const slot = points.length;
    points.push({ id: pointId(config.id, mapping.point), codec });
    levelOfSlot.push(layout.levels.findIndex((level) => level.point === mapping.point));
    const item: ReadItem = {
      slot,
      table: at.table,
      address: at.address,
      wordCount: codec.wordCount,
    };
    (mapping.poll === "fast" ? fast : slow).push(item);
  }
  return { points, fast, slow, levelOfSlot };
}
