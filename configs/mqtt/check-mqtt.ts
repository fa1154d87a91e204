import { DEVICE_KINDS, type KindSpec, type PointSpec } from "../../kernel/device-kinds.ts";
import type { ConfigPath, Report } from "../problem.ts";
import type { ProfileFile } from "../profile-schema.ts";
import { oneOf } from "../spelling.ts";
import type { MqttFile } from "./mqtt-schema.ts";

/** Checks what the schema cannot say about the table `[mqtt]`, and that it stands only where the family is `mqtt`. */
export function checkMqtt(profile: ProfileFile, report: Report): void {
  const { mqtt, family } = profile;
  if (family !== "mqtt") {
    if (mqtt) report(["mqtt"], "a table", `none: the family is "${family}"`);
    return;
  }
  if (profile.points.length > 0 || profile.commands.length > 0) {
    const key = profile.points.length > 0 ? "points" : "commands";
    report([key], "a list", "none: points and commands of an MQTT device stand in [mqtt]");
  }
  for (const key of ["epoch_register", "signature", "sunspec"] as const) {
    if (profile[key]) report([key], "a table", "none: an MQTT device has no registers");
  }
  if (mqtt === undefined) {
    report(["mqtt"], "nothing", "a table with `availability` and `points`");
    return;
  }
  const kind = DEVICE_KINDS[profile.kind];
  checkTopic(mqtt.availability.topic, ["mqtt", "availability", "topic"], report);
  if (mqtt.availability.online === mqtt.availability.offline) {
    report(["mqtt", "availability", "offline"], "the same as online", "another text");
  }
  mqtt.points.forEach((point, index) => checkPoint(point, index, kind, report));
  mqtt.levels.forEach((level, index) => checkLevel(level, index, mqtt.points, kind, report));
  mqtt.commands.forEach(({ topic }, index) =>
    checkTopic(topic, ["mqtt", "commands", index, "topic"], report),
  );
}

function checkPoint(
  point: MqttFile["points"][number],
  index: number,
  kind: KindSpec,
  report: Report,
): void {
  const at = ["mqtt", "points", index];
  checkTopic(point.topic, [...at, "topic"], report);
  const spec = specOf(point.point, [...at, "point"], kind, report);
  if (spec === undefined) return;
  if (spec.direction === "level") {
    report(
      [...at, "point"],
      JSON.stringify(point.point),
      "a measured point: levels stand in `levels`",
    );
  }
  if (spec.type === "label") {
    const known = spec.labels ?? [];
    if (point.labels === undefined) {
      report(
        [...at, "labels"],
        "nothing",
        `a table from what the device says to ${known.join(", ")}`,
      );
    }
    for (const [raw, label] of Object.entries(point.labels ?? {})) {
      if (known.length > 0 && !known.includes(label)) {
        report([...at, "labels", raw], JSON.stringify(label), oneOf(label, known));
      }
    }
  } else if (point.labels !== undefined) {
    report([...at, "labels"], "a table", `none: ${point.point} is a ${spec.type}`);
  }
  if (spec.type !== "boolean" && point.true_values !== undefined) {
    report([...at, "true_values"], "a list", `none: ${point.point} is a ${spec.type}`);
  }
  if (point.scale === 0) report([...at, "scale"], "0", "a number other than 0");
}

function checkLevel(
  level: MqttFile["levels"][number],
  index: number,
  points: MqttFile["points"],
  kind: KindSpec,
  report: Report,
): void {
  const at = ["mqtt", "levels", index];
  checkTopic(level.topic, [...at, "topic"], report);
  checkTopic(level.read_back.topic, [...at, "read_back", "topic"], report);
  const spec = specOf(level.point, [...at, "point"], kind, report);
  if (spec !== undefined && spec.direction !== "level") {
    report(
      [...at, "point"],
      JSON.stringify(level.point),
      "a level: measured points stand in `points`",
    );
  }
  if (level.scale === 0) report([...at, "scale"], "0", "a number other than 0");
  if (!level.payload.includes("{value}")) {
    report([...at, "payload"], JSON.stringify(level.payload), "a text with {value} in it");
  }
  const effect = level.followed_by?.point;
  if (effect !== undefined) {
    const { type, direction } = kind.points[effect] ?? {};
    const isTold = points.some(({ point }) => point === effect);
    if (!isTold || type !== "number" || direction !== "measured") {
      const allowed = "a measured number that this profile maps";
      report([...at, "followed_by", "point"], JSON.stringify(effect), allowed);
    }
  }
  if (level.read_back.topic === level.topic) {
    const allowed =
      "a topic that only the device publishes: the broker would echo what R-EMS wrote";
    report([...at, "read_back", "topic"], JSON.stringify(level.topic), allowed);
  }
}

function specOf(
  point: string,
  path: ConfigPath,
  kind: KindSpec,
  report: Report,
): PointSpec | undefined {
  const spec = Object.hasOwn(kind.points, point) ? kind.points[point] : undefined;
  if (spec === undefined)
    report(path, JSON.stringify(point), oneOf(point, Object.keys(kind.points)));
  return spec;
}

/** A topic that is subscribed or published by its name alone (MQTT 3.1.1, section 4.7). */
function checkTopic(topic: string, path: ConfigPath, report: Report): void {
  const bare = topic.replaceAll("{device}", "d");
  if (/[+#{}]/.test(bare) || bare.startsWith("$")) {
    report(
      path,
      JSON.stringify(topic),
      "a topic without +, # or $ at the start; {device} is the only placeholder",
    );
  }
}
