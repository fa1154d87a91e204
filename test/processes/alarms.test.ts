import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type DaemonProgram, FREE_PORTS, useInstallation } from "./installation.ts";
import type { SimulatorProgram } from "./simulator-program.ts";

const installation = useInstallation();
const notices: { readonly id: string; readonly code: string; readonly isSimulation: boolean }[] =
  [];
const receiver = createServer((request, response) => {
  let text = "";
  request.on("data", (chunk: Buffer) => (text += chunk.toString("utf8")));
  request.on("end", () => {
    notices.push(JSON.parse(text) as (typeof notices)[number]);
    response.writeHead(204).end();
  });
});
let manifest: string;
let simulator: SimulatorProgram;
let daemon: DaemonProgram;

const start = async (): Promise<void> => {
  const options = [...FREE_PORTS, ...installation.towards(simulator, "n1")];
  daemon = await installation.daemon(manifest, options);
  await daemon.untilRole("leading", 10_000);
};

beforeAll(async () => {
  await new Promise<void>((resolve) => receiver.listen(0, "127.0.0.1", resolve));
  const { port } = receiver.address() as AddressInfo;
  const channel = `\n[[notifications]]\nid = "watch"\nkind = "webhook"\nurl = "http://127.0.0.1:${port}/"\n`;
  manifest = await installation.manifest("single", (text) => text + channel);
  simulator = await installation.simulator(manifest);
  await start();
});
afterAll(() => new Promise((resolve) => receiver.close(resolve)));

interface Listed {
  readonly code: string;
  readonly id: string;
  readonly state: string;
  readonly acknowledgedBy: string;
}

async function alarm(code: string): Promise<Listed | undefined> {
  const { out } = await installation.ctl(daemon, "--json", "alarms");
  const lines = out.split("\n").filter((line) => line !== "");
  return lines.map((line) => JSON.parse(line) as Listed).find((listed) => listed.code === code);
}

async function untilAlarm(code: string, state: string): Promise<Listed> {
  for (let tries = 0; tries < 40; tries++) {
    const found = await alarm(code);
    if (found?.state === state) return found;
  }
  throw new RangeError(`no alarm ${code} became ${state}`);
}

it("a fault at a device is one alarm and one message, under the alarm's id", async () => {
  simulator.send({ type: "switch", device: "bat1", name: "isBmsFault", isOn: true });
  const { id } = await untilAlarm("DEVICE_FAULT", "unacknowledged");
  await daemon.until(
    "the message",
    () => notices.some(({ code }) => code === "DEVICE_FAULT"),
    5000,
  );
  expect(notices.filter(({ code }) => code === "DEVICE_FAULT")).toMatchObject([
    { id: `single/site/${id}/raised`, isSimulation: true },
  ]);
});

it("who acknowledged it is known after the controller died and came back, and nobody is told again", async () => {
  const { code } = await installation.ctl(daemon, "ack", "site/bat1", "DEVICE_FAULT");
  expect(code).toBe(0);
  const before = await untilAlarm("DEVICE_FAULT", "acknowledged");
  await daemon.end("SIGKILL");
  await start();
  const after = await untilAlarm("DEVICE_FAULT", "acknowledged");
  expect(after).toMatchObject({ id: before.id, acknowledgedBy: before.acknowledgedBy });
  expect(notices.filter((notice) => notice.code === "DEVICE_FAULT")).toHaveLength(1);
});

it("it ends when its cause does", async () => {
  simulator.send({ type: "switch", device: "bat1", name: "isBmsFault", isOn: false });
  simulator.send({ type: "breaker", device: "bat1", action: "reset" });
  for (let tries = 0; tries < 40; tries++) {
    if ((await alarm("DEVICE_FAULT")) === undefined) return;
  }
  expect(await alarm("DEVICE_FAULT")).toBeUndefined();
});

it("the history keeps what happened to it, and who did it", async () => {
  const wanted = ["raised", "acknowledged", "cleared"];
  let changes: { readonly change: string; readonly user: string }[] = [];
  for (let tries = 0; tries < 40 && changes.length < wanted.length; tries++) {
    const { out } = await installation.ctl(
      daemon,
      "--json",
      "history",
      "alarms",
      "--what",
      "DEVICE_FAULT",
    );
    changes = out
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line) as (typeof changes)[number]);
  }
  expect(changes.map(({ change }) => change).toSorted()).toEqual(wanted.toSorted());
  const acknowledged = changes.find(({ change }) => change === "acknowledged");
  expect(acknowledged?.user).not.toBe("");
});
