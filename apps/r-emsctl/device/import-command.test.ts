import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { runTool } from "../testing/test-device.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "r-ems-import-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const list = (text: string): string => {
  const file = join(folder, "Acme Meter v2.csv");
  writeFileSync(file, text);
  return file;
};
const METER = "address,name,type,scale,unit\n2,Voltage,uint16,0.1,V\n3,Frequency,uint16,0.01,Hz\n";
const run = (...argv: string[]) => runTool(["device", "import", ...argv]);

it("device import writes a profile named for its list, and says what it still needs", async () => {
  const out = join(folder, "meter.toml");
  const file = list(METER);
  const result = await run(file, "--kind", "meter", "--out", out);
  expect(result.code).toBe(0);
  expect(result.out).toContain("meter.toml: 2 points, 0 commands");
  expect(result.out).toContain("acme-meter-v2.toml:1: source: found nothing");
  expect(readFileSync(out, "utf8")).toContain('id = "acme-meter-v2"');
});

it("device import keeps a file that is there, unless it is told otherwise", async () => {
  const out = join(folder, "meter.toml");
  writeFileSync(out, "edited by hand");
  const argv = [list(METER), "--kind", "meter", "--out", out];
  const kept = await run(...argv);
  expect([kept.code, kept.error]).toEqual([2, expect.stringContaining("is there already")]);
  expect(readFileSync(out, "utf8")).toBe("edited by hand");
  expect((await run(...argv, "--force")).code).toBe(0);
  expect(readFileSync(out, "utf8")).toContain("voltageV");
});

it("device import writes nothing while the list is wrong, and lists all of it", async () => {
  const out = join(folder, "meter.toml");
  const file = list("address,name,type\n70000,Voltage,uint16\n3,Frequency,uint17\n");
  const { code, error } = await run(file, "--kind", "meter", "--out", out);
  expect(code).toBe(1);
  expect(error).toContain("2 problems in");
  expect(error).toContain("v2.csv:2:1: address: found");
  expect(error).toContain("v2.csv:3:13: type: found");
  expect(existsSync(out)).toBe(false);
});

it("device import tells a script the same", async () => {
  const out = join(folder, "meter.toml");
  const argv = ["--json", "device", "import", list(METER), "--kind", "meter", "--out", out];
  const report = JSON.parse((await runTool(argv)).out) as Record<string, unknown[]>;
  expect(report).toMatchObject({ written: out, problems: [] });
  expect(report["open"]).toHaveLength(4);
});

it("device import names a file that it cannot write", async () => {
  const argv = [list(METER), "--kind", "meter", "--out", "/dev/null/meter.toml"];
  const { code, error } = await run(...argv);
  expect([code, error]).toEqual([
    2,
    expect.stringContaining("/dev/null/meter.toml cannot be written (ENOTDIR)"),
  ]);
});

it.each([
  [["none.csv", "--kind", "meter"], "cannot be read"],
  [["x.csv", "--kind", "metr"], "meter"],
  [["x.csv"], "--kind"],
  [["x.csv", "--kind", "meter", "--id", "No Id"], "is no id of a profile"],
])("device import %j is refused with code 2", async (argv, text) => {
  const { code, error } = await run(...argv);
  expect([code, error]).toEqual([2, expect.stringContaining(text)]);
});
