// Many readers of one node, in a process of their own: what `main.ts` starts beside the node that it measures.
//   tsx readers.ts OPERATOR_PORT HTTP_PORT
// Ends with its standard input, and says then in one JSON object what it got.
import { get } from "node:http";
import { Client, credentials } from "@grpc/grpc-js";
import {
  HistoryService,
  InspectionService,
  rems,
  type Types,
} from "../../../proto/generated/rems-v1.ts";

const WATCH_COUNT = 50;
const BROWSER_COUNT = 20;
/** Operators' tools come from several computers. */
const STREAMS_PER_CONNECTION = 10;
const TOPICS = "status,points,alarms,leadership,actors";
const QUERY_POINTS = ["dg1", "dg2", "bat1", "f1", "f2"].map((device) => `${device}.activePowerKw`);
const QUERY_SPAN_MS = 60_000;

const [operatorPort = "", httpPort = ""] = process.argv.slice(2);
const address = `127.0.0.1:${operatorPort}`;
const got = { actorMessages: 0, gaps: 0, eventBytes: 0, browsers: 0, queries: 0, failures: 0 };

/** Its own connection, as a tool on another computer has. */
const connect = (): Client =>
  new Client(address, credentials.createInsecure(), { "grpc.use_local_subchannel_pool": 1 });

function watch(client: Client): void {
  const { watchActors } = InspectionService;
  const stream = client.makeServerStreamRequest(
    watchActors.path,
    watchActors.requestSerialize,
    watchActors.responseDeserialize,
    rems.v1.WatchActorsRequest.create({ withContext: true }),
  );
  stream.on("data", (message: Types.rems.v1.WatchActorsResponse) => {
    got.actorMessages += 1;
    if (message.event === "gap") got.gaps += 1;
  });
  stream.on("error", () => (got.failures += 1));
}

function browse(): void {
  const url = `http://127.0.0.1:${httpPort}/api/v1/events?topics=${TOPICS}`;
  get(url, { agent: false }, (response) => {
    if (response.statusCode === 200) got.browsers += 1;
    else got.failures += 1;
    response.on("data", (part: Buffer) => (got.eventBytes += part.length));
    response.on("error", () => {});
  }).on("error", () => (got.failures += 1));
}

/** One query after the other. */
function query(client: Client): void {
  const { queryPoints } = HistoryService;
  const toMs = Date.now();
  client.makeUnaryRequest(
    queryPoints.path,
    queryPoints.requestSerialize,
    queryPoints.responseDeserialize,
    rems.v1.QueryPointsRequest.create({
      grid: "port",
      points: QUERY_POINTS,
      fromMs: toMs - QUERY_SPAN_MS,
      toMs,
      resolution: rems.v1.Resolution.RESOLUTION_RAW,
      samplesMax: 10_000,
    }),
    (error) => {
      if (error === null) got.queries += 1;
      else got.failures += 1;
      // A node without an answer is not asked a thousand times a second.
      setTimeout(() => query(client), error === null ? 0 : 200);
    },
  );
}

let client = connect();
for (let i = 0; i < WATCH_COUNT; i++) {
  if (i > 0 && i % STREAMS_PER_CONNECTION === 0) client = connect();
  watch(client);
}
for (let i = 0; i < BROWSER_COUNT; i++) browse();
query(connect());
process.stdin.resume();
process.stdin.on("end", () => {
  process.stdout.write(`${JSON.stringify(got)}\n`, () => process.exit(0));
});
