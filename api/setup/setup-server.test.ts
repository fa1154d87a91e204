import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, it } from "vitest";
import { loadManifest } from "../../configs/load-manifest.ts";
import { loadProfiles } from "../../configs/load-profile.ts";
import { SetupWizard } from "../../configs/setup/wizard.ts";
import { present } from "../../kernel/assert.ts";
import { ProfileServer } from "../../sim/devices/profile-server.ts";
import { freePorts } from "../../test/support/free-ports.ts";
import { type SetupServer, startSetupServer } from "./setup-server.ts";

const ends: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

/** The server of a machine without manifest, and a browser that has given the code. */
async function openSetup(root = mkdtempSync(join(tmpdir(), "r-ems-setup-"))) {
  ends.push(() => rmSync(root, { recursive: true, force: true }));
  const codes: string[] = [];
  const server: SetupServer = await startSetupServer({
    openWizard: () => new SetupWizard({ root, client: "web", nowMs: () => 0 }),
    port: 0,
    onCode: (code) => void codes.push(code),
  });
  ends.push(() => server.close());
  let cookie = "";
  const ask = async (method: string, path: string, body?: unknown) => {
    const response = await fetch(`http://127.0.0.1:${server.port}${path}`, {
      method,
      headers: { cookie, ...(body === undefined ? {} : { "content-type": "application/json" }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    cookie = response.headers.get("set-cookie")?.split(";")[0] ?? cookie;
    const text = await response.text();
    const json = (text === "" ? {} : JSON.parse(text)) as Record<string, unknown>;
    return { status: response.status, json };
  };
  return { root, server, codes, ask };
}

const SESSION = "/api/v1/setup/session";

it("answers who knows the code, and has a new one after five wrong tries", async () => {
  const { codes, ask } = await openSetup();
  expect((await ask("GET", "/api/v1/setup")).json).toMatchObject({ code: 7 });
  for (let i = 0; i < 5; i++)
    expect((await ask("POST", SESSION, { code: "AAAA-AAAA" })).status).toBe(403);
  expect(codes).toHaveLength(2);
  expect((await ask("POST", SESSION, { code: codes[0] })).status).toBe(403);
  expect((await ask("POST", SESSION, { code: codes[1]?.toLowerCase() })).status).toBe(204);
  expect((await ask("GET", "/api/v1/setup")).json).toMatchObject({
    isFirstStart: true,
    revision: 0,
  });
});

it("from nothing to a manifest, step by step, with a device that was scanned and read", async () => {
  const { root, server, codes, ask } = await openSetup();
  await ask("POST", SESSION, { code: codes[0] });
  const profile = present(loadProfiles().get("sim-plain-feeder"), "a shipped profile");
  const device = await ProfileServer.open({
    profile,
    host: "127.0.0.1",
    port: 0,
    unitId: 1,
    nameplate: { powerKw: 0, voltageV: 400, frequencyHz: 50 },
    settings: [],
    nowMs: () => performance.now(),
    onWrite: () => {},
    onFallback: () => {},
  });
  ends.push(() => device.close());
  const put = (step: string, answers: unknown) =>
    ask("PUT", `/api/v1/setup/steps/${step}`, { answers });
  expect(
    (await put("installation", { installation: { id: "Site 1", kind: "land" } })).json,
  ).toMatchObject({
    isOk: false,
    problems: [{ path: "installation.id" }],
  });
  await put("installation", { installation: { id: "site-1", name: "Site 1", kind: "land" } });
  let next = (await put("mode", { mode: "simulation" })).json;
  const [peer = 0, operator = 0, http = 0] = await freePorts(3);
  const ports = { peer_port: peer, operator_port: operator, http_port: http };
  for (const step of ["nodes", "grids", "controllers"]) {
    expect(next["next"]).toBe(step);
    const proposal = next["proposal"] as { nodes?: object[] };
    const nodes = proposal.nodes?.map((node) => ({ ...node, ...ports }));
    next = (await put(step, nodes === undefined ? proposal : { ...proposal, nodes })).json;
    expect(next).toMatchObject({ isOk: true });
  }
  const scanned = await ask("POST", "/api/v1/setup/scan", {
    host: "127.0.0.1",
    port: device.port,
    unitIds: [1],
  });
  expect(scanned.json).toMatchObject({ units: [{ unitId: 1 }] });
  const at = { host: "127.0.0.1", port: device.port, profile: "sim-plain-feeder" };
  const read = await ask("POST", "/api/v1/setup/test-read", at);
  expect(read.json).toMatchObject({
    isOk: true,
    points: expect.arrayContaining([
      expect.objectContaining({ point: "isClosed", verdict: "ok" }),
    ]) as unknown,
  });
  const feeder = {
    id: "f1",
    kind: "feeder",
    profile: at.profile,
    host: at.host,
    port: at.port,
    ratings: { load_kw: 50 },
  };
  next = (await put("devices", { grids: [{ id: "site", devices: [feeder] }] })).json;
  await put("timings", next["proposal"]);
  expect((await ask("GET", "/api/v1/setup/review")).json).toMatchObject({
    isOk: true,
    problems: [],
  });
  // The node could not start beside whoever listens there.
  const other = createServer().listen(peer, "127.0.0.1");
  await once(other, "listening");
  const refused = (await ask("POST", "/api/v1/setup/save", {})).json;
  expect(refused["message"]).toContain(
    `peer port 127.0.0.1:${peer}: another program listens there`,
  );
  await new Promise((resolve) => other.close(resolve));
  expect((await ask("POST", "/api/v1/setup/save", {})).json).toMatchObject({ thisNode: "n1" });
  expect((await server.saved).path).toBe(join(root, "r-ems.toml"));
  expect(loadManifest(join(root, "r-ems.toml")).grids[0]?.devices[0]?.port).toBe(device.port);
  expect(existsSync(join(root, "setup-draft.json"))).toBe(false);
});

it("goes on after a restart half way, and says what a request lacks", async () => {
  const first = await openSetup();
  await first.ask("POST", SESSION, { code: first.codes[0] });
  await first.ask("PUT", "/api/v1/setup/steps/mode", { answers: { mode: "simulation" } });
  await first.server.close();
  const second = await openSetup(first.root);
  await second.ask("POST", SESSION, { code: second.codes[0] });
  expect((await second.ask("GET", "/api/v1/setup")).json).toMatchObject({
    isResumed: true,
    document: { mode: "simulation" },
  });
  expect((await second.ask("PUT", "/api/v1/setup/steps/sails", { answers: {} })).status).toBe(404);
  expect((await second.ask("PUT", "/api/v1/setup/steps/mode", {})).status).toBe(400);
  expect((await second.ask("POST", "/api/v1/setup/save", {})).status).toBe(400);
  const dead = { host: "127.0.0.1", port: 1, profile: "sim-plain-feeder" };
  expect((await second.ask("POST", "/api/v1/setup/test-read", dead)).json).toMatchObject({
    code: 14,
  });
});
