import { afterAll, beforeAll, expect, it } from "vitest";
import { startApi, type ApiHandle } from "../../api/api.ts";
import { changeRole } from "../../api/test-role.ts";
import type { ApiCommand } from "../../api/api-messages.ts";
import { loadManifest } from "../../configs/load-manifest.ts";
import { runCli } from "./cli.ts";
import { durationText } from "./status-text.ts";
import { helpFor, linesFor, table, tableFor } from "./terminal.ts";

const vessel = new URL("../../configs/vessel.toml", import.meta.url).pathname;
const self = { node: "n1", incarnation: "a".repeat(32) };
const other = { node: "n3", incarnation: "b".repeat(32) };
const taken: ApiCommand[] = [];
let leader: ApiHandle;
let standby: ApiHandle;
let serving: NodeJS.Timeout;

beforeAll(async () => {
  const manifest = loadManifest(vessel);
  const options = {
    version: "0.1.0",
    httpPort: 0,
    onSnapshotNeeded: () => {},
    onHealthChanged: () => {},
  };
  leader = await startApi({ ...options, manifest, node: "n1", operatorPort: 0 });
  // The standby's manifest names the port that the leader really has.
  const nodes = manifest.nodes.map((node) =>
    node.id === "n1" ? { ...node, operatorPort: leader.operatorPort } : node,
  );
  standby = await startApi({
    ...options,
    manifest: { ...manifest, nodes },
    node: "n3",
    operatorPort: 0,
  });
  const known = { epoch: 4, leader: self, inSync: [self, other] };
  leader.onStatus("port", { ...known, role: "leading", hasAuthority: true });
  standby.onStatus("port", { ...known, role: "standby", hasAuthority: false });
  serving = setInterval(() => {
    for (const node of [leader, standby]) {
      for (const command of node.takeCommands(16)) {
        taken.push(command);
        const requestId =
          command.type === "request" ? command.request.requestId : command.requestId;
        node.reply({ requestId, isAccepted: command.type === "transfer", reason: "because" });
      }
    }
  }, 5);
});
afterAll(async () => {
  clearInterval(serving);
  await Promise.all([leader.close(), standby.close()]);
});

async function run(
  ...argv: string[]
): Promise<{ readonly code: number; readonly out: string; readonly error: string }> {
  const out: string[] = [];
  const error: string[] = [];
  const terminal = {
    out: (text: string) => void out.push(text),
    error: (text: string) => void error.push(text),
    hasColours: false,
  };
  const code = await runCli(argv, terminal, new AbortController().signal);
  return { code, out: out.join("\n"), error: error.join("\n") };
}
const at = (handle: ApiHandle): string => `--address=127.0.0.1:${handle.operatorPort}`;

it("status says who leads, for people and for scripts", async () => {
  const text = await run(at(leader), "status");
  expect(text.code).toBe(0);
  expect(text.out).toMatch(/SIMULATION.*node n1/);
  expect(text.out).toMatch(/GRID port .*led by n1, epoch 4, commanding from here/);
  // Only the leader knows why: a standby asks it.
  const absent = /not in sync: n2: its node is not heard/;
  expect(text.out).toMatch(absent);
  expect((await run(at(standby), "status")).out).toMatch(absent);
  const json = await run(at(leader), "--json", "status");
  const status = JSON.parse(json.out) as { grids: { grid: string; epoch: number }[] };
  expect(status.grids.find(({ grid }) => grid === "port")?.epoch).toBe(4);
});

it("grids and devices are one line each", async () => {
  const grids = await run(at(leader), "grids");
  expect(grids.out).toMatch(/^GRID +MODE +LEADER/);
  expect(grids.out).toMatch(/^port +\S+ +n1 +4 /m);
  const devices = await run(at(leader), "--json", "devices", "port");
  const ids = devices.out
    .split("\n")
    .map((line) => (JSON.parse(line) as { device: string }).device);
  expect(ids).toContain("dg1");
  expect(ids).not.toContain("dg3");
  expect(await run(at(leader), "devices", "bow")).toMatchObject({
    code: 1,
    error: expect.stringContaining("port, starboard") as unknown,
  });
});

it("force names the node that was isolated, and why", async () => {
  const argv = ["force", "port", "--i-have-isolated", "n2", "--reason", "pulled"];
  const { out } = await run(at(standby), ...argv);
  expect(out).toBe("refused: port forced: because");
  expect(taken.at(-1)).toMatchObject({
    type: "force",
    grid: "port",
    reason: expect.stringMatching(/has isolated n2: pulled$/) as unknown,
  });
  const wrong = await run(at(standby), "force", "port", "--i-have-isolated", "n9", "--reason", "x");
  expect(wrong).toMatchObject({ code: 2, error: expect.stringContaining("n1, n2") as unknown });
  expect((await run(at(standby), "force", "port")).code).toBe(2);
});

it("actors lists what lives in the node", async () => {
  const { out, code } = await run(at(leader), "actors", "port");
  expect(await run(at(leader), "actors", "bow")).toMatchObject({
    code: 1,
    error: expect.stringContaining('no actor\'s address begins with "bow"') as unknown,
  });
  expect(code).toBe(0);
  expect(out).toMatch(/^ADDRESS +STATE +REASON\n/);
  expect(out).toContain("grids/port/devices/dg1");
  expect(out).not.toContain("starboard");
});

it("why explains; an unknown actor is refused with what is near", async () => {
  expect((await run(at(leader), "why", "port/dg1")).out).toMatch(/^grids\/port\/devices\/dg1: /);
  const { code, error } = await run(at(leader), "why", "port/dg7");
  expect(code).toBe(1);
  expect(error).toMatch(/near it are .*port\/dg1/);
});

it("a transfer asked of a standby finds its way to the leader", async () => {
  const { code, out } = await run(at(standby), "transfer", "port", "--to", "n3");
  expect(out).toBe("accepted: port to n3: because");
  expect(code).toBe(0);
  expect(taken.at(-1)).toMatchObject({ type: "transfer", grid: "port", toNode: "n3" });
});

it("a refused command ends with 1 and its reason", async () => {
  const argv = ["command", "port/dg2", "start", "--arg", "powerKw=100", "--arg", "isFast=true"];
  const { code, out } = await run(at(leader), ...argv);
  expect(code).toBe(1);
  expect(out).toBe("refused: port/dg2 start: because");
  const powerAndFlag = { powerKw: 100, isFast: true };
  expect(taken.at(-1)).toMatchObject({ request: { command: "start", arguments: powerAndFlag } });
});

it("command without a command lists what an actor takes, as it is typed", async () => {
  const { code, out } = await run(at(leader), "command", "port/bat1");
  expect(code).toBe(0);
  expect(out).toMatch(/^syncAndClose +synchronise/m);
  expect(out).toMatch(/^mode --arg mode=MODE +.*; MODE: reserve, peak_shaving,/m);
  const nothing = await run(at(leader), "command", "port/nothing");
  expect([nothing.code, nothing.error]).toEqual([2, expect.stringContaining("port/dg1")]);
});

it("a transfer to a node that is not in sync is refused before anybody acts", async () => {
  const count = taken.length;
  const { code, error } = await run(at(leader), "--json", "transfer", "port", "--to", "n2");
  expect(code).toBe(1);
  expect(JSON.parse(error)).toMatchObject({ error: "REMS_REQUEST_REFUSED" });
  expect(taken.length).toBe(count);
});

it("call reaches any method by its name, with 64-bit numbers exact", async () => {
  const { code, out } = await run(at(leader), "call", "rems.v1.InspectionService/GetStatus");
  expect(code).toBe(0);
  expect(JSON.parse(out)).toMatchObject({
    node: "n1",
    grids: [{ grid: "port", epoch: expect.stringMatching(/^\d+$/) as unknown }, {}],
  });
  const unknown = await run(at(leader), "call", "rems.v1.InspectionService/Sail");
  expect(unknown).toMatchObject({ code: 2 });
  expect(unknown.error).toMatch(/there is no method/);
});

it("watch shows what changes until its time is over", async () => {
  const watching = run(at(leader), "watch", "nodes", "--for", "1");
  const roles = setInterval(
    () =>
      changeRole(leader, {
        grid: "port",
        from: "taking-over",
        to: "leading",
        reason: "the test says so",
        atMs: 5,
      }),
    50,
  );
  const { code, out } = await watching;
  clearInterval(roles);
  expect(code).toBe(0);
  expect(out).toMatch(/up to date/);
  expect(out).toMatch(/nodes\/n1\/controllers\/port taking-over → leading .*the test says so/);
});

it.each([
  ["an unknown command", ["sail"], /unknown command 'sail'/],
  ["an address without a port", ["--address", "here", "status"], /host:port/],
  ["an argument without a value", ["command", "port/dg2", "start", "--arg", "x"], /name=value/],
  ["a node that the manifest lacks", ["--config", vessel, "--node", "n9", "status"], /n1, n2, n3/],
  [
    "a manifest that is not there",
    ["--config", "none.toml", "--node", "n1", "status"],
    /none\.toml/,
  ],
])("%s ends with 2 and says what is allowed", async (_name, argv, pattern) => {
  const { code, error } = await run(...argv);
  expect(error).toMatch(pattern);
  expect(code).toBe(2);
});

it("nobody there ends with 3 and names the address", async () => {
  const { code, error } = await run("--address", "127.0.0.1:9", "--timeout", "2", "status");
  expect(code).toBe(3);
  expect(error).toContain("no answer from 127.0.0.1:9 (nothing listens there)");
});

it("help has examples and exit codes", async () => {
  expect((await run("--help")).out).toMatch(/Exit codes: 0 done; 1 refused/);
  expect((await run("transfer", "--help")).out).toContain("Example: r-emsctl transfer port");
});

it("columns are as wide as their widest cell, colours not counted", () => {
  expect(
    table([
      ["a", "b"],
      ["\u001b[31mlong\u001b[0m", "c"],
    ]),
  ).toBe("a     b\n\u001b[31mlong\u001b[0m  c");
  expect(durationText(3_723_000)).toBe("1:02:03");
});

it("long lines go on further in, between words", () => {
  const terminal = { out: () => {}, error: () => {}, hasColours: false };
  const text = "  why: load 35 % < 85 % of 1000 kW";
  expect(linesFor({ ...terminal, columns: () => 24 }, text).split("\n")).toEqual([
    "  why: load 35 % < 85 %",
    "      of 1000 kW",
  ]);
  expect(linesFor(terminal, text)).toBe(text);
});

it("a narrow terminal gets a narrow table, a script the whole one", () => {
  const rows = [
    ["ADDRESS", "REASON"],
    ["grids/port/devices/dg1", "load 35 % < 85 % of 1000 kW"],
  ];
  const terminal = { out: () => {}, error: () => {}, hasColours: false };
  const narrow = (columns: number, of = rows) =>
    tableFor({ ...terminal, columns: () => columns }, of).split("\n");
  const short = [["grids/port/devices/dg1", "is being asked"]];
  expect(narrow(30, short)).toEqual(["grids/port/de…  is being asked"]);
  const [, reason] = rows[1] ?? [];
  rows.push(["grids/port/devices/dg2", `${reason ?? ""}; after loss of dg1 500 kW remain`]);
  expect(narrow(70).slice(2)).toEqual([
    "grids/port/devices/dg2  load 35 % < 85 % of 1000 kW; after loss of dg1",
    "                        500 kW remain",
  ]);
  expect(narrow(40).slice(4)).toEqual([
    "grids/port/devices/dg2",
    "    load 35 % < 85 % of 1000 kW; after",
    "    loss of dg1 500 kW remain",
  ]);
  expect(tableFor(terminal, rows)).toBe(table(rows));
  expect(tableFor({ ...terminal, columns: () => 200 }, rows)).toBe(table(rows));
});

it("help flows anew on a narrow terminal, and what was laid out stays", () => {
  const text = "Looks at one\nthing and another.\n\nExamples:\n  r-emsctl status\n  r-emsctl grids";
  const narrow = { out: () => {}, error: () => {}, hasColours: false, columns: () => 24 };
  expect(helpFor(narrow, text)).toBe(
    "Looks at one thing and\nanother.\n\nExamples:\n  r-emsctl status\n  r-emsctl grids",
  );
});
