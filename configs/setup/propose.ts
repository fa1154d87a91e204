import { TIMING_SETS, watchdogMsMin } from "../../kernel/timings.ts";
import type { DeviceProfile } from "../profile.ts";
import {
  gridOfDocument,
  isTable,
  type SetupDocument,
  type Table,
  tablesOf,
  textOf,
} from "./document.ts";
import type { StepId } from "./steps.ts";

/** What the machine that runs the wizard knows. */
export interface SetupFacts {
  readonly hostName: string;
  /** Where data directories go: `/var/lib/r-ems`. */
  readonly stateRoot: string;
  readonly logDirectory: string;
  readonly profiles: ReadonlyMap<string, DeviceProfile>;
}

/**
 * What a step would answer by itself: what is answered already stays, what is missing is filled in from what is known. Pure.
 *
 * @returns Answers of the step, as {@link takeAnswers} takes them; only keys that differ from the document or are new.
 */
export function proposeStep(step: StepId, document: SetupDocument, facts: SetupFacts): Table {
  switch (step) {
    case "installation":
      return { installation: proposeInstallation(document) };
    case "mode":
      return { mode: document["mode"] ?? "simulation" };
    case "nodes":
      return proposeNodes(document, facts);
    case "grids":
      return { grids: proposeGrids(document) };
    case "controllers":
      return {
        grids: gridIds(document).map((id, index) => proposeControllers(document, id, index)),
      };
    case "devices":
      return {
        grids: gridIds(document).map((id) => ({
          id,
          devices: gridOfDocument(document, id)["devices"] ?? [],
        })),
        ties: document["ties"] ?? [],
      };
    case "timings":
      return proposeTimings(document, facts);
    case "review":
      return {};
    default:
      return step satisfies never;
  }
}

/** `Motor vessel Anna` as `motor-vessel-anna`. */
export function idFrom(name: string, fallback: string): string {
  const id = name
    .normalize("NFKD")
    .replace(/\p{Mark}/gu, "")
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^[^a-z]+|-+$/g, "")
    .slice(0, 32)
    .replace(/-+$/, "");
  return id === "" ? fallback : id;
}

function proposeInstallation(document: SetupDocument): Table {
  const known = isTable(document["installation"]) ? document["installation"] : {};
  const name = textOf(known["name"]);
  return { name, kind: "vessel", ...known, id: known["id"] ?? idFrom(name, "plant") };
}

function isLandOf(document: SetupDocument): boolean {
  return isTable(document["installation"]) && document["installation"]["kind"] === "land";
}

const PORT_STEP = 10;

function proposeNodes(document: SetupDocument, facts: SetupFacts): Table {
  const known = tablesOf(document["nodes"]);
  const wanted = known.length === 0 ? [{}] : known;
  const nodes = wanted.map((node: Table, index) => {
    const id = textOf(node["id"]) || `n${index + 1}`;
    const host = node["host"] ?? "127.0.0.1";
    // Several nodes of one host need ports of their own; on hosts of their own all use the same.
    const before = wanted
      .slice(0, index)
      .filter((other) => (other["host"] ?? "127.0.0.1") === host);
    const offset = before.length * PORT_STEP;
    return {
      peer_port: 7400 + offset,
      operator_port: 7401 + offset,
      http_port: 7402 + offset,
      data_directory: `${facts.stateRoot}/${id}`,
      ...node,
      id,
      host,
    };
  });
  return { nodes, coordinator: proposeCoordinator(document, nodes) };
}

const ETCD_PORT = 2379;
const EMBEDDED_PORT = 7379;

/** One node keeps the record itself; several agree through etcd in production, and in simulation through what the launcher serves. */
function proposeCoordinator(document: SetupDocument, nodes: readonly Table[]): Table {
  const known = isTable(document["coordinator"]) ? document["coordinator"] : null;
  const isRedundant = nodes.length >= 2;
  const isFitting =
    known !== null &&
    (isRedundant
      ? tablesOrTexts(known["endpoints"]) > 0
      : known["kind"] !== "etcd" || tablesOrTexts(known["endpoints"]) > 0);
  if (known !== null && isFitting) return known;
  if (!isRedundant) return { kind: "embedded" };
  if (document["mode"] !== "production") {
    return { kind: "embedded", endpoints: [`127.0.0.1:${EMBEDDED_PORT}`] };
  }
  const hosts = [...new Set(nodes.map((node) => textOf(node["host"])))];
  return { kind: "etcd", endpoints: hosts.map((host) => `${host}:${ETCD_PORT}`) };
}

function tablesOrTexts(value: unknown): number {
  return Array.isArray(value) ? value.length : 0;
}

function proposeGrids(document: SetupDocument): Table[] {
  const isLand = isLandOf(document);
  const preset = isLand
    ? { nominal_voltage_v: 400, nominal_frequency_hz: 50 }
    : { nominal_voltage_v: 690, nominal_frequency_hz: 60 };
  const known = tablesOf(document["grids"]);
  const first = isLand ? { id: "site", name: "Site" } : { id: "main", name: "Main switchboard" };
  const wanted: readonly Table[] = known.length === 0 ? [first] : known;
  return wanted.map((grid) => ({
    id: grid["id"] ?? idFrom(textOf(grid["name"]), "grid"),
    name: grid["name"] ?? grid["id"],
    nominal_voltage_v: grid["nominal_voltage_v"] ?? preset.nominal_voltage_v,
    nominal_frequency_hz: grid["nominal_frequency_hz"] ?? preset.nominal_frequency_hz,
  }));
}

export function gridIds(document: SetupDocument): string[] {
  return tablesOf(document["grids"]).map(({ id }) => textOf(id));
}

/** Every node controls every grid; the nodes take turns as the primary, so that no single one leads all. */
function proposeControllers(document: SetupDocument, id: string, index: number): Table {
  const grid = gridOfDocument(document, id);
  const nodes = tablesOf(document["nodes"]).map((node) => textOf(node["id"]));
  const known = tablesOf(grid["controllers"]).filter(({ node }) => nodes.includes(textOf(node)));
  const turned = nodes.map((_, at) => nodes[(at + index) % nodes.length] ?? "");
  const controllers =
    known.length > 0
      ? known
      : turned.map((node, rank) => ({
          node,
          role: rank === 0 ? "primary" : "standby",
          failover_order: rank + 1,
        }));
  const isProduction = document["mode"] === "production";
  return { id, controllers, control: grid["control"] ?? (isProduction ? "observe" : "control") };
}

function proposeTimings(document: SetupDocument, facts: SetupFacts): Table {
  return {
    grids: gridIds(document).map((id) => {
      const grid = gridOfDocument(document, id);
      return {
        id,
        timing_set: grid["timing_set"] ?? proposeTimingSet(grid, facts),
        ...(isTable(grid["power"]) ? { power: grid["power"] } : {}),
      };
    }),
    logging: document["logging"] ?? { directory: facts.logDirectory },
  };
}

/** `default`, or the faster set where a device's watchdog would not outlast a takeover by it. */
function proposeTimingSet(grid: Table, facts: SetupFacts): string {
  const watchdogs = tablesOf(grid["devices"]).flatMap((device) => {
    const fallback = facts.profiles.get(textOf(device["profile"]))?.fallback;
    return fallback ? [fallback.watchdogMs] : [];
  });
  const least = Math.min(...watchdogs);
  return least < watchdogMsMin(TIMING_SETS.default) && least >= watchdogMsMin(TIMING_SETS.fast)
    ? "fast"
    : "default";
}

/** A new device of a kind as a proposal: what its profile and the installation suggest. */
export function proposeDevice(
  document: SetupDocument,
  grid: string,
  device: Table,
  profiles: ReadonlyMap<string, DeviceProfile>,
): Table {
  const kind = textOf(device["kind"]);
  const isProduction = document["mode"] === "production";
  const fitting = [...profiles.values()].filter(
    (profile) => profile.kind === kind && (profile.signature === null) === isProduction,
  );
  const siblings = tablesOf(gridOfDocument(document, grid)["devices"]);
  const count = siblings.filter((other) => other["kind"] === kind).length;
  const name = textOf(device["name"]);
  return {
    ...device,
    id: device["id"] ?? idFrom(name, `${kind.toLowerCase()}-${count + 1}`),
    kind,
    profile: device["profile"] ?? fitting[0]?.id ?? "",
    host: device["host"] ?? "127.0.0.1",
  };
}
