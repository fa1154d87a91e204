import { monitorEventLoopDelay } from "node:perf_hooks";
import type { MessagePort, Worker } from "node:worker_threads";
import type { MachineDescription } from "../actors/runtime/machine-definition.ts";
import type { ActorView } from "../actors/runtime/actor-view.ts";
import type { Manifest } from "../configs/manifest.ts";
import { deviceCountOf, nodeOf } from "../configs/manifest-queries.ts";
import { startWorker } from "../history/start-worker.ts";
import type { AlarmPriority } from "../kernel/alarm.ts";
import type { ActorTransition } from "../kernel/core.ts";
import { RemsError } from "../kernel/errors.ts";
import type { EncodedFrame } from "../kernel/frame.ts";
import type { LogPosition } from "../kernel/record.ts";
import { createRing, openRingReader, openRingWriter, ringBytesFor } from "../kernel/ring.ts";
import {
  FEED,
  type ApiCommand,
  type ApiGridStatus,
  type ApiReply,
  type ApiWorkerData,
  type ApiWorkerMessage,
  type ApiWorkerOrder,
  type FeedAlarm,
  type FeedLocalActor,
  type FeedScan,
  type FeedSnapshot,
} from "./api-messages.ts";

export interface ApiOptions {
  readonly manifest: Manifest;
  /** Id of this node. */
  readonly node: string;
  readonly version: string;
  /** Instead of the node's ports of the manifest; 0 takes a free one. */
  readonly operatorPort?: number;
  readonly httpPort?: number;
  /** Of the node: incidents are captured into it, and handed out from it. Absent: none. */
  readonly dataDirectory?: string;
  /** Simulation only: where the launcher takes faults, `http://127.0.0.1:<port>`. */
  readonly simulationControl?: string | null;
  /** An incident was captured by itself, or could not be. */
  readonly onIncident?: (isStored: boolean, text: string) => void;
  readonly modbusPort?: number;
  /** Statecharts of the local actors, to be shown. */
  readonly localMachines?: readonly MachineDescription[];
  /** The worker's replica of a grid is behind: answer with {@link ApiHandle.onSnapshot} of the loop's present snapshot. */
  readonly onSnapshotNeeded: (grid: string) => void;
  /** The worker ended, or came back ("good"). It is started again by itself; control goes on. */
  readonly onHealthChanged: (health: "good" | "failed", reason: string) => void;
  /** Somebody wants the node to start anew with its file. */
  readonly onRestart?: (user: string) => void;
  /** The manifest's file was brought into step with what is in force, or could not be. */
  readonly onManifest?: (isWritten: boolean, text: string) => void;
  /** A fact on which an alarm rests, for the frames of the grids that this node leads. */
  readonly onFact?: (fact: string, value: boolean) => void;
}

/**
 * The control thread's end of the API. Each `on…` copies one record into a ring, a few microseconds, never blocks and never throws; a
 * full ring drops, and the worker asks for a snapshot.
 */
export interface ApiHandle {
  readonly operatorPort: number;
  readonly httpPort: number;
  /** Of the Modbus server for other systems; null where the manifest has none. */
  readonly modbusPort: number | null;
  /** Every frame that the grid's replica on this node applied, own or received, in order. */
  onFrame(encoded: EncodedFrame): void;
  /** The replica was replaced, or `onSnapshotNeeded` asked. `text` as `ControlLoop.snapshot()` gives it. */
  onSnapshot(grid: string, text: string, position: LogPosition | null): void;
  /** A local actor as it is now, with the transition that brought it there. Times are monotonic milliseconds of this node. */
  onLocalActor(view: ActorView, transition: ActorTransition | null): void;
  /** An alarm of this node's own, such as `AUTHORITY_LOST`. */
  onAlarm(
    grid: string,
    code: string,
    priority: AlarmPriority,
    isActive: boolean,
    text: string,
  ): void;
  /** Who leads, as this node knows it: on every change, and a few times a second. `ControlLoop.view()` fits. */
  onStatus(grid: string, status: ApiGridStatus): void;
  onScan(grid: string, latenessMs: number, missedCount: number): void;
  /** Operators' commands that wait, oldest first, at most `countMax`; each is answered by {@link reply}. */
  takeCommands(countMax: number): ApiCommand[];
  reply(reply: ApiReply): void;
  /** Gives the worker a way to ask the history store; again after either of them was started anew. */
  connectHistory(port: MessagePort): void;
  close(): Promise<void>;
}

const COMMAND_BYTES = 256 * 1024;
const RESTART_MS = 1000;
const CLOSE_MS_MAX = 3000;
const LAG_EVERY_MS = 1000;

/**
 * Starts the API worker: operator gRPC, and HTTP with metrics.
 * @throws {@link RemsError} `REMS_PORT_IN_USE` if a port is taken, `REMS_PROGRAM_FAILED` if the worker does not start.
 */
export async function startApi(options: ApiOptions): Promise<ApiHandle> {
  const { manifest, node, version } = options;
  const config = nodeOf(manifest, node);
  const feed = createRing(ringBytesFor(deviceCountOf(manifest)));
  const commands = createRing(COMMAND_BYTES);
  let ports = {
    operatorPort: options.operatorPort ?? config.operatorPort,
    httpPort: options.httpPort ?? config.httpPort,
    modbusPort: options.modbusPort ?? config.modbusPort,
  };
  /** Only a worker that served before is started again. */
  let isServing = false;
  let worker: Worker;
  const give = (order: ApiWorkerOrder, transfer: readonly MessagePort[] = []): void =>
    worker.postMessage(order, transfer);

  const start = (): Promise<void> =>
    new Promise((resolve, reject) => {
      let reason = "it ended";
      const data: ApiWorkerData = {
        manifest,
        node,
        version,
        ...ports,
        dataDirectory: options.dataDirectory ?? null,
        simulationControl: options.simulationControl ?? null,
        localMachines: options.localMachines ?? [],
        feed,
        commands,
      };
      worker = startWorker(import.meta.url, "api-worker", data);
      worker.on("message", (message: ApiWorkerMessage) => {
        if (message.type === "listening") {
          // A worker that is started again keeps the ports that clients know.
          const { operatorPort, httpPort, modbusPort } = message;
          ports = { operatorPort, httpPort, modbusPort };
          resolve();
        } else if (message.type === "snapshotNeeded") {
          options.onSnapshotNeeded(message.grid);
        } else if (message.type === "incident") {
          options.onIncident?.(message.isStored, message.text);
        } else if (message.type === "restart") {
          options.onRestart?.(message.user);
        } else if (message.type === "manifest") {
          options.onManifest?.(message.isWritten, message.text);
        } else if (message.type === "fact") {
          options.onFact?.(message.fact, message.value);
        } else if (message.type === "refused") {
          reason = message.text;
          const code = message.isPortInUse ? "REMS_PORT_IN_USE" : "REMS_PROGRAM_FAILED";
          reject(new RemsError(code, message.text));
        }
      });
      worker.on("error", (error: Error) => {
        reason = error.message;
      });
      worker.on("exit", () => {
        reject(new RemsError("REMS_PROGRAM_FAILED", `the API worker failed: ${reason}`));
        if (!isServing) return;
        options.onHealthChanged("failed", `the API worker failed: ${reason}`);
        setTimeout(() => {
          if (!isServing) return;
          start().then(
            () => options.onHealthChanged("good", ""),
            () => {},
          );
        }, RESTART_MS).unref();
      });
    });
  await start();
  isServing = true;

  const writer = openRingWriter(feed);
  const reader = openRingReader(commands);
  const offer = (letter: string, record: unknown): void => {
    writer.offer(letter + JSON.stringify(record));
  };
  const lag = monitorEventLoopDelay({ resolution: 20 });
  lag.enable();
  const lagTimer = setInterval(() => {
    offer(FEED.lag, { p50Ms: lag.percentile(50) / 1e6, maxMs: lag.max / 1e6 });
    lag.reset();
  }, LAG_EVERY_MS);
  lagTimer.unref();

  return {
    ...ports,
    onFrame: (encoded) => void writer.offer(FEED.frame + encoded.text),
    onSnapshot: (grid, text, position) =>
      offer(FEED.snapshot, { grid, text, position } satisfies FeedSnapshot),
    onLocalActor: (view, transition) =>
      offer(FEED.localActor, { view, transition } satisfies FeedLocalActor),
    onAlarm: (grid, code, priority, isActive, text) =>
      offer(FEED.alarm, { grid, code, priority, isActive, text } satisfies FeedAlarm),
    onStatus(grid, { role, epoch, leader, inSync, hasAuthority, controller, refused = [] }) {
      const followers = controller?.followers ?? [];
      const told = {
        role,
        epoch,
        leader,
        inSync,
        hasAuthority,
        controller: { followers },
        refused,
      };
      offer(FEED.status, { grid, status: told });
    },
    onScan: (grid, latenessMs, missedCount) =>
      offer(FEED.scan, { grid, latenessMs, missedCount } satisfies FeedScan),
    takeCommands(countMax) {
      const taken: ApiCommand[] = [];
      while (taken.length < countMax) {
        const record = reader.take();
        if (record === null) break;
        taken.push(JSON.parse(Buffer.from(record.data).toString("utf8")) as ApiCommand);
      }
      return taken;
    },
    reply: ({ requestId, isAccepted, reason }) =>
      offer(FEED.reply, { requestId, isAccepted, reason } satisfies ApiReply),
    connectHistory: (port) => give({ type: "history", port }, [port]),
    close: () => {
      isServing = false;
      clearInterval(lagTimer);
      lag.disable();
      return new Promise((resolve) => {
        const timer = setTimeout(() => void worker.terminate(), CLOSE_MS_MAX);
        worker.once("exit", () => {
          clearTimeout(timer);
          resolve();
        });
        give({ type: "close" });
      });
    },
  };
}
