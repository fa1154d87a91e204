import type { SeededRandom } from "../ports/seeded-random.ts";

/** How a process ends: with its power (what was not synced is gone), killed (part of it survives), or together with its disk. */
export type CrashKind = "power" | "kill" | "disk";

/** One thing that goes wrong, or that an operator does. Times are milliseconds of the world. */
export type Fault = { readonly atMs: number; readonly forMs: number } & (
  | { readonly kind: "crash"; readonly node: string; readonly how: CrashKind }
  | { readonly kind: "stop"; readonly node: string }
  | { readonly kind: "pause"; readonly node: string }
  /** The computer sleeps: its clock stands still too. */
  | { readonly kind: "suspend"; readonly node: string }
  /** The process stands still right after the gate was asked for its next write. */
  | { readonly kind: "stallAtGate"; readonly node: string }
  /** Packets from `node` to `to` vanish; the other direction passes. */
  | { readonly kind: "cut"; readonly node: string; readonly to: string; readonly isOneWay: boolean }
  | { readonly kind: "flap"; readonly node: string; readonly to: string; readonly periodMs: number }
  | { readonly kind: "delay"; readonly node: string; readonly to: string; readonly delayMs: number }
  /** No peer is reached; `isFromAll`: neither are the coordinator and the devices. */
  | { readonly kind: "isolate"; readonly node: string; readonly isFromAll: boolean }
  | { readonly kind: "storeCut"; readonly node: string }
  | { readonly kind: "storeAnswersLost"; readonly node: string }
  /** Requests arrive so much later: after the client gave up. */
  | { readonly kind: "storeLate"; readonly node: string; readonly delayMs: number }
  | { readonly kind: "watchSilent"; readonly node: string }
  | { readonly kind: "memberDown"; readonly member: number }
  /** etcd's leader is lost: nothing is written until another is elected; what it had not replicated may be lost. */
  | { readonly kind: "storeLeaderLost"; readonly electionMs: number }
  | { readonly kind: "storeOutage" }
  | { readonly kind: "storeSlow"; readonly delayMs: number }
  | { readonly kind: "deviceSlow"; readonly device: string; readonly delayMs: number }
  | { readonly kind: "deviceSilent"; readonly device: string }
  | { readonly kind: "deviceRefuses"; readonly device: string }
  | { readonly kind: "deviceCut"; readonly node: string; readonly device: string }
  | { readonly kind: "journalFails"; readonly node: string }
  | { readonly kind: "request"; readonly node: string }
  | { readonly kind: "transfer"; readonly node: string }
  /** Something happens in the plant: a load steps, a consumer asks for power, a genset trips. */
  | { readonly kind: "plant" }
  /** What feeds this grid trips. */
  | { readonly kind: "blackout"; readonly grid: string }
  /** An engineer makes sure that all others are off, and forces this one. */
  | { readonly kind: "force"; readonly node: string }
);

export type FaultKind = Fault["kind"];

/** How often each kind is drawn, beside the others. */
const WEIGHTS: Readonly<Record<FaultKind, number>> = {
  crash: 14,
  stop: 3,
  pause: 8,
  suspend: 2,
  stallAtGate: 3,
  cut: 9,
  flap: 3,
  delay: 4,
  isolate: 5,
  storeCut: 5,
  storeAnswersLost: 5,
  storeLate: 5,
  watchSilent: 3,
  memberDown: 2,
  storeLeaderLost: 3,
  storeOutage: 2,
  storeSlow: 3,
  deviceSlow: 2,
  deviceSilent: 2,
  deviceRefuses: 2,
  deviceCut: 3,
  journalFails: 3,
  request: 6,
  transfer: 5,
  plant: 0,
  blackout: 0,
  force: 1,
};

export interface FaultSpace {
  readonly nodes: readonly string[];
  readonly devices: readonly string[];
  readonly fromMs: number;
  readonly untilMs: number;
  /** Mean time between two faults. */
  readonly everyMs: number;
  /** Of all that happens, the share that happens in the plant. */
  readonly plantShare: number;
}

/** Draws what goes wrong in one run. */
export function drawFaults(random: SeededRandom, space: FaultSpace): readonly Fault[] {
  const faults: Fault[] = [];
  let subject: string | null = null;
  for (let atMs = space.fromMs; atMs < space.untilMs;) {
    const kind = random.next() < space.plantShare ? "plant" : drawKind(random);
    const fault = drawFault(random, kind, atMs, space, subject);
    faults.push(fault);
    // Often in bursts: what breaks the rules is two faults within one grace.
    const isBurst = random.next() < 0.4;
    // And often the same computer has them: it loses its peers and the store.
    subject = isBurst && "node" in fault && random.next() < 0.6 ? fault.node : null;
    atMs += isBurst ? random.between(0, 150) : random.between(0, 2 * space.everyMs);
  }
  return faults;
}

function drawKind(random: SeededRandom): FaultKind {
  const kinds = Object.entries(WEIGHTS) as [FaultKind, number][];
  const sum = kinds.reduce((total, [, weight]) => total + weight, 0);
  let left = random.next() * sum;
  for (const [kind, weight] of kinds) {
    left -= weight;
    if (left < 0) return kind;
  }
  return "crash";
}

export function drawFault(
  random: SeededRandom,
  kind: FaultKind,
  atMs: number,
  { nodes, devices }: FaultSpace,
  subject: string | null = null,
): Fault {
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random.next() * items.length)] as T;
  const picked = pick(nodes);
  const node = subject ?? picked;
  const to = pick(nodes.filter((other) => other !== node));
  const device = pick(devices);
  const forMs = 20 + random.next() * random.next() * 2_500;
  const shortMs = 10 + random.next() * random.next() * 600;
  const timed = { atMs, forMs };
  switch (kind) {
    case "crash":
      return { ...timed, kind, node, how: pick(["power", "power", "kill", "kill", "disk"]) };
    case "stop":
    case "isolate":
      return kind === "stop"
        ? { ...timed, kind, node }
        : { ...timed, kind, node, isFromAll: random.next() < 0.5 };
    case "suspend":
      // Shorter sleeps do not exist, and could not be seen.
      return { atMs, forMs: 40 + shortMs, kind, node };
    case "pause":
    case "stallAtGate":
      return { atMs, forMs: shortMs, kind, node };
    case "cut":
      return { ...timed, kind, node, to, isOneWay: random.next() < 0.5 };
    case "flap":
      return { ...timed, kind, node, to, periodMs: random.between(20, 300) };
    case "delay":
      return { ...timed, kind, node, to, delayMs: random.between(1, 120) };
    case "storeLate":
      return { ...timed, kind, node, delayMs: random.between(50, 600) };
    case "memberDown":
      return { ...timed, kind, member: Math.floor(random.next() * 3) };
    case "plant":
      return { atMs, forMs: 0, kind };
    case "blackout":
      return { atMs, forMs: 0, kind, grid: "" };
    case "storeLeaderLost":
      return { atMs, forMs: 0, kind, electionMs: random.between(150, 600) };
    case "storeOutage":
      return { ...timed, kind };
    case "storeSlow":
      return { ...timed, kind, delayMs: random.between(10, 200) };
    case "deviceSlow":
      return { ...timed, kind, device, delayMs: random.between(5, 60) };
    case "deviceSilent":
    case "deviceRefuses":
      return { ...timed, kind, device };
    case "deviceCut":
      return { ...timed, kind, node, device };
    case "request":
    case "transfer":
      return { atMs, forMs: 0, kind, node };
    case "storeCut":
    case "storeAnswersLost":
    case "watchSilent":
    case "journalFails":
    case "force":
      return { ...timed, kind, node };
    default:
      return kind satisfies never;
  }
}

const KEEPS_FROM_STORE: readonly FaultKind[] = [
  "isolate",
  "pause",
  "suspend",
  "stallAtGate",
  "storeCut",
  "storeAnswersLost",
  "storeLate",
  "memberDown",
  "storeLeaderLost",
  "storeOutage",
  "storeSlow",
];

/** Whether every node that is up reaches the coordinator at any time. */
export function leavesStoreWell({ kind }: Fault): boolean {
  return !KEEPS_FROM_STORE.includes(kind);
}

/** One fault in one line. */
export function describeFault(fault: Fault): string {
  const { atMs, forMs, kind, ...rest } = fault;
  const details = Object.entries(rest).map(
    ([name, value]) => `${name}=${typeof value === "number" ? value.toFixed(0) : String(value)}`,
  );
  const span = forMs > 0 ? ` for ${forMs.toFixed(0)} ms` : "";
  return `${atMs.toFixed(1)} ms: ${kind} ${details.join(" ")}${span}`;
}
