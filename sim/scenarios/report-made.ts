import { readFileSync } from "node:fs";
import { join } from "node:path";
import { CORE_VERSION } from "../../actors/grid/grid-core.ts";
import type { Manifest } from "../../configs/manifest.ts";
import { present } from "../../kernel/assert.ts";
import { hashOf } from "../../kernel/hash.ts";
import { filesOf } from "./installation-files.ts";
import { INVARIANTS } from "./invariants.ts";
import type { DeviceRow } from "./report-facts.ts";
import type { Made } from "./report-page.ts";
import { loadScenarios, sourceFolder, type ScenarioSpec } from "./scenario-file.ts";

/** What a report says of how it was made, and of what was tried. */
export function madeOf(specs: readonly ScenarioSpec[], seed: number): Made {
  const installations = [...new Set(specs.map(({ installation }) => installation))];
  return {
    at: new Date().toISOString().slice(0, 16).replace("T", " "),
    seed,
    version: versionOf(),
    coreVersion: CORE_VERSION,
    installations: installations.map(describe),
    devices: installations.flatMap(devicesOf),
    checks: INVARIANTS.map(({ name, rule }) => [name, rule] as const),
  };
}

function manifestOf(installation: string): Manifest {
  const spec = loadScenarios().find((one) => one.installation === installation);
  return filesOf({ ...present(spec, installation), manifest: {}, plant: {} }).manifest;
}

function devicesOf(installation: string): DeviceRow[] {
  return manifestOf(installation).grids.flatMap((grid) =>
    grid.devices.map(({ id, name, kind, ratings }) => {
      const rating = ratings.powerKw > 0 ? `, ${ratings.powerKw} kW` : "";
      return { id, name, grid: grid.name, what: kind + rating };
    }),
  );
}

/** Which configuration was tried: its fingerprint is that of the file, before what a trial lays over it. */
function describe(installation: string): string {
  const path = join(sourceFolder("configs"), `${installation}.toml`);
  const manifest = manifestOf(installation);
  const nodes = manifest.nodes.map(({ id }) => id).join(", ");
  const grids = manifest.grids.map(({ name }) => name).join(", ");
  const plant = join(sourceFolder("sim"), "plants", `${installation}.toml`);
  const print = (file: string) => hashOf(readFileSync(file, "utf8")).slice(0, 12);
  return `${manifest.installation.name}: ${grids}; nodes ${nodes}; configs/${installation}.toml, fingerprint ${print(path)}; sim/plants/${installation}.toml, fingerprint ${print(plant)}`;
}

function versionOf(): string {
  const text = readFileSync(join(sourceFolder("sim"), "..", "package.json"), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}
