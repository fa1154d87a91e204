import { z } from "zod";
import { field } from "../field-schema.ts";
import { supervisionFields } from "../supervision-schema.ts";

const text = (lengthMax: number) => z.string().min(1).max(lengthMax);
const topic = (meaning: string) =>
  field(text(256), `${meaning} \`{device}\` stands for the device's id in the manifest.`);
const path = field(
  z.string().max(128).default(""),
  "Where the value stands in a JSON payload, for example `power.active` or `cells.0`. Empty: the payload is the value.",
);
const scale = field(z.number().default(1), "value = raw × scale + offset.");
const offset = field(z.number().default(0), "value = raw × scale + offset.", {
  unit: "of the point",
});

const pointSchema = z.strictObject({
  point: field(text(64), "Point of the kind, for example `activePowerKw`."),
  topic: topic("Topic on which the device tells it, best retained."),
  path,
  scale,
  offset,
  labels: field(
    z.record(text(64), text(32)).optional(),
    "What the device says to label, where the point is a label.",
    { form: 'a table from text to label, for example { FOLLOW = "following" }' },
  ),
  true_values: field(
    z.array(text(32)).min(1).max(16).optional(),
    "Switches: what the device says for true; anything else is false.",
    { defaultText: "true, 1, ON" },
  ),
});

/** A broker and two networks lie between the set-point and what the device shows. */
const supervision = supervisionFields(3000);

const levelSchema = z.strictObject({
  point: field(text(64), "Level of the kind, for example `powerSetpointKw`."),
  topic: topic("Topic on which it is published."),
  payload: field(
    text(256).default("{value}"),
    "What is published: `{value}` is the raw value, `{epoch}` the leadership's number, by which a device can refuse an old leader.",
  ),
  scale,
  offset,
  read_back: field(
    z.strictObject({
      topic: topic("Topic on which the device shows the value that it holds."),
      path,
    }),
    "Where the device shows the value that it holds, coded as the level itself.",
  ),
  confirm_within_ms: supervision.confirm_within_ms,
  followed_by: supervision.followed_by,
});

const commandSchema = z.strictObject({
  command: field(text(64), "Command of the kind, for example `open`."),
  topic: topic("Topic on which it is published."),
  payload: field(text(256), "What is published; may hold `{epoch}`."),
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

/** What a profile of family `mqtt` says beyond the common fields. */
export const mqttSchema = z.strictObject({
  availability: field(
    z.strictObject({
      topic: topic("Topic of the device's last will."),
      online: field(text(64).default("online"), "What it says while the device lives."),
      offline: field(text(64).default("offline"), "What its last will says."),
    }),
    "How one knows that the device lives: it publishes `online` (retained) and leaves `offline` as its last will.",
  ),
  max_age_ms: field(
    z.int().min(100).max(3_600_000).optional(),
    "A point that the device did not publish for so long is uncertain, for devices that publish periodically.",
    { unit: "ms", defaultText: "as long as the device is available its last value counts" },
  ),
  points: field(z.array(pointSchema).min(1).max(500), "What the device tells."),
  levels: field(z.array(levelSchema).max(32).default([]), "Set-points that it takes."),
  commands: field(z.array(commandSchema).max(32).default([]), "Commands that it takes."),
});

export type MqttFile = z.output<typeof mqttSchema>;
