import type { DeviceConfig } from "../../../configs/manifest.ts";
import { createDriverBench } from "../../support/driver-bench.ts";
import { QUICK, serveDevice, type BenchDevice, type Served } from "./devices.ts";
import { benchDevice } from "./driver-profile.ts";
import { SCAN_MS } from "./scan.ts";

interface Delays {
  readonly p50: number;
  readonly p99: number;
}

export interface DeadDevice {
  readonly name: string;
  readonly before: Delays;
  readonly after: Delays;
}

const LIVE_COUNT = 9;
const GATEWAY_MS = 3;

/** Delay of the live devices' reads, first with every device alive, then with one dead. */
export async function measureDeadDevice(
  seconds: number,
  say: (text: string) => void,
): Promise<readonly DeadDevice[]> {
  const results: DeadDevice[] = [];
  say("a dead device among ten, each with its own connection");
  results.push({
    name: "own connections",
    before: await ownConnections(seconds, false),
    after: await ownConnections(seconds, true),
  });
  const gateways: readonly (readonly [string, number, Partial<BenchDevice>])[] = [
    ["one gateway, one request at a time", 1, {}],
    ["one gateway, four requests at once", 4, {}],
    [
      "one serial line behind a gateway that waits 100 ms for a dead unit",
      1,
      { gatewayMs: GATEWAY_MS, gatewayTimeoutMs: 100 },
    ],
  ];
  for (const [name, inFlightMax, values] of gateways) {
    say(`a dead unit: ${name}`);
    results.push({
      name,
      before: await oneGateway(seconds, inFlightMax, values, false),
      after: await oneGateway(seconds, inFlightMax, values, true),
    });
  }
  return results;
}

async function ownConnections(seconds: number, isOneDead: boolean): Promise<Delays> {
  const peers = await Promise.all(
    Array.from({ length: LIVE_COUNT + 1 }, (_, i) =>
      serveDevice({ ...QUICK, deadUnits: isOneDead && i === LIVE_COUNT ? [1] : [] }),
    ),
  );
  const devices = peers.map(({ port }, i) => benchDevice(`d${i}`, 100, { port }));
  return await delaysOf(devices, peers.slice(0, LIVE_COUNT), [1], peers, seconds);
}

async function oneGateway(
  seconds: number,
  inFlightMax: number,
  values: Partial<BenchDevice>,
  isOneDead: boolean,
): Promise<Delays> {
  const peer = await serveDevice({
    ...QUICK,
    ...values,
    deadUnits: isOneDead ? [LIVE_COUNT + 1] : [],
  });
  const devices = Array.from({ length: LIVE_COUNT + 1 }, (_, i) =>
    benchDevice(`d${i}`, 100, { port: peer.port, unitId: i + 1 }, inFlightMax),
  );
  const live = Array.from({ length: LIVE_COUNT }, (_, i) => i + 1);
  return await delaysOf(devices, [peer], live, [peer], seconds);
}

/** From the start of a scan to the reading of a live device, over the time after the first two seconds. */
async function delaysOf(
  devices: readonly DeviceConfig[],
  live: readonly Served[],
  units: readonly number[],
  peers: readonly Served[],
  seconds: number,
): Promise<Delays> {
  const bench = createDriverBench(devices);
  const delays: number[] = [];
  let scanAtMs = 0;
  let isCounting = false;
  for (const peer of live) {
    peer.onRead = (unitId) => {
      if (isCounting && units.includes(unitId)) delays.push(performance.now() - scanAtMs);
    };
  }
  const startMs = performance.now();
  const scanCount = Math.round(((seconds + 2) * 1000) / SCAN_MS);
  for (let i = 0; i < scanCount; i++) {
    const dueMs = startMs + i * SCAN_MS;
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, dueMs - performance.now())));
    scanAtMs = performance.now();
    bench.io.poll("full");
    bench.io.drain();
    isCounting = i * SCAN_MS >= 2000;
  }
  await bench.io.close();
  await Promise.all(peers.map((peer) => peer.close()));
  delays.sort((a, b) => a - b);
  const at = (q: number) =>
    delays[Math.min(delays.length - 1, Math.floor(q * delays.length))] ?? NaN;
  return { p50: at(0.5), p99: at(0.99) };
}
