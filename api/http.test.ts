import { get, request as httpRequest, type IncomingMessage } from "node:http";
import { afterAll, beforeAll, expect, it } from "vitest";
import type * as Json from "../proto/generated/rems-v1-json.ts";
import { startApi, type ApiHandle } from "./api.ts";
import { ROUTES } from "./http/routes.ts";
import { changeRole } from "./test-role.ts";
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

it.each([
  ["/commands", { actor: "port/dg1", command: "start" }, "request_id"],
  ["/commands", { requestId: "a", command: "start" }, "actor"],
  ["/commands", { requestId: "a", actor: "port/dg1" }, "command"],
  ["/alarms/act", { requestId: "a", action: "ALARM_ACTION_RESET", alarm: "all" }, "grid"],
  ["/alarms/act", { requestId: "a", grid: "port", alarm: "all" }, "action"],
  ["/alarms/act", { requestId: "a", grid: "port", action: "ALARM_ACTION_RESET" }, "alarm"],
] as const)("%s without a required field: %j", async (path, body, field) => {
  const found = await refusal(path, post(body));
  expect(found.status).toBe(400);
  expect(found.body.details[1]?.fieldViolations?.[0]?.field).toBe(field);
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

it("a page token holds for the question that it was given for", async () => {
  const { nextPageToken } = await read<Json.ListActorsResponse>("/actors?page_size=2");
  const next = await read<Json.ListActorsResponse>(
    `/actors?page_size=2&page_token=${nextPageToken}`,
  );
  expect(next.actors).toHaveLength(2);
  const other = await refusal(`/actors?address_prefix=grids&page_token=${nextPageToken}`);
  expect(other.body.details[1]?.fieldViolations?.[0]?.field).toBe("page_token");
});

it("a browser that connects again goes on where it was", async () => {
  const query = "topics=actors&address_prefix=nodes/n1/controllers/port";
  const role = (to: string) =>
    changeRole(handle, { grid: "port", from: "standby", to, reason: "test", atMs: 1 });
  role("leading");
  await until(async () => {
    const { actors } = await read<Json.ListActorsResponse>("/actors?address_prefix=nodes");
    return actors.length > 0 ? true : null;
  });
  const id = await new Promise<string>((resolve) => {
    const sent = get(`${base}/events?${query}`, (response) => {
      response.setEncoding("utf8").on("error", () => {});
      response.on("data", (part: string) => {
        const [, token] = /^id: (.*)$/m.exec(part) ?? [];
        if (token === undefined) return;
        sent.destroy();
        resolve(token);
      });
    });
    sent.on("error", () => {});
  });
  role("fenced");
  const first = await new Promise<string>((resolve) => {
    const headers = { "last-event-id": id };
    const sent = get(`${base}/events?${query}`, { headers }, (response) => {
      response.setEncoding("utf8").on("error", () => {});
      response.on("data", (part: string) => {
        const [, data] = /^event: actors\n(?:id: .*\n)?data: (.*)$/m.exec(part) ?? [];
        // The worker may not have heard of the change yet: then a bookmark comes before it.
        if (data === undefined || data.includes('"bookmark"')) return;
        sent.destroy();
        resolve(data);
      });
    });
    sent.on("error", () => {});
  });
  expect(JSON.parse(first)).toMatchObject({ transition: { to: "fenced" } });
});

it.each(["topics=weather", "topics=status&colour=red", "topics=status&grid=nowhere"])(
  "a stream that cannot be is refused before it begins: %s",
  async (query) => {
    const found = await refusal(`/events?${query}`);
    expect([400, 404]).toContain(found.status);
    expect(found.body.details[0]?.reason).toMatch(/^REMS_/);
  },
);

it("a client gets as many streams as the manifest allows, and one more when one ends", async () => {
  const countMax = testManifest.http.streamsPerClientCountMax;
  const open = await Promise.all(
    Array.from({ length: countMax }, () => begun("topics=leadership")),
  );
  const found = await refusal("/events?topics=leadership");
  expect(found.status).toBe(429);
  expect(found.body).toMatchObject({ code: 8, details: [{ reason: "REMS_LIMIT_REACHED" }, {}] });
  open.pop()?.();
  const more = await until(() => begun("topics=leadership").catch(() => null));
  for (const end of [...open, more]) end();
});

/** A stream that began. @returns What ends it. */
function begun(query: string): Promise<() => void> {
  return new Promise((resolve, reject) => {
    const sent = get(`${base}/events?${query}`, (response) => {
      response.on("error", () => {});
      response.resume();
      if (response.statusCode === 200) resolve(() => sent.destroy());
      else reject(new RangeError(String(response.statusCode)));
    });
    sent.on("error", () => {});
  });
}

it("a reader of events that stops is passed over, and told so when it reads again", async () => {
  const found: { event: string; data: string }[] = [];
  let text = "";
  const query = "topics=actors&address_prefix=nodes/n1/controllers/starboard";
  const stopped = await new Promise<IncomingMessage>((resolve, reject) => {
    const sent = get(`${base}/events?${query}`, (response) => {
      response.setEncoding("utf8").on("error", () => {});
      response.on("data", (part: string) => {
        text += part;
        const blocks = text.split("\n\n");
        text = blocks.pop() ?? "";
        for (const block of blocks) {
          const [, data] = /^data: (.*)$/m.exec(block) ?? [];
          if (data !== undefined) found.push({ event: kindOf(data), data });
        }
        if (found.some(({ event }) => event === "bookmark")) resolve(response);
      });
    });
    sent.on("error", reject);
  });
  stopped.pause();
  const sentCount = 8000;
  const last = async () =>
    (await read<Json.GetLeadershipResponse>("/grids/starboard/leadership")).leadership?.roleReason;
  for (let i = 0; i < sentCount; i++) {
    const reason = `change ${i} ${"x".repeat(1000)}`;
    changeRole(handle, { grid: "starboard", from: "standby", to: "leading", reason, atMs: i });
    if ((i + 1) % 100 !== 0) continue;
    await until(async () => ((await last())?.startsWith(`change ${i} `) ? true : null));
  }
  stopped.resume();
  await until(() => Promise.resolve(found.some(({ event }) => event === "gap") ? true : null));
  await until(() => Promise.resolve(found.at(-1)?.event === "bookmark" ? true : null));
  const transitionCount = found.filter(({ event }) => event === "transition").length;
  const { gap } = JSON.parse(found.find(({ event }) => event === "gap")?.data ?? "{}") as {
    gap: { reason: string; skippedCount: number };
  };
  expect(gap.reason).toBe("this reader was too slow");
  // What waited in sockets on the way was sent; the rest was passed over, and is counted.
  expect(transitionCount + gap.skippedCount).toBe(sentCount);
  expect(found.slice(-3).map(({ event }) => event)).toEqual(["gap", "actor", "bookmark"]);
  stopped.destroy();
}, 60_000);

const kindOf = (data: string): string =>
  ["gap", "bookmark", "transition", "actor"].find((kind) => data.includes(`{"${kind}":`)) ??
  "hello";

it("the wizard is there once it is asked for, behind the same guard and limits", async () => {
  const state = await read<{ isFirstStart?: boolean }>("/setup");
  expect(state).toBeTypeOf("object");
  expect((await refusal("/setup/steps/nothing/proposal")).body.code).toBeGreaterThan(0);
  const setup = (headers: Record<string, string>) => raw("PUT", "/setup/steps/node", headers);
  expect(await setup({ origin: "http://evil.example" })).toBe(403);
  expect((await refusal("/setup/nothing")).status).toBe(404);
});

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

it("the manifest's schema is served, for forms", async () => {
  const { properties } = await read<{ properties: Record<string, unknown> }>(
    "/manifest-schema.json",
  );
  expect(Object.keys(properties)).toContain("grids");
});
