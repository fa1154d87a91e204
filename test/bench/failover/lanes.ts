import type { EtcdTimings } from "../../../apps/launcher/etcd-members.ts";
import type { TimingSetName } from "../../../kernel/timings.ts";
import type { FaultKind } from "./cell.ts";

/** One way to have a leader, and how it is measured. */
export interface Lane {
  readonly id: string;
  readonly title: string;
  readonly timingSet: TimingSetName;
  readonly etcd: EtcdTimings;
  /** Arguments of `baseline-node.ts`; null for R-EMS. */
  readonly baseline: readonly string[] | null;
  readonly faults: readonly FaultKind[];
  /** Independent grids with three nodes each, side by side: for lanes that mostly wait. */
  readonly cellCount: number;
  /** Nothing else is measured meanwhile: for the lanes that are compared. The others wait for leases most of the time and share the machine. */
  readonly isAlone: boolean;
  /** So many such installations at once. */
  readonly shardCount: number;
  /** Longer than any authority of the lane lasts. */
  readonly freezeMs: number;
  readonly failoverMsMax: number;
}

const SLOW_ETCD: EtcdTimings = { heartbeatMs: 100, electionMs: 1000 };
const QUICK_ETCD: EtcdTimings = { heartbeatMs: 20, electionMs: 200 };
const BASELINE_FAULTS = ["kill", "power-cut", "freeze"] as const;

function leaseLoop(leaseMs: number, renewMs: number, retryMs: number): readonly string[] {
  const text = `--kind lease-loop --lease-ms ${leaseMs} --renew-ms ${renewMs} --retry-ms ${retryMs}`;
  return text.split(" ");
}

export const LANES: readonly Lane[] = [
  {
    id: "r-ems-default",
    title: "R-EMS, default timings, etcd 100/1000",
    timingSet: "default",
    etcd: SLOW_ETCD,
    baseline: null,
    faults: ["kill", "power-cut", "freeze", "handover"],
    cellCount: 1,
    isAlone: true,
    shardCount: 1,
    freezeMs: 2000,
    failoverMsMax: 20_000,
  },
  {
    id: "r-ems-fast",
    title: "R-EMS, fast timings, etcd 20/200",
    timingSet: "fast",
    etcd: QUICK_ETCD,
    baseline: null,
    faults: ["kill", "power-cut", "freeze", "handover"],
    cellCount: 1,
    isAlone: true,
    shardCount: 1,
    freezeMs: 2000,
    failoverMsMax: 20_000,
  },
  {
    id: "election-100-1000",
    title: "etcd3 Election, TTL 1 s, etcd 100/1000",
    timingSet: "default",
    etcd: SLOW_ETCD,
    baseline: ["--kind", "election"],
    faults: BASELINE_FAULTS,
    cellCount: 4,
    isAlone: true,
    shardCount: 1,
    freezeMs: 5000,
    failoverMsMax: 30_000,
  },
  {
    id: "election-20-200",
    title: "etcd3 Election, TTL 1 s, etcd 20/200",
    timingSet: "default",
    etcd: QUICK_ETCD,
    baseline: ["--kind", "election"],
    faults: BASELINE_FAULTS,
    cellCount: 4,
    isAlone: true,
    shardCount: 1,
    freezeMs: 5000,
    failoverMsMax: 30_000,
  },
  {
    id: "lease-loop-smallest",
    title: "lease loop, 1 s / 0.75 s / 0.25 s, etcd 20/200",
    timingSet: "default",
    etcd: QUICK_ETCD,
    baseline: leaseLoop(1000, 750, 250),
    faults: BASELINE_FAULTS,
    cellCount: 4,
    isAlone: false,
    shardCount: 1,
    freezeMs: 4000,
    failoverMsMax: 30_000,
  },
  {
    id: "lease-loop-default",
    title: "lease loop, Kubernetes' 15 s / 10 s / 2 s, etcd 100/1000",
    timingSet: "default",
    etcd: SLOW_ETCD,
    baseline: leaseLoop(15_000, 10_000, 2000),
    faults: BASELINE_FAULTS,
    cellCount: 5,
    isAlone: false,
    shardCount: 2,
    freezeMs: 25_000,
    failoverMsMax: 60_000,
  },
];
