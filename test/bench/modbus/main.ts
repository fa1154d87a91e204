import { execFile, spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { findProjectDirectory } from "../../../apps/launcher/project.ts";
import { present } from "../../../kernel/assert.ts";
import { DEAD_DEVICE_S, measureDeadDevice, type DeadDevice } from "./dead-device.ts";
import { openemsShare } from "./openems-rule.ts";
import type { ReaderResult } from "./reader.ts";

/**
 * `npm run bench:modbus -- [SECONDS] [--dead] [--short]`: reading devices with R-EMS beside a loop on modbus-serial, a loop on jsmodbus, and OpenEMS's rule
 * re-enacted; with `--dead` only the device that dies, with `--short` that one too briefly for its figures to mean much. Readers and devices are processes of their own; readers run one after the other, alternating.
 */

const DEVICE_COUNT = 50;
const POINT_COUNT = 100;
const ROUNDS = 3;
const DELAY_MS_MAX = 5;
const READERS = ["r-ems", "modbus-serial", "jsmodbus"] as const;
type Reader = (typeof READERS)[number];

const here = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const run = promisify(execFile);

/** Starts devices in a process of their own, and ends them after `use`. */
async function withDevices<T>(
  count: number,
  illegal: number,
  use: (ports: readonly number[]) => Promise<T>,
): Promise<T> {
  const child = spawn(
    process.execPath,
    ["--import", "tsx", here("device-process.ts"), String(count), String(illegal)],
    { stdio: ["pipe", "pipe", "inherit"] },
  );
  try {
    const lines = createInterface({ input: present(child.stdout, "a pipe") });
    const line = await new Promise<string>((resolve) => lines.once("line", resolve));
    return await use(JSON.parse(line) as number[]);
  } finally {
    child.stdin?.end();
    child.kill();
  }
}

async function read(
  reader: Reader,
  seconds: number,
  pointCount: number,
  ports: readonly number[],
): Promise<ReaderResult> {
  const { stdout } = await run(process.execPath, [
    "--import",
    "tsx",
    here("reader.ts"),
    reader,
    String(seconds),
    String(pointCount),
    ...ports.map(String),
  ]);
  return JSON.parse(stdout) as ReaderResult;
}

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

interface Load {
  readonly reader: Reader;
  readonly cores: number;
  readonly sharePct: number;
}

async function measureLoad(seconds: number, say: (text: string) => void): Promise<readonly Load[]> {
  const results = new Map<Reader, ReaderResult[]>(READERS.map((reader) => [reader, []]));
  await withDevices(DEVICE_COUNT, -1, async (ports) => {
    for (let round = 1; round <= ROUNDS; round++) {
      for (const reader of READERS) {
        say(
          `${DEVICE_COUNT} devices of ${POINT_COUNT} points, round ${round} of ${ROUNDS}: ${reader}`,
        );
        results.get(reader)?.push(await read(reader, seconds, POINT_COUNT, ports));
      }
    }
  });
  return READERS.map((reader) => {
    const all = results.get(reader) ?? [];
    return {
      reader,
      cores: median(all.map(({ cpuMs, wallMs }) => cpuMs / wallMs)),
      sharePct: median(all.map(({ sharePct }) => sharePct)),
    };
  });
}

/** Share of the reads of the other registers, where one of fifty is illegal. */
async function measureIllegal(
  seconds: number,
  say: (text: string) => void,
): Promise<readonly (readonly [name: string, sharePct: number])[]> {
  const shares: [string, number][] = [];
  const pointCount = 50;
  await withDevices(1, 37, async (ports) => {
    for (const reader of READERS) {
      say(`one illegal register among ${pointCount}: ${reader}`);
      const { sharePct } = await read(reader, seconds, pointCount, ports);
      shares.push([reader, (sharePct * pointCount) / (pointCount - 1)]);
    }
  });
  const seeds = Array.from({ length: 20 }, (_, seed) => openemsShare(4, 1, seed + 1));
  shares.push(["OpenEMS's rule, re-enacted (1 h, 20 seeds, median)", median(seeds)]);
  return shares;
}

function loadTable(load: readonly Load[]): string[] {
  const own = present(load[0], "R-EMS is the first reader");
  return [
    `${DEVICE_COUNT} devices, ${POINT_COUNT} points each, every 100 ms (${cpus().length} cores, Node ${process.version})`,
    "",
    "| reader | processor, cores | against R-EMS | points read in their scan |",
    "|---|---|---|---|",
    ...load.map(
      ({ reader, cores, sharePct }) =>
        `| ${reader} | ${cores.toFixed(3)} | ${(cores / own.cores).toFixed(2)} | ${sharePct.toFixed(1)} % |`,
    ),
    "",
  ];
}

function illegalTable(illegal: readonly (readonly [string, number])[]): string[] {
  const ownShare = present(illegal[0], "R-EMS is the first reader")[1];
  return [
    "One illegal register among fifty, after two seconds",
    "",
    "| reader | reads of the others | R-EMS against it |",
    "|---|---|---|",
    ...illegal.map(
      ([name, sharePct]) =>
        `| ${name} | ${sharePct.toFixed(1)} % | ${sharePct === 0 ? "-" : (ownShare / sharePct).toFixed(2)} |`,
    ),
    "",
  ];
}

function deadTable(dead: readonly DeadDevice[]): string[] {
  return [
    `A device dies: delay of the other devices' reads after the start of their scan, ms. Promised: at most ${DELAY_MS_MAX} more at the 99th percentile`,
    "",
    "| devices | p50 before | p99 before | longest while it dies | p50 after | p99 after | longest after | p99 more | |",
    "|---|---|---|---|---|---|---|---|---|",
    ...dead.map(({ name, before, dying, after }) => {
      const figures = [before.p50, before.p99, dying.max, after.p50, after.p99, after.max];
      const moreMs = after.p99 - before.p99;
      const shown = [...figures, moreMs].map((value) => value.toFixed(2)).join(" | ");
      return `| ${name} | ${shown} | ${moreMs <= DELAY_MS_MAX ? "met" : "NOT met"} |`;
    }),
    "",
  ];
}

async function main(): Promise<void> {
  const seconds = Number(process.argv.slice(2).find((one) => /^\d+$/.test(one)) ?? 10);
  const isDeadOnly = process.argv.includes("--dead");
  const length = process.argv.includes("--short") ? 0.1 : 1;
  const startedMs = performance.now();
  const say = (text: string) =>
    process.stderr.write(
      `${((performance.now() - startedMs) / 1000).toFixed(0).padStart(5)} s  ${text}\n`,
    );
  const readerCount = READERS.length * (ROUNDS + 1);
  const aboutS = (isDeadOnly ? 0 : readerCount * (seconds + 4)) + length * DEAD_DEVICE_S;
  say(`takes about ${Math.ceil(aboutS / 60)} minutes`);
  const load = isDeadOnly ? null : await measureLoad(seconds, say);
  const illegal = isDeadOnly ? null : await measureIllegal(seconds, say);
  const dead = await measureDeadDevice(say, length);
  const lines = [
    ...(load === null ? [] : loadTable(load)),
    ...(illegal === null ? [] : illegalTable(illegal)),
    ...deadTable(dead),
  ];
  const directory = join(findProjectDirectory(), ".cache", "bench");
  mkdirSync(directory, { recursive: true });
  const file = join(directory, "modbus.json");
  writeFileSync(file, `${JSON.stringify({ load, illegal, dead }, null, 2)}\n`);
  process.stdout.write(`\n${lines.join("\n")}\n${file}\n`);
}

await main();
