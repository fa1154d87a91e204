import { z } from "zod";
import { field } from "../field-schema.ts";
import { SUPERVISION } from "../profile.ts";
import { supervisionFields } from "../supervision-schema.ts";

const text = (lengthMax: number) => z.string().min(1).max(lengthMax);
const modelId = (meaning: string) => field(z.int().min(1).max(65534), meaning);
const pointName = (meaning: string) =>
  field(z.string().regex(/^[A-Za-z0-9_.[\]-]{1,64}$/), meaning, {
    form: "a point of the model, for example `W` or `Prt[0].DCW`",
  });
const raw = z.int().min(0).max(65535);

const pointSchema = z.strictObject({
  point: field(text(64), "Point of the kind, for example `activePowerKw`."),
  model: modelId("First model of one of the lists in `models`."),
  name: pointName("Point of that model. Unit and scale factor are the device's own."),
  access: field(
    z.enum(["read", "readWrite"]).default("read"),
    "`readWrite` for levels; they are read back at the same place.",
  ),
  poll: field(
    z.enum(["fast", "slow"]).default("fast"),
    "`fast` is read every scan, `slow` every few seconds.",
  ),
  negate: field(z.boolean().default(false), "The device counts the other way round."),
  true_symbols: field(
    z.array(text(64)).min(1).max(32).optional(),
    "Switches: names of the values (enumeration) or bits (bit field) that mean true.",
  ),
  labels: field(
    z.record(z.string().min(1).max(64), text(32)).optional(),
    "Label points: name of a value to a label.",
    { form: 'a table from the name of a value to a label, for example { OFF = "off" }' },
  ),
  constant: field(
    z.union([z.boolean(), z.number(), text(32)]).optional(),
    "What the point is in this installation, where the device does not tell it. Good for as long as `name` is read.",
    { form: "true, false, a number or a label" },
  ),
  reason: field(text(200).optional(), "Who or what sees to it that the `constant` is true."),
  ...supervisionFields(SUPERVISION.confirmWithinMs),
  with: field(
    z
      .record(
        z.string().min(1).max(64),
        z.union([z.int().min(-2147483648).max(4294967295), text(64)]),
      )
      .default({}),
    "Levels: neighbouring points that each write sets along: enable flag, revert time. A number is raw; a text is the name of a value, or a number in the unit of the point.",
    {
      form: 'a table from a point to its value, for example { WMaxLim_Ena = "ENABLED", WMaxLimPct_RvrtTms = 60 }',
    },
  ),
});

const commandSchema = z.strictObject({
  command: field(text(64), "Command of the kind."),
  model: modelId("First model of one of the lists in `models`."),
  name: pointName("Point of that model to write."),
  value: field(z.union([text(64), raw]), "Name of the value, or the raw value.", {
    form: "the name of a value in quotes, or a whole number, 0 to 65535",
  }),
  followed_by: field(
    z
      .strictObject({
        point: field(text(64), "Point that shows that the command took effect."),
        value: field(z.union([z.boolean(), z.number(), text(32)]), "Its value then.", {
          form: "true, false, a number or a text",
        }),
        within_ms: field(z.int().min(1).max(600_000), "Longest time until it shows.", {
          unit: "ms",
        }),
      })
      .optional(),
    "Feedback that shows that the command took effect.",
  ),
});

/** What a profile of family `sunspec` says beyond the common fields. */
export const sunspecSchema = z.strictObject({
  base_addresses: field(
    z.array(z.int().min(0).max(65000)).max(8).default([]),
    "Where the marker `SunS` is looked for. Left out: 40000, 0, 50000, then each plus 1.",
  ),
  models: field(
    z
      .array(z.array(z.int().min(1).max(65534)).min(1).max(12))
      .min(1)
      .max(16),
    "Models that the device must have; of each list the first one that it has, for example `[[103, 102, 101], [123]]`.",
  ),
  points: field(z.array(pointSchema).min(1).max(200), "Points of the device."),
  commands: field(z.array(commandSchema).max(32).default([]), "Commands that the device takes."),
});

export type SunspecFile = z.output<typeof sunspecSchema>;
