import { availableParallelism, loadavg } from "node:os";
import { present } from "../../kernel/assert.ts";
import { failoverMessage } from "../../sim/simulator/protocol.ts";
import { z } from "zod";
import { inProject, Program } from "./program.ts";

/** One failover as the launcher's `--json` gives it: measured at the devices. */
const failoverLine = failoverMessage.omit({ type: true, id: true });
export type FailoverLine = z.infer<typeof failoverLine>;

const summaryLine = z.object({
  summary: z.object({
    isSimulation: z.literal(true),
    exitCode: z.number(),
    coordinator: z.enum(["etcd", "embedded"]),
    failoverCount: z.number(),
    overlapCount: z.number(),
    lateWriteCount: z.number(),
    refusedCount: z.number(),
    writeCount: z.number(),
    breakersMovedCount: z.number(),
    startsStopsCount: z.number(),
    outOfPhaseCount: z.number(),
    isAllLed: z.boolean(),
    hostPauseMsMax: z.number(),
    failures: z.array(z.string()),
  }),
});

export interface LauncherRun {
  readonly code: number | null;
  readonly failovers: readonly FailoverLine[];
  readonly summary: z.infer<typeof summaryLine>["summary"];
  /** What the run did, in its own words. */
  readonly notes: readonly string[];
  /** Others used this machine meanwhile, so that times say little. */
  readonly isMachineBusy: boolean;
}

/** The program behind `npm start`, with `--json`. */
export class LauncherProgram extends Program {
  constructor(args: readonly string[]) {
    const main = inProject("dist/apps/launcher/main.js");
    super(`launcher ${args.join(" ")}`, process.execPath, [main, "--json", ...args]);
  }

  /** Events of a type so far. */
  events(type: string): readonly Readonly<Record<string, unknown>>[] {
    return this.out
      .map((line) => JSON.parse(line) as Record<string, unknown>)
      .filter((line) => line["type"] === type);
  }

  /** Reads a finished run. Its end is: one object per failover, then the summary as the last line. */
  async result(withinMs: number): Promise<LauncherRun> {
    const { code } = await this.untilExit(withinMs);
    const last = present(this.out.at(-1), "a run prints something");
    const { summary } = summaryLine.parse(JSON.parse(last));
    const untyped = this.out
      .slice(0, -1)
      .map((line) => JSON.parse(line) as Record<string, unknown>)
      .filter((line) => !("type" in line));
    const notes = [...this.events("note"), ...this.events("action")];
    return {
      code,
      // A run that was repeated prints the failovers of its last attempt only.
      failovers: untyped.map((line) => failoverLine.parse(line)),
      summary,
      notes: notes.map(({ text }) => String(text)),
      isMachineBusy: summary.hostPauseMsMax > 40 || (loadavg()[0] ?? 0) > availableParallelism(),
    };
  }
}
