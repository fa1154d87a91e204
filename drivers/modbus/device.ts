import type { DeviceConfig } from "../../configs/manifest.ts";
import { present } from "../../kernel/assert.ts";
import type { CommandOutput } from "../../kernel/command.ts";
import { RemsError } from "../../kernel/errors.ts";
import {
  pointId,
  type ConnectionState,
  type PointSample,
  type PointValue,
} from "../../kernel/point.ts";
import type { ControlMode, DeviceHealth, PollMode } from "../../kernel/ports/device-io.ts";
import type { Connection } from "./connection.ts";
import type { DeviceContext, Rights } from "./device-context.ts";
import { brokenGuard, mapDevice, type DeviceMap } from "./device-map.ts";
import { DeviceLayout } from "./device-layout.ts";
import { GuardedReplies, type ReadTimes } from "./guarded-replies.ts";
import { DeviceWrites } from "./device-writes.ts";
import type { FoundLayout } from "./layout-finder.ts";
import { Latency } from "./latency.ts";
import { addressOf } from "./line.ts";
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
import { readLimitsOf, type ReadItem, type ReadRequest } from "./request-plan.ts";

/** Time-outs in a row make a device offline; this bounds them, so that it is known within 1.5 s whatever a profile says. */
const REQUEST_TIMEOUT_MS_MAX = 600;
/** A read that waits longer than this, and than twice the last answer took, shows that the device is out of reach just now. */
const REACH_SILENCE_MS = 150;
const TIMEOUT_COUNT_MAX = 2;
/** A standby reads every device once in this time: at least once a second, and never old enough to be `uncertain`. */
const PROBE_MS = 900;
const SILENT_RETRY_MS_MIN = 250;
const SILENT_RETRY_MS_MAX = 2000;
/**
 * A silent device that shares its line may hold it up for one part in so many of the time at first, for a tenth of that once it has been away
 * for a minute, and is still tried every half minute.
 */
const SHARED_SILENCE_PARTS = 20;
const SHARED_SILENCE_PARTS_MAX = 200;
const SHARED_RETRY_MS_MAX = 30_000;

/** One device: what is read of it, what is to be written, and how it answers. Its endpoint decides when it may use the connection. */
export class ModbusDevice {
  readonly config: DeviceConfig;
  readonly isOwn: boolean;
  readonly #context: DeviceContext;
  readonly #rights: Rights & { readonly phase: number };
  readonly #points: PointImage;
  readonly #layout: DeviceLayout | null;
  #map: DeviceMap;
  #guarded: GuardedReplies;
  #reads: ReadSchedule;
  #writes: DeviceWrites;
  readonly #latency: Latency;
  readonly #settled: (sign: Sign) => void;
  readonly #counts = { request: 0, timeout: 0, exception: 0 };
  #state: ConnectionState;
  #stateReason = "";
  #isConnected = false;
  #isVerified = false;
  #isForbidden = false;
  /** When each read under way was sent, the oldest first. */
  readonly #sentAtMs: number[] = [];
  #freeAtMs = -Infinity;
  #timeoutCount = 0;
  #retryAtMs = -Infinity;
  #probedAtMs = -Infinity;
  /** Others stand behind the same connection. */
  isSharing = false;

  /** @param settled - Told what each finished exchange says about the connection. */
  constructor(
    config: DeviceConfig,
    rights: Rights & { readonly phase: number },
    context: DeviceContext,
    settled: (sign: Sign) => void,
  ) {
    this.config = config;
    this.isOwn = rights.isOwn;
    this.#context = context;
    this.#settled = settled;
    this.#state = config.isInMaintenance ? "maintenance" : "offline";
    const { timings } = context;
    this.#latency = new Latency(Math.min(config.profile.requestTimeoutMs, REQUEST_TIMEOUT_MS_MAX));
    this.#rights = rights;
    this.#layout =
      context.finder === null ? null : new DeviceLayout(config.profile, context.finder);
    this.#map = mapDevice(config, config.profile);
    this.#guarded = new GuardedReplies(this.#map);
    this.#points = new PointImage(this.#map.points, timings.staleMs);
    this.#reads = this.#createReads();
    this.#writes = this.#createWrites();
  }

  #createReads(): ReadSchedule {
    const { timings } = this.#context;
    return new ReadSchedule(this.#map.items, readLimitsOf(this.config), {
      scanMs: timings.scanMs,
      slowMs: timings.staleMs / 2,
      phase: this.#rights.phase,
    });
  }

  #createWrites(): DeviceWrites {
    const stateNow = () => this.#state;
    const { layout } = this.#map;
    return new DeviceWrites(
      this.config,
      this.#rights,
      layout,
      this.#context,
      this.#settled,
      stateNow,
      (point) => this.#points.goodNumber(pointId(this.config.id, point), this.#nowMs()),
    );
  }

  get control(): ControlMode {
    return this.#rights.control;
  }

  get state(): ConnectionState {
    return this.#state;
  }

  /** Nothing is ever sent to it again, or not by choice of ours. */
  get isLeftAlone(): boolean {
    return this.#isForbidden || this.config.isInMaintenance;
  }

  health(): DeviceHealth {
    return {
      device: this.config.id,
      state: this.#state,
      reason: this.#stateReason,
      refused: this.#reads.refusedItems().map(({ item, reason }) => ({
        point: this.#map.points[item.slot]?.id ?? "scale factor or model header",
        where: `${item.table} ${item.address}`,
        reason,
      })),
      points: this.#points.ages(this.#nowMs()),
      roundTripMs: this.#latency.meanMs,
      timeoutMs: this.#latency.timeoutMs,
      requestCount: this.#counts.request,
      timeoutCount: this.#counts.timeout,
      exceptionCount: this.#counts.exception,
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
    const [oldestMs] = this.#sentAtMs;
    const patienceMs = Math.max(REACH_SILENCE_MS, 2 * (this.#latency.meanMs ?? 0));
    return oldestMs === undefined || nowMs - oldestMs <= patienceMs;
  }

  /** Its profile asks for a pause between requests, and that is over then. */
  get freeAtMs(): number {
    return this.#freeAtMs;
  }

  /** It did not answer for so long that asking it holds up whoever shares its line. */
  get isSilent(): boolean {
    return this.#timeoutCount >= TIMEOUT_COUNT_MAX;
  }

  get #isUsable(): boolean {
    const isLaidOut = this.#layout?.isFound !== false;
    return this.#isConnected && this.#isVerified && isLaidOut && !this.isLeftAlone;
  }

  /** Not silent: a write without an answer would reset the connection under the other devices behind the same gateway. */
  get #isAnswering(): boolean {
    return this.#isUsable && !this.isSilent;
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
    this.#latency.settle();
    this.#probedAtMs = -Infinity;
    // It may be another device at the same address, or the same with other firmware.
    this.#layout?.restart();
    this.#guarded.clear();
    this.#reads.restart();
  }

  lost(reason: string, nowMs: number): void {
    this.#isConnected = false;
    this.#retryAtMs = nowMs;
    this.#sentAtMs.length = 0;
    this.#reads.clear();
    this.#writes.levels.unconfirm();
    if (!this.isLeftAlone) this.#setState("offline", reason);
  }

  // -- reads -----------------------------------------------------------------------------------------------------------

  /** Makes due reads wait. Commands that waited too long are dropped. */
  poll(mode: PollMode, nowMs: number): void {
    this.#writes.dropExpired();
    this.#writes.watch(nowMs);
    if (!this.#isUsable || nowMs < this.#retryAtMs) return;
    if (this.isSilent) {
      if (this.#sentAtMs.length === 0) this.#reads.requestOne();
    } else if (mode === "full") {
      this.#reads.requestFull(nowMs);
    } else if (nowMs - this.#probedAtMs >= PROBE_MS && !this.#reads.isWaiting) {
      this.#probedAtMs = nowMs;
      this.#reads.requestAll(nowMs);
    }
  }

  /** Reads what is owed before the device may be used: the simulator's signature, then where it keeps what. @returns Whether a request was sent. */
  startVerification(connection: Connection): boolean {
    if (!this.#isConnected || this.isLeftAlone) return false;
    if (this.#isVerified && this.#layout?.isFound !== false) return false;
    if (this.#nowMs() < this.#retryAtMs || this.#sentAtMs.length > 0) return false;
    if (this.#isVerified) return this.#startLayout(connection);
    const { table, address, value } = present(
      this.config.profile.signature,
      "checked when the driver was created",
    );
    const request: ReadRequest = { table, address, count: 1, items: [] };
    this.#send(connection, request, (outcome) => {
      if (outcome.type === "data") {
        const [found = 0] = outcome.words;
        if (found === value) {
          this.#isVerified = true;
          this.#settled("alive");
        } else this.#forbid(`answers ${found} instead of the simulator's signature`);
      } else if (outcome.type === "exception" && !isUnreached(outcome.code)) {
        this.#forbid(`refuses the simulator's signature register with exception ${outcome.code}`);
      } else this.#settled(this.#unanswered(outcome));
    });
    return true;
  }

  /** Asks the device where it keeps what its profile needs, one read after the other. */
  #startLayout(connection: Connection): boolean {
    const layout = present(this.#layout, "only where it is owed");
    const nowMs = this.#nowMs();
    if (nowMs < layout.retryAtMs || nowMs < this.#freeAtMs) return false;
    const need = layout.need();
    const request: ReadRequest = { ...need, table: "holding", items: [] };
    this.#send(connection, request, (outcome, tookMs) => {
      const isAnswer =
        outcome.type === "data" || (outcome.type === "exception" && !isUnreached(outcome.code));
      const sign = isAnswer ? "alive" : this.#unanswered(outcome);
      if (isAnswer) {
        this.#latency.answered(tookMs);
        this.#timeoutCount = 0;
      }
      // A device that says nothing to a guess is asked for the next one, in its time.
      if (isAnswer) {
        const words = outcome.type === "data" ? outcome.words : null;
        this.#layoutAnswered(layout.answered(words, this.#nowMs()));
      } else if (need.isGuess && outcome.type === "timedOut") {
        this.#layoutAnswered(layout.unanswered(this.#nowMs()));
      }
      this.#settled(sign);
    });
    return true;
  }

  #layoutAnswered(found: FoundLayout | string | null): void {
    if (found === null) return;
    if (typeof found === "string") {
      if (this.#state !== "offline" || this.#timeoutCount === 0) this.#setState("faulted", found);
      return;
    }
    this.#writes.abandonWrites("its registers were found anew");
    try {
      this.#map = mapDevice(this.config, this.config.profile, found);
    } catch (error) {
      // A device that describes itself so that it cannot be read or written is its own fault, not ours.
      if (!(error instanceof RemsError)) throw error;
      this.#layout?.reject(this.#nowMs());
      this.#setState("faulted", error.message);
      return;
    }
    this.#guarded = new GuardedReplies(this.#map);
    this.#points.remap(this.#map.points);
    this.#reads = this.#createReads();
    this.#writes = this.#createWrites();
  }

  /** What the device says about its registers does not hold any more: nothing is believed until it is found anew. */
  #lostLayout(what: string): void {
    const layout = present(this.#layout, "only a layout has guards");
    layout.restart();
    this.#guarded.clear();
    this.#reads.clear();
    this.#points.remap(this.#map.points);
    this.#writes.abandonWrites(what);
    this.#setState("degraded", what);
  }

  /** Sends the next waiting read, if any. @returns Whether a request was sent. */
  startRead(connection: Connection): boolean {
    if (!this.#isUsable || this.#nowMs() < this.#freeAtMs) return false;
    const read = this.#reads.take();
    if (read === null) return false;
    const sentAtMs = this.#nowMs();
    this.#send(connection, read.request, (outcome, tookMs) =>
      this.#settled(this.#readDone(read, outcome, sentAtMs, tookMs)),
    );
    return true;
  }

  #send(
    connection: Connection,
    request: ReadRequest,
    done: (outcome: Outcome, tookMs: number) => void,
  ): void {
    const sentAtMs = this.#nowMs();
    this.#sentAtMs.push(sentAtMs);
    this.#counts.request++;
    connection.read(this.config.unitId, request, this.#latency.timeoutMs, (outcome) => {
      const nowMs = this.#nowMs();
      const at = this.#sentAtMs.indexOf(sentAtMs);
      if (at >= 0) this.#sentAtMs.splice(at, 1);
      this.#freeAtMs = nowMs + this.config.profile.modbus.gapMs;
      // Without transactions a late answer would be taken for that of the next read: the device is left alone until none can come.
      if (outcome.type === "timedOut" && !connection.hasTransactions)
        this.#retryAtMs = sentAtMs + this.config.profile.requestTimeoutMs;
      done(outcome, nowMs - sentAtMs);
    });
  }

  #readDone(read: ScheduledRead, outcome: Outcome, sentAtMs: number, tookMs: number): Sign {
    const nowMs = this.#nowMs();
    if (outcome.type === "data") {
      this.#latency.answered(tookMs);
      this.#take(read, outcome, sentAtMs, nowMs);
      this.#reads.answered(read, nowMs);
    } else if (outcome.type === "exception" && !isUnreached(outcome.code)) {
      this.#counts.exception++;
      this.#latency.answered(tookMs);
      this.#refused(read, outcome, sentAtMs, nowMs);
    } else {
      this.#reads.failed(read);
      return this.#unanswered(outcome);
    }
    this.#timeoutCount = 0;
    this.#retryAtMs = nowMs;
    if (this.#reads.isAllRefused) this.#setState("faulted", "refuses every register");
    else if (this.#layout?.isFound === false) return "alive";
    else if (this.#reads.hasRefused) this.#setState("degraded", "refuses some of its registers");
    else if (this.#layout?.lacks) this.#setState("degraded", `lacks ${this.#layout.lacks}`);
    else this.#setState("online");
    return "alive";
  }

  #refused(
    read: ScheduledRead,
    outcome: Outcome & { type: "exception" },
    sentAtMs: number,
    nowMs: number,
  ): void {
    if (outcome.code === ACKNOWLEDGE || outcome.code === BUSY) {
      this.#reads.failed(read);
      return;
    }
    const isDivisible = outcome.code !== ILLEGAL_FUNCTION;
    for (const item of this.#reads.refused(read, nowMs, isDivisible, textOf(outcome))) {
      if (item.slot < this.#map.points.length) {
        this.#points.refused(item.slot, nowMs);
        this.#points.asked(item.slot, sentAtMs);
      }
    }
  }

  #take(
    read: ScheduledRead,
    { words, bytes }: Outcome & { type: "data" },
    sentAtMs: number,
    nowMs: number,
  ): void {
    const { request } = read;
    const isSame = read.lastBytes?.equals(bytes) === true;
    read.lastBytes = bytes;
    if (this.#map.guards.length === 0) {
      this.#believe(request, request.items, words, { sentAtMs, readAtMs: nowMs }, isSame);
      return;
    }
    // What a reply of before the layout was lost says is nobody's any more.
    if (this.#layout?.isFound === false) return;
    const broken = isSame ? null : brokenGuard(this.#map, request, words);
    if (broken !== null) return this.#lostLayout(broken);
    for (const held of this.#guarded.proved(request, sentAtMs))
      this.#believe(held.request, held.items, held.words, held, false);
    const times = { sentAtMs, readAtMs: nowMs };
    this.#believe(request, this.#guarded.ready(request), words, times, isSame);
    this.#reads.requestSlots(this.#guarded.hold(request, words, times), nowMs);
  }

  /** @param isSame - The last reply to this request was believed, and said the same. */
  #believe(
    request: ReadRequest,
    items: readonly ReadItem[],
    words: readonly number[],
    { sentAtMs, readAtMs }: ReadTimes,
    isSame: boolean,
  ): void {
    for (const { slot, address } of items) {
      const at = address - request.address;
      if (isSame) this.#points.touched(slot, readAtMs);
      else this.#points.read(slot, words, at, readAtMs);
      this.#points.asked(slot, sentAtMs);
      const level = this.#map.levelOfSlot[slot] ?? -1;
      if (level >= 0) this.#writes.levels.readBack(level, words, at, readAtMs);
    }
  }

  /** After a time-out the other waiting reads would only wait in vain, and hold up the devices behind the same gateway. */
  #unanswered(outcome: Outcome): Sign {
    if (outcome.type === "lost" || outcome.type === "dropped") return "none";
    const nowMs = this.#nowMs();
    this.#reads.clear();
    this.#probedAtMs = -Infinity;
    this.#timeoutCount++;
    if (outcome.type === "timedOut") this.#counts.timeout++;
    if (this.isSilent) {
      this.#latency.settle();
      this.#retryAtMs = Math.max(this.#retryAtMs, nowMs + this.#silentRetryMs());
      this.#writes.levels.unconfirm();
      this.#setState("offline", `does not answer (${textOf(outcome)})`);
    } else {
      this.#latency.timedOut();
      if (this.#state === "online") this.#setState("degraded", "did not answer in time");
    }
    // A gateway that says so is alive itself.
    return outcome.type === "exception" ? "alive" : "silent";
  }

  #silentRetryMs(): number {
    const retryCount = Math.min(this.#timeoutCount - TIMEOUT_COUNT_MAX, 8);
    const aloneMs = Math.min(SILENT_RETRY_MS_MIN * 2 ** retryCount, SILENT_RETRY_MS_MAX);
    if (!this.isSharing || retryCount === 0) return aloneMs;
    const parts = Math.min(SHARED_SILENCE_PARTS * 2 ** (retryCount - 1), SHARED_SILENCE_PARTS_MAX);
    const sharedMs = Math.min(parts * this.#latency.timeoutMs, SHARED_RETRY_MS_MAX);
    return Math.max(aloneMs, sharedMs);
  }

  drain(into: PointSample[], nowMs: number): void {
    this.#points.drain(into, nowMs);
  }

  all(into: PointSample[], nowMs: number): void {
    this.#points.all(into, nowMs);
  }

  // -- writes ----------------------------------------------------------------------------------------------------------

  /** Takes the complete set-points of this device. */
  setLevels(values: ReadonlyMap<string, PointValue>): void {
    this.#writes.setLevels(values);
  }

  beginLeadership(): void {
    this.#writes.levels.forget();
    this.#points.tellAgain(this.#nowMs());
  }

  execute(command: CommandOutput): void {
    this.#writes.execute(command);
  }

  /** Nothing waits any more, and no level is held until the next image. */
  abandonWrites(reason: string): void {
    this.#writes.abandonWrites(reason);
  }

  /** Sends the next waiting write, levels before commands. @returns Whether a request was sent. */
  startWrite(connection: Connection): boolean {
    return this.#isAnswering && this.#nowMs() >= this.#freeAtMs && this.#writes.start(connection);
  }

  // -- state -----------------------------------------------------------------------------------------------------------

  #nowMs(): number {
    return this.#context.clock.monotonicMs();
  }

  #forbid(found: string): void {
    const { id, unitId } = this.config;
    const where = addressOf(this.config);
    this.#isForbidden = true;
    this.#setState("faulted", found);
    this.abandonWrites("not a simulated device");
    this.#settled("none");
    this.#context.onFatal(
      new RemsError(
        "REMS_NOT_A_SIMULATOR",
        `${id} at ${where} unit ${unitId} ${found}. In simulation mode R-EMS talks to simulated devices only`,
        { details: { device: id, where, unitId } },
      ),
    );
  }

  #setState(state: ConnectionState, reason = ""): void {
    this.#stateReason = reason;
    if (this.#state === state) return;
    this.#state = state;
    const isBad = state === "offline" || state === "degraded" || state === "faulted";
    this.#context.log(isBad ? "warn" : "info", `${this.config.id} is ${state}`, {
      device: this.config.id,
      reason,
    });
  }
}
