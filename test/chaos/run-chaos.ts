import { untilAllBack } from "../../apps/launcher/all-back.ts";
import type { RunContext } from "../../apps/launcher/run.ts";
import type { Action } from "../../apps/launcher/schedule.ts";
import { createStateCompare } from "../../apps/launcher/state-compare.ts";
import { machineMonotonicMs } from "../../apps/launcher/host-pauses.ts";
import type { DoneFault } from "./referee.ts";
import type { Cast, FaultKind, PlannedFault } from "./schedule.ts";
import { actionOf, planFaults } from "./schedule.ts";

export interface ChaosOptions {
  readonly durationMs: number;
  readonly seed: number;
  readonly kinds: readonly FaultKind[];
  /** The only node whose clock can be set. */
  readonly clockNode: string | null;
}

/** What was done, for the report. */
export interface ChaosLog {
  readonly faults: DoneFault[];
  /** Faults whose turn came but that could not be done, and why. */
  readonly refused: string[];
}

const SETTLE_MS_MAX = 60_000;
const POLL_MS = 50;
const LOOK_MS = 500;
/** After a fault has healed, before what is down is started again. */
const AFTER_MS = 1000;
const ETCD_MEMBER_COUNT = 3;

const delay = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** Carries out the seeded schedule against a running installation. @returns what ends it early. */
export function startChaos(context: RunContext, options: ChaosOptions, log: ChaosLog): () => void {
  const chaos = new Chaos(context, options, log);
  void chaos.run().then(
    () => context.end(),
    (error: unknown) => context.end(error instanceof Error ? error.message : String(error)),
  );
  return () => chaos.stop();
}

class Chaos {
  readonly #context: RunContext;
  readonly #options: ChaosOptions;
  readonly #log: ChaosLog;
  readonly #states = createStateCompare();
  /** When all was led and in sync for the first time: from there the duration counts. */
  #startMs: number | null = null;
  readonly #timer: NodeJS.Timeout;
  #isStopped = false;

  constructor(context: RunContext, options: ChaosOptions, log: ChaosLog) {
    this.#context = context;
    this.#options = options;
    this.#log = log;
    this.#timer = setInterval(() => this.#compareStates(), LOOK_MS);
  }

  stop(): void {
    this.#isStopped = true;
    clearInterval(this.#timer);
  }

  async run(): Promise<void> {
    const { installation, fail, tell } = this.#context;
    const grids = installation.manifest.grids.map(({ id }) => id);
    const plan = planFaults(this.#options.seed, grids, this.#options.kinds);
    while (await this.#mayGoOn()) {
      const fault = plan.next().value;
      await delay(fault.waitMs);
      await this.#strike(fault, false);
      await delay(fault.durationMs + AFTER_MS);
      if (installation.nodeViews().some(({ state }) => state === "down")) {
        await this.#context.act({ type: "restart" });
      }
    }
    if (!this.#isStopped) {
      tell({ type: "note", text: "chaos: no more faults; everything has to come back" });
      const problems = await untilAllBack(this.#context, this.#states, () => this.#isStopped);
      for (const text of problems) fail(`chaos: ${text}`);
    }
    this.stop();
  }

  /** Every fault begins with the plant led and all in sync again: not being so after a minute is a finding itself. */
  async #mayGoOn(): Promise<boolean> {
    const { installation, fail } = this.#context;
    const deadlineMs = performance.now() + SETTLE_MS_MAX;
    for (;;) {
      if (this.#isStopped || installation.isBroken) return false;
      if (this.#startMs !== null && this.#isOver(this.#startMs)) return false;
      const why = installation.whyUnsettled();
      if (why === null) {
        this.#startMs ??= performance.now();
        return true;
      }
      if (performance.now() > deadlineMs) {
        fail(`chaos: a minute after a fault ${why}`);
        return false;
      }
      await delay(POLL_MS);
    }
  }

  #isOver(startMs: number): boolean {
    return performance.now() - startMs >= this.#options.durationMs;
  }

  async #strike(fault: PlannedFault, isAtOnce: boolean): Promise<void> {
    if (this.#isStopped) return;
    const cast = this.#castOf(fault.grid);
    const action = cast === null ? null : this.#reachable(actionOf(fault, cast));
    if (cast === null || action === null) {
      this.#log.refused.push(`${fault.kind} at ${fault.grid}: nobody whom it could strike`);
      return;
    }
    const nodes = this.#struck(action, cast);
    const atMs = machineMonotonicMs();
    const isDone = this.#context.act(action, isAtOnce);
    if (fault.onTop !== null) {
      await delay(fault.onTop.afterMs);
      await isDone;
      await this.#strike(fault.onTop.fault, true);
    }
    if (!(await isDone)) {
      this.#log.refused.push(`${fault.kind} at ${fault.grid}`);
      return;
    }
    // The launcher's own mark is the instant, where it made one.
    const marked = this.#context.faults.caused.findLast(({ type }) => type === action.type);
    const isOwn = marked !== undefined && marked.atMs >= atMs;
    const struckMs = isOwn ? marked.atMs : atMs;
    this.#log.faults.push({
      atMs: struckMs,
      // Whoever is down is started again, and its packets pass, only then.
      untilMs: struckMs + fault.durationMs + (fault.kind === "power-cut" ? AFTER_MS : 0),
      kind: fault.kind,
      text: textOf(action),
      nodes,
    });
  }

  /** Only one node's clock can be set. */
  #reachable(action: Action | null): Action | null {
    if (action?.type !== "step-clock") return action;
    const { clockNode } = this.#options;
    return clockNode === null ? null : { ...action, node: clockNode };
  }

  #castOf(grid: string): Cast | null {
    const view = this.#context.installation.grids().find(({ config }) => config.id === grid);
    if (view === undefined || view.leader === null) return null;
    const running = view.standbys.filter(({ state }) => state === "up");
    const standbys = [...running].sort((a, b) => Number(b.isInSync) - Number(a.isInSync));
    return {
      leader: view.leader,
      standbys: standbys.map(({ node }) => node),
      etcdMemberCount: ETCD_MEMBER_COUNT,
    };
  }

  #struck(action: Action, { leader, standbys }: Cast): readonly string[] {
    if (action.type === "kill-all") return [leader, ...standbys];
    if (action.type === "kill-etcd") return [];
    if ("node" in action && action.type !== "transfer") return [action.node];
    return [leader];
  }

  #compareStates(): void {
    const { installation, fail } = this.#context;
    for (const text of this.#states.look(installation.nodeViews())) fail(`chaos: ${text}`);
  }
}

function textOf(action: Action): string {
  const details = Object.entries(action)
    .filter(([key]) => key !== "type")
    .map(([key, value]) => `${key} ${String(value)}`);
  return [action.type, ...details].join(" ");
}
