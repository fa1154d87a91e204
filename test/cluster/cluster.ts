import { present } from "../../kernel/assert.ts";
import type { OperatorRequest } from "../../kernel/command.ts";
import type { GridCore } from "../../kernel/core.ts";
import type { AuthorityGate } from "../../kernel/ports/device-io.ts";
import type { Timings } from "../../kernel/timings.ts";
import { TIMING_SETS } from "../../kernel/timings.ts";
import type { ControlLoop, LoopView } from "../../scan/control-loop.ts";
import { createControlLoop } from "../../scan/control-loop.ts";
import type { LoopObserver } from "../../scan/loop-options.ts";
import { createCounterCore } from "../../sim/ports/counter-core.ts";
import { createMemoryCoordinator } from "../../sim/ports/memory-coordinator.ts";
import { createMemoryPlant } from "../../sim/ports/memory-devices.ts";
import type { MemoryDisk } from "../../sim/ports/memory-journal.ts";
import { createMemoryDisk } from "../../sim/ports/memory-journal.ts";
import { createMemoryNetwork } from "../../sim/ports/memory-transport.ts";
import { createSeededRandom } from "../../sim/ports/seeded-random.ts";
import { createVirtualClock } from "../../sim/ports/virtual-clock.ts";

const GRID = "port";

interface Life<State> {
  readonly loop: ControlLoop<State>;
  readonly gate: AuthorityGate;
  readonly close: () => void;
}

/** Three nodes that control one grid with a counter as core, on virtual time. */
export function createCluster(options: ClusterOptions) {
  return createClusterOf(options, createCounterCore(["dg1"]));
}

interface ClusterOptions {
  readonly seed: number;
  readonly nodes?: readonly string[];
  readonly timings?: Timings;
}

/** The same with another core. */
export function createClusterOf<State>(options: ClusterOptions, core: GridCore<State>) {
  const nodes = options.nodes ?? ["n1", "n2", "n3"];
  const timings = options.timings ?? TIMING_SETS.default;
  const clock = createVirtualClock();
  const random = createSeededRandom(options.seed);
  const coordinator = createMemoryCoordinator({ clock });
  const network = createMemoryNetwork({ clock });
  const plant = createMemoryPlant({ clock, devices: ["dg1"] });
  plant.setPoint("dg1", "activePowerKw", 350);
  const disks = new Map<string, MemoryDisk>(nodes.map((node) => [node, createMemoryDisk()]));
  const lives = new Map<string, Life<State>>();
  const sleptMs = new Map<string, number>();
  const trace: string[] = [];
  const replies: Parameters<LoopObserver["reply"]>[0][] = [];
  const say = (node: string, text: string) =>
    void trace.push(`${clock.monotonicMs().toFixed(1)} ${node} ${text}`);

  function start(node: string): void {
    const disk = present(disks.get(node), "every node has a disk");
    const transport = network.attach(node);
    const journal = disk.open(clock, timings.journalSyncMs);
    const client = coordinator.client(node);
    let isAlive = true;
    let ownGate: AuthorityGate | null = null;
    const loop = createControlLoop({
      controller: {
        grid: GRID,
        self: node,
        order: nodes,
        timings,
        allowStaleTakeover: true,
        failback: "manual",
        failbackDelayMs: 60_000,
        coreVersion: core.coreVersion,
        manifestHash: core.manifestHash,
      },
      core,
      recovered: disk.recover(GRID),
      permitKey: `permit.${GRID}`,
      incarnation: random.hex128(),
      clock: {
        ...clock,
        at: (atMs, callback) => clock.at(atMs, () => void (isAlive && callback())),
      },
      sleptMs: () => sleptMs.get(node) ?? 0,
      coordinator: {
        ...client,
        read: (grid, deadlineMs, done) =>
          client.read(grid, deadlineMs, (outcome) => void (isAlive && done(outcome))),
        transact: (request, deadlineMs, done) =>
          client.transact(request, deadlineMs, (outcome) => void (isAlive && done(outcome))),
      },
      send: (to, message) => isAlive && transport.send(to, message),
      sendToGrid: () => {},
      createDevices: (gate) => {
        ownGate = gate;
        return plant.io(node, GRID, gate);
      },
      journal,
      observer: {
        frame: () => {},
        snapshot: (_text, position) =>
          say(node, `snapshot at ${position?.epoch}:${position?.sequence}`),
        role: (from, to, reason) => say(node, `${from} -> ${to}: ${reason}`),
        alarm: (code, isActive, text) =>
          say(node, `alarm ${code} ${isActive ? "on" : "off"}: ${text}`),
        reply: (reply) => void replies.push(reply),
        scan: () => {},
        restart: (reason) => say(node, `restart: ${reason}`),
      },
      phaseMs: 0,
    });
    transport.onMessage((from, message) => void (isAlive && loop.receive(from, message)));
    journal.onSynced((_grid, position) => void (isAlive && loop.journalSynced(position)));
    lives.set(node, {
      loop,
      gate: present<AuthorityGate>(ownGate, "the loop has created its devices"),
      close() {
        isAlive = false;
        void loop.close();
        void transport.close();
        void journal.close();
        void client.close();
      },
    });
    say(node, "started");
    loop.start();
  }

  const view = (node: string): LoopView => present(lives.get(node), `${node} is alive`).loop.view();
  const leader = (): string | null =>
    [...lives.keys()].find((node) => view(node).role === "leading" && view(node).hasAuthority) ??
    null;

  return {
    clock,
    coordinator,
    network,
    plant,
    trace,
    replies,
    disks,
    nodes,
    start,
    view,
    leader,
    loop: (node: string) => present(lives.get(node), `${node} is alive`).loop,
    gate: (node: string) => present(lives.get(node), `${node} is alive`).gate,
    isRunning: (node: string) => lives.has(node),
    startAll: () => nodes.forEach(start),
    /** The computer has slept; its loop sees that with the next thing that happens. */
    sleep: (node: string, forMs: number) => sleptMs.set(node, (sleptMs.get(node) ?? 0) + forMs),
    kill(node: string) {
      present(lives.get(node), `${node} is alive`).close();
      lives.delete(node);
      say(node, "killed");
    },
    /** Advances until `condition` holds; fails with the trace after `limitMs`. */
    until(what: string, condition: () => boolean, limitMs: number) {
      const endMs = clock.monotonicMs() + limitMs;
      while (!condition()) {
        if (clock.monotonicMs() >= endMs)
          throw new Error(
            `${what} did not come within ${limitMs} ms\n${trace.slice(-60).join("\n")}`,
          );
        clock.advanceBy(1);
      }
    },
    isInSync: () =>
      lives.size > 0 && leader() !== null && view(leader() ?? "").inSync.length === lives.size,
    request(node: string, requestId: string) {
      const request: OperatorRequest = {
        requestId,
        role: "operator",
        user: "test",
        actor: `grids/${GRID}/devices/dg1`,
        command: "start",
        arguments: {},
      };
      present(lives.get(node), `${node} is alive`).loop.submit(request);
    },
  };
}
