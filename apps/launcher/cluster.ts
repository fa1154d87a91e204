import { copyFileSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { Manifest } from "../../configs/manifest.ts";
import { RemsError } from "../../kernel/errors.ts";
import type { PlantSnapshot, SimulatorCommand } from "../../sim/simulator/protocol.ts";
import type { Disturbances } from "./disturbances.ts";
import { NO_DISTURBANCES } from "./disturbances.ts";
import type { EtcdTimings } from "./etcd-members.ts";
import { findEtcdProgram } from "./etcd-members.ts";
import type { LauncherEvent, Totals } from "./events.ts";
import type { GridView, NodeView } from "./installation-view.ts";
import { viewGrids, whyUnsettled } from "./installation-view.ts";
import type { InstallationNetwork } from "./installation-network.ts";
import { createInstallationNetwork } from "./installation-network.ts";
import type { NodeProcess } from "./node-process.ts";
import { createNodeProcess } from "./node-process.ts";
import type { PacketFilter } from "./packet-filter.ts";
import { checkPorts } from "./port-check.ts";
import { compiledProgram } from "./project.ts";
import { tracePath } from "./run-files.ts";
import { Surroundings } from "./surroundings.ts";

export interface InstallationOptions {
  readonly manifest: Manifest;
  readonly projectDirectory: string;
  /** A new folder for journals, logs and the coordinator's data. */
  readonly runDirectory: string;
  /** Null: etcd where there is one. */
  readonly coordinator: "etcd" | "embedded" | null;
  readonly seed: number;
  /** Writes down every write at a device (`writes.jsonl`) and every step of a failover (`<node>.trace.jsonl`) in the run's folder. */
  readonly isTraced?: boolean;
  /** Parameters of the plant in place of those that go with the manifest. */
  readonly plantPath?: string | undefined;
  /** etcd's heartbeat and election time; for a local network by default. */
  readonly etcdTimings?: EtcdTimings | undefined;
  /** Where nodes pass on what web pages ask of the simulation. */
  readonly simulationControl?: string | undefined;
  /** How long after a successor's first write a failover is judged; the simulator's default is 3 s. */
  readonly refereeWindowMs?: number | undefined;
  /** Where a node keeps its journal, in place of a folder in the run's. */
  readonly dataDirectory?: ((node: string) => string) | undefined;
  /** What a node's process finds in its environment beside the launcher's own. */
  readonly nodeEnvironment?: ((node: string) => Readonly<Record<string, string>>) | undefined;
  /** Cuts links by dropping packets; by the relays in between where it is missing. */
  readonly packetFilter?: PacketFilter | null | undefined;
  /** Disks and clocks that can be disturbed. */
  readonly disturbances?: Disturbances | undefined;
  /** What runs as a node in place of the daemon, with the daemon's arguments after its own: for comparisons. */
  readonly nodeProgram?: NodeProgram | undefined;
  /** Gives up while it starts. */
  readonly signal?: AbortSignal;
  readonly onEvent: (event: LauncherEvent) => void;
}

export interface NodeProgram {
  /** Options of Node itself. */
  readonly nodeArgs: readonly string[];
  readonly program: string;
  readonly args: readonly string[];
}

export interface CoordinatorView {
  readonly kind: "etcd" | "embedded";
  readonly endpoints: readonly string[];
}

/** A simulated installation that runs: plant, network, coordinator and nodes, each a process of its own. */
export interface Installation {
  readonly manifest: Manifest;
  readonly coordinator: CoordinatorView;
  readonly runDirectory: string;
  readonly nodes: readonly NodeProcess[];
  /** @throws {@link RemsError} `REMS_NOT_FOUND`. */
  node(id: string): NodeProcess;
  nodeViews(): NodeView[];
  grids(): GridView[];
  /** Null where every grid is led and every living controller in sync, else what is missing. */
  whyUnsettled(): string | null;
  plant(): PlantSnapshot | null;
  totals(): Totals | null;
  /** Where anybody finds a device: address of the manifest to address on this machine. */
  readonly publicPorts: Readonly<Record<string, string>>;
  simulate(command: SimulatorCommand): void;
  readonly network: InstallationNetwork;
  readonly disturbances: Disturbances;
  /**
   * Kills or restarts a member of etcd, or finds the one that leads. Resolves with its place.
   * @throws {@link RemsError} `REMS_REQUEST_REFUSED`.
   */
  etcd(action: "leader" | "kill" | "restart", member?: number): Promise<number>;
  /** True once a process that nobody ended has gone: what runs on is no sound installation any more. */
  readonly isBroken: boolean;
  stop(): Promise<void>;
}

/** What is confirmed at run time goes into the nodes' file: a shipped example stays as it is, and a run has a copy. */
function manifestForNodes({
  manifest,
  projectDirectory,
  runDirectory,
}: InstallationOptions): string {
  if (dirname(manifest.path) !== join(projectDirectory, "configs")) return manifest.path;
  const path = join(runDirectory, basename(manifest.path));
  copyFileSync(manifest.path, path);
  return path;
}

const LOG_LINE_COUNT = 5;
const READY_MS_MAX = 30_000;
const POLL_MS = 250;
const NODE_STOP_MS_MAX = 4200;

/**
 * Starts everything in order: the plant, the coordinator and the network, then the nodes.
 * @throws {@link RemsError} that names what did not start and why; what had started is ended again.
 */
export async function startInstallation(options: InstallationOptions): Promise<Installation> {
  const { manifest, projectDirectory, runDirectory, onEvent } = options;
  if (manifest.mode !== "simulation") {
    throw new RemsError(
      "REMS_REQUEST_INVALID",
      `${manifest.path} has mode = "${manifest.mode}": the launcher runs simulated installations only; a real one is started with r-emsd`,
    );
  }
  await checkPorts(manifest);
  const etcdProgram = chooseEtcd(options);
  const surroundings = new Surroundings(options);
  let nodes: NodeProcess[] = [];
  let timer: NodeJS.Timeout | undefined;
  let isStopping = false;
  const stop = async () => {
    isStopping = true;
    clearInterval(timer);
    await Promise.all(nodes.map((node) => node.stop(NODE_STOP_MS_MAX)));
    await surroundings.stop();
  };
  try {
    const { plantMaps, publicPorts, network } = await surroundings.start(etcdProgram);
    const { kind, endpoints } = network;
    tellCoordinator(options, kind);
    const daemon = compiledProgram(projectDirectory, "apps/r-emsd/main");
    const { nodeArgs, program, args } = options.nodeProgram ?? {
      nodeArgs: [],
      program: daemon,
      args: [],
    };
    const manifestPath = manifestForNodes(options);
    nodes = manifest.nodes.map((config) => {
      const directory = options.dataDirectory?.(config.id) ?? join(runDirectory, config.id);
      mkdirSync(directory, { recursive: true });
      const map = { ...plantMaps[config.id], ...network.maps[config.id] };
      const mapPath = join(runDirectory, `${config.id}-addresses.json`);
      writeFileSync(mapPath, JSON.stringify(map, null, 2));
      return createNodeProcess({
        config,
        program,
        nodeArgs,
        args: [
          ...args,
          "--config",
          manifestPath,
          "--node",
          config.id,
          "--data-dir",
          directory,
          "--log-dir",
          join(runDirectory, "logs", config.id),
          "--coordinator",
          kind,
          "--endpoints",
          endpoints.join(","),
          "--address-map",
          mapPath,
          "--no-stdout-log",
          "--stop-with-stdin",
          ...(options.simulationControl === undefined
            ? []
            : ["--simulation-control", options.simulationControl]),
          ...(options.isTraced === true ? ["--trace", tracePath(runDirectory, config.id)] : []),
        ],
        directory: projectDirectory,
        environment: options.nodeEnvironment?.(config.id) ?? {},
        onState(state, text) {
          if (isStopping) return;
          if (state !== "ended") {
            onEvent({ type: "node", node: config.id, state, text });
            return;
          }
          surroundings.isBroken = true;
          const log = readLogTail(join(runDirectory, "logs", config.id));
          onEvent({ type: "node", node: config.id, state, text: `${text}${log}` });
        },
      });
    });
    const all = nodes;
    for (const node of all) node.start();
    await untilUp(all, options.signal);
    timer = setInterval(() => {
      for (const node of all) node.poll();
    }, POLL_MS);
    const nodeViews = () => all.map((node) => node.view());
    return {
      manifest,
      coordinator: { kind, endpoints },
      runDirectory,
      nodes: all,
      node(id) {
        const found = all.find((node) => node.id === id);
        if (found !== undefined) return found;
        const known = all.map((node) => node.id).join(", ");
        throw new RemsError("REMS_NOT_FOUND", `there is no node "${id}"; there are ${known}`);
      },
      nodeViews,
      grids: () => viewGrids(manifest, nodeViews()),
      whyUnsettled: () => whyUnsettled(manifest, nodeViews()),
      plant: () => surroundings.plant,
      totals: () => surroundings.totals,
      publicPorts,
      simulate: (command) => surroundings.simulate(command),
      network: createInstallationNetwork({
        links: network.links,
        devicePorts: (node) => Object.values(plantMaps[node] ?? {}).map(portOf),
        filter: options.packetFilter ?? null,
        tellNetwork: (command) => surroundings.tellNetwork(command),
        simulate: (command) => surroundings.simulate(command),
      }),
      disturbances: options.disturbances ?? NO_DISTURBANCES,
      etcd: (action, member) => surroundings.etcd(action, member),
      get isBroken() {
        return surroundings.isBroken;
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

const portOf = (address: string) => Number(address.slice(address.lastIndexOf(":") + 1));

/** The last lines of a node's newest log file; nothing where it has none. */
function readLogTail(directory: string): string {
  try {
    const newest = readdirSync(directory).sort().at(-1);
    if (newest === undefined) return "";
    const path = join(directory, newest);
    const lines = readFileSync(path, "utf8").trimEnd().split("\n").slice(-LOG_LINE_COUNT);
    return `; the end of ${path}:\n${lines.join("\n")}`;
  } catch {
    return "";
  }
}

function chooseEtcd(options: InstallationOptions): string | null {
  const { coordinator, projectDirectory, manifest } = options;
  if (coordinator === "embedded") return null;
  // One controller has nobody to agree with.
  if (coordinator === null && manifest.nodes.length === 1) return null;
  const program = findEtcdProgram(projectDirectory);
  if (program !== null || coordinator === null) return program;
  throw new RemsError(
    "REMS_PROGRAM_MISSING",
    `--coordinator etcd: there is no "etcd" on the PATH nor under .cache; get it with "npm run etcd", or use --coordinator embedded`,
  );
}

function tellCoordinator(options: InstallationOptions, kind: string): void {
  const { coordinator, manifest, onEvent } = options;
  const text =
    kind === "etcd"
      ? "coordinator: three etcd members on loopback"
      : coordinator === "embedded" || manifest.nodes.length === 1
        ? "coordinator: embedded, served on loopback"
        : `coordinator: embedded, served on loopback; there is no etcd here, get it with "npm run etcd"`;
  onEvent({ type: "note", text });
}

async function untilUp(nodes: readonly NodeProcess[], signal?: AbortSignal): Promise<void> {
  const deadlineMs = performance.now() + READY_MS_MAX;
  for (;;) {
    const views = nodes.map((node) => node.view());
    if (views.every(({ state }) => state === "up")) return;
    if (signal?.aborted === true) {
      throw new RemsError("REMS_REQUEST_REFUSED", "ended while it was starting");
    }
    const ended = views.find(({ state }) => state === "ended");
    const late = performance.now() > deadlineMs ? views.find(({ state }) => state !== "up") : null;
    if (ended !== undefined || late) {
      const what = ended === undefined ? "was not ready in time" : "ended while it started";
      const id = (ended ?? late)?.id ?? "";
      throw new RemsError("REMS_PROGRAM_FAILED", `node ${id} ${what}; its log tells more`);
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
