import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { createInterface } from "node:readline";
import { afterEach, expect, it } from "vitest";
import { type SimulatorMessage, simulatorMessage } from "../../sim/simulator/protocol.ts";

const running: ChildProcessWithoutNullStreams[] = [];
afterEach(() => {
  for (const child of running.splice(0)) child.kill("SIGKILL");
});

function start(...options: readonly string[]): ChildProcessWithoutNullStreams {
  const main = "dist/sim/simulator/main.js";
  const child = spawn(process.execPath, [main, "--config", "configs/vessel.toml", ...options]);
  running.push(child);
  return child;
}

/** Reads messages until one of the wanted type. */
async function messageOf(
  child: ChildProcessWithoutNullStreams,
  type: SimulatorMessage["type"],
): Promise<SimulatorMessage> {
  for await (const line of createInterface({ input: child.stdout })) {
    const message = simulatorMessage.parse(JSON.parse(line));
    if (message.type === type) return message;
  }
  return expect.fail(`the simulator ended before it sent "${type}"`);
}

it("serves the vessel and ends within a second of its input", async () => {
  const child = start("--public-port-base", "0");
  const ready = await messageOf(child, "ready");
  expect(ready).toMatchObject({ ports: { n1: {}, n2: {}, n3: {} } });
  const startedMs = performance.now();
  child.stdin.end();
  const [code] = (await once(child, "exit")) as [number | null];
  expect(code).toBe(0);
  expect(performance.now() - startedMs).toBeLessThan(1000);
});

it("names port and device where the port is in use, and exits with 2", async () => {
  const taken = createServer().listen(0, "127.0.0.1");
  await once(taken, "listening");
  const { port } = taken.address() as AddressInfo;
  const child = start("--public-port-base", String(port));
  let text = "";
  child.stderr.on("data", (chunk: Buffer) => {
    text += chunk.toString();
  });
  const [code] = (await once(child, "close")) as [number | null];
  taken.close();
  expect(code).toBe(2);
  expect(text).toContain(`device msb-p: cannot listen on 127.0.0.1:${port}`);
  // One message, no stack.
  expect(text.trim().split("\n")).toHaveLength(1);
});
