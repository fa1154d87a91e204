import { createRequire } from "node:module";
import { beforeAll, expect, it } from "vitest";
import {
  type DaemonProgram,
  type Finished,
  finished,
  FREE_PORTS,
  useInstallation,
} from "./installation.ts";
import type { Program } from "./program.ts";
import type { SimulatorProgram } from "./simulator-program.ts";

/** `buf curl` of a running daemon: a client that is not our own code and knows nothing but what the server tells about itself. */
const installation = useInstallation();
const BUF = createRequire(import.meta.url).resolve("@bufbuild/buf/bin/buf");
let simulator: SimulatorProgram;
let daemon: DaemonProgram;

beforeAll(async () => {
  // A feeder that may be shed may also be opened by an operator.
  const manifest = await installation.manifest("single", (text) =>
    text.replace("ratings = { load_kw = 90 }", "trip_stage = 1\nratings = { load_kw = 90 }"),
  );
  simulator = await installation.simulator(manifest);
  daemon = await installation.daemon(manifest, [
    ...FREE_PORTS,
    ...installation.towards(simulator, "n1"),
  ]);
  await daemon.untilRole("leading", 5000);
  await simulator.until("write by n1", () => simulator.writerOf("site") === "n1");
  // The first outputs of a leadership go before the first reads.
  for (let tries = 0; tries < 40 && (await batteryState()) !== "following"; tries++);
});

async function batteryState(): Promise<string> {
  const address = "grids/site/devices/bat1";
  const answer = await call("rems.v1.InspectionService/GetActor", { address });
  return (answer as { actor: { state: string } }).actor.state;
}

function startCurl(method: string, ...options: readonly string[]): Program {
  const url = `http://127.0.0.1:${daemon.ready.operatorPort}/${method}`;
  const flags = ["curl", "--protocol", "grpc", "--http2-prior-knowledge", ...options, url];
  return installation.start(`buf curl ${method}`, process.execPath, [BUF, ...flags]);
}

async function call(method: string, request?: object): Promise<unknown> {
  const data = request === undefined ? [] : ["-d", JSON.stringify(request)];
  const { code, out, err } = await finished(startCurl(method, ...data));
  expect(code, err).toBe(0);
  return JSON.parse(out);
}

/** A call that the server refuses. */
async function refusal(method: string, request: object): Promise<Finished> {
  const answer = await finished(startCurl(method, "-d", JSON.stringify(request)));
  expect(answer.code).not.toBe(0);
  return answer;
}

it("buf curl lists the actors by reflection alone", async () => {
  const { actors } = (await call("rems.v1.InspectionService/ListActors")) as {
    actors: { address: string; state: string }[];
  };
  expect(actors).toContainEqual(
    expect.objectContaining({ address: "grids/site/devices/bat1", state: "following" }),
  );
  expect(actors).toContainEqual(
    expect.objectContaining({ address: "nodes/n1/controllers/site", state: "leading" }),
  );
});

it("reflection names every service and method", async () => {
  const { code, out, err } = await finished(startCurl("", "--list-methods"));
  expect(code, err).toBe(0);
  expect(out.split("\n")).toEqual(
    expect.arrayContaining([
      "rems.v1.InspectionService/ListActors",
      "rems.v1.InspectionService/GetActor",
      "rems.v1.InspectionService/WatchActors",
      "rems.v1.ControlService/TransferLeadership",
      "rems.v1.ControlService/SendCommand",
      "grpc.health.v1.Health/Check",
    ]),
  );
});

it.each([
  ["", "SERVING"],
  ["rems.v1.InspectionService", "SERVING"],
  ["leader/site", "SERVING"],
  ["standby/site", "NOT_SERVING"],
])('the health check of "%s" answers %s at a leader', async (service, status) => {
  expect(await call("grpc.health.v1.Health/Check", { service })).toEqual({ status });
});

it("a stranger to the system reads the status, with 64-bit numbers exact", async () => {
  const status = (await call("rems.v1.InspectionService/GetStatus")) as {
    isSimulation: boolean;
    grids: { leader: string; epoch: string; role: string }[];
  };
  expect(status.isSimulation).toBe(true);
  expect(status.grids).toEqual([
    expect.objectContaining({ leader: "n1", role: "leading", epoch: "1" }),
  ]);
});

it("an actor that is not there is refused with the nearest address", async () => {
  const { err } = await refusal("rems.v1.InspectionService/GetActor", { address: "site/bat9" });
  expect(JSON.parse(err)).toMatchObject({
    code: "not_found",
    message: expect.stringContaining("site/bat1"),
  });
});

it("a command is decided by the core, carried out at the device, and answered again without being done again", async () => {
  const command = { actor: "site/house", command: "open", user: "curl" };
  const send = async (more: object) =>
    (await call("rems.v1.ControlService/SendCommand", { ...command, ...more })) as {
      isAccepted?: boolean;
      reason: string;
    };
  const isOpen = () =>
    simulator.plant.devices.some(({ id, points }) => id === "house" && points["isOpen"] === true);

  // After a start nothing is commanded for ten seconds, not even by people: the first answers may say so.
  const deadlineMs = performance.now() + 15_000;
  for (let asked = 1; ; asked++) {
    const trial = await send({ request_id: `trial-${asked}`, validate_only: true });
    if (trial.isAccepted === true) break;
    expect(trial.reason).toContain("after the change of leadership commands wait");
    expect(performance.now()).toBeLessThan(deadlineMs);
  }
  expect(isOpen(), "a trial does nothing").toBe(false);

  const answer = await send({ request_id: "curl-1" });
  expect(answer.isAccepted, answer.reason).toBe(true);
  await simulator.until("opened feeder", isOpen, 5000);
  simulator.send({ type: "breaker", device: "house", action: "close" });
  await simulator.until("closed feeder", () => !isOpen(), 5000);
  expect(await send({ request_id: "curl-1" })).toEqual(answer);
  await simulator.totalsAfter(1);
  expect(isOpen()).toBe(false);
});

it("a watch shows a change at a device while it happens, and ends with the daemon", async () => {
  const watch = startCurl(
    "rems.v1.InspectionService/WatchActors",
    "-d",
    JSON.stringify({ address_prefix: "grids/site/devices/house" }),
  );
  await watch.until("bookmark", () => watch.out.some((line) => line.includes('"bookmark"')));
  simulator.send({ type: "breaker", device: "house", action: "open" });
  await watch.until("transition", () => watch.out.some((line) => line.includes('"transition"')));
  expect(watch.isAlive).toBe(true);

  const { code, tookMs } = await daemon.end("SIGTERM");
  expect(code).toBe(0);
  expect(tookMs).toBeLessThan(5000);
  expect((await watch.untilExit(2000)).code).not.toBe(0);
});
