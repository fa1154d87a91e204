import { readFileSync } from "node:fs";
import { parentPort, workerData } from "node:worker_threads";
import { runIncidentJob, type IncidentJobResult } from "../history/incident-job.ts";
import { StoreClient } from "../history/store/store-client.ts";
import { keepWorkerHeapSmall } from "../history/worker-heap.ts";
import { OPERATOR_DESCRIPTOR_SET } from "../proto/generated/operator-descriptors.ts";
import { MessageSchemas } from "../proto/message-schema.ts";
import { ConfigService, HistoryService, IncidentService } from "../proto/generated/rems-v1.ts";
import { present } from "../kernel/assert.ts";
import { openRingReader, openRingWriter } from "../kernel/ring.ts";
import {
  FEED,
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
import { alarmService } from "./alarm-service.ts";
import { createLazyConfig } from "./config/lazy-config.ts";
import { createCommandDesk } from "./control-service.ts";
import { implementationOf } from "./grpc-handlers.ts";
import { createGrpcServer, listen } from "./grpc-server.ts";
import { historyService } from "./history-service.ts";
import { JsonMethods } from "./http/methods.ts";
import { createHttpServer } from "./http-server.ts";
import { createIncidentCapture } from "./incident-capture.ts";
import { createIncidentDesk, incidentImplementation } from "./incident-service.ts";
import { inspectionService } from "./inspection-service.ts";
import { createMetrics } from "./metrics.ts";
import { startOutwardServer } from "./modbus/outward-server.ts";
import { createReplayDesk } from "./replay/replay-desk.ts";
import { NodeView } from "./node-view.ts";
import { startNotifier } from "./notify/start-notifier.ts";

/** The API worker: follows the node through the feed and answers whoever asks, without the control thread noticing. */
const FEED_EVERY_MS = 10;
const RECORD_COUNT_MAX = 500;
const SNAPSHOT_RETRY_MS = 1000;

const port = present(parentPort, "the API worker runs as a worker thread");
const data = workerData as ApiWorkerData;
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker thread, not a window
const send = (message: ApiWorkerMessage): void => port.postMessage(message);
const feed = openRingReader(data.feed);
const commands = openRingWriter(data.commands);
const view = new NodeView(data.manifest, data.node, data.version, undefined, data.localMachines);
const metrics = createMetrics(view, () => feed.droppedCount());
const desk = createCommandDesk(view, (command) => commands.offer(JSON.stringify(command)));
const history = new StoreClient();
const { dataDirectory } = data;
const historyMethods = historyService(view, history);
const incidents = createIncidentDesk(
  view,
  dataDirectory,
  runIncidentJob,
  () => capture?.pending() ?? [],
);
const config = createLazyConfig(view, desk, manifestText(), {
  restart: (user) => send({ type: "restart", user }),
  manifest: (isWritten, text) => send({ type: "manifest", isWritten, text }),
});
const grpcServer = createGrpcServer(view, desk, [
  [ConfigService, implementationOf(config.service)],
  [HistoryService, implementationOf(historyMethods)],
  [IncidentService, incidentImplementation(incidents)],
]);
const services = new Map([
  ["rems.v1.InspectionService", inspectionService(view)],
  ["rems.v1.ControlService", desk.service],
  ["rems.v1.AlarmService", alarmService(view, desk)],
  ["rems.v1.HistoryService", historyMethods],
  ["rems.v1.IncidentService", incidents.service],
  ["rems.v1.ConfigService", config.service],
]);
const replays = createReplayDesk();
const methods = new JsonMethods(new MessageSchemas(OPERATOR_DESCRIPTOR_SET), services);
const httpServer = createHttpServer({
  view,
  metrics,
  methods,
  incidents,
  simulationControl: data.simulationControl,
  replays,
});

/** As the daemon has just read it; a manifest without a file (a test, a replay) is shown without text. */
function manifestText(): string {
  try {
    return readFileSync(data.manifest.path, "utf8");
  } catch {
    return "";
  }
}

const askedAtMs = new Map<string, number>();
function askForSnapshot(grid: string): void {
  const nowMs = performance.now();
  if (nowMs - (askedAtMs.get(grid) ?? -Infinity) < SNAPSHOT_RETRY_MS) return;
  askedAtMs.set(grid, nowMs);
  send({ type: "snapshotNeeded", grid });
}

/** The control thread wrote it, in the same build: its form is not checked again. */
function take(record: string): void {
  const body = record.slice(1);
  switch (record[0]) {
    case FEED.frame: {
      const behind = view.takeFrame(body);
      if (behind !== null) askForSnapshot(behind);
      return;
    }
    case FEED.snapshot:
      return view.takeSnapshot(JSON.parse(body) as FeedSnapshot);
    case FEED.localActor:
      return view.takeLocalActor(JSON.parse(body) as FeedLocalActor);
    case FEED.alarm: {
      const alarm = JSON.parse(body) as FeedAlarm;
      capture?.onNodeAlarm(alarm);
      return view.takeAlarm(alarm);
    }
    case FEED.reply:
      return desk.onReply(JSON.parse(body) as ApiReply);
    case FEED.scan:
      return metrics.onScan(JSON.parse(body) as FeedScan);
    case FEED.lag:
      return metrics.onControlLag(JSON.parse(body) as { p50Ms: number; maxMs: number });
    case FEED.status: {
      const { grid, status } = JSON.parse(body) as { grid: string; status: ApiGridStatus };
      return view.takeStatus(grid, status);
    }
    default:
  }
}

function takeFeed(): void {
  for (let count = 0; count < RECORD_COUNT_MAX; count++) {
    const record = feed.take();
    if (record === null) break;
    take(Buffer.from(record.data.buffer).toString("utf8"));
  }
  config.look();
}

function failureOf(result: IncidentJobResult): string {
  return result.type === "failed" ? result.text : "it was not stored";
}
let outward: Awaited<ReturnType<typeof startOutwardServer>> | null = null;

async function close(): Promise<void> {
  capture?.close();
  clearInterval(feedTimer);
  if (notifyTimer !== null) clearInterval(notifyTimer);
  history.close();
  replays.close();
  grpcServer.forceShutdown();
  await outward?.close();
  await httpServer.close();
  send({ type: "closed" });
  process.exit();
}

/** Keeps what happens around failovers and alarms of high priority. */
const capture =
  dataDirectory === null
    ? null
    : createIncidentCapture(view, {
        nowMs: Date.now,
        schedule(afterMs, action) {
          const timer = setTimeout(action, afterMs);
          return { cancel: () => clearTimeout(timer) };
        },
        capture: (span) =>
          runIncidentJob({ dataDirectory, grids: [], version: data.version, ...span }),
        onDone(result, reason) {
          const isStored = result.type === "stored";
          const text = isStored ? `${result.path}: ${reason}` : `${reason}: ${failureOf(result)}`;
          send({ type: "incident", isStored, text });
        },
      });

keepWorkerHeapSmall();
const feedTimer = setInterval(takeFeed, FEED_EVERY_MS);
const notifyTimer = startNotifier(view, desk, (isFailed) =>
  send({ type: "fact", fact: "notification.isFailed", value: isFailed }),
);
port.on("message", (order: ApiWorkerOrder) => {
  if (order.type === "close") void close();
  else history.connect(order.port);
});
for (const grid of view.replicas.keys()) askForSnapshot(grid);
try {
  const { host } = view.node;
  const operatorPort = await listen(grpcServer, `${host}:${data.operatorPort}`);
  const httpAddress = await httpServer.listen({ host, port: data.httpPort });
  const httpPort = Number(new URL(httpAddress).port);
  if (data.modbusPort !== null) outward = await startOutwardServer(view, desk, data.modbusPort);
  send({ type: "listening", operatorPort, httpPort, modbusPort: outward?.port ?? null });
} catch (error) {
  const text = error instanceof Error ? error.message : String(error);
  const isPortInUse = /EADDRINUSE|REMS_PORT_IN_USE/.test(text);
  const { operatorPort, httpPort, modbusPort } = data;
  const modbus = modbusPort === null ? "" : `, Modbus port ${modbusPort}`;
  const ports = `(operator port ${operatorPort}, HTTP port ${httpPort}${modbus} of node ${data.node})`;
  send({
    type: "refused",
    isPortInUse,
    // Whoever started this worker names the code.
    text: `${text.replace(/ \[REMS_\w+\]$/, "")} ${ports}; free the port or change the manifest`,
  });
  process.exit();
}
