import type { DeviceConfig } from "../../configs/manifest.ts";
import { present } from "../../kernel/assert.ts";
import type { CommandOutput } from "../../kernel/command.ts";
import { DEVICE_KINDS } from "../../kernel/device-kinds.ts";
import { RemsError } from "../../kernel/errors.ts";
import { pointId, type ConnectionState, type PointValue } from "../../kernel/point.ts";
import type { ControlMode, DeviceHealth, PollMode } from "../../kernel/ports/device-io.ts";
import { createPointCodec, type PointCodec } from "./codec.ts";
import type { Connection } from "./connection.ts";
import type { DeviceContext, Rights } from "./device-context.ts";
import { DeviceWrites } from "./device-writes.ts";
import {
  ACKNOWLEDGE,
  BUSY,
  ILLEGAL_FUNCTION,
  isUnreached,
  type Outcome,
  type Sign,
  textOf,
} from "./outcome.ts";
import { PointImage } from "./point-image.ts";
import { ReadSchedule, type ScheduledRead } from "./read-schedule.ts";
import type { ReadItem, ReadRequest } from "./request-plan.ts";
import { layoutWrites, type WriteLayout } from "./write-plan.ts";

/** Two time-outs make a device offline; this bounds them, so that it is known within 1.5 s whatever a profile says. */
const REQUEST_TIMEOUT_MS_MAX = 600;
/** A read that waits longer than this, and than twice the last answer took, shows that the device is out of reach just now. */
const REACH_SILENCE_MS = 150;
const TIMEOUT_COUNT_MAX = 2;
/** A standby reads every device once in this time: at least once a second, and never old enough to be `uncertain`. */
const PROBE_MS = 900;
const SILENT_RETRY_MS_MIN = 250;
const SILENT_RETRY_MS_MAX = 2000;

/** One device: what is read of it, what is to be written, and how it answers. Its endpoint decides when it may use the connection. */
export class ModbusDevice {
  readonly config: DeviceConfig;
  readonly isOwn: boolean;
  readonly control: ControlMode;
  readonly points: PointImage;
  readonly #context: DeviceContext;
  readonly #levelOfSlot: readonly number[];
  readonly #reads: ReadSchedule;
  readonly #writes: DeviceWrites;
  readonly #requestTimeoutMs: number;
  readonly #settled: (sign: Sign) => void;
  #state: ConnectionState = "offline";
  #stateReason = "";
  #requestCount = 0;
  #answerCount = 0;
  #timeoutTotal = 0;
  #exceptionCount = 0;
  #isConnected = false;
  #isVerified = false;
  #isForbidden = false;
  #isReading = false;
  #readSentAtMs = 0;
  #roundTripMs = 0;
  #timeoutCount = 0;
  #retryAtMs = -Infinity;
  #probedAtMs = -Infinity;

  /** @param settled - Told what each finished exchange says about the connection. */
  constructor(
    config: DeviceConfig,
    rights: Rights & { readonly phase: number },
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
    const layout = layoutWrites(profile);
    const plan = planPoints(config, layout);
    this.#levelOfSlot = plan.levelOfSlot;
    this.points = new PointImage(plan.points, context.timings.staleMs);
    this.#reads = new ReadSchedule(plan, context.timings.staleMs / 2, rights.phase);
    this.#writes = new DeviceWrites(config, rights, layout, context, settled, () => this.#state);
  }

  get state(): ConnectionState {
    return this.#state;
  }

  /** It answered with something else than the simulator's signature: nothing is ever sent to it again. */
  get isForbidden(): boolean {
    return this.#isForbidden;
  }

  health(): DeviceHealth {
    return {
      device: this.config.id,
      state: this.#state,
      reason: this.#stateReason,
      refused: this.#reads.refusedItems().map(({ item, reason }) => ({
        point: this.points.nameOf(item.slot),
        where: `${item.table} ${item.address}`,
        reason,
      })),
      roundTripMs: this.#answerCount === 0 ? null : this.#roundTripMs,
      timeoutMs: this.#requestTimeoutMs,
      requestCount: this.#requestCount,
      timeoutCount: this.#timeoutTotal,
      exceptionCount: this.#exceptionCount,
      skippedCount: this.#reads.skippedCount,
    };
  }

  /** A write waits that could go out now. */
  get hasWaitingWrite(): boolean {
    return this.#isAnswering && this.#writes.isWaiting;
  }

  /** Faster than `offline`: a leader that lost its plant must not wait for time-outs before it hands over. */
  isReached(nowMs: number): boolean {
    if (this.#state !== "online" && this.#state !== "degraded") return false;
    // A read that timed out says no more than one that still waits: only an answer does.
    if (this.#timeoutCount > 0) return false;
    return (
      !this.#isReading ||
      nowMs - this.#readSentAtMs <= Math.max(REACH_SILENCE_MS, 2 * this.#roundTripMs)
    );
  }

  get #isUsable(): boolean {
    return this.#isConnected && this.#isVerified && !this.#isForbidden;
  }

  /** Not silent: a write without an answer would reset the connection under the other devices behind the same gateway. */
  get #isAnswering(): boolean {
    return this.#isUsable && this.#timeoutCount < TIMEOUT_COUNT_MAX;
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
    this.#writes.levels.unconfirm();
    this.#setState("offline", reason);
  }

  // -- reads -----------------------------------------------------------------------------------------------------------

  /** Makes due reads wait. Commands that waited too long are dropped. */
  poll(mode: PollMode, nowMs: number): void {
    this.#writes.dropExpired();
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
    this.#readSentAtMs = this.#context.clock.monotonicMs();
    this.#requestCount++;
    connection.read(this.config.unitId, read.request, this.#requestTimeoutMs, (outcome) => {
      this.#isReading = false;
      this.#settled(this.#readDone(read, outcome));
    });
    return true;
  }

  #readDone(read: ScheduledRead, outcome: Outcome): Sign {
    const nowMs = this.#context.clock.monotonicMs();
    if (outcome.type === "data") {
      this.#answerCount++;
      this.#roundTripMs = nowMs - this.#readSentAtMs;
      this.#take(read, outcome.words, outcome.bytes, nowMs);
      this.#reads.answered(read, nowMs);
    } else if (outcome.type === "exception" && !isUnreached(outcome.code)) {
      this.#exceptionCount++;
      const isTransient = outcome.code === ACKNOWLEDGE || outcome.code === BUSY;
      if (!isTransient) {
        const isDivisible = outcome.code !== ILLEGAL_FUNCTION;
        const reason = textOf(outcome);
        for (const item of this.#reads.refused(read, nowMs, isDivisible, reason)) {
          this.points.refused(item.slot, nowMs);
        }
      }
    } else {
      return this.#unanswered(outcome);
    }
    this.#timeoutCount = 0;
    this.#retryAtMs = nowMs;
    if (this.#reads.hasRefused) this.#setState("degraded", "refuses some of its registers");
    else this.#setState("online");
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
      if (level >= 0) this.#writes.levels.readBack(level, words, at, nowMs);
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
    if (outcome.type === "timedOut") this.#timeoutTotal++;
    if (this.#timeoutCount >= TIMEOUT_COUNT_MAX) {
      const doubled =
        SILENT_RETRY_MS_MIN * 2 ** Math.min(this.#timeoutCount - TIMEOUT_COUNT_MAX, 8);
      this.#retryAtMs = nowMs + Math.min(doubled, SILENT_RETRY_MS_MAX);
      this.#writes.levels.unconfirm();
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
    this.#writes.setLevels(values);
  }

  reassertLevels(): void {
    this.#writes.levels.forget();
  }

  execute(command: CommandOutput): void {
    this.#writes.execute(command);
  }

  /** Nothing waits any more, and no level is held until the next image. */
  abandonWrites(reason: string): void {
    this.#writes.abandonWrites(reason);
  }

  /** Sends the next waiting write, levels before commands. @returns Whether the connection is in use now. */
  startWrite(connection: Connection): boolean {
    return this.#isAnswering && this.#writes.start(connection);
  }

  // -- state -----------------------------------------------------------------------------------------------------------

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
    this.#stateReason = reason;
    const level = state === "offline" || state === "degraded" ? "warn" : "info";
    this.#context.log(level, `${this.config.id} is ${state}`, { device: this.config.id, reason });
  }
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
