import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { availableParallelism, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { inProject, Program } from "./program.ts";

const isFull = process.env["R_EMS_TEST_FULL"] === "1";
const outDirectory = mkdtempSync(join(tmpdir(), "r-ems-chaos-report-"));
const programs: Program[] = [];
afterAll(async () => {
  for (const program of programs) if (program.isAlive) await program.end("SIGTERM", 20_000);
  rmSync(outDirectory, { recursive: true, force: true });
});

const check = z.object({ text: z.string(), found: z.string(), isMet: z.boolean() });
const reportFile = z.object({
  log: z.object({ faults: z.array(z.object({ kind: z.string() })) }),
  verdict: z.object({ issuedFrameCount: z.number() }),
  outcome: z.object({ hostPauseMsMax: z.number() }),
  checks: z.array(check),
});
const HOST_PAUSE_MS_MAX = 40;

/** `npm run chaos` without what npm adds. */
async function chaos(args: readonly string[], withinMs: number) {
  const main = inProject("test/chaos/main.ts");
  const program = new Program("chaos", process.execPath, [
    "--import",
    "tsx",
    main,
    "--timing-set",
    "stretched",
    "--out",
    outDirectory,
    ...args,
  ]);
  programs.push(program);
  const { code } = await program.untilExit(withinMs);
  const path = join(outDirectory, "chaos.json");
  const report = reportFile.parse(JSON.parse(readFileSync(path, "utf8")));
  const failed = report.checks.filter(({ isMet }) => !isMet);
  return { code, report, failed, said: `${program.err.join("\n")}\n${program.out.join("\n")}` };
}

/**
 * What the referee judges must hold in every run. That everything comes back within a minute may be tried once more where others took the
 * processors: a defect shows on the second try, too.
 */
async function expectWell(args: readonly string[], withinMs: number, faultCountMin: number) {
  for (let attempt = 1; ; attempt++) {
    const { code, report, failed, said } = await chaos(args, withinMs);
    const isReturn = ({ text }: z.infer<typeof check>) => text.startsWith("all led, in sync");
    expect(failed.filter((one) => !isReturn(one))).toEqual([]);
    const isBusy =
      report.outcome.hostPauseMsMax > HOST_PAUSE_MS_MAX ||
      (loadavg()[0] ?? 0) > availableParallelism();
    const isWell = code === 0 && report.log.faults.length >= faultCountMin;
    if (!isWell && isBusy && attempt === 1) continue;
    expect(code, said).toBe(0);
    expect(report.log.faults.length, said).toBeGreaterThanOrEqual(faultCountMin);
    return report;
  }
}

describe("chaos", () => {
  it("leaves one commander, forgets nothing and comes back after kills, power cuts, freezes and cuts", async () => {
    const only = "kill,power-cut,freeze,kill-with-etcd,cut-node";
    const report = await expectWell(["--for", "20s", "--only", only], 170_000, 1);
    expect(report.verdict.issuedFrameCount).toBeGreaterThan(100);
    expect(readFileSync(join(outDirectory, "chaos.svg"), "utf8")).toContain("</svg>");
  }, 350_000);

  if (isFull) {
    it("and after everything that it knows, for ten minutes", async () => {
      await expectWell(["--for", "10m", "--seed", "7"], 800_000, 16);
    }, 1_700_000);

    it("and where links are cut by relays", async () => {
      await expectWell(["--for", "3m", "--seed", "3", "--no-namespaces"], 400_000, 5);
    }, 850_000);
  }
});
