import { hostname, setPriority } from "node:os";
import { join } from "node:path";
import type { Logger } from "pino";
import { type PlannedGridCore, createGridCore } from "../../actors/grid/grid-core.ts";
import { LiveHost } from "../../actors/runtime/live-host.ts";
import { createTransitionFeed } from "../../actors/runtime/transition-feed.ts";
import type { ApiHandle } from "../../api/api.ts";
import { startApi } from "../../api/api.ts";
import type { ClockWatch } from "../../cluster/node/clock-watch.ts";
import { createClockWatch } from "../../cluster/node/clock-watch.ts";
import { createEmbeddedCoordinator } from "../../cluster/node/embedded-coordinator.ts";
import { createEmbeddedCoordinatorClient } from "../../cluster/node/embedded-coordinator-client.ts";
import { openEmbeddedStore } from "../../cluster/node/embedded-store.ts";
import { createGrpcTransport } from "../../cluster/node/grpc-transport.ts";
import { createSystemClock } from "../../cluster/node/system-clock.ts";
import { createSystemRandom } from "../../cluster/node/system-random.ts";
import type { ManifestSource } from "../../configs/manifest-source.ts";
import type { Manifest, NodeConfig } from "../../configs/manifest.ts";
import { deviceCountOf, gridsOnNode } from "../../configs/manifest-queries.ts";
import { type InstallationRecord, keepInstallation } from "../../history/keep-installation.ts";
import { openJournal } from "../../history/journal.ts";
import { present } from "../../kernel/assert.ts";
import { RemsError } from "../../kernel/errors.ts";
import type { PeerMessage } from "../../kernel/peer-message.ts";
import type { Clock } from "../../kernel/ports/clock.ts";
import { ringBytesFor } from "../../kernel/ring.ts";
import type { Coordinator } from "../../kernel/ports/coordinator.ts";
import type { PeerTransport } from "../../kernel/ports/peer-transport.ts";
import type { Dial } from "./address-map.ts";
import { loadDriverFamilies } from "./driver-families.ts";
import type { GridController } from "./grid-controller.ts";
import { createGridController } from "./grid-controller.ts";
import { startHistory } from "./history-store.ts";
import { describeMachine } from "../../actors/runtime/machine-definition.ts";
import { LOCAL_MACHINES } from "./local-actors.ts";
import type { ModuleLogger } from "./log.ts";
import { createSharedFacts, type SharedFacts } from "./shared-facts.ts";
import { createStorageFacts, SERVER_FACT } from "./storage-facts.ts";
import type { Trace } from "./trace-file.ts";

export interface DaemonParts {
  readonly manifest: Manifest;
  /** The texts that it was read from. */
  readonly source: ManifestSource;
  readonly node: NodeConfig;
  readonly dataDirectory: string;
  readonly logDirectory: string;
  readonly dial: Dial;
  readonly log: ModuleLogger;
  readonly trace: Trace | null;
  /** Of the launcher that simulates this installation; null: none. */
  readonly simulationControl: string | null;
  readonly version: string;
  /** Somebody wants the node to start anew with its file. */
  readonly onRestart: (why: string) => void;
  /** The daemon must not go on: end the process with this error. */
  readonly onFatal: (error: RemsError) => void;
}

export interface Daemon {
  /** Planned handover of every grid that this node leads, then everything down in reverse order. Bounded in time. */
  stop(): Promise<void>;
}

const HOUSEKEEPING_MS = 50;
const STATUS_EVERY = 4;
const CLOCKS_EVERY = 2;
const COMMANDS_PER_TURN_MAX = 16;
/** A handover may take a second and a half, giving the devices back where nobody takes over one more. */
const STOP_MS_MAX = 2600;
const CONTROL_NICENESS = -15;

/**
 * The composition root: every part of a node is made and wired here, in the order in which it must come up.
 *
 * Places kept for parts to come: mutual TLS of peers and operators (credentials of transport and API), the optimiser's plans (inputs
 * of the control loop).
 */
export async function startDaemon(parts: DaemonParts): Promise<Daemon> {
  const { manifest, node, dial, log } = parts;
  const mainLog = log("main");
  const clock = createSystemClock();
  const clockWatch = createClockWatch(
    clock,
    Math.max(...manifest.grids.map((grid) => grid.timings.clockDivergenceMs)),
  );
  const random = createSystemRandom();
  const grids = gridsOnNode(manifest, node.id);
  const controllers = new Map<string, GridController>();
  const undo: (() => Promise<void>)[] = [];
  const address = (...path: readonly string[]) => ["nodes", node.id, ...path].join("/");

  try {
    const families = await loadDriverFamilies(manifest);
    // 1. The journal: it takes the directory's lock, and holds what this node knew.
    const opened = await openJournal({
      directory: parts.dataDirectory,
      grids: grids.map((grid) => grid.id),
      journalSyncMs: Math.min(...grids.map((grid) => grid.timings.journalSyncMs)),
      totalBytesMax: manifest.history.journalSizeMbMax * 1_000_000,
      ringBytes: ringBytesFor(deviceCountOf(manifest)),
      ...(manifest.history.journalDays > 0
        ? { ageMsMax: manifest.history.journalDays * 86_400_000 }
        : {}),
    });
    undo.push(() => opened.journal.close());
    const cores = new Map(grids.map((grid) => [grid.id, createGridCore(manifest, grid.id)]));
    keepWhatRuns(parts, cores, mainLog);

    const shared = createSharedFacts(
      grids.map(({ id }) => ({
        last: () => controllers.get(id)?.loop().view().last ?? null,
        setNodeFact: (fact, isTrue) => controllers.get(id)?.loop().setNodeFact(fact, isTrue),
      })),
    );

    // 2. The API worker: a node that fails to control must still say why.
    const api = await startApi({
      manifest,
      node: node.id,
      version: parts.version,
      operatorPort: node.operatorPort,
      httpPort: node.httpPort,
      dataDirectory: parts.dataDirectory,
      simulationControl: parts.simulationControl,
      localMachines: Object.values(LOCAL_MACHINES).map(describeMachine),
      onIncident: (isStored, text) =>
        mainLog[isStored ? "info" : "warn"](
          { incident: text },
          isStored ? "incident captured" : "incident not captured",
        ),
      onRestart: (user) => parts.onRestart(`${user} asked for it`),
      onManifest: (isWritten, text) => mainLog[isWritten ? "info" : "warn"]({ text }, "manifest"),
      onSnapshotNeeded: (grid) => controllers.get(grid)?.publishSnapshot(),
      onHealthChanged: (health, reason) => {
        become(address("api"), health, reason);
        if (health === "good") history.reconnect();
      },
      onFact: (fact, value) => shared.set(fact, value),
    });
    undo.push(() => api.close());

    // What is wrong with this node's storage is an alarm of the first grid that it controls: one cause, one alarm. A server is
    // missed by others too: all grids hear of it, and decide whose alarm it is.
    const storage = createStorageFacts(parts.dataDirectory, (fact, isTrue) => {
      const told = fact === SERVER_FACT ? grids : grids.slice(0, 1);
      for (const { id } of told) controllers.get(id)?.loop().setNodeFact(fact, isTrue);
    });

    // Points, events, alarms and audit: its worker reads what the history worker writes, and answers the API worker.
    const history = await startHistory({
      manifest,
      node: node.id,
      grids,
      dataDirectory: parts.dataDirectory,
      api: () => api,
      log: log("history"),
      onHealthChanged(cause, reason) {
        log("history")[cause === null ? "info" : "error"]({ cause, reason }, "history store");
        storage.store(cause);
      },
      onServersChanged(lost) {
        log("history")[lost === null ? "info" : "warn"]({ lost }, "servers of the history");
        storage.servers(lost !== null);
      },
    });
    undo.push(() => history.close());
    // This thread stands still until the database is closed: nothing is commanded any more.
    const onFatal = (error: RemsError): void => {
      history.closeNow();
      parts.onFatal(error);
    };

    // The workers run by now and keep the ordinary priority: only the control thread goes before others.
    raisePriority(mainLog);

    // 3. Local actors.
    const feed = createTransitionFeed();
    const host = new LiveHost({
      clock,
      random,
      feed,
      onCrash: (actor, error) =>
        log("actors").error({ actor, err: error }, "a local actor crashed"),
      onGivenUp: () =>
        onFatal(
          new RemsError("REMS_PROGRAM_FAILED", "the local actors of this node keep crashing"),
        ),
    });
    const become = (actor: string, state: string, reason: string) =>
      void host.send(actor, { type: `became.${state}`, reason });
    const publishLocal = (actor: string, transition: Parameters<ApiHandle["onLocalActor"]>[1]) => {
      const view = host.list().find((candidate) => candidate.address === actor);
      if (view !== undefined) api.onLocalActor(view, transition);
    };
    feed.subscribe(({ address: actor, from, to, event, reason }) =>
      publishLocal(actor, { actor, from, to, event, reason }),
    );
    const spawn = (actor: string, machine: keyof typeof LOCAL_MACHINES) => {
      host.spawn({ address: actor, machine: LOCAL_MACHINES[machine] });
      publishLocal(actor, null);
    };
    spawn(address("coordinator"), "coordinator");
    spawn(address("history"), "worker");
    spawn(address("api"), "worker");
    const peers = manifest.nodes.filter((other) => other.id !== node.id);
    for (const peer of peers) spawn(address("peers", peer.id), "peer");
    for (const grid of grids) spawn(address("controllers", grid.id), "controller");
    undo.push(() => new Promise((resolve) => host.stop(resolve)));

    // 4. What the nodes agree through, and the streams between them.
    const coordinator = await createCoordinator(parts, clock, log("cluster"));
    undo.push(() => coordinator.close());
    const transport: PeerTransport = await createGrpcTransport({
      self: node.id,
      installation: manifest.installation.id,
      listenHost: node.host,
      listenPort: node.peerPort,
      peers: peers.map((peer) => ({ node: peer.id, host: peer.host, port: peer.peerPort })),
      dial,
      clock,
      log: log("cluster"),
    });
    undo.push(() => transport.close());
    transport.onConnectionChanged((peer, isConnected) =>
      become(address("peers", peer), isConnected ? "connected" : "disconnected", ""),
    );
    transport.onMessage((from, message) => receive(from, message));

    // 5. One controller per grid.
    const receive = (from: string, message: PeerMessage) => {
      try {
        controllers.get(message.grid)?.loop().receive(from, message);
      } catch (error) {
        if (!(error instanceof RemsError)) throw error;
        log("cluster").warn({ from, err: error }, "a message was refused");
      }
    };
    grids.forEach((grid, index) => {
      const controller = createGridController({
        manifest,
        node: node.id,
        grid,
        core: present(cores.get(grid.id), "every grid of this node has its core"),
        recovered: present(
          opened.recovered.get(grid.id),
          "the journal recovers every grid of this node",
        ),
        clock,
        sleptMs: () => clockWatch.sleptMs(),
        random,
        coordinator,
        journal: opened.journal,
        api,
        dial,
        log: log("grid").child({ grid: grid.id }),
        driverLog: log("drivers").child({ grid: grid.id }),
        families,
        trace: parts.trace,
        phaseMs: (grid.timings.scanMs * index) / grids.length,
        send: (toNode, message) => transport.send(toNode, message),
        sendToGrid: (message) => {
          const wrapped: PeerMessage = { type: "betweenGrids", grid: message.toGrid, message };
          for (const peer of peers) transport.send(peer.id, wrapped);
          receive(node.id, wrapped);
        },
        onRole: (role, reason) => become(address("controllers", grid.id), role, reason),
        onDriver: (device, state, reason) => become(address("drivers", device), state, reason),
        onFatal,
      });
      controllers.set(grid.id, controller);
      for (const device of controller.devices) spawn(address("drivers", device), "driver");
    });
    undo.push(async () => {
      for (const controller of controllers.values()) await controller.loop().close();
    });
    opened.journal.onSynced((grid, position) =>
      controllers.get(grid)?.loop().journalSynced(position),
    );
    opened.journal.onHealthChanged((health, reason) => {
      become(address("history"), health, reason);
      mainLog[health === "good" ? "info" : "error"]({ reason }, `journal ${health}`);
      storage.journal(health === "failed" ? reason : "");
    });
    opened.onSnapshotNeeded((grid) => controllers.get(grid)?.loop().journalSnapshotNow());
    storage.tell();
    for (const controller of controllers.values()) controller.start();

    // 6. Housekeeping on the control thread: commands, status, clocks.
    const housekeeping = startHousekeeping({
      clock,
      clockWatch,
      api,
      coordinator,
      controllers,
      shared,
      become,
      coordinatorAddress: address("coordinator"),
      log: mainLog,
    });
    undo.push(() => {
      housekeeping.stop();
      return Promise.resolve();
    });
    coordinator.announce(
      node.id,
      JSON.stringify({ host: hostname(), pid: process.pid, version: parts.version }),
    );
    mainLog.info(
      {
        grids: grids.map((grid) => grid.id),
        operatorPort: api.operatorPort,
        httpPort: api.httpPort,
      },
      "ready",
    );
  } catch (error) {
    await runAll(undo);
    throw error;
  }

  return {
    async stop() {
      await handOverAll([...controllers.values()]);
      // Whoever starts with it next, of another structure too, knows everything up to here.
      for (const controller of controllers.values()) controller.loop().journalSnapshotNow();
      await runAll(undo);
    },
  };
}

/** The manifest beside the journal: what was recorded can be replayed anywhere. A disk that refuses it stops nothing. */
function keepWhatRuns(
  { manifest, source, node, version, dataDirectory, logDirectory }: DaemonParts,
  cores: ReadonlyMap<string, PlannedGridCore>,
  log: Logger,
): void {
  const versions = [...cores].map(([grid, { coreVersion, manifestHash }]) => [
    grid,
    { coreVersion, manifestHash },
  ]);
  try {
    const grids = Object.fromEntries(versions) as InstallationRecord["grids"];
    const what = { node: node.id, version, nodeVersion: process.version, logDirectory };
    keepInstallation(dataDirectory, { ...what, grids, source, manifest });
  } catch (err) {
    log.warn({ err }, "the manifest could not be kept beside the journal: incidents will lack it");
  }
}

/** Where the system allows it (root, CAP_SYS_NICE, or a unit's `Nice=`); elsewhere the scan takes its turn like any other program. */
function raisePriority(log: Logger): void {
  try {
    setPriority(CONTROL_NICENESS);
  } catch {
    log.info(
      { niceness: CONTROL_NICENESS },
      "the control thread keeps the ordinary priority: this user may not raise it",
    );
  }
}

async function createCoordinator(
  parts: DaemonParts,
  clock: Clock,
  log: Logger,
): Promise<Coordinator> {
  const { manifest, dial } = parts;
  const { kind, endpoints } = manifest.coordinator;
  const [endpoint] = endpoints;
  if (kind === "etcd") {
    // Loaded where it is used only: the client takes several megabytes.
    const { createEtcdCoordinator } = await import("../../cluster/node/etcd-coordinator.ts");
    return createEtcdCoordinator({
      installation: manifest.installation.id,
      endpoints,
      dial,
      clock,
      log,
    });
  }
  if (endpoint !== undefined) return createEmbeddedCoordinatorClient({ endpoint, dial, clock });
  const store = await openEmbeddedStore(join(parts.dataDirectory, "coordinator.json"));
  return createEmbeddedCoordinator({ store, clock });
}

interface Housekeeping {
  readonly clock: Clock;
  readonly clockWatch: ClockWatch;
  readonly api: ApiHandle;
  readonly coordinator: Coordinator;
  readonly controllers: ReadonlyMap<string, GridController>;
  readonly shared: SharedFacts;
  readonly become: (actor: string, state: string, reason: string) => void;
  readonly coordinatorAddress: string;
  readonly log: Logger;
}

function startHousekeeping({
  clock,
  clockWatch,
  api,
  coordinator,
  controllers,
  shared,
  become,
  coordinatorAddress,
  log,
}: Housekeeping) {
  let turn = 0;
  let coordinatorState = "";
  let isStopped = false;

  /** The loops see a sleep by themselves, before they do anything else. */
  const lookAtClocks = () => {
    const verdict = clockWatch.compare();
    if (verdict.type === "steady") return;
    log.warn(
      { byMs: Math.round(verdict.byMs) },
      verdict.type === "suspended" ? "this machine was suspended" : "the wall clock was set",
    );
  };
  const takeCommands = () => {
    for (const command of api.takeCommands(COMMANDS_PER_TURN_MAX)) {
      const controller = controllers.get(command.grid);
      const requestId = command.type === "request" ? command.request.requestId : command.requestId;
      if (controller === undefined) {
        api.reply({
          requestId,
          isAccepted: false,
          reason: `this node has no controller of grid ${command.grid}`,
        });
        continue;
      }
      const { epoch } = controller.loop().view();
      if (command.expectedEpoch !== 0 && command.expectedEpoch !== epoch) {
        api.reply({
          requestId,
          isAccepted: false,
          reason: `expected epoch ${command.expectedEpoch}, grid ${command.grid} is in epoch ${epoch}`,
        });
      } else if (command.type === "force") {
        log.warn({ grid: command.grid, reason: command.reason }, "a takeover is forced");
        controller.loop().force(requestId, command.reason);
      } else if (command.type === "request") {
        controller.loop().submit(command.request);
      } else {
        controller
          .loop()
          .transfer(requestId, command.toNode, `${command.reason} (${command.user})`);
      }
    }
  };
  const publishStatus = () => {
    for (const controller of controllers.values()) controller.publishStatus();
    const { reachableCount, endpointCount } = coordinator.status();
    const state =
      reachableCount === endpointCount
        ? "reachable"
        : reachableCount * 2 > endpointCount
          ? "degraded"
          : "unreachable";
    shared.look(clock.monotonicMs());
    if (state === coordinatorState) return;
    coordinatorState = state;
    become(coordinatorAddress, state, `${reachableCount} of ${endpointCount} answer`);
    shared.set("coordinator.isLost", state === "unreachable");
  };
  const run = () => {
    if (isStopped) return;
    turn++;
    takeCommands();
    if (turn % CLOCKS_EVERY === 0) lookAtClocks();
    if (turn % STATUS_EVERY === 0) publishStatus();
    clock.at(clock.monotonicMs() + HOUSEKEEPING_MS, run);
  };
  run();
  return {
    stop() {
      isStopped = true;
    },
  };
}

/** Asks every controller to let go, and waits no longer than that may take. */
async function handOverAll(controllers: readonly GridController[]): Promise<void> {
  const handed = Promise.all(
    controllers.map(
      (controller) => new Promise<void>((resolve) => controller.loop().stop(resolve)),
    ),
  );
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, STOP_MS_MAX);
  });
  await Promise.race([handed, limit]);
  clearTimeout(timer);
}

/** Runs the steps in reverse order of their making; one that fails does not keep the others from running. */
async function runAll(steps: (() => Promise<void>)[]): Promise<void> {
  for (let step = steps.pop(); step !== undefined; step = steps.pop()) {
    await step().catch(() => {});
  }
}
