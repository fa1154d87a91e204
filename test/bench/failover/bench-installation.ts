import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { loadManifest } from "../../../configs/load-manifest.ts";
import type { Manifest } from "../../../configs/manifest.ts";
import type { TimingSetName } from "../../../kernel/timings.ts";
import { freePorts } from "../../support/free-ports.ts";

/** The installation that every lane drives: cells of one grid with three nodes each, the same devices in all of them. */
export interface BenchInstallation {
  readonly manifest: Manifest;
  /** Parameters of the simulated plant. */
  readonly plantPath: string;
}

export const NODES_PER_CELL = 3;
const DEVICES = [
  { id: "msb", kind: "meter", profile: "sim-plain-meter", ratings: "", plant: "" },
  {
    id: "dg1",
    kind: "genset",
    profile: "sim-epoch-genset",
    ratings: "power_kw = 1000, apparent_kva = 1250, minimum_load_pct = 30, droop_pct = 4",
    plant: "is_closed = true\nreference_kw = 300",
  },
  {
    id: "dg2",
    kind: "genset",
    profile: "sim-plain-genset",
    ratings: "power_kw = 1000, apparent_kva = 1250, minimum_load_pct = 30, droop_pct = 4",
    plant: "is_closed = true\nreference_kw = 300",
  },
  {
    id: "bat1",
    kind: "battery",
    profile: "sim-plain-battery",
    ratings: "power_kw = 500, apparent_kva = 625, energy_kwh = 500, droop_pct = 2",
    plant: "is_closed = true\nsoc_pct = 60",
  },
  { id: "f1", kind: "feeder", profile: "sim-plain-feeder", ratings: "load_kw = 600", plant: "" },
] as const;

/** What a baseline's leader writes each scan: holding register 0. It knows no epochs, so it has nothing to say to dg1. */
export const WRITTEN_PROFILES: readonly string[] = ["sim-plain-genset", "sim-plain-battery"];

export const gridId = (cell: number) => `cell${cell}`;
export const nodeId = (cell: number, place: number) => `c${cell}n${place}`;

/**
 * Writes manifest and plant of `cellCount` independent grids into the folder, on ports that are free now. Only dg1 has an epoch register; at
 * the others nothing refuses a write that comes too late.
 */
export async function writeBenchInstallation(
  directory: string,
  cellCount: number,
  timingSet: TimingSetName,
): Promise<BenchInstallation> {
  mkdirSync(directory, { recursive: true });
  const ports = await freePorts(cellCount * (NODES_PER_CELL * 3 + DEVICES.length));
  const port = () => ports.pop() ?? 0;
  const nodes: string[] = [];
  const grids: string[] = [];
  const plant: string[] = [];
  for (let cell = 1; cell <= cellCount; cell++) {
    const controllers: string[] = [];
    for (let place = 1; place <= NODES_PER_CELL; place++) {
      const id = nodeId(cell, place);
      nodes.push(
        `[[nodes]]\nid = "${id}"\nhost = "127.0.0.1"\npeer_port = ${port()}\noperator_port = ${port()}\nhttp_port = ${port()}\ndata_directory = "${id}"\n`,
      );
      const role = place === 1 ? "primary" : "standby";
      controllers.push(`{ node = "${id}", role = "${role}", failover_order = ${place} }`);
    }
    const devices = DEVICES.map(({ id, kind, profile, ratings }) => {
      const head = `[[grids.devices]]\nid = "${id}-${cell}"\nname = "${id}"\nkind = "${kind}"\nprofile = "${profile}"`;
      const tail = ratings === "" ? "" : `ratings = { ${ratings} }\n`;
      return `${head}\nhost = "127.0.0.1"\nport = ${port()}\n${tail}`;
    });
    grids.push(
      `[[grids]]\nid = "${gridId(cell)}"\nname = "Cell ${cell}"\nnominal_voltage_v = 690\nnominal_frequency_hz = 60\ntiming_set = "${timingSet}"\ncontrollers = [${controllers.join(", ")}]\n\n${devices.join("\n")}`,
    );
    for (const { id, plant: text } of DEVICES) plant.push(`[devices.${id}-${cell}]\n${text}\n`);
  }
  const head = `mode = "simulation"\n\n[installation]\nid = "failover-bench"\nname = "Failover bench"\nkind = "vessel"\n\n[coordinator]\nkind = "embedded"\nendpoints = ["127.0.0.1:1"]\n`;
  const path = join(directory, "failover-bench.toml");
  const plantPath = join(directory, "plant.toml");
  writeFileSync(path, [head, ...nodes, ...grids].join("\n"));
  writeFileSync(plantPath, plant.join("\n"));
  return { manifest: loadManifest(path), plantPath };
}
