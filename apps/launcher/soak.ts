import { present } from "../../kernel/assert.ts";
import { createSeededRandom } from "../../sim/ports/seeded-random.ts";
import { untilAllBack } from "./all-back.ts";
import { memoryTrend } from "./memory-trend.ts";
import type { MemorySample } from "./memory-trend.ts";
import type { RunContext } from "./run.ts";
import type { Action } from "./schedule.ts";
import { createStateCompare } from "./state-compare.ts";

export const SOAK_MS_DEFAULT = 600_000;
/** All controllers die once, early, so that every process but the spared one lives on from there. */
const KILL_ALL_AT_MS = 15_000;
const KILL_ALL_MS = 5000;
const SAMPLE_MS = 10_000;
const LOOK_MS = 500;
const SETTLE_MS_MAX = 60_000;
const SLOPE_MB_PER_MIN_MAX = 0.5;
const METRICS_MS_MAX = 2000;

const delay = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/**
 * Kills, freezes and cuts nodes at random until the time is over, then checks that everything has come back: every grid led, every
 * standby in sync, equal states, no overlapping write, no growing memory. One node is never killed after the beginning: its memory is
 * the one that can be judged.
 *
 * @returns what ends it early.
 */
export function startSoak(context: RunContext, durationMs: number, seed: number): () => void {
  const soak = new Soak(context, durationMs, seed);
  void soak.run().then(
    () => context.end(),
    (error: unknown) => context.end(error instanceof Error ? error.message : String(error)),
  );
  return () => soak.stop();
}

class Soak {
  readonly #context: RunContext;
  readonly #durationMs: number;
  readonly #random;
  readonly #spared: string;
  readonly #states = createStateCompare();
  readonly #memory = new Map<string, MemorySample[]>();
  readonly #counts = new Map<string, number>();
  readonly #timers: NodeJS.Timeout[] = [];
  readonly #startMs = performance.now();
  #isStopped = false;

  constructor(context: RunContext, durationMs: number, seed: number) {
    this.#context = context;
    this.#durationMs = durationMs;
    this.#random = createSeededRandom(seed);
    const { nodes } = context.installation;
    const index = Math.floor(this.#random.next() * nodes.length);
    this.#spared = present(nodes[index], "an installation has a node").id;
  }

  stop(): void {
    this.#isStopped = true;
    for (const timer of this.#timers) clearInterval(timer);
  }

  async run(): Promise<void> {
    const { tell } = this.#context;
    tell({ type: "note", text: `soak: ${this.#spared} is spared after the beginning` });
    this.#timers.push(setInterval(() => void this.#sampleMemory(), SAMPLE_MS));
    this.#timers.push(setInterval(() => this.#compareStates(), LOOK_MS));
    await delay(Math.min(KILL_ALL_AT_MS, this.#durationMs / 4));
    await this.#do({ type: "kill-all", durationMs: KILL_ALL_MS });
    await delay(KILL_ALL_MS + 1000);
    while (!this.#isStopped && this.#elapsedMs() < this.#durationMs) await this.#oneFault();
    if (!this.#isStopped) await this.#finish();
    this.stop();
  }

  #elapsedMs(): number {
    return performance.now() - this.#startMs;
  }

  async #do(action: Action): Promise<void> {
    if (this.#isStopped) return;
    const isDone = await this.#context.act(action);
    const name = isDone ? action.type : `${action.type} not done`;
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1);
    if (!isDone && !this.#isStopped) {
      this.#context.fail(
        `soak: ${action.type} could not be done ${Math.round(this.#elapsedMs() / 1000)} s after the start`,
      );
    }
  }

  async #oneFault(): Promise<void> {
    // Until the picture is whole: what is drawn next depends on who leads.
    await this.#untilSettled(SETTLE_MS_MAX);
    await delay(this.#random.between(500, 4000));
    if (this.#isStopped || this.#elapsedMs() >= this.#durationMs) return;
    const action = this.#drawAction();
    if (action === null) return;
    await this.#do(action);
    await delay(this.#random.between(2000, 6000));
    const isAnyDown = this.#context.installation.nodeViews().some(({ state }) => state === "down");
    if (isAnyDown) await this.#do({ type: "restart" });
  }

  #drawAction(): Action | null {
    const { installation } = this.#context;
    const grids = installation.grids();
    const index = Math.floor(this.#random.next() * grids.length);
    const view = grids[index];
    if (view === undefined || view.leader === null) return null;
    const grid = view.config.id;
    const draw = this.#random.next();
    if (draw < 0.15)
      return {
        type: "pause-leader",
        grid,
        durationMs: Math.round(this.#random.between(300, 4000)),
      };
    if (draw < 0.25) return { type: "cut-plant", grid, durationMs: 6000 };
    if (draw < 0.35) {
      const target = view.standbys.find(({ isInSync }) => isInSync);
      return target === undefined ? null : { type: "transfer", grid, node: target.node };
    }
    if (view.leader !== this.#spared) {
      if (draw < 0.6) return { type: "power-cut", grid };
      if (draw < 0.85) return { type: "kill-leader", grid };
    }
    const others = installation.nodes.map(({ id }) => id).filter((id) => id !== this.#spared);
    const node = others[Math.floor(this.#random.next() * others.length)];
    return node === undefined ? null : { type: "kill-node", node };
  }

  async #untilSettled(limitMs: number): Promise<boolean> {
    const deadlineMs = performance.now() + limitMs;
    while (performance.now() < deadlineMs) {
      if (this.#isStopped || this.#context.installation.whyUnsettled() === null) return true;
      await delay(100);
    }
    return false;
  }

  #compareStates(): void {
    const { installation, fail } = this.#context;
    for (const text of this.#states.look(installation.nodeViews())) fail(`soak: ${text}`);
  }

  async #sampleMemory(): Promise<void> {
    const { installation } = this.#context;
    const configs = new Map(installation.manifest.nodes.map((node) => [node.id, node]));
    for (const { id, state, pid } of installation.nodeViews()) {
      const config = configs.get(id);
      if (state !== "up" || config === undefined) continue;
      const residentMb = await residentMbOf(`http://${config.host}:${config.httpPort}/metrics`);
      if (residentMb === null) continue;
      const samples = this.#memory.get(id) ?? [];
      samples.push({ atMs: performance.now(), residentMb, pid });
      this.#memory.set(id, samples);
    }
  }

  async #finish(): Promise<void> {
    const { fail, tell } = this.#context;
    tell({ type: "note", text: "soak: no more faults; everything has to come back" });
    for (const text of await untilAllBack(this.#context, this.#states, () => this.#isStopped)) {
      fail(`soak: ${text}`);
    }
    await this.#sampleMemory();
    for (const line of this.#table()) tell({ type: "note", text: line });
  }

  #table(): string[] {
    const { fail, failovers } = this.#context;
    const faults = [...this.#counts].map(([name, count]) => `${name} ${count}`).join(", ");
    const lines = [
      `soak: ${faults}`,
      `soak: failovers measured ${failovers.length}, longest gap ${Math.round(Math.max(0, ...failovers.map(({ gapMs }) => gapMs)))} ms`,
      "soak: node  processes  resident MB max  trend MB/min",
    ];
    for (const [node, samples] of [...this.#memory].sort(([a], [b]) => (a < b ? -1 : 1))) {
      const { residentMbMax, slopeMbPerMin, lifeMs } = memoryTrend(samples);
      const lives = new Set(samples.map(({ pid }) => pid)).size;
      const trend =
        slopeMbPerMin === null
          ? `not judged, longest life ${Math.round(lifeMs / 1000)} s`
          : slopeMbPerMin.toFixed(2);
      lines.push(
        `soak: ${node.padEnd(6)}${String(lives).padEnd(11)}${residentMbMax.toFixed(1).padEnd(17)}${trend}`,
      );
      if (slopeMbPerMin !== null && slopeMbPerMin >= SLOPE_MB_PER_MIN_MAX) {
        fail(`soak: memory of ${node} grows by ${slopeMbPerMin.toFixed(2)} MB a minute`);
      }
    }
    return lines;
  }
}

/** Resident memory as the node's own metrics tell it; null where they do not answer. */
async function residentMbOf(url: string): Promise<number | null> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(METRICS_MS_MAX) });
    const found = /^process_resident_memory_bytes(?:\{[^}]*\})? (\S+)$/m.exec(
      await response.text(),
    );
    const bytes = Number(found?.[1]);
    return Number.isFinite(bytes) ? bytes / 1024 / 1024 : null;
  } catch {
    return null;
  }
}
