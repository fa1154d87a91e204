import { request as askHttp, type IncomingMessage } from "node:http";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { RemsError } from "../../kernel/errors.ts";
import type { IncidentDesk } from "../incident-service.ts";
import type { ReplayDesk } from "../replay/replay-desk.ts";
import { API_PREFIX } from "./routes.ts";

/** Under this the open replay answers all that a node does. */
const REPLAY_PREFIX = "/replay";

/** `POST /api/v1/incidents/{name}/replay` opens a recording; everything under `/replay/` then asks it, streams of events included. */
export function serveReplays(
  server: FastifyInstance,
  incidents: IncidentDesk,
  replays: ReplayDesk,
): void {
  server.post(`${API_PREFIX}/incidents/:name/replay`, async (request) => {
    const { name } = request.params as { readonly name: string };
    await replays.open(incidents.pathOf(name));
    return { base: REPLAY_PREFIX };
  });
  server.delete(`${API_PREFIX}/replay`, (_request, reply) => {
    replays.close();
    return reply.code(204).send();
  });
  server.all(`${REPLAY_PREFIX}/*`, (request, reply) => {
    const port = replays.port();
    if (port === null) throw new RemsError("REMS_NOT_FOUND", "no replay is open on this node");
    pass(port, request, reply);
  });
}

function pass(port: number, request: FastifyRequest, reply: FastifyReply): void {
  const body = request.body === undefined ? null : JSON.stringify(request.body);
  reply.hijack();
  const { raw } = reply;
  const asked = askHttp({
    host: "127.0.0.1",
    port,
    method: request.method,
    path: request.url.slice(REPLAY_PREFIX.length),
    headers: body === null ? {} : { "content-type": "application/json" },
  });
  asked.once("response", (answer: IncomingMessage) => {
    raw.writeHead(answer.statusCode ?? 502, {
      "content-type": answer.headers["content-type"] ?? "application/json",
      "cache-control": "no-store",
    });
    answer.pipe(raw);
  });
  asked.once("error", () => {
    if (!raw.headersSent) raw.writeHead(502, { "content-type": "application/json" });
    raw.end(JSON.stringify({ code: 14, message: "the replay has ended", details: [] }));
  });
  raw.once("close", () => asked.destroy());
  asked.end(body ?? undefined);
}
