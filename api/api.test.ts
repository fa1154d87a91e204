import { execFile } from "node:child_process";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { promisify } from "node:util";
import { Client, credentials, Metadata, type ServiceError } from "@grpc/grpc-js";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createGridCore } from "../actors/grid/grid-core.ts";
import { loadManifest } from "../configs/load-manifest.ts";
import { encodeFrame, type EncodedFrame, type Frame } from "../kernel/frame.ts";
import { HASH_NONE } from "../kernel/hash.ts";
import { ControlService, InspectionService, rems, type Types } from "../proto/generated/rems-v1.ts";
import type { Method } from "../proto/method-definition.ts";
import { createReplica } from "../scan/replica.ts";
import { startApi, type ApiHandle } from "./api.ts";
import { changeRole } from "./test-role.ts";
import type { ApiGridStatus } from "./api-messages.ts";

const manifest = loadManifest(new URL("../configs/vessel.toml", import.meta.url).pathname);
const self = { node: "n1", incarnation: "a".repeat(32) };
const other = { node: "n3", incarnation: "b".repeat(32) };
const replica = createReplica(createGridCore(manifest, "port"));
const neededGrids: string[] = [];
let handle: ApiHandle;
let client: Client;
let last: EncodedFrame | null = null;

/** Sends the next frame of port to the API, as the loop does. */
function step(changes: Partial<Frame> = {}): void {
  const sequence = (last?.position.sequence ?? 0) + 1;
  last = encodeFrame({
    grid: "port",
    epoch: 1,
    sequence,
    previousHash: last?.position.hash ?? HASH_NONE,
    plantTimeMs: sequence * 100,
    wallTimeMs: 1_700_000_000_000,
    isFirstOfEpoch: sequence === 1,
    points: [],
    connections: [],
    fates: [],
    requests: [],
    messages: [],
    facts: [],
    leadership: null,
    ...changes,
  });
  replica.apply(last.frame);
  handle.onFrame(last);
}

function status(changes: Partial<ApiGridStatus> = {}): ApiGridStatus {
  const inSync = [self, other];
  return { role: "leading", epoch: 1, leader: self, inSync, hasAuthority: true, ...changes };
}

function call<Request, Response>(method: Method<Request, Response>, request: Request) {
  return new Promise<Response>((resolve, reject) => {
    client.makeUnaryRequest(
      method.path,
      method.requestSerialize,
      method.responseDeserialize,
      request,
      new Metadata(),
      { deadline: Date.now() + 5000 },
      (error, response) => {
        if (error === null && response !== undefined) resolve(response);
        else reject(error ?? new RangeError("no response"));
      },
    );
  });
}

/** Waits until `look` finds something; the worker takes its feed every few milliseconds. */
async function until<T>(look: () => Promise<T | null>): Promise<T> {
  for (let tries = 0; tries < 500; tries++) {
    const found = await look();
    if (found !== null) return found;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new RangeError("it never came");
}

const portStatus = async (): Promise<Types.rems.v1.IGridStatus | null> => {
  const { grids } = await call(InspectionService.getStatus, rems.v1.GetStatusRequest.create());
  return grids.find(({ grid }) => grid === "port") ?? null;
};
const seen = (sequence: number) =>
  until(async () => {
    const grid = await portStatus();
    return Number(grid?.sequence) >= sequence ? grid : null;
  });

beforeAll(async () => {
  handle = await startApi({
    manifest,
    node: "n1",
    version: "0.1.0",
    operatorPort: 0,
    httpPort: 0,
    onSnapshotNeeded: (grid) => neededGrids.push(grid),
    onHealthChanged: () => {},
  });
  client = new Client(`127.0.0.1:${handle.operatorPort}`, credentials.createInsecure());
  const leadership = { leader: self, inSync: [self, other], origin: "cold" } as const;
  step({ leadership });
  step({
    points: [
      ["dg1.activePowerKw", 350, "good"],
      ["dg1.isClosed", true, "good"],
      ["dg1.isOpen", false, "good"],
    ],
    connections: [["dg1", "online"]],
  });
  handle.onStatus("port", status());
  changeRole(handle, {
    grid: "port",
    from: "taking-over",
    to: "leading",
    reason: "cold start",
    atMs: 12,
  });
  await seen(2);
});
afterAll(async () => {
  client.close();
  await handle.close();
});

it("shows who leads and how the plant is, from its own replica", async () => {
  const grid = await seen(2);
  expect(grid).toMatchObject({ role: "leading", leader: "n1", inSync: ["n1", "n3"] });
  expect(grid).toMatchObject({ hasAuthority: true, isViewCurrent: true, roleReason: "cold start" });
  const dg1 = grid.devices?.find(({ device }) => device === "dg1");
  expect(dg1).toMatchObject({ connection: "online", activePowerKw: 350, isClosed: true });
});

it("lists replicated and local actors, page by page", async () => {
  const all = await call(InspectionService.listActors, rems.v1.ListActorsRequest.create());
  const addresses = all.actors.map(({ address }) => address);
  expect(addresses).toContain("grids/port/devices/dg1");
  expect(addresses).toContain("nodes/n1/controllers/port");
  expect(all.isSimulation).toBe(true);
  const paged: (string | null | undefined)[] = [];
  for (let pageToken = ""; ;) {
    const request = rems.v1.ListActorsRequest.create({ pageSize: 5, pageToken });
    const page = await call(InspectionService.listActors, request);
    paged.push(...page.actors.map(({ address }) => address));
    pageToken = page.nextPageToken;
    if (pageToken === "") break;
  }
  expect(paged).toEqual(addresses);
});

it("finds an actor by its short name, and suggests near ones", async () => {
  const request = rems.v1.GetActorRequest.create({ address: "port/dg1" });
  const { actor } = await call(InspectionService.getActor, request);
  expect(actor).toMatchObject({ address: "grids/port/devices/dg1", machine: "genset" });
  expect(JSON.parse(actor?.contextJson ?? "")).toBeTypeOf("object");
  const wrong = call(InspectionService.why, rems.v1.WhyRequest.create({ address: "port/dg8" }));
  await expect(wrong).rejects.toMatchObject({ code: 5, details: /near it are .*port\/dg1/ });
});

it("says why in sentences, and gives what they are made of as data", async () => {
  const request = rems.v1.WhyRequest.create({ address: "port/dg2" });
  const { reasons, because } = await call(InspectionService.why, request);
  expect(reasons.join(" | ")).toContain("< 85 % of 1000 kW");
  const load = because.find(({ code }) => code === "LOAD_BELOW_START");
  expect(load).toMatchObject({ aspect: "rule", numbers: { limitPct: 85, capacityKw: 1000 } });
});

it("a command goes to the control thread, its answer comes back", async () => {
  const request = rems.v1.SendCommandRequest.create({
    requestId: "r1",
    actor: "port/dg2",
    command: "start",
    arguments: { powerKw: { number: 10 } },
    user: "test",
  });
  const answer = call(ControlService.sendCommand, request);
  const commands = await until(() => {
    const taken = handle.takeCommands(16);
    return Promise.resolve(taken.length > 0 ? taken : null);
  });
  expect(commands).toEqual([
    {
      type: "request",
      grid: "port",
      expectedEpoch: 0,
      request: {
        requestId: "r1",
        role: "operator",
        user: "test",
        actor: "grids/port/devices/dg2",
        command: "start",
        arguments: { powerKw: 10 },
      },
    },
  ]);
  handle.reply({ requestId: "r1", isAccepted: true, reason: "starting" });
  expect(await answer).toMatchObject({ isAccepted: true, reason: "starting" });
});

it("validate_only asks the core on a copy: nothing reaches the control thread, nothing changes", async () => {
  const request = rems.v1.SendCommandRequest.create({
    requestId: "v1",
    actor: "port/dg2",
    command: "explode",
    validateOnly: true,
  });
  const answer = await call(ControlService.sendCommand, request);
  expect(answer.isAccepted).toBe(false);
  expect(answer.reason).toContain("explode");
  expect(handle.takeCommands(16)).toEqual([]);
});

it("names the leader where this node is none, and refuses another epoch", async () => {
  const request = { requestId: "r2", actor: "port/dg2", command: "start" };
  const stale = rems.v1.SendCommandRequest.create({ ...request, expectedEpoch: 7 });
  await expect(call(ControlService.sendCommand, stale)).rejects.toMatchObject({
    code: 9,
    details: /epoch 1, not 7/,
  });
  handle.onStatus("port", status({ role: "standby", leader: other, hasAuthority: false }));
  await until(async () => ((await portStatus())?.role === "standby" ? true : null));
  const error = await call(ControlService.sendCommand, rems.v1.SendCommandRequest.create(request))
    .then(() => null)
    .catch((caught: ServiceError) => caught);
  expect(error?.code).toBe(9);
  expect(error?.metadata.get("rems-leader")).toEqual(["n3"]);
  expect(error?.metadata.get("rems-leader-address")[0]).toMatch(/^127\.0\.0\.1:\d+$/);
  handle.onStatus("port", status());
  await until(async () => ((await portStatus())?.role === "leading" ? true : null));
});

it("a transfer goes to the next in order that is in sync", async () => {
  const request = rems.v1.TransferLeadershipRequest.create({ requestId: "t1", grid: "port" });
  const answer = call(ControlService.transferLeadership, request);
  const [command] = await until(() => {
    const taken = handle.takeCommands(16);
    return Promise.resolve(taken.length > 0 ? taken : null);
  });
  expect(command).toMatchObject({ type: "transfer", grid: "port", toNode: "n3" });
  handle.reply({ requestId: "t1", isAccepted: true, reason: "handing over" });
  expect(await answer).toMatchObject({ isAccepted: true, toNode: "n3" });
  const wrong = rems.v1.TransferLeadershipRequest.create({
    requestId: "t1",
    grid: "port",
    toNode: "n2",
  });
  await expect(call(ControlService.transferLeadership, wrong)).rejects.toMatchObject({
    details: /n2 is not in sync; in sync: n3/,
  });
});

it("a watch gives a snapshot, a bookmark, then transitions; a snapshot of the replica is a gap", async () => {
  const { watchActors } = InspectionService;
  const request = rems.v1.WatchActorsRequest.create({ addressPrefix: "port/dg1" });
  const stream = client.makeServerStreamRequest(
    watchActors.path,
    watchActors.requestSerialize,
    watchActors.responseDeserialize,
    request,
  );
  const events: string[] = [];
  stream.on("error", () => {});
  stream.on("data", (event: Types.rems.v1.WatchActorsResponse) => events.push(event.event ?? ""));
  await until(() => Promise.resolve(events.includes("bookmark") ? true : null));
  expect(events).toEqual(["actor", "bookmark"]);
  handle.onSnapshot("port", replica.snapshot(), last?.position ?? null);
  await until(() => Promise.resolve(events.length >= 5 ? true : null));
  expect(events.slice(2)).toEqual(["gap", "actor", "bookmark"]);
  stream.cancel();
});

it("a reader that stops is passed over, and told so when it reads again", async () => {
  const { watchActors } = InspectionService;
  const stream = client.makeServerStreamRequest(
    watchActors.path,
    watchActors.requestSerialize,
    watchActors.responseDeserialize,
    rems.v1.WatchActorsRequest.create({ addressPrefix: "nodes/n1/controllers/port" }),
  );
  const events: string[] = [];
  stream.on("error", () => {});
  stream.on("data", (event: Types.rems.v1.WatchActorsResponse) => events.push(event.event ?? ""));
  await until(() => Promise.resolve(events.includes("bookmark") ? true : null));
  stream.pause();
  const sentCount = 4000;
  for (let i = 0; i < sentCount; i++) {
    changeRole(handle, {
      grid: "port",
      from: "standby",
      to: "leading",
      reason: `change ${i} ${"x".repeat(200)}`,
      atMs: i,
    });
    if ((i + 1) % 500 !== 0) continue;
    // Not more than the ring holds before the worker has taken it.
    await until(async () => {
      const grid = await portStatus();
      return grid?.roleReason?.startsWith(`change ${i} `) ? true : null;
    });
  }
  stream.resume();
  await until(() => Promise.resolve(events.includes("gap") ? true : null));
  await until(() => Promise.resolve(events.at(-1) === "bookmark" ? true : null));
  expect(events.slice(-3)).toEqual(["gap", "actor", "bookmark"]);
  expect(events.filter((event) => event === "transition").length).toBeLessThan(sentCount);
  stream.cancel();
});

it("missing frames stop the view until a snapshot comes, which it asks for", async () => {
  const sequence = last?.position.sequence ?? 0;
  neededGrids.length = 0;
  const kept = handle;
  handle = { ...kept, onFrame: () => {} };
  step();
  handle = kept;
  // It asks at most once a second, with a frame that does not continue what it has.
  await until(() => {
    step();
    return Promise.resolve(neededGrids.includes("port") ? true : null);
  });
  expect((await portStatus())?.isViewCurrent).toBe(false);
  handle.onSnapshot("port", replica.snapshot(), last?.position ?? null);
  expect((await seen(sequence + 2)).isViewCurrent).toBe(true);
});

it("counts failovers and shows the last one", async () => {
  const leadership = { leader: other, inSync: [other], origin: "hot" } as const;
  const before = last?.frame.plantTimeMs ?? 0;
  const sequence = (last?.position.sequence ?? 0) + 1;
  step({ epoch: 2, isFirstOfEpoch: true, leadership, plantTimeMs: before + 240 });
  const grid = await seen(sequence);
  expect(grid.lastFailover).toMatchObject({ from: "n1", to: "n3", origin: "hot", gapMs: 240 });
  const text = await (await fetch(`http://127.0.0.1:${handle.httpPort}/metrics`)).text();
  expect(text).toContain('rems_failovers_total{grid="port",origin="hot",node="n1"} 1');
  expect(text).toMatch(/rems_device_state\{grid="port",device="dg1",state="\w+",node="n1"\} 1/);
  expect(text).toMatch(/process_resident_memory_bytes\{node="n1"\} \d{7,}/);
});

it("is healthy as a process, and ready where every grid is led or stood by for", async () => {
  const get = (path: string) => fetch(`http://127.0.0.1:${handle.httpPort}${path}`);
  expect((await get("/healthz")).status).toBe(200);
  const ready = (await (await get("/readyz")).json()) as { grids: { isReady: boolean }[] };
  expect(ready.grids.map(({ isReady }) => isReady)).toContain(true);
});

const run = promisify(execFile);
async function bufCurl(method: string, data: string, ...options: string[]): Promise<string> {
  const buf = createRequire(import.meta.url).resolve("@bufbuild/buf/bin/buf");
  const url = `http://127.0.0.1:${handle.operatorPort}/${method}`;
  const flags = ["curl", "--protocol", "grpc", "--http2-prior-knowledge", ...options, "-d", data];
  return (await run(process.execPath, [buf, ...flags, url])).stdout;
}

it.each(["grpc-v1", "grpc-v1alpha"])(
  "buf curl works by reflection alone (%s)",
  async (protocol) => {
    const flags = ["--reflect-protocol", protocol];
    const text = await bufCurl("rems.v1.InspectionService/ListActors", "{}", ...flags);
    expect(text).toContain("grids/port/devices/dg1");
    const health = await bufCurl(
      "grpc.health.v1.Health/Check",
      '{"service":"leader/port"}',
      ...flags,
    );
    expect(JSON.parse(health)).toEqual({ status: "SERVING" });
  },
);

it("a port in use is named", async () => {
  const blocker = createServer();
  await new Promise<void>((resolve) => void blocker.listen(0, "127.0.0.1", resolve));
  const address = blocker.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const options = { manifest, node: "n1", version: "0.1.0", onHealthChanged: () => {} };
  const start = startApi({
    ...options,
    operatorPort: port,
    httpPort: 0,
    onSnapshotNeeded: () => {},
  });
  await expect(start).rejects.toThrow(new RegExp(`${port}.*REMS_PORT_IN_USE`));
  blocker.close();
});

it("lists where the devices are, and their points with quality and age", async () => {
  step({ points: [["dg1.frequencyHz", 60, "good"]] });
  step({ points: [["dg1.frequencyHz", 60, "uncertain"]] });
  const { sequence } = last?.position ?? { sequence: 0 };
  for (let count = 0; count < 5; count++) step();
  await seen(sequence + 5);
  const request = rems.v1.ListDevicesRequest.create({ device: "dg1", withPoints: true });
  const { devices } = await call(InspectionService.listDevices, request);
  expect(devices).toMatchObject([
    { grid: "port", kind: "genset", unitId: 1, connection: "online" },
  ]);
  const points = new Map(devices[0]?.points?.map((point) => [point.point, point]));
  expect(points.get("activePowerKw")).toMatchObject({
    value: { number: 350 },
    quality: "good",
    unit: "kW",
  });
  expect(points.get("frequencyHz")?.quality).toBe("uncertain");
  // Five frames of 100 ms since it was last good.
  expect(points.get("frequencyHz")?.ageMs).toBeGreaterThanOrEqual(500);
  expect(points.get("voltageV")).toMatchObject({ quality: "bad", value: null });
  expect(points.get("voltageV")?.ageMs ?? null).toBeNull();
});

it("a device that no grid of the node has is refused with those that there are", async () => {
  const request = rems.v1.ListDevicesRequest.create({ device: "dg7" });
  await expect(call(InspectionService.listDevices, request)).rejects.toThrow(
    /no device "dg7".*"dg1"/,
  );
});
