import { RemsError } from "../../kernel/errors.ts";
import { askDevice } from "./ask-device.ts";
import type { Installation } from "./cluster.ts";
import { machineMonotonicMs } from "./host-pauses.ts";
import { createFaultsAround } from "./faults-around.ts";
import { livingNodes } from "./installation-view.ts";
import type { NodeProcess } from "./node-process.ts";
import { operateTie } from "./operate-tie.ts";
import type { Action } from "./schedule.ts";

/** A fault of nodes that was caused, for whoever looks at the measurements later. */
export interface CausedFault {
  /** The machine's monotonic clock. */
  readonly atMs: number;
  readonly grids: readonly string[];
  readonly type: Action["type"];
}

/** Does things to a running installation. */
export interface Faults {
  /**
   * Performs an action and says what was done. Faults of nodes first wait until every grid is led with its whole set in sync.
   * @param isAtOnce - They do not wait: a fault on top of others.
   * @throws {@link RemsError} `REMS_REQUEST_REFUSED` that says why it cannot be done.
   */
  perform(action: Action, isAtOnce?: boolean): Promise<string>;
  /** Faults of nodes so far, oldest first. */
  readonly caused: readonly CausedFault[];
  /** What is under way or waits, for whoever shows it; null if nothing. */
  readonly underWay: string | null;
  /** Forgets what it would do later: the run ends. */
  close(): void;
}

const SETTLE_MS_MAX = 60_000;
const SETTLE_POLL_MS = 50;
/** Between the cut of all links and the kill: what the process still sends goes nowhere. */
const POWER_CUT_MS = 50;

const refused = (text: string) => new RemsError("REMS_REQUEST_REFUSED", text);
const delay = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

export function createFaults(installation: Installation): Faults {
  const { manifest } = installation;
  const caused: CausedFault[] = [];
  const later = new Set<NodeJS.Timeout>();
  const powerCut = new Set<string>();
  let underWay: string | null = null;
  let isAtOnce = false;
  let isClosed = false;
  let faultCount = 0;

  const after = (ms: number, act: () => void) => {
    const timer = setTimeout(() => {
      later.delete(timer);
      act();
    }, ms);
    later.add(timer);
  };

  async function untilSettled(what: string): Promise<void> {
    if (isAtOnce) return;
    const deadlineMs = performance.now() + SETTLE_MS_MAX;
    underWay = `${what}: waits until every grid is led and in sync`;
    try {
      for (;;) {
        const why = installation.whyUnsettled();
        if (why === null) return;
        if (isClosed) throw refused(`${what}: the run ends`);
        if (performance.now() > deadlineMs)
          throw refused(`${what}: waited a minute in vain, ${why}`);
        await delay(SETTLE_POLL_MS);
      }
    } finally {
      underWay = null;
    }
  }

  function gridOf(id: string) {
    const grid = installation.grids().find(({ config }) => config.id === id);
    if (grid !== undefined) return grid;
    const known = manifest.grids.map((one) => one.id).join(", ");
    throw refused(`there is no grid "${id}"; there are ${known}`);
  }

  function leaderOf(gridId: string): NodeProcess {
    const { leader } = gridOf(gridId);
    if (leader === null) throw refused(`nobody leads grid ${gridId} at this moment`);
    return installation.node(leader);
  }

  const gridsLedBy = (node: string) =>
    installation
      .grids()
      .filter(({ leader }) => leader === node)
      .map(({ config }) => config.id);

  /** Tells the referee the instant of a fault; to be called immediately before it. */
  function mark(type: Action["type"], nodes: readonly string[]): void {
    const atMs = machineMonotonicMs();
    const struck = nodes.flatMap((node) => gridsLedBy(node).map((grid) => ({ node, grid })));
    faultCount += 1;
    for (const { node, grid } of struck) {
      const id = `${type}-${faultCount}-${grid}`;
      installation.simulate({
        type: "fault.mark",
        id,
        grid,
        from: node,
        reason: type,
        atMonotonicMs: atMs,
      });
    }
    caused.push({ atMs, grids: struck.map(({ grid }) => grid), type });
  }

  async function restart(node: NodeProcess): Promise<void> {
    if (isClosed) return;
    if (powerCut.delete(node.id)) await installation.network.setPower(node.id, true);
    node.start();
  }

  async function restartAll(): Promise<string> {
    const down = installation
      .nodeViews()
      .filter(({ state }) => state === "down" || state === "ended")
      .map(({ id }) => id);
    if (down.length === 0) throw refused("no node is down");
    for (const id of down) await restart(installation.node(id));
    return `started ${down.join(", ")}`;
  }

  async function killOne(type: "kill-leader" | "kill-node", pick: () => NodeProcess) {
    await untilSettled(type);
    const node = pick();
    const { state } = node.view();
    if (state !== "up") throw refused(`${node.id} does not run: it is ${state}`);
    mark(type, [node.id]);
    node.kill();
    return `${node.id} killed`;
  }

  async function cutPower(gridId: string): Promise<string> {
    await untilSettled("power-cut");
    const node = leaderOf(gridId);
    powerCut.add(node.id);
    mark("power-cut", [node.id]);
    await installation.network.setPower(node.id, false);
    await delay(POWER_CUT_MS);
    node.kill();
    return `power of ${node.id} cut: no packet of it arrives any more, and nobody heard a goodbye`;
  }

  async function pause(gridId: string, durationMs: number): Promise<string> {
    await untilSettled("pause-leader");
    const node = leaderOf(gridId);
    if (process.platform === "win32") {
      throw refused("this system cannot freeze a process (it has no SIGSTOP); use kill-leader");
    }
    mark("pause-leader", [node.id]);
    if (!node.setPaused(true)) throw refused(`${node.id} could not be frozen`);
    after(durationMs, () => node.setPaused(false));
    return `${node.id} frozen for ${durationMs / 1000} s: it will wake up and believe it still leads`;
  }

  async function killAll(durationMs: number): Promise<string> {
    await untilSettled("kill-all");
    const living = livingNodes(installation.nodeViews());
    mark("kill-all", living);
    for (const id of living) installation.node(id).kill();
    after(durationMs, () => {
      if (!isClosed) for (const id of living) void restart(installation.node(id));
    });
    return `all controllers killed; they come back in ${durationMs / 1000} s. The plant holds by itself`;
  }

  async function cutPlant(gridId: string, durationMs: number): Promise<string> {
    await untilSettled("cut-plant");
    const { id } = leaderOf(gridId);
    mark("cut-plant", [id]);
    installation.network.setPlantCut(id, true);
    after(durationMs, () => installation.network.setPlantCut(id, false));
    return `${id} reaches no device for ${durationMs / 1000} s; its network to the other nodes stands`;
  }

  async function transfer(gridId: string, to: string): Promise<string> {
    await untilSettled("transfer");
    const leader = leaderOf(gridId);
    const atMonotonicMs = machineMonotonicMs();
    const { isAccepted, reason } = await leader.operator.transfer(gridId, to);
    if (!isAccepted) throw refused(`handover of ${gridId} to ${to}: ${reason}`);
    const id = `transfer-${++faultCount}-${gridId}`;
    installation.simulate({
      type: "fault.mark",
      id,
      grid: gridId,
      from: leader.id,
      reason: "transfer",
      atMonotonicMs,
    });
    caused.push({ atMs: atMonotonicMs, grids: [gridId], type: "transfer" });
    return `${leader.id} hands ${gridId} over to ${to}`;
  }

  function deviceOf(id: string, kinds: readonly string[]): string {
    const devices = manifest.grids.flatMap((grid) => grid.devices);
    const fitting = devices.filter((device) => kinds.includes(device.kind));
    if (fitting.some((device) => device.id === id)) return id;
    const known = fitting.map((device) => device.id).join(", ") || "none here";
    throw refused(`"${id}" is not possible; there are: ${known}`);
  }

  function setUtility(isLost: boolean): string {
    if (manifest.installation.kind !== "land")
      throw refused("a vessel at sea has no utility to lose");
    const grid = manifest.grids.find(({ devices }) => devices.some(({ kind }) => kind === "shore"));
    if (grid === undefined) throw refused("this site has no point of interconnection");
    installation.simulate({ type: "grid.loss", grid: grid.id, isLost });
    return isLost ? "the utility is gone" : "the utility is back";
  }

  function dimSun(dropPct: number): string {
    if (dropPct < 0 || dropPct > 100) throw refused("the sun drops by 0 to 100 %");
    const plants = manifest.grids
      .flatMap((grid) => grid.devices)
      .filter(({ kind }) => kind === "pv");
    if (plants.length === 0) throw refused("there is no PV here");
    for (const { id } of plants) {
      installation.simulate({ type: "pv.cloud", device: id, sunPct: 100 - dropPct });
    }
    return `a cloud: PV down by ${dropPct} %`;
  }

  async function perform(action: Action): Promise<string> {
    switch (action.type) {
      case "kill-leader":
        return killOne(action.type, () => leaderOf(action.grid));
      case "kill-node":
        installation.node(action.node);
        return killOne(action.type, () => installation.node(action.node));
      case "power-cut":
        return cutPower(action.grid);
      case "pause-leader":
        return pause(action.grid, action.durationMs);
      case "kill-all":
        return killAll(action.durationMs);
      case "cut-plant":
        return cutPlant(action.grid, action.durationMs);
      case "restart":
        return restartAll();
      case "transfer":
        return transfer(action.grid, action.node);
      case "cut-node":
      case "cut-peers":
      case "cut-coordinator":
      case "cut-one-way":
      case "delay":
      case "kill-etcd":
      case "kill-with-etcd":
      case "fill-disk":
      case "step-clock":
        await untilSettled(action.type);
        return around.perform(action);
      case "ask":
        return askDevice(installation, action.device, action.command);
      case "tie":
        return operateTie(installation, action.isClosing);
      case "trip": {
        const kinds = ["genset", "battery", "shore"];
        installation.simulate({ type: "trip", device: deviceOf(action.device, kinds) });
        return `${action.device}: tripped by its own protection`;
      }
      case "load-step": {
        const { device, deltaKw } = action;
        installation.simulate({ type: "loadStep", device: deviceOf(device, ["feeder"]), deltaKw });
        return `${device}: ${deltaKw > 0 ? "+" : ""}${deltaKw} kW`;
      }
      case "thruster": {
        const device = deviceOf(action.device, ["thruster"]);
        installation.simulate({ type: "thruster.demand", device, kw: action.demandKw });
        return `${device}: the lever asks for ${action.demandKw} kW`;
      }
      case "grid-loss":
        return setUtility(true);
      case "grid-return":
        return setUtility(false);
      case "pv-cloud":
        return dimSun(action.dropPct);
      default:
        return action satisfies never;
    }
  }

  const around = createFaultsAround(installation, { mark, after, leaderOf });

  return {
    async perform(action, isForcedNow = false) {
      if (underWay !== null) throw refused(`not now: ${underWay}`);
      isAtOnce = isForcedNow;
      return perform(action);
    },
    caused,
    get underWay() {
      return underWay;
    },
    close() {
      isClosed = true;
      for (const timer of later) clearTimeout(timer);
      later.clear();
    },
  };
}
