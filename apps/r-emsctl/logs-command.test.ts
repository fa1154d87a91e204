import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { eventually } from "../../test/support/eventually.ts";
import { runCli } from "./cli.ts";
import { runTool } from "./testing/test-device.ts";

let folder: string;
const line = (
  second: number,
  level: number,
  node: string,
  module: string,
  msg: string,
  more = {},
): string =>
  `${JSON.stringify({ level, time: `2026-01-02T03:04:0${second}.000Z`, node, module, ...more, msg })}\n`;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "r-ems-logs-"));
  writeFileSync(
    join(folder, "r-emsd-n1.2026-01-02.log"),
    line(1, 30, "n1", "main", "ready") +
      line(3, 40, "n1", "cluster", "a peer is silent", { peer: "n2" }) +
      "half a li",
  );
  writeFileSync(
    join(folder, "r-emsd-n2.2026-01-02.log"),
    line(2, 20, "n2", "drivers", "polling") + line(4, 50, "n2", "main", "disk"),
  );
});
afterEach(() => rmSync(folder, { recursive: true }));

it("shows the lines of all nodes by time, from a level on, of a module, with a text", async () => {
  const all = await runTool(["logs", "--directory", folder]);
  expect(all.out.split("\n")).toEqual([
    "2026-01-02 03:04:01.000 INFO  n1 main: ready",
    "2026-01-02 03:04:03.000 WARN  n1 cluster: a peer is silent peer=n2",
    "2026-01-02 03:04:04.000 ERROR n2 main: disk",
  ]);
  const chosen = async (...options: string[]) =>
    (await runTool(["logs", "--directory", folder, ...options])).out.split("\n").length;
  expect(await chosen("--level", "debug")).toBe(4);
  expect(await chosen("--level", "error")).toBe(1);
  expect(await chosen("--module", "cluster")).toBe(1);
  expect(await chosen("-n", "2")).toBe(2);
  const json = await runTool(["--json", "logs", "n2", "--directory", folder, "--grep", "disk"]);
  expect(JSON.parse(json.out)).toMatchObject({ node: "n2", level: 50 });
});

it("says what is not there", async () => {
  expect(await runTool(["logs", "n7", "--directory", folder])).toMatchObject({
    code: 2,
    error: expect.stringContaining("it has n1, n2") as unknown,
  });
  expect((await runTool(["logs", "--directory", join(folder, "none")])).code).toBe(2);
  expect((await runTool(["logs", "--directory", folder, "--grep", "sails"])).code).toBe(1);
});

it("follows what is written, until it is ended", async () => {
  const end = new AbortController();
  const out: string[] = [];
  const terminal = {
    out: (text: string) => void out.push(text),
    error: () => {},
    hasColours: false,
  };
  const following = runCli(
    ["logs", "--directory", folder, "-n", "1", "--follow"],
    terminal,
    end.signal,
  );
  await eventually("the last line", () => out.length === 1);
  appendFileSync(join(folder, "r-emsd-n2.2026-01-02.log"), line(5, 30, "n2", "main", "goes on"));
  await eventually("the new line", () => out.at(-1)?.includes("goes on") === true);
  end.abort();
  expect(await following).toBe(0);
});
