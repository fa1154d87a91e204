import type { GridFile, ManifestFile } from "./manifest-schema.ts";
import type { ConfigPath, Report } from "./problem.ts";
import { oneOf } from "./spelling.ts";

/** Checks of operating modes and of a land site: names that must exist, limits that depend on one another. */
export function checkSequences(
  grid: GridFile,
  path: ConfigPath,
  installation: ManifestFile["installation"]["kind"],
  report: Report,
): void {
  const gensets = grid.devices.filter(({ kind }) => kind === "genset").map(({ id }) => id);
  const seen = new Set<string>();
  grid.modes.forEach((mode, index) => {
    const at = [...path, "modes", index];
    if (seen.has(mode.id)) report([...at, "id"], `"${mode.id}"`, "an id that no other mode has");
    seen.add(mode.id);
    mode.start_order?.forEach((set, rank) => {
      if (gensets.includes(set)) return;
      report([...at, "start_order", rank], `"${set}"`, oneOf(set, gensets));
    });
    const startPct = mode.start_limit_pct ?? grid.power.start_limit_pct;
    const stopPct = mode.stop_limit_pct ?? grid.power.stop_limit_pct;
    if (stopPct >= startPct) {
      const allowed = `less than the start limit of this mode, ${startPct}`;
      report([...at, "stop_limit_pct"], String(stopPct), allowed);
    }
  });
  const { site } = grid;
  if (site === undefined) return;
  if (installation !== "land") {
    report([...path, "site"], "a table", "nothing, in an installation of kind vessel");
  }
  const breakers = grid.devices.filter(({ kind }) => kind === "breaker").map(({ id }) => id);
  const bond = site.neutral_earth;
  if (bond !== undefined && !breakers.includes(bond)) {
    const allowed = breakers.length === 0 ? "nothing: no breaker here" : oneOf(bond, breakers);
    report([...path, "site", "neutral_earth"], `"${bond}"`, allowed);
  }
  const limitKw = site.import_limit_kw;
  if (site.peak_target_kw !== undefined && limitKw !== undefined && site.peak_target_kw > limitKw) {
    const allowed = `at most import_limit_kw = ${limitKw}`;
    report([...path, "site", "peak_target_kw"], String(site.peak_target_kw), allowed);
  }
  if (site.soc_charge_pct > site.soc_max_pct) {
    const allowed = `at most soc_max_pct = ${site.soc_max_pct}`;
    report([...path, "site", "soc_charge_pct"], String(site.soc_charge_pct), allowed);
  }
}
