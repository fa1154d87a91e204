import { parse, TomlError } from "smol-toml";
import { z } from "zod";
import { RemsError } from "../../kernel/errors.ts";
import { termSchema } from "./generators.ts";
import { TIME_FORMATS } from "./playback-times.ts";

const pointName = z
  .string()
  .regex(/^[\w-]+\.\w+$/, "allowed is DEVICE.POINT, such as f1.activePowerKw");
const name = z.string().min(1).max(200);

/** Which columns of a file drive which points, and what is generated beside them. */
export const playbackMapSchema = z.strictObject({
  /** For people. */
  title: z.string().max(200).default(""),
  time: z
    .strictObject({
      /** Heading, or number of the column counted from 1. */
      column: z.union([name, z.int().min(1)]).default(1),
      format: z.enum(TIME_FORMATS).default("auto"),
      /** Of times that name none. */
      zone: z.string().max(10).default("UTC"),
      /** Hour of the day at which generated daily courses begin. */
      start_h: z.number().min(0).max(24).default(0),
    })
    .prefault({}),
  columns: z
    .array(
      z.strictObject({
        column: z.union([name, z.int().min(1)]),
        point: pointName,
        /** Of the file's numbers; the point's own where absent. */
        unit: z.string().max(20).optional(),
        scale: z.number().default(1),
        offset: z.number().default(0),
        /** Between two rows: held, or joined by straight lines. */
        between: z.enum(["hold", "line"]).default("hold"),
        /** Longest time that a value holds; behind it is a gap. */
        gap_s: z.number().positive().default(Infinity),
        /** In a gap: the last value, 0, or nothing (the device goes on by itself). */
        in_gap: z.enum(["hold", "zero", "release"]).default("hold"),
      }),
    )
    .max(1000)
    .default([]),
  signals: z
    .array(
      z.strictObject({
        point: pointName,
        min: z.number().default(-Infinity),
        max: z.number().default(Infinity),
        terms: z.array(termSchema).min(1).max(50),
      }),
    )
    .max(1000)
    .default([]),
});
export type PlaybackMap = z.output<typeof playbackMapSchema>;

const MAP_LENGTH_MAX = 1_000_000;

/** @throws {@link RemsError} `REMS_CONFIG_INVALID` with everything that is wrong. */
export function parsePlaybackMap(text: string, file: string): PlaybackMap {
  if (text.length > MAP_LENGTH_MAX)
    throw invalid(file, `it is longer than ${MAP_LENGTH_MAX} characters`);
  let raw: unknown;
  try {
    raw = parse(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    throw invalid(file, `line ${error.line} is not TOML`);
  }
  const checked = playbackMapSchema.safeParse(raw);
  if (checked.success) return checked.data;
  const problems = checked.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`);
  throw invalid(file, problems.slice(0, 20).join("; "));
}

function invalid(file: string, text: string): RemsError {
  return new RemsError("REMS_CONFIG_INVALID", `${file}: ${text}`);
}
