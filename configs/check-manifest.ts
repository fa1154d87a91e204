import { checkTimings, TIMING_SETS } from "../kernel/timings.ts";
import { checkDevice } from "./check-device.ts";
import { checkSequences } from "./check-sequences.ts";
import type { GridFile, ManifestFile } from "./manifest-schema.ts";
import type { ConfigPath, ConfigProblem, Report } from "./problem.ts";
import type { DeviceProfile } from "./profile.ts";
import { oneOf } from "./spelling.ts";
import { timingsOf } from "./to-manifest.ts";

/** Checks what a schema cannot say: names that must exist, values that depend on one another, the rules of the plant. */
export function crossCheck(
  file: ManifestFile,
  profiles: ReadonlyMap<string, DeviceProfile>,
  problem: (path: ConfigPath, found: string, allowed: string) => ConfigProblem,
): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  const report: Report = (...facts) => problems.push(problem(...facts));
  checkUniqueness(file, report);
  checkCoordinator(file, report);
  checkExposure(file, report);
  file.grids.forEach((grid, index) => {
    const path = ["grids", index];
    checkControllers(grid, path, file, report);
    checkGridTimings(grid, path, report);
    checkPower(grid, path, report);
    checkSequences(grid, path, file.installation.kind, report);
    grid.devices.forEach((device, at) =>
      checkDevice(device, [...path, "devices", at], grid, file, profiles, report),
    );
  });
  checkTies(file, report);
  checkNotifications(file, report);
  checkHistory(file, report);
  return problems;
}

function checkHistory({ history, nodes }: ManifestFile, report: Report): void {
  checkOnce(ids(["history", "servers"], history.servers), "an id that no other has", report);
  const known = nodes.map(({ id }) => id);
  history.servers.forEach((server, index) => {
    server.nodes.forEach((node, at) => {
      if (known.includes(node)) return;
      report(["history", "servers", index, "nodes", at], `"${node}"`, oneOf(node, known));
    });
  });
}

const SCHEMES = {
  smtp: ["smtp:", "smtps:"],
  webhook: ["http:", "https:"],
  mqtt: ["mqtt:", "mqtts:"],
} as const;

function checkNotifications(file: ManifestFile, report: Report): void {
  checkOnce(ids(["notifications"], file.notifications), "an id that no other has", report);
  const grids = file.grids.map(({ id }) => id);
  file.notifications.forEach((one, index) => {
    const path = ["notifications", index];
    const schemes: readonly string[] = SCHEMES[one.kind];
    if (!schemes.some((scheme) => one.url.startsWith(`${scheme}//`))) {
      const allowed = `a URL that begins with ${schemes.map((scheme) => `${scheme}//`).join(" or ")}`;
      report([...path, "url"], `"${one.url}"`, allowed);
    }
    if (one.kind === "smtp" && one.from === "") {
      report([...path, "from"], "nothing", "the sender's address, for kind smtp");
    }
    if (one.kind === "smtp" && one.to.length === 0) {
      report([...path, "to"], "nothing", "at least one receiver, for kind smtp");
    }
    one.grids.forEach((grid, at) => {
      if (grids.includes(grid)) return;
      report([...path, "grids", at], `"${grid}"`, oneOf(grid, grids));
    });
  });
}

interface Named {
  readonly path: ConfigPath;
  readonly value: string;
}

/** Reports each value that stood before, and where. */
function checkOnce(all: readonly Named[], allowed: string, report: Report): void {
  const seen = new Set<string>();
  for (const { path, value } of all) {
    if (seen.has(value)) report(path, `${value} again`, allowed);
    seen.add(value);
  }
}

function ids(path: ConfigPath, things: readonly { readonly id: string }[]): Named[] {
  return things.map(({ id }, index) => ({ path: [...path, index, "id"], value: `"${id}"` }));
}

function checkUniqueness(file: ManifestFile, report: Report): void {
  checkOnce(ids(["nodes"], file.nodes), "an id that no other node has", report);
  checkOnce(ids(["grids"], file.grids), "an id that no other grid has", report);
  checkOnce(ids(["ties"], file.ties), "an id that no other tie has", report);
  const devices = file.grids.flatMap((grid, index) =>
    ids(["grids", index, "devices"], grid.devices),
  );
  checkOnce(devices, "an id that no other device of the installation has", report);
  const endpoints = file.grids.flatMap((grid, index) =>
    grid.devices.map(({ host, port, serial, unit_id: unit }, at) => ({
      path: ["grids", index, "devices", at, serial ? "unit_id" : "port"],
      value: serial
        ? `${serial.port} unit ${unit}`
        : `${hostText(host ?? "no host")} port ${port} unit ${unit}`,
    })),
  );
  checkOnce(endpoints, "an address and unit that no other device has", report);
  const ports = file.nodes.flatMap((node, index) =>
    (["peer_port", "operator_port", "http_port"] as const).map((key) => ({
      path: ["nodes", index, key],
      value: `${hostText(node.host)} port ${node[key]}`,
    })),
  );
  checkOnce(ports, "a port that nothing else of this host uses", report);
  const directories = file.nodes.map((node, index) => ({
    path: ["nodes", index, "data_directory"],
    value: `"${node.data_directory}" on ${hostText(node.host)}`,
  }));
  checkOnce(directories, "a directory that no other node of this host uses", report);
}

function hostText(host: string): string {
  return host.toLowerCase() === "localhost" ? "127.0.0.1" : host.toLowerCase();
}

function isLoopback(host: string): boolean {
  const text = hostText(host);
  return text === "::1" || /^127(\.\d{1,3}){3}$/.test(text);
}

function checkCoordinator(file: ManifestFile, report: Report): void {
  const { kind, endpoints } = file.coordinator;
  const isRedundant = file.nodes.length >= 2;
  if (kind === "embedded" && isRedundant) {
    if (file.mode === "production") {
      const found = `"embedded" with ${file.nodes.length} nodes in production`;
      report(
        ["coordinator", "kind"],
        found,
        '"etcd": two nodes need a record that outlives either',
      );
    } else if (endpoints.length === 0) {
      const allowed = "one host:port: several nodes need one record, not one each";
      report(["coordinator", "endpoints"], "an empty list", allowed);
    }
  }
  if (kind === "embedded" && endpoints.length > 1) {
    report(
      ["coordinator", "endpoints"],
      `${endpoints.length} entries`,
      "at most one with embedded",
    );
  }
  if (kind === "etcd" && endpoints.length === 0) {
    const allowed = "host:port of each etcd member; three members in production";
    report(["coordinator", "endpoints"], "an empty list", allowed);
  }
  checkOnce(
    endpoints.map((value, index) => ({
      path: ["coordinator", "endpoints", index],
      value: `"${value}"`,
    })),
    "each member once",
    report,
  );
}

/** Until access control exists nothing listens or speaks in plain text beyond this machine, unless someone says so. */
function checkExposure(file: ManifestFile, report: Report): void {
  if (file.insecure) return;
  const allowed = "a loopback address, or insecure = true: there is no TLS yet";
  file.nodes.forEach(({ host }, index) => {
    if (!isLoopback(host)) report(["nodes", index, "host"], JSON.stringify(host), allowed);
  });
  file.coordinator.endpoints.forEach((endpoint, index) => {
    const host = endpoint.slice(0, endpoint.lastIndexOf(":")).replace(/^\[|\]$/g, "");
    if (isLoopback(host)) return;
    report(["coordinator", "endpoints", index], JSON.stringify(endpoint), allowed);
  });
}

function checkControllers(
  grid: GridFile,
  path: ConfigPath,
  file: ManifestFile,
  report: Report,
): void {
  const at = [...path, "controllers"];
  const nodeIds = file.nodes.map(({ id }) => id);
  grid.controllers.forEach(({ node }, index) => {
    if (nodeIds.includes(node)) return;
    report([...at, index, "node"], `unknown node "${node}"`, oneOf(node, nodeIds));
  });
  checkOnce(
    grid.controllers.map(({ node }, index) => ({
      path: [...at, index, "node"],
      value: `"${node}"`,
    })),
    "one controller of a grid on each node",
    report,
  );
  checkOnce(
    grid.controllers.map(({ failover_order: order }, index) => ({
      path: [...at, index, "failover_order"],
      value: String(order),
    })),
    "an order that no other controller of this grid has",
    report,
  );
  const primaries = grid.controllers.filter(({ role }) => role === "primary");
  const first = Math.min(...grid.controllers.map(({ failover_order: order }) => order));
  if (primaries.length !== 1) {
    report(at, `${primaries.length} controllers with role "primary"`, "exactly one in each grid");
  } else if (primaries[0]?.failover_order !== first) {
    const index = grid.controllers.findIndex(({ role }) => role === "primary");
    const found = `${primaries[0]?.failover_order} for the primary`;
    report(
      [...at, index, "failover_order"],
      found,
      `the lowest order of the grid; ${first} stands elsewhere`,
    );
  }
}

/** `graceMs` as the manifest writes it: `grace_ms`. */
function fileKey(timing: string): string {
  return timing.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function checkGridTimings(grid: GridFile, path: ConfigPath, report: Report): void {
  const names = Object.keys(TIMING_SETS.default);
  const inFileWords = (text: string) =>
    text.replace(/[A-Za-z]+/g, (word) => (names.includes(word) ? fileKey(word) : word));
  for (const { timing, foundMs, allowed } of checkTimings(timingsOf(grid))) {
    report([...path, "timings", fileKey(timing)], String(foundMs), inFileWords(allowed));
  }
}

function checkPower(grid: GridFile, path: ConfigPath, report: Report): void {
  const at = [...path, "power"];
  const { power } = grid;
  if (power.stop_limit_pct >= power.start_limit_pct) {
    const allowed = `less than start_limit_pct = ${power.start_limit_pct}`;
    report([...at, "stop_limit_pct"], String(power.stop_limit_pct), allowed);
  }
  if (power.fast_start_limit_pct < power.start_limit_pct) {
    const allowed = `at least start_limit_pct = ${power.start_limit_pct}`;
    report([...at, "fast_start_limit_pct"], String(power.fast_start_limit_pct), allowed);
  }
  checkFreeKw(power, at, report);
  checkSupply(power, at, report);
  if (power.start_order === undefined) return;
  const order = power.start_order;
  const gensets = grid.devices.filter(({ kind }) => kind === "genset").map(({ id }) => id);
  order.forEach((id, index) => {
    if (gensets.includes(id)) return;
    report(
      [...at, "start_order", index],
      `"${id}"`,
      `a genset of this grid: ${oneOf(id, gensets)}`,
    );
  });
  checkOnce(
    order.map((id, index) => ({ path: [...at, "start_order", index], value: `"${id}"` })),
    "each genset once",
    report,
  );
  const missing = gensets.filter((id) => !order.includes(id));
  if (missing.length > 0) {
    report([...at, "start_order"], `no ${missing.join(", ")}`, "every genset of the grid");
  }
}

/** The reserve for a stop must exceed the reserve for a start, or sets start and stop by turns. */
function checkFreeKw(power: GridFile["power"], at: ConfigPath, report: Report): void {
  const { start_free_kw: startKw, stop_free_kw: stopKw, fast_start_free_kw: fastKw } = power;
  if (stopKw <= startKw) {
    report([...at, "stop_free_kw"], String(stopKw), `more than start_free_kw = ${startKw}`);
  }
  if (fastKw > startKw) {
    report([...at, "fast_start_free_kw"], String(fastKw), `at most start_free_kw = ${startKw}`);
  }
}

function checkSupply(power: GridFile["power"], at: ConfigPath, report: Report): void {
  const { shedding } = power;
  if (power.asymmetric_min_pct >= power.asymmetric_max_pct) {
    const allowed = `less than asymmetric_max_pct = ${power.asymmetric_max_pct}`;
    report([...at, "asymmetric_min_pct"], String(power.asymmetric_min_pct), allowed);
  }
  if (shedding.fast_overload_pct < shedding.overload_pct) {
    const allowed = `at least overload_pct = ${shedding.overload_pct}`;
    report([...at, "shedding", "fast_overload_pct"], String(shedding.fast_overload_pct), allowed);
  }
  const delays = shedding.stage_delays_s;
  if (delays.some((delayS, index) => delayS < (delays[index - 1] ?? 0))) {
    report([...at, "shedding", "stage_delays_s"], `[${delays.join(", ")}]`, "rising delays");
  }
}

function checkTies(file: ManifestFile, report: Report): void {
  const gridIds = file.grids.map(({ id }) => id);
  const used: Named[] = [];
  file.ties.forEach(({ breakers }, index) => {
    breakers.forEach((breaker, at) => {
      const path = ["ties", index, "breakers", at];
      const grid = file.grids.find(({ id }) => id === breaker.grid);
      if (grid === undefined) {
        report([...path, "grid"], `unknown grid "${breaker.grid}"`, oneOf(breaker.grid, gridIds));
        return;
      }
      const ties = grid.devices.filter(({ kind }) => kind === "busTie").map(({ id }) => id);
      if (!ties.includes(breaker.device)) {
        const allowed = `a device of kind busTie in grid ${grid.id}: ${oneOf(breaker.device, ties)}`;
        report([...path, "device"], `"${breaker.device}"`, allowed);
      }
      used.push({ path: [...path, "device"], value: `"${breaker.device}"` });
    });
    if (breakers[0]?.grid === breakers[1]?.grid) {
      const found = `both breakers in grid "${breakers[0]?.grid}"`;
      report(["ties", index, "breakers"], found, "two different grids");
    }
  });
  checkOnce(used, "a breaker that belongs to one tie only", report);
}
