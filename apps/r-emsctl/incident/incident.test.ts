import { generateKeyPairSync } from "node:crypto";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startApi, type ApiHandle } from "../../../api/api.ts";
import { manifestOf } from "../../../api/replay/verify.ts";
import { encodeIncident, type Incident, readIncident } from "../../../history/incident.ts";
import { keepInstallation } from "../../../history/keep-installation.ts";
import { historyOfIncident } from "../../../history/node-history.ts";
import { runCli } from "../cli.ts";

const kept = join(
  import.meta.dirname,
  "..",
  "..",
  "..",
  "test",
  "incidents",
  "vessel-failover.incident",
);
const FRAME_COUNT = 260;
/** The first half minute, with the failover: a test has no time for the rest. */
const incident = short(readIncident(readFileSync(kept)));
let root = "";
let file = "";

function short(whole: Incident): Incident {
  const grids = whole.grids.map((recording) => ({
    ...recording,
    frames: recording.frames.slice(0, FRAME_COUNT),
    behaviour: recording.behaviour.slice(0, FRAME_COUNT),
    stateHashes: recording.stateHashes.filter(({ sequence }) => sequence <= FRAME_COUNT),
    snapshots: recording.snapshots.filter(({ position }) => position.sequence <= FRAME_COUNT),
  }));
  return readIncident(encodeIncident({ ...whole, grids }));
}

/** What the program prints, as a script sees it. */
async function run(
  argv: readonly string[],
  typed = "",
): Promise<{ code: number; text: string; error: string }> {
  const out: string[] = [];
  const errors: string[] = [];
  const terminal = {
    out: (text: string) => void out.push(text),
    error: (text: string) => void errors.push(text),
    hasColours: false,
    input: Readable.from([typed]),
  };
  const code = await runCli(argv, terminal, new AbortController().signal);
  return { code, text: out.join("\n"), error: errors.join("\n") };
}

/** A data directory as the node had it that recorded. */
function dataDirectory(name: string, from = 0, to = Infinity): string {
  const directory = join(root, name);
  const part = {
    ...incident,
    grids: incident.grids.map((recording) => ({
      ...recording,
      frames: recording.frames.slice(from, to),
      stateHashes: recording.stateHashes.filter(
        ({ sequence }) => sequence > from && sequence <= to,
      ),
    })),
  };
  const { journal } = historyOfIncident(name, part);
  mkdirSync(join(directory, "journal"), { recursive: true });
  for (const segment of journal.disk.list()) {
    const path = join(directory, "journal", `journal-0000000${segment}.rems`);
    writeFileSync(path, journal.disk.read(segment));
  }
  keepInstallation(directory, {
    ...incident.installation,
    node: name,
    logDirectory: join(root, "none"),
  });
  return directory;
}

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "r-ems-incident-"));
  file = join(root, "vessel.incident");
  writeFileSync(file, encodeIncident(incident));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

describe("r-emsctl incident export", () => {
  it("merges what two nodes recorded into one file that replays with all hashes equal", async () => {
    const n1 = dataDirectory("n1", 0, 150);
    const n2 = dataDirectory("n2", 140);
    const output = join(root, "merged.incident");
    const exported = await run(["incident", "export", "--from", "start", "-o", output, n1, n2]);
    expect(exported.error).toBe("");
    expect(exported.code).toBe(0);
    const merged = readIncident(readFileSync(output));
    expect(merged.grids.map(({ frames }) => frames)).toEqual(
      incident.grids.map(({ frames }) => frames),
    );
    expect(merged.grids.map(({ behaviour }) => behaviour)).toEqual(
      incident.grids.map(({ behaviour }) => behaviour),
    );
    const again = await run(["incident", "export", "--from", "start", "-o", output, n1, n2]);
    expect(again.code).toBe(2);
    expect(again.error).toContain("is there already");
  }, 60_000);

  it("cuts a time out, from the snapshot before it, and signs", async () => {
    const { privateKey, publicKey } = generateKeyPairSync("ed25519");
    const key = join(root, "key.pem");
    const other = join(root, "public.pem");
    writeFileSync(key, privateKey.export({ type: "pkcs8", format: "pem" }));
    writeFileSync(other, publicKey.export({ type: "spki", format: "pem" }));
    const startMs = incident.summary.grids[0]?.first.wallTimeMs ?? 0;
    const at = (s: number) => new Date(startMs + s * 1000).toISOString();
    const output = join(root, "cut.incident");
    const times = ["--from", at(10), "--to", at(15)];
    const directory = dataDirectory("whole");
    const { code, error } = await run([
      "incident",
      "export",
      "--grid",
      "port",
      ...times,
      "--sign",
      key,
      "-o",
      output,
      directory,
    ]);
    expect([code, error]).toEqual([0, ""]);
    const cut = readIncident(readFileSync(output));
    expect(cut.grids).toHaveLength(1);
    expect(cut.summary.grids[0]?.last.wallTimeMs).toBeLessThanOrEqual(startMs + 15_000);
    expect(cut.summary.grids[0]?.first.wallTimeMs).toBeLessThanOrEqual(startMs + 10_000);
    expect((await run(["replay", output, "--verify-key", other])).code).toBe(0);
    const unsigned = await run(["replay", file, "--verify-key", other]);
    expect(unsigned.error).toContain("the file is not signed");
  });

  it("says what is recorded where nothing is", async () => {
    const directory = dataDirectory("some");
    const early = await run([
      "incident",
      "export",
      "--from",
      "2020-01-01",
      "--to",
      "2020-01-02",
      directory,
    ]);
    expect(early.code).toBe(2);
    expect(early.error).toMatch(/nothing is recorded between .*; recorded are port: 20/);
    const grid = await run(["incident", "export", "--from", "start", "--grid", "aft", directory]);
    expect(grid.error).toContain(
      'nothing is recorded of a grid "aft"; recorded are port, starboard',
    );
    expect((await run(["incident", "export", join(root, "nowhere")])).error).toContain(
      "there is no journal",
    );
  });
});

describe("incidents of a running node", () => {
  let api: ApiHandle;
  let directory = "";
  const call = (...argv: string[]) => run(["--address", `127.0.0.1:${api.operatorPort}`, ...argv]);
  beforeAll(async () => {
    directory = dataDirectory("running");
    mkdirSync(join(directory, "incidents"), { recursive: true });
    cpSync(file, join(directory, "incidents", "20261126-004011-failover.incident"));
    writeFileSync(join(directory, "incidents", "broken.incident"), "no incident");
    const { manifest } = manifestOf(incident);
    // Nobody answers at the others' addresses.
    const alone = { ...manifest, nodes: manifest.nodes.filter(({ id }) => id === "n1") };
    api = await startApi({
      manifest: alone,
      node: "n1",
      version: "0.1.0",
      operatorPort: 0,
      httpPort: 0,
      dataDirectory: directory,
      onSnapshotNeeded() {},
      onHealthChanged() {},
    });
  });
  afterAll(() => api.close());

  it("are listed and fetched; what is no incident is passed over", async () => {
    const listed = await call("incident", "list");
    expect(listed.text).toContain("20261126-004011-failover.incident");
    expect(listed.text).not.toContain("broken");
    const output = join(root, "fetched.incident");
    const fetched = await call(
      "incident",
      "fetch",
      "20261126-004011-failover.incident",
      "-o",
      output,
    );
    expect([fetched.code, fetched.error]).toEqual([0, ""]);
    expect(readFileSync(output)).toEqual(readFileSync(file));
    const none = await call("incident", "fetch", "../../etc/passwd", "-o", join(root, "no"));
    expect(none.code).toBe(1);
    expect(none.error).toContain("there is no captured incident");
    expect(existsSync(join(root, "no"))).toBe(false);
  });

  it("are made of its journal on demand, and the nodes that are silent are named", async () => {
    const output = join(root, "live.incident");
    const { code, error } = await call("incident", "export", "--from", "start", "-o", output);
    expect([code, error]).toEqual([0, ""]);
    const exported = readIncident(readFileSync(output));
    expect(exported.grids.map(({ frames }) => frames)).toEqual(
      incident.grids.map(({ frames }) => frames),
    );
    const early = await call("incident", "export", "--from", "2020-01-01", "--to", "2020-01-02");
    expect(early.error).toContain("nothing is recorded between");
  }, 60_000);
});

describe("r-emsctl replay", () => {
  it("checks every hash and exits with 0 where all are equal", async () => {
    const { code, text } = await run(["--json", "replay", file]);
    expect(code).toBe(0);
    const verdicts = text
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>)
      .filter(({ type }) => type === "verdict");
    expect(verdicts).toHaveLength(2);
    for (const verdict of verdicts)
      expect(verdict).toMatchObject({ isEqual: true, stateMismatchCount: 0 });
  });

  it("stops where a condition becomes true, steps back, and is there again", async () => {
    const lines = [
      "until failover",
      "where",
      "back 10s",
      "step 10s",
      "goto end",
      "until alarm",
      "quit",
    ];
    const { text } = await run(
      ["replay", file, "--from", "+2s", "--interactive"],
      lines.join("\n"),
    );
    const stopped =
      /stopped at n2 leads, epoch 2 \(hot\)\nport: (\S+) {2}2:(\d+), frame (\d+) of/.exec(text);
    expect(stopped).not.toBeNull();
    const frame = Number(stopped?.[3]);
    const steppedTo = [...text.matchAll(/^20\S+ {2}\d+:\d+, frame (\d+) of \d+$/gm)].map((one) =>
      Number(one[1]),
    );
    expect(steppedTo[0]).toBeLessThan(frame - 80);
    expect(Math.abs((steppedTo[1] ?? 0) - frame)).toBeLessThanOrEqual(1);
    expect(text).toContain("not found: the end of the recording");
  });

  it("begins at a sequence, and does not take a grid's first leader for a failover", async () => {
    const begun = await run(["replay", file, "--from", "1:100", "--show", "where"]);
    expect(begun.text).toMatch(/port: \S+ {2}1:100, frame 100 of 260/);
    const stopped = await run(["replay", file, "--until", "failover"]);
    expect(stopped.text).toContain("stopped: n2 leads, epoch 2 (hot)");
  });

  it("shows the same state whichever way it came there", async () => {
    const place = ["--show", "actors", "--show", "points", "--show", "outputs", "--show", "alarms"];
    const there = await run(["replay", file, "--until", "220", ...place]);
    const back = await run(["replay", file, "--until", "250", "--back", "30", ...place]);
    const views = (text: string) => text.slice(text.indexOf("ACTOR"));
    expect(views(there.text)).toContain("dg1.activePowerKw");
    expect(views(back.text)).toBe(views(there.text));
  });

  it("says what a parameter would have changed first, with the reason", async () => {
    const { code, text } = await run([
      "replay",
      file,
      "--from",
      "+5s",
      "--what-if",
      "port.power.startLimitPct=30",
    ]);
    expect(code).toBe(1);
    expect(text).toMatch(
      /first difference of commands: .*\n.*command dg2 start: recorded nothing, now start \(load .* %/,
    );
    expect(text).toContain("load ");
    const same = await run([
      "replay",
      file,
      "--from",
      "+5s",
      "--what-if",
      "port.power.cooldownS=21",
    ]);
    expect([same.code, same.text]).toEqual([0, expect.stringContaining("nothing is different")]);
    const wrong = await run(["replay", file, "--what-if", "port.power.startLimit=30"]);
    expect(wrong.error).toContain(
      "port.power.startLimit is not there; there are startLimitPct (85)",
    );
    const beyond = await run(["replay", file, "--what-if", "port.power.startLimitPct=300"]);
    expect([beyond.code, beyond.error]).toEqual([
      2,
      expect.stringContaining("startLimitPct is 300; allowed is a number, 10 to 100"),
    ]);
  });

  it.each([
    ["dg9.activePowerKw > 1", 'has no device "dg9"'],
    ["dg1.power > 1", "dg1 has "],
    ["port/dg7 == ready", "there is no actor"],
    ["tomorrow", "is no time; allowed are"],
    ["alarm=REDUNDANCY_REDUCD", "did you mean REDUNDANCY_REDUCED?"],
  ])("refuses --until %j and says what is there", async (until, error) => {
    const refused = await run(["replay", file, "--until", until]);
    expect(refused.code).toBe(2);
    expect(refused.error).toContain(error);
  });

  it("serves the past to every tool, moves, and takes no command", async () => {
    const abort = new AbortController();
    const told: string[] = [];
    const serving = runCli(
      ["--json", "replay", file, "--from", "+10s", "--serve", "0"],
      {
        out: (text) => void told.push(text),
        error: (text) => void told.push(text),
        hasColours: false,
      },
      abort.signal,
    );
    await expect.poll(() => told.join("\n"), { timeout: 10_000 }).toContain('"serving"');
    const { address } = JSON.parse(told.at(-1) ?? "{}") as { address: string };
    const ask = (...argv: string[]) => run(["--address", address, ...argv]);
    expect((await ask("status")).text).toContain("led by n1, epoch 1");
    const moved = await ask("call", "rems.v1.ReplayService/Move", '{"until": "failover"}');
    expect(moved.text).toContain("n2 leads, epoch 2 (hot)");
    expect((await ask("status")).text).toContain("led by n2, epoch 2");
    expect((await ask("why", "port/dg1")).text).toContain("dg1 is on load");
    await ask("call", "rems.v1.ReplayService/Move", '{"seconds": -5}');
    expect((await ask("status")).text).toContain("led by n1, epoch 1");
    const command = await ask("command", "port/dg2", "start");
    expect(command.code).toBe(1);
    expect(command.error).toContain("this is a replay of the past: it takes no commands");
    expect((await ask("command", "port/dg2", "start", "--validate-only")).text).toMatch(
      /accepted|refused/,
    );
    abort.abort();
    expect(await serving).toBe(0);
  });
});
