import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, it } from "vitest";
import { startApi, type ApiHandle } from "../../api/api.ts";
import { leadingStatus, TestFrames, testManifest } from "../../api/test-node.ts";
import { OPERATOR_DESCRIPTOR_SET } from "../../proto/generated/operator-descriptors.ts";
import { debianTool } from "./debian-tools.ts";

/** Debian's grpcio as a client: a foreign implementation of gRPC and of protobuf, which learns the messages by reflection. */
let handle: ApiHandle;

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
  const frames = new TestFrames();
  handle.onFrame(frames.first());
  handle.onStatus("port", leadingStatus());
  const starboard = { role: "standby", leader: { node: "n2", incarnation: "" } } as const;
  handle.onStatus("starboard", leadingStatus(starboard));
});
afterAll(() => handle.close());

interface Found {
  readonly services: readonly string[];
  readonly actors: readonly (readonly string[])[];
  readonly status: string;
  readonly watched: readonly string[];
  readonly token: string;
  readonly machine: string;
  readonly trial: readonly [boolean, string];
  readonly refusal: readonly unknown[];
}

function runClient(): Promise<Found> {
  const { program, environment } = debianTool("python3-grpcio");
  const script = fileURLToPath(new URL("grpc-client.py", import.meta.url));
  const client = spawn(program, [script, String(handle.operatorPort)], {
    env: { ...process.env, ...environment },
  });
  client.stdin.end(Buffer.from(OPERATOR_DESCRIPTOR_SET, "base64"));
  let out = "";
  let err = "";
  client.stdout.setEncoding("utf8").on("data", (part: string) => (out += part));
  client.stderr.setEncoding("utf8").on("data", (part: string) => (err += part));
  return new Promise((resolve, reject) => {
    client.once("error", reject);
    client.once("close", (code) => {
      if (code === 0) resolve(JSON.parse(out) as Found);
      else reject(new RangeError(`the client ended with ${code}: ${err}`));
    });
  });
}

it("grpcio finds the services by reflection, reads, watches, asks and understands a refusal", async () => {
  const found = await runClient();
  expect(found.services).toEqual(
    expect.arrayContaining(["rems.v1.InspectionService", "rems.v1.HistoryService"]),
  );
  expect(found.actors).toContainEqual(["grids/port/devices/dg1", "genset", expect.any(String)]);
  expect(found.status, "64 bits travel as text in JSON").toBe("1");
  expect(found.watched.at(-1)).toBe("bookmark");
  expect(found.watched.length).toBeGreaterThan(5);
  expect(found.token).toMatch(/^[0-9a-f]{8}-\d+$/);
  expect(found.machine).toBe("stateDiagram-v2");
  expect(found.trial[0]).toBe(false);
  expect(found.trial[1]).toContain("explode");
  expect(found.refusal).toEqual([
    "FAILED_PRECONDITION",
    9,
    "REMS_NOT_LEADER",
    "r-ems",
    { leader: "n2", "leader-address": expect.stringMatching(/^127\.0\.0\.1:\d+$/) },
  ]);
});
