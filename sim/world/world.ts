import { present } from "../../kernel/assert.ts";
import type { OperatorRequest, RequestReply } from "../../kernel/command.ts";
import type { MemoryCoordinator } from "../ports/memory-coordinator.ts";
import { createMemoryCoordinator } from "../ports/memory-coordinator.ts";
import type { LinkFaults, MemoryNetwork } from "../ports/memory-transport.ts";
import { createMemoryNetwork } from "../ports/memory-transport.ts";
import type { SeededRandom } from "../ports/seeded-random.ts";
import { createSeededRandom } from "../ports/seeded-random.ts";
import type { VirtualClock } from "../ports/virtual-clock.ts";
import { createVirtualClock } from "../ports/virtual-clock.ts";
import type { Fault } from "./faults.ts";
import { describeFault, leavesStoreWell } from "./faults.ts";
import type { FieldDevice, FieldWrite } from "./field.ts";
import { Field } from "./field.ts";
import { NodeClock } from "./node-clock.ts";
import { PermitReferee } from "./permit-referee.ts";
import type { Holder, Violation } from "./referee.ts";
import { Referee } from "./referee.ts";
import type { Scenario } from "./scenario.ts";
import { ENGINEER_MS } from "./engineer.ts";
import { SharedSteps } from "./shared-steps.ts";
import { Trace } from "./trace.ts";
import type { WorldGrid, WorldParts } from "./world-node.ts";
import { WorldNode } from "./world-node.ts";

/** Longest that a write is meant to take, as in the shipped profiles. */
export const WRITE_MS = 20;
const STORE_MEMBER_COUNT = 3;

/** What a kind of world puts into it: its grids and what stands in the field. */
export interface Setting {
  readonly grids: readonly Omit<WorldGrid, "referee" | "permits" | "steps">[];
  readonly devices: readonly FieldDevice[];
  /** A grid that is led writes to a device at least so often. */
  readonly writtenWithinMs: (scanMs: number) => number;
  /** Physics: called every so many milliseconds of the world. */
  readonly advance: { readonly everyMs: number; readonly run: (nowMs: number) => void } | null;
  /** Lets something happen in the plant and says what; null where there is none. */
  readonly disturb: (() => string) | null;
  /** Trips what feeds a grid and says what. */
  readonly blackout?: (grid: string) => string;
  /** Whether a write that arrives now closes a source onto a busbar that has been dead for longer than a scan, and needs a permit. */
  readonly isDeadClose?: (write: FieldWrite) => boolean;
  /** A request that an operator of this plant would make. */
  readonly request: (
    random: SeededRandom,
    requestId: string,
  ) => OperatorRequest & { readonly grid: string };
  /** An operator was answered. */
  readonly onReply?: (reply: RequestReply & { readonly code: string | null }) => void;
}

/** A whole cluster with its store, networks and plant, on one event heap. One scenario gives one history. */
export class World {
  readonly scenario: Scenario;
  readonly clock: VirtualClock = createVirtualClock();
  readonly trace: Trace;
  readonly nodes: readonly WorldNode[];
  readonly referees: readonly Referee[];
  /** By key of the permit. */
  readonly permits: ReadonlyMap<string, PermitReferee>;
  readonly field: Field;
  readonly #random: SeededRandom;
  readonly #setting: Setting;
  readonly #store: MemoryCoordinator;
  readonly #network: MemoryNetwork;
  readonly #grids: readonly WorldGrid[];
  readonly #judges: readonly { readonly violation: Violation | null }[];
  #seenWriteCount = 0;
  #requestCount = 0;
  eventCount = 0;
  #error: Violation | null = null;

  constructor(scenario: Scenario, setting: Setting, isTraced: boolean, sharesSteps = false) {
    const { clock } = this;
    this.scenario = scenario;
    this.#setting = setting;
    this.trace = new Trace(isTraced);
    this.#random = createSeededRandom(`world/${scenario.seed}`);
    const fork = (label: string) => this.#random.fork(label);
    this.#store = createMemoryCoordinator({
      clock,
      random: fork("store"),
      memberCount: STORE_MEMBER_COUNT,
      ...scenario.store,
    });
    this.#network = createMemoryNetwork({ clock, random: fork("network"), ...scenario.network });
    this.field = new Field({
      clock,
      random: fork("field"),
      devices: setting.devices,
      ...scenario.field,
      writeMs: WRITE_MS,
      onWrite: (write) => {
        const values = write.values.map(([name, value]) => `${name}=${String(value)}`).join(" ");
        const outcome = write.isAccepted ? "" : " refused";
        const text = `${write.device} <- ${write.epoch}:${write.sequence} ${values}${outcome}`;
        this.trace.add(clock.monotonicMs(), write.node, text);
        const referee = this.referee(write.grid);
        // Time alone may have ended an authority since the last event.
        referee.holders(this.#holders(write.grid));
        referee.write(write);
        const isLate = write.arrivedAtMs - write.gatedAtMs > WRITE_MS;
        if (isLate || !write.isAccepted || setting.isDeadClose?.(write) !== true) return;
        this.#grid(write.grid).permits.deadClose(write.grid, write.device, write.gatedAtMs);
      },
    });
    const keys = new Set(setting.grids.map(({ permitKey }) => permitKey));
    const permits = [...keys].map(
      (key) => [key, new PermitReferee(() => clock.monotonicMs())] as const,
    );
    this.permits = new Map(permits);
    this.#grids = setting.grids.map((grid) => ({
      ...grid,
      // Where every frame is compared there is nothing to share.
      steps: sharesSteps && grid.comparedEvery > 1 ? new SharedSteps(grid.core) : null,
      permits: present(this.permits.get(grid.permitKey), "every key has a referee"),
      referee: new Referee({
        grid: grid.grid,
        timings: grid.timings,
        writeMs: WRITE_MS,
        single: scenario.single,
        isStoreWell: scenario.faults.every(leavesStoreWell),
        now: () => clock.monotonicMs(),
      }),
    }));
    this.referees = this.#grids.map(({ referee }) => referee);
    this.#judges = [...this.referees, ...this.permits.values()];
    const parts: WorldParts = {
      clock,
      coordinator: this.#store,
      network: this.#network,
      field: this.field,
      trace: this.trace,
      grids: this.#grids,
      reply: (grid, reply) => {
        const { requestId, isAccepted, reason } = reply;
        setting.onReply?.(reply);
        const verdict = isAccepted ? "accepted" : `refused: ${reason}`;
        this.trace.add(clock.monotonicMs(), grid, `${requestId} ${verdict}`);
        if (!isAccepted) return;
        if (requestId.startsWith("r")) this.referee(grid).accepted(requestId);
        const { succession } = scenario;
        if (succession === null || !requestId.startsWith("t")) return;
        this.referee(grid).expectSuccessor(
          "a transfer was accepted",
          succession.transferMsMax,
          false,
        );
      },
    };
    this.nodes = scenario.nodes.map((name, index) => {
      const random = fork(name);
      const rate = present(scenario.rates[index], "every node has a rate");
      const offsetMs = Math.floor(random.between(0, 100_000));
      return new WorldNode(
        name,
        new NodeClock(clock, random.fork("clock"), rate, offsetMs),
        random,
        parts,
      );
    });
    this.#schedule();
  }

  #grid(grid: string): WorldGrid {
    const found = this.#grids.find((candidate) => candidate.grid === grid);
    return present(found, `a grid ${grid}`);
  }

  referee(grid: string): Referee {
    return this.#grid(grid).referee;
  }

  node(name: string): WorldNode {
    return present(
      this.nodes.find((node) => node.name === name),
      `a node ${name}`,
    );
  }

  get violation(): Violation | null {
    if (this.#error !== null) return this.#error;
    for (const { violation } of this.#judges) if (violation !== null) return violation;
    return null;
  }

  #schedule(): void {
    const { scenario, clock } = this;
    this.nodes.forEach((node, index) => {
      clock.at(scenario.bootsAtMs[index] ?? 0, () => node.boot());
    });
    for (const fault of scenario.faults) {
      clock.at(fault.atMs, () => {
        this.trace.add(clock.monotonicMs(), "FAULT", describeFault(fault));
        this.#begin(fault);
      });
    }
    const { advance } = this.#setting;
    if (advance === null) return;
    const step = () => {
      advance.run(clock.monotonicMs());
      this.field.checkWatchdogs();
      clock.at(clock.monotonicMs() + advance.everyMs, step);
    };
    clock.at(advance.everyMs, step);
  }

  /** Runs until then, until `isDone`, or until something is found wrong. */
  run(untilMs: number, isDone: () => boolean = () => false): void {
    const { clock } = this;
    try {
      while (clock.runNext(untilMs)) {
        this.eventCount++;
        this.#judge();
        if (this.violation !== null || isDone()) return;
      }
      clock.advanceTo(untilMs);
    } catch (error) {
      const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
      this.#error = { check: "exception", atMs: clock.monotonicMs(), text };
    }
  }

  #judge(): void {
    const { history } = this.#store;
    for (; this.#seenWriteCount < history.length; this.#seenWriteCount++) {
      const write = present(history[this.#seenWriteCount], "a write of the history");
      const { record } = write;
      // The store also keeps permits to close onto a dead busbar: they are no leaderships.
      const permits = this.permits.get(write.grid);
      if (permits !== undefined) {
        const holder = record.order[0] ?? "nobody";
        this.trace.add(this.clock.monotonicMs(), "PERMIT", `${write.grid}: ${holder}`);
        permits.record(write);
        continue;
      }
      const names = record.inSync.map(({ node }) => node).join();
      const text = `${write.grid}: epoch ${record.epoch}, leader ${record.leader.node}, in sync ${names}, revision ${write.revision}`;
      this.trace.add(this.clock.monotonicMs(), "RECORD", text);
      this.referee(write.grid).record(write);
    }
    for (const { grid, referee } of this.#grids) referee.holders(this.#holders(grid));
  }

  #holders(grid: string): readonly Holder[] {
    const holders: Holder[] = [];
    for (const node of this.nodes) {
      for (const controller of node.controllers()) {
        if (controller.grid.grid !== grid) continue;
        const epoch = controller.gate?.epochForWrite(grid, "", 0) ?? null;
        if (epoch !== null) holders.push({ member: controller.member, epoch });
      }
    }
    return holders;
  }

  /** Every grid is led, written to, and every controller of it in sync. */
  isWhole(): boolean {
    const nowMs = this.clock.monotonicMs();
    return this.#grids.every(({ grid, order, timings, referee }) => {
      const { record } = this.#store.record(grid);
      if (record === null || record.inSync.length !== order.length) return false;
      const [holder, ...others] = this.#holders(grid);
      if (holder === undefined || others.length > 0 || holder.epoch !== record.epoch) return false;
      const isWritten =
        nowMs - referee.lastWriteAtMs <= this.#setting.writtenWithinMs(timings.scanMs);
      if (!isWritten) return false;
      return record.inSync.every(({ node, incarnation }) => {
        const controller = this.node(node).controller(grid);
        return controller?.member.incarnation === incarnation;
      });
    });
  }

  // --- faults ---

  #begin(fault: Fault): void {
    const end = (undo: () => void) =>
      void this.clock.at(this.clock.monotonicMs() + fault.forMs, undo);
    switch (fault.kind) {
      case "crash":
        this.node(fault.node).crash(fault.how);
        return end(() => this.node(fault.node).boot());
      case "stop":
        this.node(fault.node).stop();
        return end(() => this.node(fault.node).boot());
      case "pause":
        this.#expectSuccessorOf(fault.node, fault.forMs);
        return this.node(fault.node).pause(fault.forMs);
      case "suspend":
        return this.node(fault.node).suspend(fault.forMs);
      case "stallAtGate":
        return this.node(fault.node).stallAtGate(fault.forMs);
      case "request":
      case "transfer":
      case "force":
        return this.#operate(fault);
      case "cut":
      case "flap":
      case "delay":
      case "isolate":
        return this.#disturbNetwork(fault, end);
      case "deviceSlow":
      case "deviceSilent":
      case "deviceRefuses":
      case "deviceCut":
        return this.#disturbField(fault, end);
      case "plant":
      case "blackout": {
        const { disturb, blackout } = this.#setting;
        const text = fault.kind === "plant" ? disturb?.() : blackout?.(fault.grid);
        if (text !== undefined) this.trace.add(this.clock.monotonicMs(), "PLANT", text);
        return;
      }
      case "journalFails":
        this.node(fault.node).disk.setFailed(true);
        return end(() => this.node(fault.node).disk.setFailed(false));
      default:
        return this.#disturbStore(fault, end);
    }
  }

  /** A leader that is in company and stands still for long is followed. */
  #expectSuccessorOf(node: string, pauseMs: number): void {
    const { succession } = this.scenario;
    if (succession === null || pauseMs < succession.freezeMsMin) return;
    for (const { grid, referee } of this.#grids) {
      if (this.#store.record(grid).record?.leader.node !== node) continue;
      referee.expectSuccessor(`${node} froze`, succession.freezeMsMax, true);
    }
  }

  #operate(fault: Extract<Fault, { kind: "request" | "transfer" | "force" }>): void {
    const node = this.node(fault.node);
    if (fault.kind === "request") {
      const request = this.#setting.request(this.#random, `r${++this.#requestCount}`);
      node.submit(request.grid, request);
      return;
    }
    if (fault.kind === "transfer") {
      for (const { grid } of this.#grids)
        for (const { loop } of this.nodes.flatMap((other) => other.controller(grid) ?? []))
          if (loop.view().role === "leading")
            loop.transfer(`t${this.eventCount}`, node.name, "test");
      return;
    }
    for (const other of this.nodes) {
      if (other === node) continue;
      other.crash("kill");
      this.clock.at(this.clock.monotonicMs() + ENGINEER_MS + fault.forMs, () => other.boot());
    }
    this.clock.at(this.clock.monotonicMs() + ENGINEER_MS, () => this.#force(node));
  }

  #force(node: WorldNode): void {
    for (const { grid, referee } of this.#grids) {
      const controller = node.controller(grid);
      // One that has taken over by itself meanwhile needs no force.
      if (controller === null || controller.loop.view().role === "leading") continue;
      referee.forced(node.name);
      controller.loop.force(`f${this.eventCount}`, "the others are off");
    }
  }

  #setLinks(a: string, b: string, isOneWay: boolean, faults: LinkFaults): void {
    this.#network.setLink(a, b, faults);
    if (!isOneWay) this.#network.setLink(b, a, faults);
  }

  #disturbNetwork(
    fault: Extract<Fault, { kind: "cut" | "flap" | "delay" | "isolate" }>,
    end: (undo: () => void) => void,
  ): void {
    const { node, kind } = fault;
    switch (kind) {
      case "cut":
        this.#setLinks(node, fault.to, fault.isOneWay, { isCut: true });
        return end(() => this.#setLinks(node, fault.to, fault.isOneWay, {}));
      case "delay":
        this.#setLinks(node, fault.to, true, { delayMs: fault.delayMs });
        return end(() => this.#setLinks(node, fault.to, true, {}));
      case "flap": {
        const startMs = this.clock.monotonicMs();
        const flap = (isCut: boolean) => {
          const isOver = this.clock.monotonicMs() - startMs >= fault.forMs;
          this.#setLinks(node, fault.to, false, { isCut: isCut && !isOver });
          if (!isOver) this.clock.at(this.clock.monotonicMs() + fault.periodMs, () => flap(!isCut));
        };
        return flap(true);
      }
      case "isolate": {
        const set = (isCut: boolean) => {
          this.#network.setIsolated(node, isCut);
          if (!fault.isFromAll) return;
          this.#store.setFaults(node, { isCut });
          for (const { id } of this.#setting.devices) this.field.setCut(node, id, isCut);
        };
        set(true);
        return end(() => set(false));
      }
      default:
        kind satisfies never;
    }
  }

  #disturbField(
    fault: Extract<Fault, { kind: "deviceSlow" | "deviceSilent" | "deviceRefuses" | "deviceCut" }>,
    end: (undo: () => void) => void,
  ): void {
    const { device } = fault;
    if (fault.kind === "deviceCut") {
      this.field.setCut(fault.node, device, true);
      return end(() => this.field.setCut(fault.node, device, false));
    }
    this.field.setFaults(device, {
      delayMs: fault.kind === "deviceSlow" ? fault.delayMs : 0,
      isSilent: fault.kind === "deviceSilent",
      isRefusing: fault.kind === "deviceRefuses",
    });
    end(() => this.field.setFaults(device, {}));
  }

  #disturbStore(
    fault: Extract<
      Fault,
      {
        kind:
          | "storeCut"
          | "storeAnswersLost"
          | "storeLate"
          | "watchSilent"
          | "memberDown"
          | "storeLeaderLost"
          | "storeOutage"
          | "storeSlow";
      }
    >,
    end: (undo: () => void) => void,
  ): void {
    const store = this.#store;
    switch (fault.kind) {
      case "memberDown":
        store.setMember(fault.member, false);
        return end(() => store.setMember(fault.member, true));
      case "storeLeaderLost":
        return store.loseLeader(fault.electionMs);
      case "storeOutage":
        store.setOutage(true);
        return end(() => store.setOutage(false));
      case "storeSlow":
        store.setSlow(fault.delayMs);
        return end(() => store.setSlow(0));
      default: {
        store.setFaults(fault.node, {
          isCut: fault.kind === "storeCut",
          isAnswerLost: fault.kind === "storeAnswersLost",
          isWatchSilent: fault.kind === "watchSilent",
          requestDelayMs: fault.kind === "storeLate" ? fault.delayMs : 0,
        });
        return end(() => store.setFaults(fault.node, {}));
      }
    }
  }

  /** Everything works again: what was broken is whole, and every computer runs. */
  heal(): void {
    this.trace.add(this.clock.monotonicMs(), "HEAL", "everything works again");
    const { nodes } = this.scenario;
    this.#network.setBreakProbability(0);
    for (const node of nodes) {
      this.#network.setIsolated(node, false);
      this.#store.setFaults(node, {});
      for (const { id } of this.#setting.devices) this.field.setCut(node, id, false);
      this.node(node).disk.setFailed(false);
      this.node(node).stallAtGate(0);
    }
    for (const { id } of this.#setting.devices) this.field.setFaults(id, {});
    for (let member = 0; member < STORE_MEMBER_COUNT; member++) this.#store.setMember(member, true);
    this.#store.setOutage(false);
    this.#store.setSlow(0);
    this.bootAll();
  }

  bootAll(): void {
    for (const node of this.nodes) node.boot();
  }
}
