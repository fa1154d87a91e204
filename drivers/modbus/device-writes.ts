import type { DeviceConfig } from "../../configs/manifest.ts";
import { present } from "../../kernel/assert.ts";
import type { CommandFate, CommandOutput } from "../../kernel/command.ts";
import type { ConnectionState, PointValue } from "../../kernel/point.ts";
import type { WriteReport } from "../../kernel/ports/device-io.ts";
import type { Connection } from "./connection.ts";
import type { DeviceContext, Rights } from "./device-context.ts";
import { LevelImage } from "./level-image.ts";
import { LevelWatch } from "./level-watch.ts";
import { isRefusal, textOf, type Outcome, type Sign } from "./outcome.ts";
import { planCommandWrite, planLevelWrites, type WriteLayout } from "./write-plan.ts";

const COMMAND_COUNT_MAX = 16;

/** What one device is told: its set-points, its waiting commands, and what became of them. */
export class DeviceWrites {
  readonly levels: LevelImage;
  readonly #watch: LevelWatch;
  readonly #valueOf: (point: string) => number | null;
  /** Set-points that hold now. */
  #wanted: ReadonlyMap<string, number> = new Map();
  readonly #config: DeviceConfig;
  readonly #rights: Rights;
  readonly #layout: WriteLayout;
  readonly #context: DeviceContext;
  readonly #settled: (sign: Sign) => void;
  readonly #stateNow: () => ConnectionState;
  readonly #commands: CommandOutput[] = [];
  readonly #unmappedLevels = new Set<string>();
  #hasLevelsWaiting = false;
  #lastEpoch = 0;

  /**
   * @param settled - Told what each finished exchange says about the connection.
   * @param stateNow - State of the connection, for reasons.
   * @param valueOf - A measured value of the device where it is good.
   */
  constructor(
    config: DeviceConfig,
    rights: Rights,
    layout: WriteLayout,
    context: DeviceContext,
    settled: (sign: Sign) => void,
    stateNow: () => ConnectionState,
    valueOf: (point: string) => number | null,
  ) {
    this.#config = config;
    this.#rights = rights;
    this.#layout = layout;
    this.#context = context;
    this.#settled = settled;
    this.#stateNow = stateNow;
    this.#valueOf = valueOf;
    const { profile } = config;
    // Served a scan early, so that waiting for the next scan does not make it late.
    const serveMs = profile.fallback
      ? Math.max(profile.fallback.watchdogMs / 3 - context.timings.scanMs, context.timings.scanMs)
      : Infinity;
    this.levels = new LevelImage(
      layout.levels,
      { settleMs: profile.writeMs, serveMs },
      (point, outcome, reason) => this.#reportLevel(point, outcome, reason),
    );
    this.#watch = new LevelWatch(
      layout.levels.map(({ point, mapping }) => ({ point, supervision: mapping.supervision })),
      (point, outcome, reason) => this.#report("level", point, outcome, reason),
    );
  }

  get isWaiting(): boolean {
    return this.#hasLevelsWaiting || this.#commands.length > 0;
  }

  /** Takes the complete set-points of this device. */
  setLevels(values: ReadonlyMap<string, PointValue>): void {
    for (const point of values.keys()) {
      if (this.#unmappedLevels.has(point)) continue;
      if (this.#layout.levels.some((level) => level.point === point)) continue;
      this.#unmappedLevels.add(point);
      this.#report("level", point, "dropped", "the profile has no such level");
    }
    const changed = this.levels.replace(values);
    this.#wanted = new Map(
      [...values].flatMap(([point, value]) =>
        typeof value === "number" ? [[point, value] as const] : [],
      ),
    );
    if (this.#rights.control === "control" && this.#rights.isOwn)
      this.#hasLevelsWaiting = values.size > 0;
    else this.levels.reportWould(changed, this.#whyNotWritten());
  }

  execute(command: CommandOutput): void {
    if (!this.#layout.commands.has(command.command)) {
      this.#finish(
        command,
        "dropped",
        `profile ${this.#config.profile.id} has no command ${command.command}`,
      );
    } else if (!this.#rights.isOwn || this.#rights.control !== "control") {
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
    this.#wanted = new Map();
    this.#watch.clear();
    this.levels.release();
    for (const command of this.#commands.splice(0)) this.#finish(command, "dropped", reason);
  }

  /** Sends the next waiting write, levels before commands. @returns Whether the connection is in use now. */
  start(connection: Connection): boolean {
    return this.#startLevels(connection) || this.#startCommand(connection);
  }

  #startLevels(connection: Connection): boolean {
    if (!this.#hasLevelsWaiting) return false;
    this.#hasLevelsWaiting = false;
    const isDue = this.levels.due(this.#context.clock.monotonicMs());
    if (!isDue.includes(true)) return false;
    const due = isDue.flatMap((is, index) => (is ? [index] : []));
    const epoch = this.#epoch();
    if (epoch === null) {
      this.levels.dropped(due, "no authority");
      return false;
    }
    const sent = this.levels
      .words()
      .map((words, index) => (this.levels.isSpared(index) && isDue[index] !== true ? null : words));
    const writes = planLevelWrites(this.#layout, sent, isDue, epoch);
    if (typeof writes === "string") {
      this.levels.dropped(due, writes);
      return false;
    }
    const [write] = writes;
    if (write === undefined) return false;
    this.#hasLevelsWaiting = writes.length > 1;
    const { unitId, profile } = this.#config;
    connection.write(unitId, write.request, profile.writeMs, this.#admit(epoch), (outcome) => {
      const nowMs = this.#context.clock.monotonicMs();
      if (outcome.type !== "dropped") this.levels.spent(write.levels, nowMs);
      if (outcome.type === "acknowledged") this.levels.acknowledged(write.levels, sent, nowMs);
      else if (outcome.type === "dropped") this.levels.dropped(write.levels, outcome.reason);
      else if (isRefusal(outcome)) {
        this.levels.refused(write.levels, sent, textOf(outcome), nowMs);
      } else this.levels.unanswered(write.levels, sent, textOf(outcome), nowMs);
      this.#settled(outcome.type === "acknowledged" ? "alive" : "none");
    });
    return true;
  }

  #startCommand(connection: Connection): boolean {
    this.dropExpired();
    for (;;) {
      const command = this.#commands.shift();
      if (command === undefined) return false;
      const epoch = this.#epoch();
      if (epoch === null) {
        this.#finish(command, "dropped", "no authority");
        continue;
      }
      const sent = this.levels.words();
      const request = planCommandWrite(this.#layout, command.command, sent, epoch);
      if (typeof request === "string") {
        this.#finish(command, "dropped", request);
        continue;
      }
      const { unitId, profile } = this.#config;
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
    const nowMs = this.#context.clock.monotonicMs();
    if (outcome.type === "acknowledged") {
      this.levels.acknowledged(carried, sent, nowMs);
      this.#finish(command, "confirmed", "");
    } else if (outcome.type === "dropped") this.#finish(command, "dropped", outcome.reason);
    else if (isRefusal(outcome)) this.#finish(command, "failed", textOf(outcome));
    else {
      this.levels.unanswered(carried, sent, textOf(outcome), nowMs);
      this.#finish(command, "unknown", textOf(outcome));
    }
    this.#settled(outcome.type === "acknowledged" ? "alive" : "none");
  }

  #epoch(): number | null {
    const epoch = this.#context.gate.epochForWrite(
      this.#context.grid,
      this.#config.id,
      this.#config.profile.writeMs,
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

  /** Looks whether the device does what it acknowledged. */
  watch(nowMs: number): void {
    const state = this.#stateNow();
    if (state !== "online" && state !== "degraded") this.#watch.clear();
    else if (this.#rights.isOwn && this.#rights.control === "control")
      this.#watch.check(this.#wanted, this.#valueOf, nowMs);
  }

  #reportLevel(point: string, outcome: WriteReport["outcome"], reason: string): void {
    if (outcome === "written") this.#watch.written(point, this.#context.clock.monotonicMs());
    if (outcome === "confirmed") this.#watch.confirmed(point);
    this.#report("level", point, outcome, reason);
  }

  /** Drops the commands that waited too long. */
  dropExpired(): void {
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
          `not written before it expired; the device is ${this.#stateNow()}`,
        );
      }
    }
  }

  #finish(command: CommandOutput, fate: CommandFate["fate"], reason: string): void {
    this.#report("command", command.command, fate, reason);
    this.#context.settled({ id: command.id, fate, reason });
  }

  #whyNotWritten(): string {
    return this.#rights.isOwn
      ? `control is ${this.#rights.control}`
      : "the device belongs to another grid";
  }

  #report(
    kind: WriteReport["kind"],
    name: string,
    outcome: WriteReport["outcome"],
    reason: string,
  ): void {
    this.#context.report({
      device: this.#config.id,
      epoch: this.#lastEpoch,
      kind,
      name,
      outcome,
      reason,
    });
  }
}
