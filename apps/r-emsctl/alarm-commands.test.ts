import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { createGridCore } from "../../actors/grid/grid-core.ts";
import { startApi, type ApiHandle } from "../../api/api.ts";
import { loadManifest } from "../../configs/load-manifest.ts";
import type { OperatorRequest } from "../../kernel/command.ts";
import { encodeFrame, type EncodedFrame, type Frame } from "../../kernel/frame.ts";
import { HASH_NONE } from "../../kernel/hash.ts";
import { createReplica } from "../../scan/replica.ts";
import { runCli } from "./cli.ts";

const vessel = new URL("../../configs/vessel.toml", import.meta.url).pathname;
const self = { node: "n1", incarnation: "a".repeat(32) };
const manifest = loadManifest(vessel);
const replica = createReplica(createGridCore(manifest, "port"));
let handle: ApiHandle;
let serving: NodeJS.Timeout;
let last: EncodedFrame | null = null;

/** A leader in small: requests go into the next frame, its answers go back. */
function step(changes: Partial<Frame> = {}, elapsedMs = 100): void {
  const sequence = (last?.position.sequence ?? 0) + 1;
  last = encodeFrame({
    grid: "port",
    epoch: 1,
    sequence,
    previousHash: last?.position.hash ?? HASH_NONE,
    plantTimeMs: (last?.frame.plantTimeMs ?? 0) + elapsedMs,
    wallTimeMs: 1_700_000_000_000 + sequence * 100,
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
  const { replies } = replica.apply(last.frame);
  handle.onFrame(last);
  for (const reply of replies) handle.reply(reply);
}

beforeAll(async () => {
  handle = await startApi({
    manifest,
    node: "n1",
    version: "0.1.0",
    operatorPort: 0,
    httpPort: 0,
    onSnapshotNeeded: () => {},
    onHealthChanged: () => {},
  });
  const known = { epoch: 1, leader: self, inSync: [self] };
  handle.onStatus("port", { ...known, role: "leading", hasAuthority: true });
  step({ leadership: { leader: self, inSync: [self, self, self], origin: "cold" } });
  serving = setInterval(() => {
    const requests: OperatorRequest[] = [];
    for (const command of handle.takeCommands(16)) {
      if (command.type === "request") requests.push(command.request);
    }
    if (requests.length > 0) step({ requests });
  }, 5);
});
afterAll(async () => {
  clearInterval(serving);
  await handle.close();
});
beforeEach(() => {
  step({ facts: [["authority.isLost", true]] });
});

async function run(...argv: string[]) {
  const out: string[] = [];
  const error: string[] = [];
  const terminal = {
    out: (text: string) => void out.push(text),
    error: (text: string) => void error.push(text),
    hasColours: false,
  };
  const address = `127.0.0.1:${handle.operatorPort}`;
  const signal = AbortSignal.timeout(60_000);
  const code = await runCli(["--address", address, ...argv], terminal, signal);
  return { code, out: out.join("\n"), error: error.join("\n") };
}

/** The worker takes its feed every few milliseconds. */
async function runUntil(pattern: RegExp, ...argv: string[]) {
  for (let tries = 0; tries < 1000; tries++) {
    const result = await run(...argv);
    if (pattern.test(result.out)) return result;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new RangeError(`never ${String(pattern)}`);
}

it("lists what stands, with who acknowledged it", async () => {
  const before = await runUntil(/AUTHORITY_LOST/, "alarms", "port");
  expect(before.out).toMatch(
    /^high +unacknowledged +port +AUTHORITY_LOST +11-14 22:13 +the leader has no/m,
  );
  expect(await run("ack", "port", "AUTHORITY_LOST")).toEqual({
    code: 0,
    out: "accepted: AUTHORITY_LOST: acknowledged",
    error: "",
  });
  const after = await runUntil(/acknowledged by/, "alarms", "port");
  expect(after.out).toMatch(/high +acknowledged +port +AUTHORITY_LOST .*\(acknowledged by \S+\)/);
  const again = await run("ack", "port", "AUTHORITY_LOST");
  expect(again).toMatchObject({ code: 1, out: expect.stringContaining("refused: ") });
});

it("shelves for a time: hidden unless all are asked for", async () => {
  expect((await run("shelve", "port", "AUTHORITY_LOST", "--for", "30m")).code).toBe(0);
  const shelved = /shelved +port +AUTHORITY_LOST .* by \S+ until 2023-11-14 22:[45]\d:\d\d UTC\)/;
  await runUntil(shelved, "alarms", "--all");
  expect((await run("alarms", "port")).out).not.toContain("AUTHORITY_LOST");
  expect((await run("unshelve", "port", "AUTHORITY_LOST")).out).toBe(
    "accepted: AUTHORITY_LOST: unshelved",
  );
  expect((await run("shelve", "port", "AUTHORITY_LOST", "--for", "9h")).out).toBe(
    "refused: forS is 32400; allowed is up to 28800 s",
  );
  expect(await run("shelve", "port", "AUTHORITY_LOST", "--for", "soon")).toMatchObject({
    code: 2,
    error: expect.stringContaining("such as 30m"),
  });
});

it("takes an alarm of a device out of service, and says what is missing", async () => {
  const { code, out } = await run("out-of-service", "port/dg1", "DEVICE_FAULT", "--reason", "work");
  expect([code, out]).toEqual([0, "accepted: DEVICE_FAULT: out of service"]);
  await runUntil(/out of service +port\/dg1 +DEVICE_FAULT/, "alarms", "--all");
  const silent = await run("out-of-service", "port/dg1", "DEVICE_OFFLINE");
  expect([silent.code, silent.error]).toEqual([2, expect.stringContaining("say why")]);
  const back = await run("out-of-service", "port/dg1", "DEVICE_FAULT", "--return");
  expect([back.code, back.out]).toEqual([0, expect.stringContaining("accepted: DEVICE_FAULT")]);
  const none = await run("out-of-service", "port/dg1", "NOISE", "--reason", "work");
  expect(none.out).toMatch(/^refused: there is no alarm .*allowed is actor\|CODE/);
});

it("acknowledges all of a grid, as JSON for scripts", async () => {
  const { code, out } = await run("--json", "ack", "--all", "port");
  expect(code).toBe(0);
  expect(JSON.parse(out)).toMatchObject({ isAccepted: true });
  const json = await run("--json", "alarms", "--all");
  const alarms = json.out.split("\n").map((line) => JSON.parse(line) as { code: string });
  expect(alarms.map(({ code: name }) => name)).toContain("AUTHORITY_LOST");
});

it("refuses an actor without a code, and a grid that is not there", async () => {
  expect(await run("ack", "port/dg1")).toMatchObject({
    code: 2,
    error: expect.stringContaining("such as port/dg1 DEVICE_TRIPPED"),
  });
  expect((await run("ack", "--all", "aft")).error).toContain('no controller of a grid "aft"');
});

it("finds the grid that keeps an alarm of a node, and says where there is no such alarm", async () => {
  step({ facts: [["journal.isFailed@n2", true]] });
  await runUntil(/high +unacknowledged +nodes\/n2 +JOURNAL_FAILED/, "alarms", "port");
  const { out } = await run("ack", "nodes/n2", "JOURNAL_FAILED");
  expect(out).toBe("accepted: JOURNAL_FAILED: acknowledged");
  expect((await run("ack", "nodes/n3", "JOURNAL_FAILED")).error).toContain(
    "nodes/n3 has no alarm JOURNAL_FAILED; r-emsctl alarms --all",
  );
});

it("explains a code, and names those that there are", async () => {
  const { out } = await run("alarm-help", "BLACKOUT");
  expect(out).toMatch(/^BLACKOUT \(high\)\n {2}cause .*\n {2}consequence .*\n {2}action /);
  expect((await run("alarm-help", "NOISE")).error).toMatch(
    /there is no alarm NOISE; known: .*BLACKOUT/,
  );
});

it("watches: the list, then what happens, with who did it", async () => {
  const out: string[] = [];
  const abort = new AbortController();
  const watching = runCli(
    ["--address", `127.0.0.1:${handle.operatorPort}`, "alarms", "port", "--watch"],
    {
      out: (text) => {
        out.push(text);
        if (text.includes("up to date")) step({ facts: [["clock.hasJumped", true]] });
        if (text.includes("raised") && text.includes("CLOCK_JUMPED")) abort.abort();
      },
      error: () => {},
      hasColours: false,
    },
    abort.signal,
  );
  expect(await watching).toBe(0);
  expect(out.at(-1)).toMatch(/raised +medium +CLOCK_JUMPED grids\/port: a clock of the leader/);
});
