import { copyFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { openingOf } from "../../actors/grid/configuration.ts";
import { createGridCore } from "../../actors/grid/grid-core.ts";
import { loadManifest } from "../../configs/load-manifest.ts";
import { eventually } from "../../test/support/eventually.ts";
import { type ApiHandle, startApi } from "../api.ts";
import type { ApiCommand } from "../api-messages.ts";
import { leadingStatus, TestFrames } from "../test-node.ts";

const folder = mkdtempSync(join(tmpdir(), "r-ems-config-http-"));
const path = join(folder, "vessel.toml");
copyFileSync(new URL("../../configs/vessel.toml", import.meta.url).pathname, path);
const manifest = loadManifest(path);
const frames = new TestFrames();
const restarts: string[] = [];
let api: ApiHandle;
let serving: NodeJS.Timeout;

/** A node that leads port; requests go into the next frame, as the control loop has it. */
beforeAll(async () => {
  api = await startApi({
    manifest,
    node: "n1",
    version: "0.1.0",
    operatorPort: 0,
    httpPort: 0,
    onSnapshotNeeded: () => {},
    onHealthChanged: () => {},
    onRestart: (user) => void restarts.push(user),
  });
  const core = createGridCore(manifest, "port");
  api.onFrame(frames.first());
  api.onFrame(frames.next({ requests: openingOf(core.plan, core.initial(), 1, "cold") }));
  api.onStatus("port", leadingStatus());
  serving = setInterval(() => {
    const requests = api
      .takeCommands(16)
      .flatMap((command: ApiCommand) => (command.type === "request" ? [command.request] : []));
    if (requests.length === 0) return;
    api.onFrame(frames.next({ requests }));
    for (const { requestId } of requests)
      api.reply({ requestId, isAccepted: true, reason: "taken" });
  }, 5);
});
afterAll(async () => {
  clearInterval(serving);
  await api.close();
  rmSync(folder, { recursive: true });
});

async function ask(
  method: string,
  route: string,
  body?: unknown,
): Promise<{ status: number; json: Record<string, unknown> }> {
  const response = await fetch(`http://127.0.0.1:${api.httpPort}/api/v1${route}`, {
    method,
    ...(body === undefined
      ? {}
      : { headers: { "content-type": "application/json" }, body: JSON.stringify(body) }),
  });
  return { status: response.status, json: (await response.json()) as Record<string, unknown> };
}
const changed = readFileSync(path, "utf8").replace(
  'start_order = ["dg1", "dg2"]',
  'start_order = ["dg1", "dg2"]\nstop_limit_pct = 66',
);

it("shows, previews, tries out and confirms over HTTP, until the file has it", async () => {
  for (let tries = 0; tries < 200; tries++) {
    const { json } = await ask("GET", "/config?parameters_only=true");
    const [grid] = json["grids"] as { readonly revision: number | string }[];
    if (Number(grid?.revision) > 0) break;
  }
  const before = await ask("GET", "/config");
  expect(before.json).toMatchObject({ node: "n1", manifestPath: path, fileChanges: [] });
  const preview = await ask("POST", "/config/preview", { manifestText: changed });
  expect(preview.json).toMatchObject({
    changes: [{ path: "grids.port.power.stop_limit_pct", toJson: "66", kind: "CHANGE_KIND_LIVE" }],
    grids: [{ grid: "port", parameters: { "power.stopLimitPct": { number: 66 } } }],
    needsAcceptance: false,
  });
  const edits = [{ grid: "port", parameters: { "power.stopLimitPct": { number: 66 } } }];
  const edited = await ask("POST", "/config/preview", { edits });
  expect(edited.json["changes"]).toEqual(preview.json["changes"]);
  const applied = await ask("POST", "/config/apply", { requestId: "a1", edits });
  expect(applied.json).toMatchObject({ trials: [{ grid: "port", confirmWithinS: 60 }] });
  const onTrial = await ask("GET", "/config?parameters_only=true");
  expect(onTrial.json["grids"]).toMatchObject([
    { grid: "port", isOnTrial: true, beforeTrial: { "power.stopLimitPct": { number: 70 } } },
    { grid: "starboard" },
  ]);
  await ask("POST", "/config/settle", { requestId: "s1", isConfirmed: true });
  await eventually("the file", () => readFileSync(path, "utf8").includes("stop_limit_pct = 66"));
});

it("refuses what is wrong with what is allowed, and starts the node anew where it is asked to", async () => {
  const wrong = await ask("POST", "/config/preview", { manifestText: 'mode = "sailing"' });
  expect(wrong.json["problems"]).toEqual(expect.arrayContaining([expect.stringContaining("mode")]));
  expect((await ask("POST", "/config/apply", { requestId: "a2", manifestText: "x" })).status).toBe(
    400,
  );
  expect((await ask("POST", "/config/restart", { requestId: "r1" })).json).toMatchObject({
    reason: expect.stringContaining("starts anew") as unknown,
  });
  await eventually("the restart", () => restarts.length === 1);
});

it("offers the wizard of a running node, which begins with its manifest", async () => {
  const state = await ask("GET", "/setup");
  expect(state.json).toMatchObject({ isFirstStart: false, isEdit: true, manifestPath: path });
  const answers = { installation: { id: "vessel", name: "Renamed", kind: "vessel" } };
  const put = await ask("PUT", "/setup/steps/installation", { answers });
  expect(put.json).toMatchObject({ isOk: true, document: { installation: { name: "Renamed" } } });
  const served = await ask("POST", "/setup/scan", { host: "127.0.0.1", port: 5021 });
  expect(served).toMatchObject({
    status: 400,
    json: { message: expect.stringContaining("dg1") as unknown },
  });
  expect((await ask("POST", "/setup/save", {})).json).toMatchObject({ path });
  expect((await ask("GET", "/config")).json["fileChanges"]).toMatchObject([
    { path: "installation.name" },
  ]);
});
