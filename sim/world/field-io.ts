import type { CommandFate, CommandOutput, LevelOutput } from "../../kernel/command.ts";
import type {
  ConnectionSample,
  ConnectionState,
  PointSample,
  PointValue,
} from "../../kernel/point.ts";
import { pointId } from "../../kernel/point.ts";
import type { Timer } from "../../kernel/ports/clock.ts";
import type {
  DeviceChanges,
  DeviceHealth,
  DeviceIo,
  PollMode,
} from "../../kernel/ports/device-io.ts";
import { TIMING_SETS } from "../../kernel/timings.ts";
import type { Field, FieldPort } from "./field.ts";

/** A standby reads each device so often: as drivers/modbus, and never old enough to be uncertain. */
const PROBE_MS = 900;
/** A point that was not read for so long is uncertain. */
const STALE_MS = TIMING_SETS.default.staleMs;
const RECONNECT_MS = 200;
const CONNECT_TIMEOUT_MS = 500;
const READ_TIMEOUT_MS = 150;
/** Reads in a row without an answer after which the connection is given up. */
const UNANSWERED_MAX = 2;
const COMMAND_COUNT_MAX = 16;
const SLOT_RELEASE_MS = 800;
/** Served a scan early, so that waiting for the next does not make it late. */
const SCAN_MS = 100;

interface Waiting {
  readonly sequence: number;
  readonly values: ReadonlyMap<string, PointValue>;
}

/**
 * One node's driver of the devices of one grid, as drivers/modbus behaves: one request at a time on a connection, the gate asked as the
 * request goes out, a write without an answer in time resets the connection. What it sends is data in the world, not bytes.
 */
export class FieldIo implements DeviceIo {
  readonly #links: readonly DeviceLink[];
  readonly #byDevice: ReadonlyMap<string, DeviceLink>;
  readonly #port: FieldPort;
  readonly #writeMs: number;
  #fates: CommandFate[] = [];
  #settled: (() => void) | null = null;

  constructor(field: Field, port: FieldPort) {
    this.#port = port;
    this.#writeMs = field.options.writeMs;
    const report = (fate: CommandFate) => void this.#fates.push(fate);
    const progressed = () => this.#settleIfIdle();
    this.#links = port.devices.map(
      ({ id, isOwn }) => new DeviceLink(field, port, id, isOwn, report, progressed),
    );
    this.#byDevice = new Map(this.#links.map((link) => [link.device, link]));
  }

  poll(mode: PollMode): void {
    for (const link of this.#links) link.poll(mode);
  }

  drain(): DeviceChanges {
    const points: PointSample[] = [];
    const connections: ConnectionSample[] = [];
    for (const link of this.#links) link.drain(points, connections);
    const fates = this.#fates;
    this.#fates = [];
    return { points, connections, fates };
  }

  image(): Pick<DeviceChanges, "points" | "connections"> {
    const points: PointSample[] = [];
    const connections: ConnectionSample[] = [];
    for (const link of this.#links) link.image(points, connections);
    return { points, connections };
  }

  connection(device: string): ConnectionState {
    return this.#byDevice.get(device)?.state ?? "offline";
  }

  health(): readonly DeviceHealth[] {
    return this.#links.map(({ device, state }) => ({
      device,
      state,
      reason: "",
      refused: [],
      points: [],
      roundTripMs: null,
      timeoutMs: READ_TIMEOUT_MS,
      requestCount: 0,
      timeoutCount: 0,
      exceptionCount: 0,
      skippedCount: 0,
    }));
  }

  writeLevels(levels: readonly LevelOutput[], sequence: number): void {
    const byDevice = new Map<string, Map<string, PointValue>>();
    for (const { device, point, value } of levels) {
      const values = byDevice.get(device) ?? new Map<string, PointValue>();
      byDevice.set(device, values.set(point, value));
    }
    for (const link of this.#links) {
      const values = byDevice.get(link.device);
      if (values !== undefined) link.writeLevels({ sequence, values });
    }
  }

  beginLeadership(): void {
    for (const link of this.#links) link.beginLeadership();
  }

  execute(command: CommandOutput): void {
    const link = this.#byDevice.get(command.device);
    if (link !== undefined) link.execute(command);
    else this.#fates.push({ id: command.id, fate: "dropped", reason: "there is no such device" });
  }

  abandonWrites(): void {
    for (const link of this.#links) link.abandonWrites("the controller does not lead any more");
  }

  settleWrites(done: () => void): void {
    const { clock } = this.#port;
    this.#settled = done;
    clock.at(clock.monotonicMs(), () => this.#settleIfIdle());
    clock.at(clock.monotonicMs() + 2 * this.#writeMs, () => {
      if (this.#settled !== done) return;
      for (const link of this.#links) link.abandonWaiting("the controller hands over");
      this.#settleIfIdle();
    });
  }

  reach(): { readonly reachedCount: number; readonly criticalCount: number } {
    const critical = this.#links.filter((link) => link.isCritical);
    return {
      reachedCount: critical.filter(({ state }) => state === "online").length,
      criticalCount: critical.length,
    };
  }

  onWrite(): void {}

  close(): Promise<void> {
    for (const link of this.#links) link.close();
    return Promise.resolve();
  }

  #settleIfIdle(): void {
    if (this.#settled === null || this.#links.some((link) => link.isWriting)) return;
    const done = this.#settled;
    this.#settled = null;
    done();
  }
}

/** One node's connection to one device. */
class DeviceLink {
  readonly device: string;
  readonly isCritical: boolean;
  state: ConnectionState = "offline";
  readonly #field: Field;
  readonly #port: FieldPort;
  readonly #report: (fate: CommandFate) => void;
  readonly #progressed: () => void;
  /** The connection that stands now; what belongs to another is dead. */
  #connection: { isReset: boolean } | null = null;
  #exchange: { readonly isWrite: boolean; readonly lost: (reason: string) => void } | null = null;
  #timer: Timer | null = null;
  #nextConnectMs = -Infinity;
  #lastProbeMs = -Infinity;
  #isReadDue = false;
  #unansweredCount = 0;
  #isClosed = false;
  /** By point. */
  readonly #image = new Map<string, PointSample>();
  readonly #changed = new Set<string>();
  /** All points are told again once they were read by a request sent from then on. */
  #owedFromMs: number | null = null;
  /** When the last whole answer came, this node's clock. */
  #readAtMs = -Infinity;
  #drainedState: ConnectionState | null = null;
  readonly #confirmed = new Map<string, PointValue>();
  /** Levels are written at least so often, to keep the watchdog content. */
  readonly #serveMs: number;
  #servedAtMs = -Infinity;
  #levels: Waiting | null = null;
  #commands: CommandOutput[] = [];

  constructor(
    field: Field,
    port: FieldPort,
    device: string,
    isOwn: boolean,
    report: (fate: CommandFate) => void,
    progressed: () => void,
  ) {
    this.#field = field;
    this.#port = port;
    this.device = device;
    this.isCritical = isOwn && field.device(device).isCritical;
    const { watchdogMs } = field.device(device);
    this.#serveMs = watchdogMs === null ? Number.POSITIVE_INFINITY : watchdogMs / 3 - SCAN_MS;
    this.#report = report;
    this.#progressed = progressed;
  }

  /** A write is under way, or waits on a connection that stands. */
  get isWriting(): boolean {
    if (this.#exchange?.isWrite === true) return true;
    return this.state === "online" && (this.#levels !== null || this.#commands.length > 0);
  }

  poll(mode: PollMode): void {
    const nowMs = this.#port.clock.monotonicMs();
    const isShared = !this.#field.device(this.device).hasOneMaster;
    if (this.state === "offline") {
      if (mode === "full" || isShared) this.#connect(nowMs);
      return;
    }
    if (mode === "probe" && nowMs - this.#lastProbeMs < PROBE_MS) return;
    if (this.state !== "online") return;
    // Writes go first: a read that is due waits for them, it is not left out.
    this.#isReadDue = true;
    this.#pump();
  }

  drain(points: PointSample[], connections: ConnectionSample[]): void {
    this.#ageImage();
    for (const point of this.#changed) {
      const sample = this.#image.get(point);
      if (sample !== undefined) points.push(sample);
    }
    this.#changed.clear();
    if (this.#drainedState === this.state) return;
    this.#drainedState = this.state;
    connections.push([this.device, this.state]);
  }

  image(points: PointSample[], connections: ConnectionSample[]): void {
    this.#ageImage();
    this.#changed.clear();
    this.#drainedState = this.state;
    points.push(...this.#image.values());
    connections.push([this.device, this.state]);
  }

  /** What was not read for too long is not good any more; the next answer makes it good again. */
  #ageImage(): void {
    if (this.#port.clock.monotonicMs() - this.#readAtMs <= STALE_MS) return;
    for (const [point, [id, value, quality]] of this.#image) {
      if (quality !== "good") continue;
      this.#image.set(point, [id, value, "uncertain"]);
      this.#changed.add(point);
    }
  }

  writeLevels(levels: Waiting): void {
    this.#levels = levels;
    this.#pump();
  }

  beginLeadership(): void {
    this.#confirmed.clear();
    this.#owedFromMs = this.#port.clock.monotonicMs();
  }

  execute(command: CommandOutput): void {
    if (this.#commands.length >= COMMAND_COUNT_MAX || this.state !== "online") {
      this.#report({ id: command.id, fate: "dropped", reason: `the device is ${this.state}` });
      return;
    }
    this.#commands.push(command);
    this.#pump();
  }

  abandonWaiting(reason: string): void {
    this.#levels = null;
    for (const command of this.#commands.splice(0))
      this.#report({ id: command.id, fate: "dropped", reason });
  }

  abandonWrites(reason: string): void {
    this.abandonWaiting(reason);
    if (this.#exchange?.isWrite === true) this.#reset(reason);
  }

  close(): void {
    this.#isClosed = true;
    this.#reset("closed");
  }

  // --- the connection ---

  #connect(nowMs: number): void {
    if (nowMs < this.#nextConnectMs || this.#isClosed) return;
    const connection = { isReset: false };
    this.#connection = connection;
    this.state = "connecting";
    const { node, clock, run } = this.#port;
    this.#timer = clock.at(nowMs + CONNECT_TIMEOUT_MS, () => this.#reset("no connection in time"));
    this.#field.carry(node, this.device, 0, () => {
      if (connection.isReset) return;
      const isAdmitted = this.#field.admit(this.device, connection);
      this.#field.carry(node, this.device, 0, () =>
        run(() => {
          if (connection !== this.#connection) return;
          this.#timer?.cancel();
          if (!isAdmitted) return this.#reset("the device has another master");
          this.state = "online";
          this.#unansweredCount = 0;
          this.#pump();
          if (this.#exchange === null) this.#read();
        }),
      );
    });
  }

  /** What the kernel still holds is discarded; what is on the wire arrives. */
  #reset(reason: string): void {
    const connection = this.#connection;
    if (connection === null) return;
    connection.isReset = true;
    this.#connection = null;
    this.state = "offline";
    this.#timer?.cancel();
    this.#nextConnectMs = this.#port.clock.monotonicMs() + RECONNECT_MS;
    const { node } = this.#port;
    const release = () => this.#field.release(this.device, connection);
    this.#field.carry(node, this.device, 0, release);
    // A device that hears nothing frees the place by itself.
    const { clock } = this.#field.options;
    clock.at(clock.monotonicMs() + SLOT_RELEASE_MS, release);
    const exchange = this.#exchange;
    this.#exchange = null;
    exchange?.lost(reason);
    this.#progressed();
  }

  /**
   * One request and its answer. `act` runs at the device; `done` gets what it gave, or undefined where nothing came in time.
   * @param departMs - The process stands still so long before the request goes out.
   */
  #exchangeWith<T>(
    isWrite: boolean,
    timeoutMs: number,
    departMs: number,
    act: () => T,
    done: (answer: T | undefined, reason: string) => void,
  ): void {
    const connection = this.#connection;
    if (connection === null) return;
    const { node, clock, run } = this.#port;
    const exchange = { isWrite, lost: (reason: string) => done(undefined, reason) };
    this.#exchange = exchange;
    const end = (answer: T | undefined, reason: string) => {
      if (this.#exchange !== exchange) return;
      this.#timer?.cancel();
      this.#exchange = null;
      done(answer, reason);
      this.#pump();
      this.#progressed();
    };
    this.#timer = clock.at(clock.monotonicMs() + timeoutMs, () => {
      if (this.#exchange !== exchange) return;
      if (isWrite || ++this.#unansweredCount >= UNANSWERED_MAX) this.#reset("no answer in time");
      else end(undefined, "no answer in time");
    });
    const { delayMs = 0 } = this.#field.faultsOf(this.device);
    this.#field.carry(node, this.device, departMs + delayMs, (wasHeld) => {
      if (wasHeld && connection.isReset) return;
      const answer = act();
      if (this.#field.faultsOf(this.device).isSilent === true || connection.isReset) return;
      this.#field.carry(node, this.device, 0, () =>
        run(() => {
          if (connection !== this.#connection) return;
          this.#unansweredCount = 0;
          end(answer, "");
        }),
      );
    });
  }

  // --- requests ---

  #read(): void {
    const device = this.#field.device(this.device);
    const sentAtMs = this.#port.clock.monotonicMs();
    this.#exchangeWith(
      false,
      READ_TIMEOUT_MS,
      0,
      () => device.read(),
      (values) => {
        if (values === undefined) return;
        this.#readAtMs = this.#port.clock.monotonicMs();
        const isOwed = this.#owedFromMs !== null && sentAtMs >= this.#owedFromMs;
        if (isOwed) this.#owedFromMs = null;
        for (const [point, value, quality = "good"] of values) {
          const known = this.#image.get(point);
          if (known?.[1] === value && known[2] === quality && !isOwed) continue;
          this.#image.set(point, [pointId(this.device, point), value, quality]);
          this.#changed.add(point);
        }
      },
    );
  }

  #pump(): void {
    if (this.state !== "online" || this.#exchange !== null) return;
    if (this.#sendLevels()) return;
    this.#sendCommand();
    if (this.#exchange !== null || !this.#isReadDue) return;
    this.#isReadDue = false;
    this.#lastProbeMs = this.#port.clock.monotonicMs();
    this.#read();
  }

  #sendLevels(): boolean {
    const waiting = this.#levels;
    this.#levels = null;
    if (waiting === null) return false;
    const nowMs = this.#port.clock.monotonicMs();
    const isServed = nowMs - this.#servedAtMs < this.#serveMs;
    const values = [...waiting.values].filter(
      ([point, value]) => !isServed || this.#confirmed.get(point) !== value,
    );
    if (values.length === 0) return false;
    return this.#write("level", waiting.sequence, values, (isAccepted) => {
      if (isAccepted !== true) return;
      this.#servedAtMs = nowMs;
      for (const [point, value] of values) this.#confirmed.set(point, value);
    });
  }

  #sendCommand(): void {
    const command = this.#commands.shift();
    if (command === undefined) return;
    const { id } = command;
    const sequence = Number(id.split(":")[1]);
    const isSent = this.#write("command", sequence, [[command.command, id]], (isAccepted, reason) =>
      this.#report({
        id,
        fate: isAccepted === undefined ? "unknown" : isAccepted ? "confirmed" : "failed",
        reason,
      }),
    );
    if (!isSent) this.#report({ id, fate: "dropped", reason: "no authority" });
  }

  #write(
    kind: "level" | "command",
    sequence: number,
    values: readonly (readonly [string, PointValue])[],
    done: (isAccepted: boolean | undefined, reason: string) => void,
  ): boolean {
    const { grid, node, gate, stallAfterGateMs } = this.#port;
    const { writeMs, clock } = this.#field.options;
    const epoch = gate.epochForWrite(grid, this.device, writeMs);
    if (epoch === null) return false;
    const gatedAtMs = clock.monotonicMs();
    const write = { grid, node, device: this.device, epoch, sequence, kind, values, gatedAtMs };
    this.#exchangeWith(true, writeMs, stallAfterGateMs(), () => this.#field.take(write), done);
    return true;
  }
}
