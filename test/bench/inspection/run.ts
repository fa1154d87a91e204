import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { RemsError } from "../../../kernel/errors.ts";
import { inProject, Program } from "../../processes/program.ts";
import { SimulatorProgram } from "../../processes/simulator-program.ts";
import { freePorts } from "../../support/free-ports.ts";

/** What readers got, as they say it at their end. */
export interface Readings {
  readonly actorMessages: number;
  readonly gaps: number;
  readonly eventBytes: number;
  readonly browsers: number;
  readonly queries: number;
  readonly failures: number;
}

export interface Run {
  /** Of every scan of both grids, after the start. */
  readonly latenessMs: readonly number[];
  /** Resident memory of the node at the end. */
  readonly residentMb: number;
  readonly readings: Readings | null;
}

const SCAN_MS = 20;
const SETTLE_MS = 6000;
const SWITCH_EVERY_MS = 1000;
/** A feeder that the plant itself opens and closes, so that actors have something to tell. */
const FEEDER = "f2";

/** The vessel with both its grids on one node, which scans as often as a node may, on ports of its own. */
async function manifestText(): Promise<string> {
  const [peerPort = 0] = await freePorts(1);
  const text = readFileSync(inProject("configs/vessel.toml"), "utf8");
  const oneNode = text
    .replaceAll(/\[\[nodes\]\]\nid = "n[23]"\n(?:\w+ = .*\n)+/g, "")
    .replaceAll(
      /controllers = \[\n(?: {2}\{.*\n)+\]/g,
      `controllers = [{ node = "n1", role = "primary", failover_order = 1 }]\ntimings = { scan_ms = ${SCAN_MS} }`,
    )
    .replace(/^endpoints = \[.*\]$/m, "")
    .replace(/^peer_port = \d+$/m, `peer_port = ${peerPort}`);
  if (/node = "n[23]"/.test(oneNode)) {
    throw new RemsError(
      "REMS_CONFIG_INVALID",
      "configs/vessel.toml reads otherwise than this bench expects",
    );
  }
  return oneNode;
}

/** One run of a node with simulator, with readers or without. */
export async function run(isRead: boolean, seconds: number): Promise<Run> {
  const folder = mkdtempSync(join(tmpdir(), "r-ems-inspection-"));
  const programs: Program[] = [];
  try {
    const manifest = join(folder, "vessel.toml");
    writeFileSync(manifest, await manifestText());
    const simulator = new SimulatorProgram(manifest);
    programs.push(simulator);
    await simulator.untilReady();
    const map = join(folder, "addresses.json");
    writeFileSync(map, JSON.stringify(simulator.addressesOf("n1")));
    const trace = join(folder, "trace.jsonl");
    const directories = ["--data-dir", join(folder, "data"), "--log-dir", folder];
    const ports = ["--operator-port", "0", "--http-port", "0"];
    const options = ["--config", manifest, "--address-map", map, "--trace", trace];
    const args = [...options, ...directories, ...ports];
    const node = new Program("r-emsd", inProject("bin/r-emsd"), args);
    programs.push(node);
    await node.until(
      "ready",
      () => node.out.some((line) => line.includes('"msg":"ready"')),
      30_000,
    );
    const readers = isRead ? await startReaders(portsOf(node)) : null;
    if (readers !== null) programs.push(readers);
    await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
    const skipped = latenessOf(trace).length;
    const switching = setInterval(() => {
      const isOpen = simulator.plant.devices.some(
        ({ id, points }) => id === FEEDER && points["isOpen"] === true,
      );
      simulator.send({ type: "breaker", device: FEEDER, action: isOpen ? "close" : "open" });
    }, SWITCH_EVERY_MS);
    await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
    clearInterval(switching);
    const residentMb = residentMbOf(node.child.pid ?? 0);
    const latenessMs = latenessOf(trace).slice(skipped);
    const readings = readers === null ? null : await readingsOf(readers);
    return { latenessMs, residentMb, readings };
  } finally {
    for (const program of programs.reverse()) {
      if (program.isAlive) await program.end("SIGKILL");
    }
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Ports {
  readonly operatorPort: number;
  readonly httpPort: number;
}

function portsOf(node: Program): Ports {
  const line = node.out.find((each) => each.includes('"msg":"ready"')) ?? "{}";
  return JSON.parse(line) as Ports;
}

/** With the lowest priority: they stand for programs on other computers. */
async function startReaders({ operatorPort, httpPort }: Ports): Promise<Program> {
  const program = inProject("test/bench/inspection/readers.ts");
  const command = [process.execPath, "--import", "tsx", program];
  const args = ["-n", "19", ...command, String(operatorPort), String(httpPort)];
  const readers = new Program("readers", "nice", args);
  await new Promise((resolve) => setTimeout(resolve, 1000));
  return readers;
}

async function readingsOf(readers: Program): Promise<Readings> {
  readers.child.stdin?.end();
  await readers.untilExit(20_000);
  const readings = JSON.parse(readers.out.at(-1) ?? "{}") as Readings;
  if (readings.failures > 0 || readings.browsers === 0 || readings.queries === 0) {
    throw new RemsError(
      "REMS_PROGRAM_FAILED",
      `the readers did not read: ${JSON.stringify(readings)}`,
    );
  }
  return readings;
}

function latenessOf(trace: string): number[] {
  return readFileSync(trace, "utf8")
    .split("\n")
    .filter((line) => line.includes('"step":"scanned"') && line.endsWith("}"))
    .map((line) => (JSON.parse(line) as { latenessMs: number }).latenessMs);
}

function residentMbOf(pid: number): number {
  const [, kilobytes] = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
  return Number(kilobytes) / 1024;
}
