import { spawn } from "node:child_process";
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, it } from "vitest";

/** The page is a promise to an engineer: its commands are executed as they stand there. */
const root = fileURLToPath(new URL("../../", import.meta.url));
const page = readFileSync(join(root, "docs/05-networking/csv-to-profile.md"), "utf8");
const blocks = [...page.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map((match) => match[1] ?? "");
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "r-ems-csv-"));
  copyFileSync(
    join(root, "docs/05-networking/example-genset.csv"),
    join(folder, "example-genset.csv"),
  );
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Runs the blocks one after the other in one shell, and ends what they left in the background. */
async function run(script: string): Promise<{ code: number | null; output: string }> {
  const wrapped = `set -e\ntrap 'kill $(jobs -p) 2>/dev/null || true' EXIT\n${script}`;
  const shell = spawn("bash", ["-c", wrapped], {
    cwd: folder,
    env: { ...process.env, PATH: `${join(root, "bin")}${delimiter}${process.env["PATH"] ?? ""}` },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  shell.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
  shell.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()));
  const code = await new Promise<number | null>((resolve) => shell.once("exit", resolve));
  return { code, output };
}

it("the list has forty registers", () => {
  const lines = readFileSync(join(folder, "example-genset.csv"), "utf8").trim().split("\n");
  expect(lines).toHaveLength(41);
});

it("its commands lead from the list to a device that is read, with no edit outside one file", async () => {
  expect(blocks).toHaveLength(4);
  const { code, output } = await run(blocks.join("\n"));
  expect(output).toContain("18 points, 4 commands");
  expect(output).toMatch(/activePowerKw\s.*\b420\b/);
  expect(output).toMatch(/isRunning\s.*\btrue\b/);
  expect(code, output).toBe(0);
  expect(readdirSync(folder).sort()).toEqual(["acme-genset.toml", "example-genset.csv"]);
});

it("without the facts of step 2 the profile is refused, and says what it lacks", async () => {
  const { code, output } = await run(`${blocks[0]}\nr-emsctl simulate acme-genset.toml --for 1`);
  expect(code).toBe(2);
  expect(output).toContain("acme-genset.toml:1: sign_statement: found nothing");
});
