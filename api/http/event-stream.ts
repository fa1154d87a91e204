import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { HttpConfig } from "../../configs/manifest.ts";
import { RemsError } from "../../kernel/errors.ts";
import { messageToJson } from "../../proto/message-json.ts";
import type { NodeView } from "../node-view.ts";
import type { Sink } from "../service.ts";
import type { JsonMethods } from "./methods.ts";
import { watchStatus } from "./status-watch.ts";
import { API_PREFIX } from "./routes.ts";

const INSPECTION = "rems.v1.InspectionService";

/** Topics that are streams of gRPC. */
const STREAMS: Readonly<Record<string, string>> = {
  actors: `${INSPECTION}/WatchActors`,
  points: `${INSPECTION}/WatchPoints`,
  leadership: `${INSPECTION}/WatchLeadership`,
  alarms: "rems.v1.AlarmService/WatchAlarms",
};
const TOPICS = ["status", ...Object.keys(STREAMS)];
const KEEP_ALIVE_MS = 15_000;
/** A reader that takes nothing for so many keep-alives is gone, or may come again: its place is for others. */
const STALLED_COUNT_MAX = 8;

type Query = Readonly<Record<string, unknown>>;

/**
 * `GET /api/v1/events?topics=status,alarms,…`: one stream of server-sent events with several topics. Each begins with what is, then
 * tells changes; `event:` names the topic. Fields of the topics' requests stand in the query.
 */
export function serveEvents(
  server: FastifyInstance,
  view: NodeView,
  methods: JsonMethods,
  limits: HttpConfig,
): void {
  const counts = new Map<string, number>();
  let totalCount = 0;
  const open = new Set<() => void>();
  server.get(`${API_PREFIX}/events`, (request, reply) => {
    const client = request.ip;
    const count = counts.get(client) ?? 0;
    if (totalCount >= limits.streamCountMax || count >= limits.streamsPerClientCountMax) {
      throw new RemsError(
        "REMS_LIMIT_REACHED",
        `${totalCount} event streams are open, ${count} of them to ${client}; allowed are ${limits.streamCountMax}, ${limits.streamsPerClientCountMax} to one client`,
        { isRetryable: true },
      );
    }
    const end = start(view, methods, request, reply);
    counts.set(client, count + 1);
    totalCount += 1;
    open.add(end);
    reply.raw.once("close", () => {
      end();
      open.delete(end);
      totalCount -= 1;
      const left = (counts.get(client) ?? 1) - 1;
      if (left === 0) counts.delete(client);
      else counts.set(client, left);
    });
  });
  server.addHook("preClose", async () => {
    for (const end of open) end();
  });
}

/** @returns What ends it. @throws {@link RemsError} before anything was sent. */
function start(
  view: NodeView,
  methods: JsonMethods,
  request: FastifyRequest,
  reply: FastifyReply,
): () => void {
  const query = request.query as Query;
  const topics = topicsOf(query);
  const requests = requestsOf(methods, topics, query, request.headers["last-event-id"]);
  const { raw } = reply;
  const begin = (): void => {
    reply.hijack();
    raw.writeHead(200, {
      "content-type": "text/event-stream; charset=utf-8",
      "cache-control": "no-store",
      "x-accel-buffering": "no",
    });
    const { isSimulation, version } = view;
    const hello = { node: view.node.id, isSimulation, version, topics };
    raw.write(`retry: 1000\nevent: hello\ndata: ${JSON.stringify(hello)}\n\n`);
  };
  let isBegun = false;
  /** Requests are checked when a watch begins: until then an error is an answer of its own. */
  let held = "";
  const write = (text: string): void => {
    if (isBegun) raw.write(text);
    else held += text;
  };
  const sinks: Sink<object>[] = [];
  const sinkOf = (topic: string, isSparse: boolean): Sink<object> => {
    const rpc = STREAMS[topic];
    const sink: Sink<object> = {
      get isReady() {
        return !raw.writableNeedDrain && !raw.destroyed;
      },
      send(message) {
        const text =
          rpc === undefined
            ? (message as { readonly text: string }).text
            : JSON.stringify(
                messageToJson(
                  methods.schemas,
                  methods.schemas.methodOf(rpc).output,
                  message,
                  isSparse,
                ),
              );
        const { resumeToken } = message as { readonly resumeToken?: string };
        const id = resumeToken === undefined || resumeToken === "" ? "" : `id: ${resumeToken}\n`;
        write(`event: ${topic}\n${id}data: ${text}\n\n`);
      },
      onReady: () => {},
    };
    sinks.push(sink);
    return sink;
  };
  const ends: (() => void)[] = [];
  const end = (): void => {
    for (const stop of ends.splice(0)) stop();
    if (isBegun && !raw.destroyed) raw.end();
  };
  try {
    for (const [topic, wanted] of requests) {
      const sink = sinkOf(topic, isMasked(wanted));
      const rpc = STREAMS[topic];
      ends.push(
        rpc === undefined
          ? watchStatus(view, methods, wanted as StatusRequest, sink)
          : methods.streamOf(rpc).start(wanted, sink),
      );
    }
  } catch (error) {
    end();
    throw error;
  }
  begin();
  isBegun = true;
  raw.write(held);
  held = "";
  raw.on("drain", () => {
    for (const sink of sinks) sink.onReady();
  });
  let stalledCount = 0;
  const timer = setInterval(() => {
    stalledCount = raw.writableNeedDrain ? stalledCount + 1 : 0;
    if (stalledCount >= STALLED_COUNT_MAX) raw.destroy();
    else if (stalledCount === 0) raw.write(":\n\n");
  }, KEEP_ALIVE_MS);
  ends.push(() => clearInterval(timer));
  return end;
}

type StatusRequest = Parameters<typeof watchStatus>[2];

function topicsOf({ topics }: Query): string[] {
  const texts = [topics ?? "status,alarms"].flat() as string[];
  const wanted = texts.flatMap((text) => text.split(",")).map((topic) => topic.trim());
  for (const topic of wanted) if (!TOPICS.includes(topic)) throw invalid("topics", topic, TOPICS);
  return [...new Set(wanted)];
}

/** A request for each topic, of those fields of the query that it has. */
function requestsOf(
  methods: JsonMethods,
  topics: readonly string[],
  query: Query,
  lastEventId: unknown,
): Map<string, object> {
  const given = Object.entries(query).filter(([name]) => name !== "topics");
  if (typeof lastEventId === "string" && topics.includes("actors")) {
    given.push(["resume_token", lastEventId]);
  }
  const used = new Set<string>();
  const requests = new Map<string, object>();
  for (const topic of topics) {
    const rpc = STREAMS[topic] ?? STREAMS["leadership"] ?? "";
    const known = methods.schemas
      .fieldsOf(methods.schemas.methodOf(rpc).input)
      .flatMap(({ name, jsonName }) => [name, jsonName]);
    const own = given.filter(([name]) => known.includes(name));
    for (const [name] of own) used.add(name);
    requests.set(topic, methods.requestOf(rpc, Object.fromEntries(own), true));
  }
  const stray = given.find(([name]) => !used.has(name));
  if (stray !== undefined) throw invalid("the query", stray[0], ["fields of the topics' requests"]);
  return requests;
}

/** Of a stream with a mask, what was masked is left out. */
function isMasked(request: object): boolean {
  const { readMask } = request as { readonly readMask?: { readonly paths: readonly string[] } };
  return (readMask?.paths.length ?? 0) > 0;
}

function invalid(field: string, found: string, allowed: readonly string[]): RemsError {
  return new RemsError(
    "REMS_REQUEST_INVALID",
    `${field} has "${found.slice(0, 40)}"; allowed are ${allowed.join(", ")}`,
    { details: { field } },
  );
}
