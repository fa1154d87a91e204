import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer as createHttp, type Server as HttpServer } from "node:http";
import { type AddressInfo, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { freePorts } from "../../../test/support/free-ports.ts";
import { runTool } from "../testing/test-device.ts";
import type { Finding } from "./finding.ts";

let folder: string;
let device: Server;
let etcd: HttpServer;
let version = "3.6.9";

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "r-ems-doctor-"));
  device = createServer((socket) => socket.destroy());
  etcd = createHttp((request, response) => {
    response.setHeader("content-type", "application/json");
    response.end(
      JSON.stringify(request.url === "/health" ? { health: "true" } : { etcdserver: version }),
    );
  });
  await new Promise<void>((resolve) => void device.listen(0, "127.0.0.1", resolve));
  await new Promise<void>((resolve) => void etcd.listen(0, "127.0.0.1", resolve));
});
afterEach(async () => {
  rmSync(folder, { recursive: true });
  await new Promise((resolve) => device.close(resolve));
  await new Promise((resolve) => etcd.close(resolve));
});
const portOf = (server: Server | HttpServer): number => (server.address() as AddressInfo).port;

async function manifest(): Promise<string> {
  const [peer, operator, http, dead] = await freePorts(4);
  const feeder = (id: string, port: number | undefined): string => `
[[grids.devices]]
id = "${id}"
kind = "feeder"
profile = "sim-plain-feeder"
host = "127.0.0.1"
port = ${port}
ratings = { load_kw = 10 }
`;
  const path = join(folder, "r-ems.toml");
  writeFileSync(
    path,
    `mode = "simulation"
[installation]
id = "site"
kind = "land"
[coordinator]
kind = "etcd"
endpoints = ["127.0.0.1:${portOf(etcd)}"]
[[nodes]]
id = "n1"
host = "127.0.0.1"
peer_port = ${peer}
operator_port = ${operator}
http_port = ${http}
data_directory = "${join(folder, "data")}"
[[grids]]
id = "site"
nominal_voltage_v = 400
nominal_frequency_hz = 50
controllers = [{ node = "n1", role = "primary", failover_order = 1 }]
${feeder("f1", portOf(device))}${feeder("f2", dead)}`,
  );
  return path;
}

async function examine(
  path: string,
): Promise<{ code: number; of: (check: string) => Finding | undefined; all: Finding[] }> {
  const { code, out } = await runTool(["--json", "--config", path, "doctor"]);
  const all = out.split("\n").map((line) => JSON.parse(line) as Finding);
  return { code, all, of: (check) => all.find((one) => one.check === check) };
}

it("tells what is well, what is doubtful and what failed, each with what to do", async () => {
  const { code, of, all } = await examine(await manifest());
  expect(of("configuration")?.outcome).toBe("ok");
  expect(of("n1 operator port")).toBeUndefined();
  expect(all.filter(({ check }) => / port \d+$/.test(check)).map(({ found }) => found)).toEqual([
    "free",
    "free",
    "free",
  ]);
  expect(of("n1 disk")?.found).toMatch(/on disk after [\d.]+ ms \(median\)/);
  expect(of(`etcd 127.0.0.1:${portOf(etcd)}`)).toMatchObject({
    found: expect.stringContaining("version 3.6.9") as unknown,
  });
  // On a machine that is busy it may be slow.
  expect(of(`etcd 127.0.0.1:${portOf(etcd)}`)?.outcome).not.toBe("failed");
  expect(of("etcd")).toMatchObject({
    outcome: "warning",
    advice: expect.stringContaining("three members") as unknown,
  });
  expect(of("node n1")?.outcome).toBe("warning");
  expect(of("device f1")).toMatchObject({ outcome: "ok" });
  expect(of("device f2")).toMatchObject({
    outcome: "failed",
    found: expect.stringContaining("ECONNREFUSED") as unknown,
  });
  for (const { outcome, advice } of all) expect(advice === "").toBe(outcome === "ok");
  expect(code).toBe(1);
});

it("names a member of etcd that is old, and one that is gone", async () => {
  version = "3.4.23";
  const path = await manifest();
  expect((await examine(path)).of(`etcd 127.0.0.1:${portOf(etcd)}`)).toMatchObject({
    outcome: "warning",
  });
  const port = portOf(etcd);
  await new Promise((resolve) => etcd.close(resolve));
  const { of } = await examine(path);
  expect(of(`etcd 127.0.0.1:${port}`)).toMatchObject({ outcome: "failed" });
  expect(of("etcd")?.found).toBe("0 of 1 members are healthy");
  await new Promise<void>((resolve) => void etcd.listen(0, "127.0.0.1", resolve));
});

it("stops at a manifest that is not right, with every fault", async () => {
  const path = join(folder, "r-ems.toml");
  writeFileSync(path, 'mode = "simulaton"');
  const { code, all } = await examine(path);
  expect(code).toBe(2);
  expect(all.filter(({ check }) => check === "configuration").length).toBeGreaterThan(2);
  expect((await runTool(["--config", join(folder, "none.toml"), "doctor"])).code).toBe(2);
});
