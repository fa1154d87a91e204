import { Socket } from "node:net";
import { client as jsmodbus } from "jsmodbus";
import modbusSerial from "modbus-serial";
import { assert } from "../../../kernel/assert.ts";
import { createDriverBench } from "../../support/driver-bench.ts";
import { benchDevice } from "./driver-profile.ts";
import { SCAN_MS } from "./scan.ts";

/**
 * One reader in a process of its own, so that its processor time is its own: reads every register of every device each scan, and says at the end
 * what that took. Arguments: reader, seconds, points, ports.
 */

/** Where there are many devices, not every scan is counted. */
const COUNT_EVERY = 10;
/** Scans before anything is measured: loading and compiling are not reading. */
const WARM_UP_COUNT = 20;

export interface ReaderResult {
  readonly cpuMs: number;
  readonly wallMs: number;
  readonly scanCount: number;
  /** Points that were read, of those that should have been, in every scan that was counted. */
  readonly sharePct: number;
}

/** One scan; where `isCounting`, how many points of each device were read in the scan before. */
type Scan = (isCounting: boolean) => readonly number[];

function driverReader(ports: readonly number[], pointCount: number): Scan {
  const devices = ports.map((port, i) => benchDevice(`d${i}`, pointCount, { port }));
  const bench = createDriverBench(devices);
  let lastScanAtMs = 0;
  return (isCounting) => {
    // Its age tells whether a point was read since the scan before began; looking at all of them costs more than reading them.
    const sinceMs = performance.now() - lastScanAtMs;
    const counts = isCounting
      ? bench.io
          .health()
          .map(({ points }) => points.filter(({ ageMs }) => (ageMs ?? Infinity) <= sinceMs).length)
      : [];
    lastScanAtMs = performance.now();
    bench.io.poll("full");
    bench.io.drain();
    return counts;
  };
}

/** What a loop of one's own does with an answer: scale and keep, and see what changed. */
function keeper(pointCount: number) {
  const values = new Float64Array(pointCount);
  let changedCount = 0;
  return (words: ArrayLike<number>) => {
    for (let i = 0; i < pointCount; i++) {
      const value = Math.round((words[i] ?? 0) * 0.1 * 10) / 10;
      if (value !== values[i]) changedCount++;
      values[i] = value;
    }
    return changedCount;
  };
}

async function loopReader(
  kind: "modbus-serial" | "jsmodbus",
  ports: readonly number[],
  pointCount: number,
): Promise<Scan> {
  const readCounts = ports.map(() => 0);
  const reads = await Promise.all(
    ports.map((port) =>
      kind === "jsmodbus" ? jsmodbusRead(port, pointCount) : serialRead(port, pointCount),
    ),
  );
  const keepers = ports.map(() => keeper(pointCount));
  const isBusy = ports.map(() => false);
  return () => {
    const counts = [...readCounts];
    readCounts.fill(0);
    for (const [i, read] of reads.entries()) {
      if (isBusy[i]) continue;
      isBusy[i] = true;
      read()
        .then((words) => {
          keepers[i]?.(words);
          readCounts[i] = pointCount;
        })
        .catch(() => {})
        .finally(() => {
          isBusy[i] = false;
        });
    }
    return counts;
  };
}

async function serialRead(port: number, count: number): Promise<() => Promise<ArrayLike<number>>> {
  const client = new modbusSerial.default();
  await client.connectTCP("127.0.0.1", { port });
  client.setID(1);
  client.setTimeout(500);
  return async () => (await client.readHoldingRegisters(0, count)).data;
}

async function jsmodbusRead(
  port: number,
  count: number,
): Promise<() => Promise<ArrayLike<number>>> {
  const socket = new Socket();
  const client = new jsmodbus.TCP(socket, 1, 500);
  await new Promise<void>((resolve) => socket.connect({ host: "127.0.0.1", port }, resolve));
  return async () => {
    const { response } = await client.readHoldingRegisters(0, count);
    return response.body.valuesAsArray as ArrayLike<number>;
  };
}

async function main(): Promise<void> {
  const [kind = "", seconds = "10", points = "100", ...rest] = process.argv.slice(2);
  const ports = rest.map(Number);
  const pointCount = Number(points);
  assert(ports.length > 0, "a reader has devices");
  const scan =
    kind === "r-ems"
      ? driverReader(ports, pointCount)
      : await loopReader(kind === "jsmodbus" ? "jsmodbus" : "modbus-serial", ports, pointCount);
  const scanCount = WARM_UP_COUNT + Math.round((Number(seconds) * 1000) / SCAN_MS);
  let wantedCount = 0;
  let readCount = 0;
  let cpu = process.cpuUsage();
  const startMs = performance.now();
  let countedFromMs = startMs;
  for (let i = 0; i < scanCount; i++) {
    const dueMs = startMs + i * SCAN_MS;
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, dueMs - performance.now())));
    const isCounting = i > WARM_UP_COUNT && i % (ports.length > 1 ? COUNT_EVERY : 1) === 0;
    const counts = scan(isCounting);
    if (i === WARM_UP_COUNT) {
      cpu = process.cpuUsage();
      countedFromMs = performance.now();
    }
    if (!isCounting) continue;
    wantedCount += ports.length * pointCount;
    for (const count of counts) readCount += count;
  }
  const used = process.cpuUsage(cpu);
  const result: ReaderResult = {
    cpuMs: (used.user + used.system) / 1000,
    wallMs: performance.now() - countedFromMs,
    scanCount: scanCount - WARM_UP_COUNT,
    sharePct: (100 * readCount) / wantedCount,
  };
  process.stdout.write(`${JSON.stringify(result)}\n`);
  process.exit(0);
}

await main();
