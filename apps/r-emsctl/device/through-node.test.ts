import { afterAll, beforeAll, expect, it } from "vitest";
import { runTool } from "../testing/test-device.ts";
import { openTestNode, type TestNode } from "../testing/test-node.ts";

let node: TestNode;
beforeAll(async () => {
  node = await openTestNode();
  node.step({
    points: [
      ["dg1.activePowerKw", 350, "good"],
      ["dg1.frequencyHz", 20, "good"],
      ["dg1.voltageV", 690, "uncertain"],
      ["dg1.isClosed", true, "good"],
      ["dg1.isOpen", false, "good"],
    ],
    connections: [["dg1", "online"]],
  });
  // The worker takes its feed every few milliseconds.
  for (let tries = 0; tries < 200; tries++) {
    const { out } = await runTool([node.option, "device", "read", "dg1"]);
    if (/activePowerKw +350/.test(out)) return;
  }
});
afterAll(async () => node.close());

it("a device of the installation is read through the node that serves it", async () => {
  const { code, out } = await runTool([node.option, "device", "read", "dg1"]);
  expect(code).toBe(0);
  expect(out).toMatch(/^dg1 \(sim-epoch-genset\) through the node at 127.0.0.1:\d+/);
  expect(out).toMatch(/^activePowerKw +350 +kW/m);
  expect(out).toMatch(/^voltageV +690 \(uncertain, last good \d+(\.\d+)? s ago\)/m);
  expect(out).toMatch(/^runningHoursH +no value \(bad, never read\)/m);
});

it("an address that the node serves is not asked past it", async () => {
  // Nothing listens there: only the node can have answered.
  const { host, port } = node.device("dg1");
  const argv = ["--json", node.option, "device", "check", "sim-epoch-genset", `${host}:${port}`];
  const { code, out } = await runTool(argv);
  expect(code).toBe(1);
  const report = JSON.parse(out) as {
    isThroughNode: boolean;
    points: { point: string; verdict: string }[];
  };
  const verdicts = Object.fromEntries(report.points.map(({ point, verdict }) => [point, verdict]));
  expect(report.isThroughNode).toBe(true);
  expect(verdicts).toMatchObject({
    activePowerKw: "ok",
    frequencyHz: "implausible",
    voltageV: "stale",
    runningHoursH: "noValue",
  });
  const raw = ["device", "read", `${host}:${port}`, "--registers", "holding:0:2"];
  const refused = await runTool([node.option, ...raw]);
  expect([refused.code, refused.error]).toEqual([1, expect.stringContaining("serves dg1 there")]);
});

it("a register that the device refuses is told as refused, with what the device said, not as one without a value", async () => {
  const text = "illegal data address (input 9)";
  node.api.onStatus("port", {
    ...node.leads,
    refused: [{ device: "dg1", point: "runningHoursH", text }],
  });
  node.step({ connections: [["dg1", "degraded"]] });
  const check = async () => {
    const { code, out } = await runTool(["--json", node.option, "device", "check", "dg1"]);
    const { points } = JSON.parse(out) as { points: { point: string; verdict: string }[] };
    return [code, points.find(({ point }) => point === "runningHoursH")] as const;
  };
  let found = await check();
  for (let tries = 0; tries < 200 && found[1]?.verdict !== "illegal"; tries++)
    found = await check();
  expect(found).toEqual([
    1,
    expect.objectContaining({ verdict: "illegal", finding: expect.stringContaining(text) }),
  ]);
  node.api.onStatus("port", node.leads);
  node.step({ connections: [["dg1", "online"]] });
});

it("a device that the node commands is not written past it", async () => {
  const argv = ["device", "write", "dg1", "powerReferenceKw=1", "--offline-device", "dg1"];
  const { code, error } = await runTool([node.option, ...argv]);
  expect([code, error]).toEqual([1, expect.stringContaining("r-emsctl command port/dg1")]);
});

it("an address that the node serves is not scanned: the node says what is there", async () => {
  const { host, port } = node.device("dg1");
  const { code, out } = await runTool([node.option, "device", "scan", `${host}:${port}`]);
  expect(code).toBe(0);
  expect(out).toMatch(/serves this address.*\nUNIT .*\n1 +port\/dg1 +sim-epoch-genset +online/);
});

it("a device that nobody knows is refused with those that there are", async () => {
  const { code, error } = await runTool([node.option, "device", "read", "dg7"]);
  expect([code, error]).toEqual([2, expect.stringMatching(/no device "dg7"; .*"dg1"/)]);
});
