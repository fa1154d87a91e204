import { runIncidentJob } from "../../history/incident-job.ts";
import { MessageSchemas } from "../../proto/message-schema.ts";
import { OPERATOR_DESCRIPTOR_SET } from "../../proto/generated/operator-descriptors.ts";
import { alarmService } from "../alarm-service.ts";
import { parametersOnly } from "../config/grid-configurations.ts";
import { createCommandDesk, type CommandDesk } from "../control-service.ts";
import { createHttpServer } from "../http-server.ts";
import { JsonMethods } from "../http/methods.ts";
import { createIncidentDesk } from "../incident-service.ts";
import { inspectionService } from "../inspection-service.ts";
import { createMetrics } from "../metrics.ts";
import { createGrpcServer, listen } from "../grpc-server.ts";
import { NodeView } from "../node-view.ts";
import { unary, type Service } from "../service.ts";
import { implementationOf } from "../grpc-handlers.ts";
import type { Frame } from "../../kernel/frame.ts";
import type { Member } from "../../kernel/record.ts";
import { RemsError } from "../../kernel/errors.ts";
import { ReplayService, rems, type Types } from "../../proto/generated/rems-v1.ts";
import { parseUntil, type ReplaySession, type Stop } from "./replay-session.ts";

export interface ServedReplay {
  readonly port: number;
  close(): void;
}

/**
 * Opens the inspection service on the place where the replay stands, and the service that moves it. Commands are refused: the past
 * does not change; "validate only" tells what would have been answered.
 */
export async function serveReplay(session: ReplaySession, port: number): Promise<ServedReplay> {
  const { view, desk, service } = openPast(session);
  const server = createGrpcServer(view, desk, [[ReplayService, implementationOf(service)]]);
  const listening = await listen(server, `127.0.0.1:${port}`);
  return { port: listening, close: () => server.forceShutdown() };
}

/** The same over HTTP, on a free port: what the web application looks at. @returns The port. */
export async function serveReplayHttp(session: ReplaySession): Promise<number> {
  const { view, desk, service } = openPast(session);
  const incidents = createIncidentDesk(view, null, runIncidentJob, () => []);
  const services = new Map([
    ["rems.v1.InspectionService", inspectionService(view)],
    ["rems.v1.ControlService", desk.service],
    ["rems.v1.AlarmService", alarmService(view, desk)],
    ["rems.v1.ConfigService", { getConfig: unary(() => parametersOnly(view)) }],
    ["rems.v1.ReplayService", service],
  ]);
  const server = createHttpServer({
    view,
    metrics: createMetrics(view, () => 0),
    methods: new JsonMethods(new MessageSchemas(OPERATOR_DESCRIPTOR_SET), services),
    incidents,
    simulationControl: null,
    replays: null,
  });
  const address = await server.listen({ host: "127.0.0.1", port: 0 });
  return Number(new URL(address).port);
}

interface Past {
  readonly view: NodeView;
  readonly desk: CommandDesk;
  readonly service: Service;
}

/** The node that recorded it, as it was where the replay stands. */
function openPast(session: ReplaySession): Past {
  const { manifest, incident } = session;
  const replicas = new Map([...session.grids].map(([grid, { replica }]) => [grid, replica]));
  const recordedBy = manifest.nodes.find(({ id }) => id === incident.installation.node);
  const node = recordedBy ?? manifest.nodes[0];
  if (node === undefined) throw new RemsError("REMS_INCIDENT_INVALID", "its manifest has no node");
  const version = `${incident.installation.version}, replay of ${incident.createdAt}`;
  const view = new NodeView(manifest, node.id, version, replicas);
  const desk = createCommandDesk(view, () => {
    throw new RemsError(
      "REMS_REQUEST_REFUSED",
      "this is a replay of the past: it takes no commands",
    );
  });
  const inSync = new Map(
    incident.grids.map(({ grid, frames }) => [grid, inSyncChanges(frames)] as const),
  );
  const publish = (grid: string): void => {
    const replica = replicas.get(grid);
    const changes = inSync.get(grid);
    if (replica === undefined || changes === undefined) return;
    const at = session.grids.get(grid)?.index ?? 0;
    const { leadership, epoch } = replica.state;
    const isLeader = leadership.leader === node.id;
    const member = { node: leadership.leader, incarnation: "" };
    view.takeStatus(grid, {
      role: isLeader ? "leading" : "standby",
      epoch,
      leader: leadership.leader === "" ? null : member,
      inSync: changes.findLast(({ index }) => index < at)?.members ?? [],
      hasAuthority: false,
    });
  };
  session.onMoved((grid, isStep, step) => {
    publish(grid);
    if (isStep && step !== null) view.announce(grid, step);
    else view.announceMove(grid, "the replay stands elsewhere now");
  });
  for (const grid of replicas.keys()) publish(grid);
  return { view, desk, service: replayService(session) };
}

interface InSync {
  readonly index: number;
  readonly members: readonly Member[];
}

/** Every change of the in-sync set, by index of the frame that told of it. */
function inSyncChanges(frames: readonly string[]): InSync[] {
  return frames.flatMap((text, index) => {
    if (text.includes('"leadership":null')) return [];
    const { leadership } = JSON.parse(text) as Frame;
    return leadership === null ? [] : [{ index, members: leadership.inSync }];
  });
}

type Move = Types.rems.v1.MoveRequest;

function replayService(session: ReplaySession): Service {
  let isMoving = false;
  return {
    getPosition: unary(() =>
      rems.v1.GetPositionResponse.create({ positions: positionsOf(session) }),
    ),
    move: unary(async (request: Move) => {
      if (isMoving) throw new RemsError("REMS_REQUEST_REFUSED", "the replay is moving already");
      isMoving = true;
      try {
        const { reason, isFound } = await move(session, request);
        return rems.v1.MoveResponse.create({ positions: positionsOf(session), reason, isFound });
      } finally {
        isMoving = false;
      }
    }),
  };
}

const DAY_S = 86_400;

async function move(session: ReplaySession, request: Move): Promise<Omit<Stop, "step">> {
  if (request.grid !== "") session.select(request.grid);
  const there = { reason: "", isFound: true };
  if (typeof request.until === "string") {
    const rule = parseUntil(session, request.until);
    return await session.run(rule, () => new Promise((done) => setImmediate(() => done(true))));
  }
  if (typeof request.wallTimeMs === "number") {
    if (!Number.isFinite(request.wallTimeMs)) throw invalid("wall_time_ms", "a finite number");
    session.seekWall(request.wallTimeMs);
    return there;
  }
  const { current } = session;
  if (typeof request.seconds === "number") {
    if (!(Math.abs(request.seconds) <= DAY_S)) throw invalid("seconds", "-86400 to 86400");
    const ms = request.seconds * 1000;
    session.seek(ms < 0 ? session.indexBack(-ms) : session.indexAhead(ms));
    return there;
  }
  const frames = Number(request.frames ?? Number.NaN);
  if (!Number.isSafeInteger(frames)) {
    throw invalid("to", "one of wall_time_ms, seconds, frames, until");
  }
  session.seek(current.index + frames);
  return there;
}

function invalid(field: string, allowed: string): RemsError {
  return new RemsError("REMS_REQUEST_INVALID", `${field}: allowed is ${allowed}`);
}

function positionsOf(session: ReplaySession): Types.rems.v1.ReplayPosition[] {
  return [...session.grids.values()].map(({ grid, last, index, count, wallTimeMs }) =>
    rems.v1.ReplayPosition.create({
      grid,
      epoch: last?.place.epoch ?? 0,
      sequence: last?.place.sequence ?? 0,
      plantTimeMs: last?.place.plantTimeMs ?? 0,
      wallTimeMs,
      frameIndex: index,
      frameCount: count,
    }),
  );
}
