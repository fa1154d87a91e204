import fastify, { type FastifyInstance, type FastifyRequest } from "fastify";
import { rems } from "../proto/generated/rems-v1.ts";
import type { IncidentDesk } from "./incident-service.ts";
import { serveEvents } from "./http/event-stream.ts";
import { guardAgainstSites, originsOf } from "./http/guard.ts";
import { httpErrorOf } from "./http/http-status.ts";
import type { JsonMethods } from "./http/methods.ts";
import { serveReplays } from "./http/replay-routes.ts";
import { API_PREFIX, ROUTES, type Route } from "./http/routes.ts";
import { relaySimulation } from "./http/simulation-relay.ts";
import { serveFiles } from "./http/static-files.ts";
import type { Metrics } from "./metrics.ts";
import type { ReplayDesk } from "./replay/replay-desk.ts";
import type { NodeView } from "./node-view.ts";
import { serveSetupLater } from "./setup/lazy-setup.ts";

const BYTES_PER_KB = 1024;
/** A whole manifest. */
const MANIFEST_BYTES_MAX = 1024 * BYTES_PER_KB;

export interface HttpParts {
  readonly view: NodeView;
  readonly metrics: Metrics;
  readonly methods: JsonMethods;
  readonly incidents: IncidentDesk;
  /** Of the launcher that simulates this installation; null: none. */
  readonly simulationControl: string | null;
  /** Null: this is a replay itself. */
  readonly replays: ReplayDesk | null;
}

/**
 * REST resources under `/api/v1` for what gRPC has, server-sent events, and for machines: `/metrics` for Prometheus; `/healthz`: the process
 * answers; `/readyz`: each grid's controller leads or stands by in sync.
 */
export function createHttpServer(parts: HttpParts): FastifyInstance {
  const { view, methods } = parts;
  const server = fastify({
    bodyLimit: view.manifest.http.bodyKbMax * BYTES_PER_KB,
    forceCloseConnections: true,
    routerOptions: { maxParamLength: 300 },
  });
  server.removeContentTypeParser("text/plain");
  server.setErrorHandler((error, _request, reply) => {
    const { httpStatus, body } = httpErrorOf(error);
    return reply.code(httpStatus).send(body);
  });
  guardAgainstSites(server, view);
  for (const route of ROUTES) {
    if (methods.has(route.rpc)) serveRoute(server, methods, route);
  }
  serveEvents(server, view, methods, view.manifest.http);
  serveIncidents(server, parts.incidents);
  serveMachines(server, parts);
  if (parts.replays !== null) {
    serveSetupLater(server, view);
    serveReplays(server, parts.incidents, parts.replays);
  }
  relaySimulation(server, parts.simulationControl);
  serveFiles(server, originsOf(view.manifest.nodes));
  return server;
}

function serveRoute(server: FastifyInstance, methods: JsonMethods, route: Route): void {
  server.route({
    method: route.method,
    ...(route.tag === "Configuration" ? { bodyLimit: MANIFEST_BYTES_MAX } : {}),
    url: `${API_PREFIX}${route.path}`,
    handler: (request) => {
      const isText = route.method === "GET";
      const fields = fieldsOf(request, route);
      return methods.answer(route.rpc, methods.requestOf(route.rpc, fields, isText));
    },
  });
}

/** From path and query, or from path and body. */
function fieldsOf(request: FastifyRequest, { method, wildcard, flatten }: Route): unknown {
  const { "*": rest, ...params } = request.params as Record<string, string>;
  const inPath = wildcard === undefined ? params : { ...params, [wildcard]: rest };
  if (method === "POST") {
    const { body } = request;
    const isObject = typeof body === "object" && body !== null && !Array.isArray(body);
    return isObject ? { ...body, ...inPath } : body;
  }
  const query = { ...(request.query as Record<string, unknown>), ...inPath };
  return flatten === undefined ? query : flattened(query, flatten);
}

const RECORD_FILTER = new Set([
  "grid",
  "from_ms",
  "fromMs",
  "to_ms",
  "toMs",
  "actor_prefix",
  "actorPrefix",
  "text",
]);

function flattened(query: Record<string, unknown>, field: string): object {
  const all = Object.entries(query);
  return {
    ...Object.fromEntries(all.filter(([name]) => !RECORD_FILTER.has(name))),
    [field]: Object.fromEntries(all.filter(([name]) => RECORD_FILTER.has(name))),
  };
}

/** Recordings as files. */
function serveIncidents(server: FastifyInstance, incidents: IncidentDesk): void {
  server.get(`${API_PREFIX}/incidents/:name`, (request, reply) => {
    const { name } = request.params as { readonly name: string };
    const file = incidents.open(name);
    return reply
      .header("content-disposition", `attachment; filename="${name}"`)
      .type("application/octet-stream")
      .send(file);
  });
  server.get(`${API_PREFIX}/incident-export`, async (request, reply) => {
    const query = request.query as Record<string, string | string[]>;
    const parts = await incidents.export(
      rems.v1.ExportIncidentRequest.create({
        grids: [query["grids"] ?? []].flat(),
        fromWallTimeMs: Number(query["from_wall_time_ms"] ?? query["fromWallTimeMs"]),
        toWallTimeMs: Number(query["to_wall_time_ms"] ?? query["toWallTimeMs"]),
      }),
    );
    return reply
      .header("content-disposition", 'attachment; filename="export.incident"')
      .type("application/octet-stream")
      .send(parts);
  });
}

function serveMachines(server: FastifyInstance, { view, metrics }: HttpParts): void {
  server.get("/healthz", () => ({
    status: "ok",
    node: view.node.id,
    isSimulation: view.isSimulation,
  }));
  server.get("/readyz", async (_request, reply) => {
    const grids = [...view.replicas.keys()].map((grid) => {
      const status = view.statusOf(grid);
      const isInSync = status?.inSync.some(({ node }) => node === view.node.id) ?? false;
      const isReady = status?.role === "leading" || (status?.role === "standby" && isInSync);
      return { grid, role: status?.role ?? "joining", isReady };
    });
    const isReady = grids.every((grid) => grid.isReady);
    return reply.code(isReady ? 200 : 503).send({ status: isReady ? "ready" : "notReady", grids });
  });
  if (view.manifest.metrics.isEnabled) {
    server.get("/metrics", async (_request, reply) =>
      reply.type(metrics.contentType).send(await metrics.text()),
    );
  }
}
