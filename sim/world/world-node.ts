import { present } from "../../kernel/assert.ts";
import type { OperatorRequest } from "../../kernel/command.ts";
import type { GridCore } from "../../kernel/core.ts";
import type { GridMessage } from "../../kernel/grid-message.ts";
import type { PeerMessage } from "../../kernel/peer-message.ts";
import type { Clock } from "../../kernel/ports/clock.ts";
import type { AuthorityGate } from "../../kernel/ports/device-io.ts";
import type { RecoveredLog } from "../../kernel/ports/journal.ts";
import type { Member } from "../../kernel/record.ts";
import type { Timings } from "../../kernel/timings.ts";
import { nativeHashOf } from "../../history/native-hash.ts";
import type { ControlLoop } from "../../scan/control-loop.ts";
import { createControlLoop } from "../../scan/control-loop.ts";
import type { LoopObserver } from "../../scan/loop-options.ts";
import type { MemoryCoordinator } from "../ports/memory-coordinator.ts";
import type { MemoryDisk } from "../ports/memory-journal.ts";
import { createMemoryDisk } from "../ports/memory-journal.ts";
import type { MemoryNetwork } from "../ports/memory-transport.ts";
import type { SeededRandom } from "../ports/seeded-random.ts";
import type { CrashKind } from "./faults.ts";
import type { Field } from "./field.ts";
import type { NodeClock } from "./node-clock.ts";
import type { PermitReferee } from "./permit-referee.ts";
import type { Referee } from "./referee.ts";
import type { SharedSteps } from "./shared-steps.ts";
import type { Trace } from "./trace.ts";

/** A grid as a node runs it. */
export interface WorldGrid {
  readonly grid: string;
  /** Key of the permit to close onto a dead busbar. */
  readonly permitKey: string;
  readonly order: readonly string[];
  readonly timings: Timings;
  readonly failback: "manual" | "automatic";
  readonly core: GridCore<unknown>;
  readonly devices: readonly { readonly id: string; readonly isOwn: boolean }[];
  readonly phaseMs: number;
  readonly referee: Referee;
  readonly permits: PermitReferee;
  /** A text that equal states share and unequal ones do not. */
  readonly digest: (state: unknown) => string;
  /** States of replicas are compared every so many frames; 0: never. */
  readonly comparedEvery: number;
  /** Where its replicas share steps; null where each computes every one. */
  readonly steps: SharedSteps | null;
}

/** What all nodes of a world share. */
export interface WorldParts {
  readonly clock: Clock;
  readonly coordinator: MemoryCoordinator;
  readonly network: MemoryNetwork;
  readonly field: Field;
  readonly trace: Trace;
  readonly grids: readonly WorldGrid[];
  readonly reply: (grid: string, reply: Parameters<LoopObserver["reply"]>[0]) => void;
}

/** One grid's controller in one life of the process. */
export interface Controller {
  readonly grid: WorldGrid;
  readonly member: Member;
  readonly loop: ControlLoop;
  gate: AuthorityGate | null;
  isAlive: boolean;
}

type Send = (to: string, message: PeerMessage) => boolean;

interface Life {
  readonly controllers: Controller[];
  readonly close: () => void;
}

/** One computer of the world: its clock, its disk, and the process that runs on it now, if any. */
export class WorldNode {
  readonly name: string;
  readonly clock: NodeClock;
  readonly #random: SeededRandom;
  readonly #parts: WorldParts;
  disk: MemoryDisk = createMemoryDisk();
  #life: Life | null = null;
  #stallAfterGateMs = 0;

  constructor(name: string, clock: NodeClock, random: SeededRandom, parts: WorldParts) {
    this.name = name;
    this.clock = clock;
    this.#random = random;
    this.#parts = parts;
  }

  get isUp(): boolean {
    return this.#life !== null;
  }

  controllers(): readonly Controller[] {
    return this.#life?.controllers ?? [];
  }

  controller(grid: string): Controller | null {
    return this.controllers().find((controller) => controller.grid.grid === grid) ?? null;
  }

  // --- life and death ---

  boot(): void {
    if (this.#life !== null) return;
    const { network, coordinator, grids } = this.#parts;
    const transport = network.attach(this.name);
    const client = coordinator.client(this.name, {
      clock: this.clock,
      run: (callback) => this.clock.run(callback),
    });
    const syncMs = grids[0]?.timings.journalSyncMs ?? 20;
    const journal = this.disk.open(this.clock, syncMs);
    const controllers: Controller[] = [];
    let isAlive = true;
    const life: Life = {
      controllers,
      close: () => {
        isAlive = false;
        for (const controller of controllers.slice()) this.#end(controller);
        void transport.close();
        void journal.close();
        void client.close();
        this.clock.forget();
      },
    };
    this.#life = life;
    transport.onMessage((from, message) =>
      this.clock.run(() => {
        if (!isAlive) return;
        this.controller(message.grid)?.loop.receive(from, message);
      }),
    );
    journal.onSynced((grid, position) => {
      const controller = this.controller(grid);
      if (!isAlive || controller === null) return;
      controller.grid.referee.synced(controller.member, position);
      controller.loop.journalSynced(position);
    });
    const send: Send = (to, message) => isAlive && transport.send(to, message);
    const start = (grid: WorldGrid, recovered: RecoveredLog) => {
      const controller = this.#create(grid, recovered, { send, client, journal }, start);
      controllers.push(controller);
      controller.loop.start();
    };
    this.#say("starts");
    for (const grid of grids)
      if (grid.order.includes(this.name)) start(grid, this.disk.recover(grid.grid));
  }

  #create(
    grid: WorldGrid,
    recovered: RecoveredLog,
    shared: {
      readonly send: Send;
      readonly client: ReturnType<MemoryCoordinator["client"]>;
      readonly journal: ReturnType<MemoryDisk["open"]>;
    },
    start: (grid: WorldGrid, recovered: RecoveredLog) => void,
  ): Controller {
    const { referee } = grid;
    const member: Member = { node: this.name, incarnation: this.#random.hex128() };
    const { clock } = this;
    const { client } = shared;
    let controller: Controller | null = null;
    const isAlive = () => controller?.isAlive !== false;
    let gate: AuthorityGate | null = null;
    const loop = createControlLoop({
      controller: {
        grid: grid.grid,
        self: this.name,
        order: grid.order,
        timings: grid.timings,
        allowStaleTakeover: true,
        failback: grid.failback,
        failbackDelayMs: 1_500,
        coreVersion: grid.core.coreVersion,
        manifestHash: grid.core.manifestHash,
      },
      core: this.#watched(grid),
      recovered,
      permitKey: grid.permitKey,
      incarnation: member.incarnation,
      clock,
      sleptMs: () => clock.sleptMs(),
      coordinator: {
        ...client,
        read: (name, deadlineMs, done) =>
          client.read(name, deadlineMs, (outcome) => void (isAlive() && done(outcome))),
        transact: (request, deadlineMs, done) =>
          client.transact(request, deadlineMs, (outcome) => void (isAlive() && done(outcome))),
      },
      send: (to, message) => isAlive() && shared.send(to, message),
      sendToGrid: (message) => this.#sendToGrid(message, shared.send),
      createDevices: (own) => {
        gate = own;
        return this.#parts.field.io({
          node: this.name,
          grid: grid.grid,
          gate: own,
          clock,
          run: (callback) => clock.run(callback),
          stallAfterGateMs: () => this.#stall(),
          devices: grid.devices,
        });
      },
      journal: shared.journal,
      observer: this.#observer(grid, member, () => {
        const old = present(controller, "a loop restarts after it was made");
        this.#startAnew(old, start);
      }),
      phaseMs: grid.phaseMs,
      hash: nativeHashOf,
    });
    controller = { grid, member, loop, gate, isAlive: true };
    referee.started(member, recovered.last);
    return controller;
  }

  /** The core as it is, and each of its states shown to the referee. */
  #watched(grid: WorldGrid): GridCore<unknown> {
    const { core, referee, digest, comparedEvery, steps } = grid;
    return {
      coreVersion: core.coreVersion,
      manifestHash: core.manifestHash,
      initial: () => core.initial(),
      step: (state, frame) => {
        const isCompared = comparedEvery > 0 && frame.sequence % comparedEvery === 0;
        const show = (next: unknown): string => {
          const text = digest(next);
          referee.state(this.name, { ...frame, hash: "" }, frame.previousHash, text);
          return text;
        };
        if (steps !== null) return steps.step(state, frame, isCompared, show);
        const next = core.step(state, frame);
        if (isCompared) show(next.state);
        return next;
      },
    };
  }

  #observer(grid: WorldGrid, member: Member, restart: () => void): LoopObserver {
    const { referee } = grid;
    const { trace } = this.#parts;
    return {
      frame(encoded, _outputs, isLeading) {
        referee.frame(member, encoded, isLeading);
        if (!isLeading) return;
        grid.permits.frame(encoded.frame);
        trace.note(encoded.position.hash);
      },
      snapshot: (_text, position) => {
        if (position === null) return;
        referee.snapshot(member, position);
        this.#say(`installs a snapshot at ${position.epoch}:${position.sequence}`);
      },
      role: (from, to, reason) => {
        // One that ended by itself, as a lone leader does that stops, leaves what is on the wire, as a crash would.
        if (to === "fenced") referee.ended(member);
        this.#say(`${grid.grid}: ${from} -> ${to}: ${reason}`);
      },
      alarm: (code, isActive, text) =>
        this.#say(`${grid.grid}: alarm ${code} ${isActive ? "on" : "off"}: ${text}`),
      reply: (reply) => this.#parts.reply(grid.grid, reply),
      scan: () => {},
      restart: (reason) => {
        this.#say(`${grid.grid}: begins a new incarnation: ${reason}`);
        restart();
      },
    };
  }

  /** As the daemon does where promises became void: the controller goes on with its memory, under a new name. */
  #startAnew(old: Controller, start: (grid: WorldGrid, recovered: RecoveredLog) => void): void {
    const { grid, loop } = old;
    const { text, position } = loop.snapshot();
    const { plantTimeMs, epoch } = loop.view();
    const { coreVersion, manifestHash } = grid.core;
    this.#end(old);
    start(grid, {
      snapshot:
        position === null
          ? null
          : { grid: grid.grid, position, plantTimeMs, coreVersion, manifestHash, state: text },
      frames: [],
      last: position,
      plantTimeMs,
      epochMax: epoch,
      cutByteCount: 0,
    });
  }

  #end(controller: Controller): void {
    controller.isAlive = false;
    controller.gate = null;
    controller.grid.referee.ended(controller.member);
    void controller.loop.close();
    const list = this.#life?.controllers;
    if (list?.includes(controller)) list.splice(list.indexOf(controller), 1);
  }

  crash(how: CrashKind): void {
    if (this.#life === null) return;
    this.#say(`ends (${how})`);
    const life = this.#life;
    life.close();
    this.#life = null;
    this.disk.kill(how === "kill" ? this.#random.next() : 0);
    if (how === "disk") this.disk = createMemoryDisk();
  }

  /** An orderly stop: the process ends when each of its controllers has. */
  stop(): void {
    const life = this.#life;
    if (life === null) return;
    this.#say("is asked to stop");
    let left = life.controllers.length;
    for (const { loop } of life.controllers.slice()) {
      loop.stop(() => {
        left--;
        if (left > 0) return;
        this.#parts.clock.at(this.#parts.clock.monotonicMs(), () => {
          if (this.#life !== life) return;
          this.#say("has stopped");
          life.close();
          this.#life = null;
          this.disk.kill(1);
        });
      });
    }
  }

  // --- faults ---

  pause(forMs: number): void {
    if (this.#life === null) return;
    this.clock.pause(forMs);
  }

  /** The computer sleeps, clocks and all. */
  suspend(forMs: number): void {
    if (this.#life !== null) this.clock.sleep(forMs);
  }

  /** The next write goes out only after the process stood still so long. */
  stallAtGate(forMs: number): void {
    this.#stallAfterGateMs = forMs;
  }

  #stall(): number {
    const forMs = this.#stallAfterGateMs;
    if (forMs === 0) return 0;
    this.#stallAfterGateMs = 0;
    this.#say(`stands still for ${forMs.toFixed(0)} ms between gate and write`);
    this.clock.pause(forMs);
    return forMs;
  }

  /** To every controller of that grid, as the daemon does: whoever leads it takes the message up. */
  #sendToGrid(message: GridMessage, send: Send): void {
    const wrapped: PeerMessage = { type: "betweenGrids", grid: message.toGrid, message };
    for (const { grid, order } of this.#parts.grids) {
      if (grid !== message.toGrid) continue;
      for (const node of order) if (node !== this.name) send(node, wrapped);
      this.controller(grid)?.loop.receive(this.name, wrapped);
    }
  }

  submit(grid: string, request: OperatorRequest): void {
    this.clock.run(() => this.controller(grid)?.loop.submit(request));
  }

  #say(text: string): void {
    this.#parts.trace.add(this.#parts.clock.monotonicMs(), this.name, text);
  }
}
