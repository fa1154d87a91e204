import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { afterEach, beforeEach, expect, it } from "vitest";
import { loadManifest } from "../../../configs/load-manifest.ts";
import { runCli } from "../cli.ts";
import { runTool } from "../testing/test-device.ts";

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "r-ems-wizard-"));
});
afterEach(() => rmSync(root, { recursive: true }));

const ANSWERS = `
mode = "simulation"
this_node = "n2"
[installation]
name = "MV Anna"
[[nodes]]
id = "n1"
[[nodes]]
id = "n2"
[[grids]]
id = "port"
name = "Port switchboard"
[[grids.devices]]
id = "f1"
kind = "feeder"
profile = "sim-plain-feeder"
host = "127.0.0.1"
port = 5020
ratings = { load_kw = 100 }
`;

function answersFile(text: string): string {
  const path = join(root, "answers.toml");
  writeFileSync(path, text);
  return path;
}

it("answers from a file make a manifest; what they lack is proposed", async () => {
  const run = await runTool(["setup", "wizard", "--root", root, "--answers", answersFile(ANSWERS)]);
  expect(run).toMatchObject({ code: 0, error: "" });
  const manifest = loadManifest(join(root, "r-ems.toml"));
  expect(manifest.installation).toEqual({ id: "mv-anna", name: "MV Anna", kind: "vessel" });
  expect(manifest.nodes.map(({ peerPort }) => peerPort)).toEqual([7400, 7410]);
  expect(manifest.coordinator).toEqual({ kind: "embedded", endpoints: ["127.0.0.1:7379"] });
  expect(manifest.grids[0]?.controllers.map(({ node }) => node)).toEqual(["n1", "n2"]);
  expect(readFileSync(join(root, "node.env"), "utf8")).toBe("NODE=n2\n");
  const log = readFileSync(join(root, "setup.log"), "utf8").trim().split("\n");
  expect(JSON.parse(log.at(-1) ?? "")).toMatchObject({
    event: "setup.save",
    outcome: "success",
    client: "r-emsctl",
  });
});

it("wrong answers are all told, by step, with exit code 2, and nothing is written", async () => {
  const file = answersFile(
    ANSWERS.replace("sim-plain-feeder", "sim-plain-feder").replace('"n2"', '"n7"'),
  );
  const run = await runTool(["--json", "setup", "wizard", "--root", root, "--answers", file]);
  expect(run.code).toBe(2);
  const steps = run.out
    .split("\n")
    .map((line) => JSON.parse(line) as { step: string; outcome: string });
  expect(steps.filter(({ outcome }) => outcome === "fault").map(({ step }) => step)).toEqual([
    "nodes",
    "devices",
  ]);
  expect(() => loadManifest(join(root, "r-ems.toml"))).toThrow(/no readable manifest/);
});

it("a dry run prints the manifest and leaves no file", async () => {
  const file = answersFile(ANSWERS);
  const run = await runTool([
    "setup",
    "wizard",
    "--root",
    join(root, "none"),
    "--answers",
    file,
    "--dry-run",
  ]);
  expect(run.code).toBe(0);
  expect(run.out).toMatch(/^# Manifest of R-EMS[\s\S]*id = "mv-anna"/);
  expect(() => readFileSync(join(root, "none", "setup.log"))).toThrow(/ENOENT/);
});

it("without a terminal and without a file it says what to do", async () => {
  const run = await runTool(["setup", "wizard", "--root", root]);
  expect(run).toMatchObject({
    code: 2,
    error: expect.stringContaining("--answers FILE") as unknown,
  });
});

it("setup new copies an example, and never over a file", async () => {
  const file = join(root, "mine.toml");
  expect((await runTool(["setup", "new", file, "--example", "vessel"])).code).toBe(0);
  expect(loadManifest(file).installation.id).toBe("vessel");
  expect(await runTool(["setup", "new", file])).toMatchObject({
    code: 1,
    error: expect.stringContaining("is there already") as unknown,
  });
  expect(
    (await runTool(["setup", "new", join(root, "x.toml"), "--example", "vesel"])).error,
  ).toContain('did you mean "vessel"');
});

/** A person at a terminal: waits for each question and types the answer. */
async function converse(
  script: readonly (readonly [question: RegExp, keys: string])[],
): Promise<{ code: number; seen: string }> {
  const input = Object.assign(new PassThrough(), { isTTY: true, setRawMode: () => {} });
  const output = Object.assign(new PassThrough(), { isTTY: true, columns: 80, rows: 40 });
  let seen = "";
  let at = 0;
  let unread = "";
  output.on("data", (chunk: Buffer) => {
    seen += chunk.toString();
    unread += chunk.toString();
    const [question, keys] = script[at] ?? [];
    if (question === undefined || keys === undefined || !question.test(unread)) return;
    at++;
    unread = "";
    setImmediate(() => input.write(keys));
  });
  const terminal = { out: () => {}, error: () => {}, hasColours: false, input, output };
  const code = await runCli(
    ["setup", "wizard", "--root", root],
    terminal,
    new AbortController().signal,
  );
  expect(script[at]?.[0], `the last that was seen: ${unread.slice(-500)}`).toBeUndefined();
  return { code, seen };
}

const ENTER = "\r";
const DOWN = "\u001b[B";
const CTRL_C = "\u0003";

it("a person answers, leaves half way, comes back, and saves", async () => {
  const left = await converse([
    [/called\?/, `Site A${ENTER}`],
    [/Short name/, ENTER],
    [/What is it\?/, `${DOWN}${ENTER}`],
    [/Simulation or a real plant/, ENTER],
    [/How many computers/, CTRL_C],
  ]);
  expect(left.code).toBe(1);
  expect(left.seen).toContain("what was answered is kept");
  const { code, seen } = await converse([
    [/left half way/, ENTER],
    [/How many computers/, ENTER],
    [/Node 1: id/, ENTER],
    [/Node n1: address/, ENTER],
    [/How many grids/, ENTER],
    [/Grid 1: name/, ENTER],
    [/Site: id/, ENTER],
    [/line voltage/, ENTER],
    [/nominal frequency/, ENTER],
    [/it needs at least one device/, ENTER],
    [/What is it\?/, `${DOWN.repeat(4)}${ENTER}`],
    [/Which profile/, ENTER],
    [/Name for people/, `Pumps${ENTER}`],
    [/Its id/, ENTER],
    [/Address of the device/, ENTER],
    [/TCP port/, ENTER],
    [/Modbus unit/, ENTER],
    [/Expected draw/, `80${ENTER}`],
    [/Read it once now/, ENTER],
    [/1 devices/, ENTER],
    [/how fast may a standby/, ENTER],
    [/What now/, ENTER],
  ]);
  expect(seen).toContain("is written");
  expect(code).toBe(0);
  const manifest = loadManifest(join(root, "r-ems.toml"));
  expect(manifest.installation).toEqual({ id: "site-a", name: "Site A", kind: "land" });
  expect(manifest.grids[0]?.devices[0]).toMatchObject({
    id: "pumps",
    kind: "feeder",
    ratings: { loadKw: 80 },
  });
});
