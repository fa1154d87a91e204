import type { Installation } from "../../../apps/launcher/cluster.ts";
import type { FailoverMessage } from "../../../apps/launcher/events.ts";
import { createFaults } from "../../../apps/launcher/faults.ts";
import type { GridView, NodeView } from "../../../apps/launcher/installation-view.ts";
import type { Action } from "../../../apps/launcher/schedule.ts";
import { RemsError } from "../../../kernel/errors.ts";
import { gridId } from "./bench-installation.ts";

/** What is done to the leader, again and again. `freeze` and `handover` leave it alive. */
export const FAULT_KINDS = ["kill", "power-cut", "freeze", "handover"] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];

export interface CellOptions {
  readonly installation: Installation;
  readonly cell: number;
  /** Baselines tell no status: who leads is what the devices see, and in sync is who runs. */
  readonly isBaseline: boolean;
  readonly freezeMs: number;
  readonly failoverMsMax: number;
}

const delay = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

const POLL_MS = 10;
/** Above the settling, so that the instant falls anywhere within heartbeats, scans and renewals. */
const PHASE_MS_MAX = 400;
/** Whoever was removed from the set more than once is added again after up to 30 s. */
const SETTLE_MS_MAX = 180_000;
/** A handover that is refused is asked for again so long, as an operator asks again. */
const REFUSED_MS_MAX = 10_000;

/** One grid of the bench and the faults that befall its leader. */
export class Cell {
  readonly grid: string;
  readonly #options: CellOptions;
  readonly #view: Installation;
  readonly #faults;
  #refusedCount = 0;

  constructor(options: CellOptions) {
    this.#options = options;
    this.grid = gridId(options.cell);
    this.#view = viewOf(this.grid, options);
    this.#faults = createFaults(this.#view);
  }

  /** How many handovers were refused, because authority was short just then, and asked for again. */
  get refusedCount(): number {
    return this.#refusedCount;
  }

  close(): void {
    this.#faults.close();
  }

  /** Null where the grid is led and every node of it takes part. */
  whyUnsettled(): string | null {
    return this.#view.whyUnsettled();
  }

  async untilSettled(): Promise<void> {
    const deadlineMs = performance.now() + SETTLE_MS_MAX;
    while (this.whyUnsettled() !== null) {
      if (performance.now() > deadlineMs) {
        throw new RemsError(
          "REMS_TIMEOUT",
          `${this.grid}: waited three minutes in vain, ${this.whyUnsettled() ?? ""}`,
        );
      }
      await delay(POLL_MS);
    }
  }

  /**
   * One fault from a settled state to the successor's first write and back.
   * @param found - Failovers of the whole installation as they are measured.
   */
  async strike(kind: FaultKind, found: readonly FailoverMessage[]): Promise<FailoverMessage> {
    const before = found.length;
    const standing = await this.#cause(kind);
    const atMs = this.#faults.caused.at(-1)?.atMs ?? 0;
    const isIt = (one: FailoverMessage) => one.grid === this.grid && one.faultAtMs >= atMs - 1;
    const deadlineMs = performance.now() + this.#options.failoverMsMax;
    const plantWriter = () =>
      this.#view.plant()?.grids.find(({ id }) => id === this.grid)?.writer ?? null;
    const old = plantWriter();
    let isRestarted = kind !== "kill" && kind !== "power-cut";
    for (;;) {
      // Once another leads, the dead one may come back; starting it earlier would disturb what is measured.
      if (!isRestarted && plantWriter() !== old) {
        isRestarted = true;
        await this.#faults.perform({ type: "restart" });
      }
      const measured = found.slice(before).find(isIt);
      if (measured !== undefined) {
        if (!isRestarted) await this.#faults.perform({ type: "restart" });
        if (kind === "freeze") await this.#untilThawed();
        return measured;
      }
      if (performance.now() > deadlineMs) {
        const text = `${this.grid}: nobody took over within ${this.#options.failoverMsMax} ms of a ${kind}`;
        throw new RemsError(
          "REMS_TIMEOUT",
          `${text}; before: ${standing}; now: ${this.#standing()}`,
        );
      }
      await delay(POLL_MS);
    }
  }

  /** @returns how it stood before. */
  async #cause(kind: FaultKind): Promise<string> {
    const deadlineMs = performance.now() + REFUSED_MS_MAX;
    for (;;) {
      await this.untilSettled();
      await delay(Math.random() * PHASE_MS_MAX);
      const standing = this.#standing();
      try {
        await this.#faults.perform(this.#actionOf(kind));
        return standing;
      } catch (error) {
        const isRefused = RemsError.find(error, "REMS_REQUEST_REFUSED") !== undefined;
        if (kind !== "handover" || !isRefused || performance.now() > deadlineMs) throw error;
        this.#refusedCount++;
      }
    }
  }

  /** Who leads, and who may take over: what a failover that did not come rests on. */
  #standing(): string {
    const [view] = this.#view.grids();
    const status = view?.status;
    const inSync = (status?.inSync ?? []).join(", ") || "nobody";
    const leads = `${view?.leader ?? "nobody"} leads, epoch ${Number(status?.epoch ?? 0)}`;
    return `${leads}, in sync ${inSync} (${status?.roleReason ?? "no reason is known"})`;
  }

  async #untilThawed(): Promise<void> {
    const isFrozen = () => this.#view.nodeViews().some(({ state }) => state === "paused");
    while (isFrozen()) await delay(POLL_MS);
    // What it still writes when it wakes up belongs to this fault.
    await delay(1000);
  }

  #actionOf(kind: FaultKind): Action {
    const { grid } = this;
    if (kind === "kill") return { type: "kill-leader", grid };
    if (kind === "power-cut") return { type: "power-cut", grid };
    if (kind === "freeze") {
      return { type: "pause-leader", grid, durationMs: this.#options.freezeMs };
    }
    const view = this.#view.grids()[0];
    const target = view?.standbys.find(({ isInSync }) => isInSync);
    return { type: "transfer", grid, node: target?.node ?? "" };
  }
}

/** The installation as far as it concerns one grid. */
function viewOf(grid: string, { installation, isBaseline }: CellOptions): Installation {
  const { manifest } = installation;
  const members = new Set(
    manifest.grids
      .filter(({ id }) => id === grid)
      .flatMap(({ controllers }) => controllers.map(({ node }) => node)),
  );
  const nodeViews = (): NodeView[] => installation.nodeViews().filter(({ id }) => members.has(id));
  const grids = (): GridView[] => {
    const own = installation.grids().filter(({ config }) => config.id === grid);
    if (!isBaseline) return own;
    const writer = installation.plant()?.grids.find(({ id }) => id === grid)?.writer ?? null;
    const isUp = nodeViews().some(({ id, state }) => id === writer && state === "up");
    return own.map((view) => ({ ...view, leader: isUp ? writer : null }));
  };
  const whyUnsettled = (): string | null => {
    const missing = nodeViews().find(({ state }) => state !== "up");
    if (missing !== undefined) return `${missing.id} is ${missing.state}`;
    const [view] = grids();
    if (view === undefined || view.leader === null) return `nobody leads ${grid}`;
    if (isBaseline) return null;
    const late = view.standbys.find(({ isInSync }) => !isInSync);
    return late === undefined ? null : `${late.node} is not in sync yet`;
  };
  return { ...installation, isBroken: installation.isBroken, nodeViews, grids, whyUnsettled };
}
