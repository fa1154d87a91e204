import { get, request as httpRequest } from "node:http";
import { afterAll, beforeAll, expect, it } from "vitest";
import type * as Json from "../proto/generated/rems-v1-json.ts";
import { startApi, type ApiHandle } from "./api.ts";
import { ROUTES } from "./http/routes.ts";
import { leadingStatus, TestFrames, testManifest } from "./test-node.ts";

const frames = new TestFrames();
let handle: ApiHandle;
let base: string;

beforeAll(async () => {
  handle = await startApi({
    manifest: testManifest,
    node: "n1",
    version: "0.1.0",
    operatorPort: 0,
    httpPort: 0,
    onSnapshotNeeded: () => {},
    onHealthChanged: () => {},
  });
  base = `http://127.0.0.1:${handle.httpPort}/api/v1`;
  handle.onFrame(frames.first());
  handle.onFrame(frames.next({ points: [["dg1.activePowerKw", 350, "good"]] }));
  handle.onStatus("port", leadingStatus());
  await until(async () => ((await grid("port")).sequence >= 2 ? true : null));
});
afterAll(() => handle.close());

async function until<T>(look: () => Promise<T | null>): Promise<T> {
  for (let tries = 0; tries < 500; tries++) {
    const found = await look();
    if (found !== null) return found;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new RangeError("it never came");
}

async function read<T>(path: string): Promise<T> {
  const response = await fetch(`${base}${path}`);
  const body = (await response.json()) as T;
  expect(response.status, JSON.stringify(body)).toBe(200);
  return body;
}

async function grid(id: string): Promise<Json.GridStatus> {
  const { grids } = await read<Json.GetStatusResponse>("/status");
  const found = grids.find((each) => each.grid === id);
  if (found === undefined) throw new RangeError(`no grid ${id}`);
  return found;
}

interface Refusal {
  readonly status: number;
  readonly body: {
    readonly code: number;
    readonly message: string;
    readonly details: readonly {
      readonly "@type": string;
      readonly reason?: string;
      readonly metadata?: Readonly<Record<string, string>>;
      readonly fieldViolations?: readonly { readonly field: string }[];
    }[];
  };
}

async function refusal(path: string, options: RequestInit = {}): Promise<Refusal> {
  const response = await fetch(`${base}${path}`, options);
  return { status: response.status, body: (await response.json()) as Refusal["body"] };
}

const post = (body: unknown, headers: Record<string, string> = {}): RequestInit => ({
  method: "POST",
  headers: { "content-type": "application/json", ...headers },
  body: JSON.stringify(body),
});

it("resources answer what gRPC answers, with every field there", async () => {
  expect(await grid("port")).toMatchObject({
    role: "leading",
    leader: "n1",
    inSync: ["n1", "n3"],
    hasAuthority: true,
    isN1Held: false,
    island: ["port"],
  });
  const { devices } = await read<Json.ListDevicesResponse>("/devices/dg1?with_points=true");
  expect(devices).toHaveLength(1);
  expect(devices[0]?.points).toContainEqual(
    expect.objectContaining({ point: "activePowerKw", value: { number: 350 }, quality: "good" }),
  );
  const { actor, possibleTransitions } = await read<Json.GetActorResponse>("/actors/port/dg1");
  expect(actor).toMatchObject({ machine: "genset", kind: "ACTOR_KIND_REPLICATED" });
  expect(possibleTransitions.map(({ target }) => target)).toContain("onLoad");
  const { reasons } = await read<Json.WhyResponse>("/why/grids/port/devices/dg1");
  expect(reasons.length).toBeGreaterThan(0);
});

it("the topology has busbars with what stands at them, ties and islands", async () => {
  const { busbars, ties, islands, isLand } = await read<Json.GetTopologyResponse>("/topology");
  expect(isLand).toBe(false);
  expect(busbars.map(({ grid: id }) => id)).toEqual(["port", "starboard"]);
  expect(busbars[0]?.devices).toContainEqual(
    expect.objectContaining({ device: "dg1", place: "DEVICE_PLACE_SOURCE", hasBreaker: true }),
  );
  expect(ties).toHaveLength(1);
  expect(islands.flatMap(({ grids }) => grids).toSorted()).toEqual(["port", "starboard"]);
});

it("who leads, and what the nodes are", async () => {
  const { leadership } = await read<Json.GetLeadershipResponse>("/grids/port/leadership");
  expect(leadership).toMatchObject({ leader: "n1", epoch: 1, role: "leading" });
  const { nodes } = await read<Json.ListNodesResponse>("/nodes");
  expect(nodes.map(({ node, isSelf }) => [node, isSelf])).toEqual([
    ["n1", true],
    ["n2", false],
    ["n3", false],
  ]);
});

it("a statechart as data and as Mermaid, by its id or by an actor that has it", async () => {
  const { machine } = await read<Json.GetMachineResponse>("/machines/genset");
  expect(machine?.mermaid).toContain("stateDiagram-v2");
  expect(machine?.root?.states.map(({ path }) => path)).toContain("startFailed");
  expect(machine?.actors).toContain("grids/port/devices/dg1");
  const byActor = await read<Json.GetMachineResponse>(
    `/machines/${encodeURIComponent("port/dg1")}`,
  );
  expect(byActor).toEqual({ machine });
});

it("a command is checked like one over gRPC, and goes the same way", async () => {
  const answer = fetch(
    `${base}/commands`,
    post({ requestId: "h1", actor: "port/dg2", command: "start", user: "web" }),
  );
  const [command] = await until(() => {
    const taken = handle.takeCommands(16);
    return Promise.resolve(taken.length > 0 ? taken : null);
  });
  expect(command).toMatchObject({ grid: "port", request: { requestId: "h1", user: "web" } });
  handle.reply({ requestId: "h1", isAccepted: true, reason: "starting" });
  expect(await (await answer).json()).toEqual({
    requestId: "h1",
    isAccepted: true,
    reason: "starting",
  });
});

it.each([
  ["/actors/port/dg9", {}, 404, 5, "REMS_NOT_FOUND"],
  ["/grids/nowhere/leadership", {}, 404, 5, "REMS_NOT_FOUND"],
  ["/nothing", {}, 404, 5, "REMS_NOT_FOUND"],
  ["/actors?page_size=many", {}, 400, 3, "REMS_REQUEST_INVALID"],
  ["/actors?colour=red", {}, 400, 3, "REMS_REQUEST_INVALID"],
  ["/commands", post({ actor: "port/dg1", command: "start" }), 400, 3, "REMS_REQUEST_INVALID"],
  ["/commands", post([]), 400, 3, "REMS_REQUEST_INVALID"],
  [
    "/alarms/act",
    post({ requestId: "a", grid: "port", action: "FORGET" }),
    400,
    3,
    "REMS_REQUEST_INVALID",
  ],
  ["/grids/starboard/transfer", post({ requestId: "t" }), 400, 9, "REMS_NOT_LEADER"],
] as const)("%s is refused as a google.rpc.Status", async (path, options, status, code, reason) => {
  const found = await refusal(path, options);
  expect(found.status).toBe(status);
  expect(found.body.code).toBe(code);
  expect(found.body.details[0]).toMatchObject({
    "@type": "type.googleapis.com/google.rpc.ErrorInfo",
    domain: "r-ems",
    reason,
  });
});

it("a refusal names the field at fault and what is allowed", async () => {
  const { body } = await refusal("/actors?page_size=many");
  expect(body.message).toBe('page_size is "many"; allowed is a number [REMS_REQUEST_INVALID]');
  expect(body.details[1]?.fieldViolations?.[0]?.field).toBe("page_size");
});

it("who does not lead names the leader", async () => {
  handle.onStatus(
    "port",
    leadingStatus({
      role: "standby",
      leader: { node: "n3", incarnation: "" },
      hasAuthority: false,
    }),
  );
  const asked = () =>
    refusal("/grids/port/transfer", post({ requestId: "t2", validateOnly: true }));
  const found = await until(async () => {
    const each = await asked();
    return each.body.code === 9 ? each : null;
  });
  expect(found.body.details[0]?.metadata).toMatchObject({ leader: "n3" });
  handle.onStatus("port", leadingStatus());
});

it.each([
  ["a page of elsewhere", { origin: "http://evil.example" }, 403],
  ["a page that gave its name this address", { host: "evil.example" }, 403],
  ["a form, which a foreign page may send unasked", { "content-type": "text/plain" }, 400],
] as const)("%s cannot command", async (_name, headers, status) => {
  const found = await raw("POST", "/commands", headers);
  expect(found).toBe(status);
});

it("a page of another node of the installation may", async () => {
  const [node] = testManifest.nodes.filter(({ id }) => id === "n2");
  const origin = `http://${node?.host}:${node?.httpPort}`;
  // Refused for what it says, not for where it comes from.
  expect(await raw("POST", "/alarms/act", { origin })).toBe(404);
});

function raw(method: string, path: string, headers: Record<string, string>): Promise<number> {
  return new Promise((resolve, reject) => {
    const options = { method, headers: { "content-type": "application/json", ...headers } };
    const sent = httpRequest(`${base}${path}`, options, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    sent.on("error", reject);
    sent.end(JSON.stringify({ requestId: "x", grid: "nowhere" }));
  });
}

it("a body that is too large is refused", async () => {
  const found = await refusal("/commands", post({ requestId: "x".repeat(100_000) }));
  expect(found.status).toBe(413);
  expect(found.body.code).toBe(3);
});

/** Events of a stream until `isEnough`. */
function events(
  query: string,
  isEnough: (events: readonly { readonly event: string; readonly data: unknown }[]) => boolean,
  onOpen: () => void = () => {},
): Promise<{ event: string; data: Record<string, unknown> }[]> {
  return new Promise((resolve, reject) => {
    const found: { event: string; data: Record<string, unknown> }[] = [];
    let text = "";
    const sent = get(`${base}/events?${query}`, (response) => {
      response.setEncoding("utf8");
      expect(response.headers["content-type"]).toContain("text/event-stream");
      onOpen();
      response.on("data", (part: string) => {
        text += part;
        const blocks = text.split("\n\n");
        text = blocks.pop() ?? "";
        for (const block of blocks) {
          const event = /^event: (.*)$/m.exec(block)?.[1];
          const data = /^data: (.*)$/m.exec(block)?.[1];
          if (event === undefined || data === undefined) continue;
          found.push({ event, data: JSON.parse(data) as Record<string, unknown> });
        }
        if (!isEnough(found)) return;
        sent.destroy();
        resolve(found);
      });
    });
    sent.on("error", (error) => (sent.destroyed ? undefined : reject(error)));
    setTimeout(
      () => reject(new RangeError(`only ${JSON.stringify(found).slice(0, 500)}`)),
      10_000,
    ).unref();
  });
}

it("one stream of events tells several topics: what is, then what changes", async () => {
  let isSent = false;
  const found = await events(
    "topics=status,points,alarms,leadership,actors&grid=port&devices=dg1",
    (all) => {
      const isListed = all.some(({ data }) => (data as { bookmark?: object }).bookmark);
      if (isListed && !isSent) {
        isSent = true;
        // On its next number that readers of five times a second look at.
        handle.onFrame(frames.next({ points: [["dg1.activePowerKw", 777, "good"]] }));
        handle.onFrame(frames.next());
      }
      return JSON.stringify(all).includes("777");
    },
  );
  expect(found[0]).toMatchObject({ event: "hello", data: { node: "n1", isSimulation: true } });
  const topics = new Set(found.map(({ event }) => event));
  for (const topic of ["status", "points", "alarms", "leadership", "actors"]) {
    expect(topics).toContain(topic);
  }
});

it.each(["topics=weather", "topics=status&colour=red", "topics=status&grid=nowhere"])(
  "a stream that cannot be is refused before it begins: %s",
  async (query) => {
    const found = await refusal(`/events?${query}`);
    expect([400, 404]).toContain(found.status);
    expect(found.body.details[0]?.reason).toMatch(/^REMS_/);
  },
);

it("the document that is served has every route", async () => {
  const { openapi, paths } = await read<{
    openapi: string;
    paths: Record<string, Record<string, unknown>>;
  }>("/openapi.json");
  expect(openapi).toBe("3.1.0");
  for (const { method, path, wildcard } of ROUTES) {
    const written = `/api/v1${path.replace("*", `{${wildcard}}`).replaceAll(/:(\w+)/g, "{$1}")}`;
    expect(paths[written]?.[method.toLowerCase()], `${method} ${written}`).toBeDefined();
  }
});
