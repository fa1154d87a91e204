import { createDriverBench } from "../../support/driver-bench.ts";
import { QUICK, serveDevice, type BenchDevice, type Served } from "./devices.ts";
import { benchDevice } from "./driver-profile.ts";
import { SCAN_MS } from "./scan.ts";

interface Delays {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
  readonly count: number;
}

export interface DeadDevice {
  readonly name: string;
  readonly before: Delays;
  /** In the first seconds after it died, until it is known as silent. */
  readonly dying: Delays;
  /** Once it is known as silent, and tried as rarely as it will ever be. */
  readonly after: Delays;
}

interface Lane {
  readonly name: string;
  readonly isShared: boolean;
  readonly inFlightMax: number;
  readonly device: Partial<BenchDevice>;
}

/** Times of one run in seconds; each phase begins where the one before ends. */
interface Phases {
  readonly warmUpS: number;
  readonly beforeS: number;
  readonly dyingS: number;
  readonly afterS: number;
}

const LIVE_COUNT = 9;
const GATEWAY_MS = 3;
const LANES: readonly Lane[] = [
  { name: "own connections", isShared: false, inFlightMax: 1, device: {} },
  { name: "one gateway, one request at a time", isShared: true, inFlightMax: 1, device: {} },
  { name: "one gateway, four requests at once", isShared: true, inFlightMax: 4, device: {} },
  {
    name: "one serial line behind a gateway that waits 100 ms for a dead unit",
    isShared: true,
    inFlightMax: 1,
    device: { gatewayMs: GATEWAY_MS, gatewayTimeoutMs: 100 },
  },
];
/** A device with a connection of its own is tried every two seconds, one on a shared line every thirty once it is silent for about fifty. */
const OWN: Phases = { warmUpS: 2, beforeS: 20, dyingS: 5, afterS: 20 };
const SHARED: Phases = { warmUpS: 2, beforeS: 20, dyingS: 50, afterS: 35 };

/** Seconds that {@link measureDeadDevice} takes, at full length. */
export const DEAD_DEVICE_S = LANES.reduce((sum, { isShared }) => {
  const { warmUpS, beforeS, dyingS, afterS } = isShared ? SHARED : OWN;
  return sum + warmUpS + beforeS + dyingS + afterS;
}, 0);

/**
 * Delay of the live devices' reads from the start of their scan: while all live, and after one of them has died under the same driver.
 * @param length - 1; less to try the program out: how rarely a dead device is tried takes its time to show.
 */
export async function measureDeadDevice(
  say: (text: string) => void,
  length: number,
): Promise<readonly DeadDevice[]> {
  const results: DeadDevice[] = [];
  for (const lane of LANES) {
    say(`a device dies among ten: ${lane.name}`);
    const { warmUpS, beforeS, dyingS, afterS } = lane.isShared ? SHARED : OWN;
    const phases = {
      warmUpS,
      beforeS: beforeS * length,
      dyingS: dyingS * length,
      afterS: afterS * length,
    };
    results.push(await runLane(lane, phases));
  }
  return results;
}

async function runLane(
  lane: Lane,
  { warmUpS, beforeS, dyingS, afterS }: Phases,
): Promise<DeadDevice> {
  const { isShared, inFlightMax } = lane;
  const dead = new Set<number>();
  const served = { ...QUICK, ...lane.device, deadUnits: dead };
  const none = { ...served, deadUnits: new Set<number>() };
  const peers: readonly Served[] = isShared
    ? [await serveDevice(served)]
    : await Promise.all(
        Array.from({ length: LIVE_COUNT + 1 }, (_, i) =>
          serveDevice(i === LIVE_COUNT ? served : none),
        ),
      );
  const devices = Array.from({ length: LIVE_COUNT + 1 }, (_, i) => {
    const { port } = peers[isShared ? 0 : i] ?? { port: 0 };
    return benchDevice(`d${i}`, 100, { port, unitId: i + 1 }, inFlightMax);
  });
  const bench = createDriverBench(devices);
  const delays = { before: [] as number[], dying: [] as number[], after: [] as number[] };
  let counted: number[] | null = null;
  let scanAtMs = 0;
  for (const peer of peers) {
    peer.onRead = (unitId) => {
      if (unitId <= LIVE_COUNT) counted?.push(performance.now() - scanAtMs);
    };
  }
  const diesAtScan = scansOf(warmUpS + beforeS);
  const silentAtScan = diesAtScan + scansOf(dyingS);
  const startMs = performance.now();
  for (let i = 0; i < silentAtScan + scansOf(afterS); i++) {
    const dueMs = startMs + i * SCAN_MS;
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, dueMs - performance.now())));
    scanAtMs = performance.now();
    if (i === diesAtScan) dead.add(LIVE_COUNT + 1);
    bench.io.poll("full");
    bench.io.drain();
    counted = i < scansOf(warmUpS) ? null : delays.before;
    if (i >= diesAtScan) counted = i < silentAtScan ? delays.dying : delays.after;
  }
  await bench.io.close();
  await Promise.all(peers.map((peer) => peer.close()));
  const { before, dying, after } = delays;
  return {
    name: lane.name,
    before: delaysOf(before),
    dying: delaysOf(dying),
    after: delaysOf(after),
  };
}

function scansOf(seconds: number): number {
  return Math.round((seconds * 1000) / SCAN_MS);
}

function delaysOf(values: readonly number[]): Delays {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (q: number) => sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))];
  return {
    p50: at(0.5) ?? NaN,
    p99: at(0.99) ?? NaN,
    max: sorted.at(-1) ?? NaN,
    count: sorted.length,
  };
}
