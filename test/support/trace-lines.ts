import { existsSync, readFileSync } from "node:fs";
import { z } from "zod";

/** Lines of `r-emsd --trace`. */
const traceLine = z.object({
  node: z.string(),
  grid: z.string(),
  atMs: z.number(),
  step: z.enum(["takeoverSent", "takeoverAnswered", "led", "firstFrame", "released"]),
  heardAtMs: z.number().nullish(),
  promiseUntilMs: z.number().nullish(),
  epoch: z.number().optional(),
  origin: z.string().optional(),
  sequence: z.number().optional(),
  hash: z.string().optional(),
  outcome: z.string().optional(),
});
export type TraceLine = z.infer<typeof traceLine>;

/** Steps of failovers of one node, in the order of time; a torn last line is left out. */
export function readTrace(path: string): TraceLine[] {
  if (!existsSync(path)) return [];
  const lines: TraceLine[] = [];
  for (const text of readFileSync(path, "utf8").split("\n")) {
    if (text === "" || !text.endsWith("}") || text.includes('"step":"scanned"')) continue;
    lines.push(traceLine.parse(JSON.parse(text)));
  }
  return lines;
}
