import { isAlarmStanding } from "../kernel/alarm.ts";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { Counter, Gauge, Histogram, Registry } from "prom-client";
import type { FeedScan } from "./api-messages.ts";
import type { NodeView } from "./node-view.ts";

/** Prometheus metrics of a node: counted from the feed, the rest read when they are asked for. */
export interface Metrics {
  onScan(scan: FeedScan): void;
  /** Event-loop delay of the control thread over the last second. */
  onControlLag(lag: { readonly p50Ms: number; readonly maxMs: number }): void;
  /** Text exposition format. */
  text(): Promise<string>;
  readonly contentType: string;
}

const LATENESS_BUCKETS_S = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1];

/** @param droppedCount - Records of the feed that were dropped so far. */
export function createMetrics(view: NodeView, droppedCount: () => number): Metrics {
  const registry = new Registry();
  registry.setDefaultLabels({ node: view.node.id });
  const registers = [registry];
  const gauge = <Label extends string>(name: string, help: string, labelNames: Label[] = []) =>
    new Gauge<Label>({ name, help, labelNames, registers });
  const counter = <Label extends string>(name: string, help: string, labelNames: Label[]) =>
    new Counter<Label>({ name, help, labelNames, registers });

  const lateness = new Histogram({
    name: "rems_scan_lateness_seconds",
    help: "How much later than due a scan began",
    labelNames: ["grid"],
    buckets: LATENESS_BUCKETS_S,
    registers,
  });
  const missed = counter("rems_scans_missed_total", "Scans left out because of lateness", ["grid"]);
  const frames = counter("rems_frames_total", "Frames applied", ["grid"]);
  const failovers = counter("rems_failovers_total", "Changes of leader seen", ["grid", "origin"]);
  const gap = gauge(
    "rems_failover_gap_seconds",
    "Plant time without a frame at the last change of leader",
    ["grid"],
  );
  const epoch = gauge("rems_epoch", "Epoch of the leadership", ["grid"]);
  const isLeader = gauge("rems_is_leader", "1 where this node leads", ["grid"]);
  const hasAuthority = gauge("rems_has_authority", "1 where this node may command devices", [
    "grid",
  ]);
  const inSync = gauge("rems_in_sync_members", "Controllers that hold every issued frame", [
    "grid",
  ]);
  const isCurrent = gauge("rems_view_current", "1 where this node's view of the grid is complete", [
    "grid",
  ]);
  const alarms = gauge("rems_alarms_active", "Active alarms", ["grid", "priority"]);
  const devices = gauge("rems_device_state", "1 for the state that the device's actor is in", [
    "grid",
    "device",
    "state",
  ]);
  const connections = gauge("rems_device_online", "1 where the leader reaches the device", [
    "grid",
    "device",
  ]);
  const load = gauge("rems_load_kw", "What consumers draw", ["grid"]);
  const capacity = gauge("rems_capacity_kw", "Firm capacity of connected sources", ["grid"]);
  const lag = gauge("rems_event_loop_lag_seconds", "Event-loop delay over the last second", [
    "thread",
    "quantile",
  ]);
  const memory = gauge("process_resident_memory_bytes", "Resident memory of the process");
  const uptime = gauge("rems_uptime_seconds", "Since the start of the process");
  const dropped = gauge(
    "rems_feed_dropped_records",
    "Records for inspection dropped since the start",
  );
  const ownLag = monitorEventLoopDelay({ resolution: 20 });
  ownLag.enable();

  view.onChange((change) => {
    if (change.type === "frame") frames.inc({ grid: change.grid });
    if (change.type !== "failover") return;
    failovers.inc({ grid: change.grid, origin: change.failover.origin });
    gap.set({ grid: change.grid }, change.failover.gapMs / 1000);
  });

  function readGrid(grid: string): void {
    const status = view.statusOf(grid);
    const replica = view.replicaOf(grid);
    epoch.set({ grid }, status?.epoch ?? 0);
    isLeader.set({ grid }, status?.role === "leading" ? 1 : 0);
    hasAuthority.set({ grid }, status?.hasAuthority === true ? 1 : 0);
    inSync.set({ grid }, status?.inSync.length ?? 0);
    isCurrent.set({ grid }, replica.isCurrent ? 1 : 0);
    for (const priority of ["low", "medium", "high"] as const) {
      const active = [...replica.alarms().filter(isAlarmStanding), ...view.alarmsOf(grid)];
      const count = active.filter((alarm) => alarm.priority === priority).length;
      alarms.set({ grid, priority }, count);
    }
    const { balance } = replica.situation();
    load.set({ grid }, balance.loadKw);
    capacity.set({ grid }, balance.capacityKw);
    const states = new Map(replica.views().map(({ address, state }) => [address, state]));
    for (const { id: device, address } of replica.core.plan.devices) {
      devices.set({ grid, device, state: states.get(address) ?? "" }, 1);
      connections.set({ grid, device }, replica.state.connections[device] === "online" ? 1 : 0);
    }
  }

  return {
    contentType: registry.contentType,
    onScan({ grid, latenessMs, missedCount }) {
      lateness.observe({ grid }, latenessMs / 1000);
      if (missedCount > 0) missed.inc({ grid }, missedCount);
    },
    onControlLag({ p50Ms, maxMs }) {
      lag.set({ thread: "control", quantile: "0.5" }, p50Ms / 1000);
      lag.set({ thread: "control", quantile: "1" }, maxMs / 1000);
    },
    text() {
      devices.reset();
      for (const grid of view.replicas.keys()) readGrid(grid);
      lag.set({ thread: "api", quantile: "0.5" }, ownLag.percentile(50) / 1e9);
      lag.set({ thread: "api", quantile: "1" }, ownLag.max / 1e9);
      ownLag.reset();
      memory.set(process.memoryUsage.rss());
      uptime.set(process.uptime());
      dropped.set(droppedCount());
      return registry.metrics();
    },
  };
}
