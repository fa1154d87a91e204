import { present } from "../../kernel/assert.ts";
import type { ProfileFile } from "../profile-schema.ts";
import { SUPERVISION, type MqttSettings } from "../profile.ts";
import { supervisionFileOf } from "../supervision-schema.ts";
import type { MqttFile } from "./mqtt-schema.ts";

/** What a switch says for true where the profile says nothing else. */
const TRUE_VALUES: readonly string[] = ["true", "1", "ON"];

export function toMqtt(file: MqttFile): MqttSettings {
  return {
    availability: file.availability,
    maxAgeMs: file.max_age_ms ?? null,
    points: file.points.map(({ point, topic, path, scale, offset, labels, true_values }) => ({
      point,
      topic,
      path: pathOf(path),
      scale,
      offset: offset + 0,
      labels: labels ?? null,
      trueValues: true_values ?? TRUE_VALUES,
    })),
    levels: file.levels.map(({ point, topic, payload, scale, offset, read_back: readBack }) => ({
      point,
      topic,
      payload,
      scale,
      offset: offset + 0,
      readBack: { topic: readBack.topic, path: pathOf(readBack.path) },
    })),
    commands: file.commands.map(({ command, topic, payload }) => ({ command, topic, payload })),
  };
}

function pathOf(path: string): readonly string[] {
  return path === "" ? [] : path.split(".");
}

/**
 * The profile as if its points were registers: what every other layer asks a profile for are the names of its points and commands, and
 * those stand in `points` and `commands`. The addresses mean nothing.
 */
export function mqttLaidOut(profile: ProfileFile): ProfileFile {
  const mqtt = present(profile.mqtt, "a profile of family mqtt has its table");
  const register = {
    table: "holding",
    type: "float32",
    word_order: "big",
    scale: 1,
    offset: 0,
    poll: "fast",
  } as const;
  return {
    ...profile,
    points: [
      ...mqtt.points.map(({ point, labels }, index) => ({
        ...register,
        point,
        address: index * 2,
        access: "read" as const,
        ...supervisionFileOf(SUPERVISION),
        ...(labels === undefined ? {} : { labels: numbered(labels) }),
      })),
      ...mqtt.levels.map(({ point, confirm_within_ms, followed_by }, index) => ({
        ...register,
        confirm_within_ms,
        ...(followed_by === undefined ? {} : { followed_by }),
        point,
        address: (mqtt.points.length + index) * 2,
        access: "readWrite" as const,
      })),
    ],
    commands: mqtt.commands.map(({ command, followed_by: followedBy }, index) => ({
      command,
      table: "holding",
      address: 60_000,
      value: index + 1,
      before: [],
      ...(followedBy === undefined ? {} : { followed_by: followedBy }),
    })),
  };
}

function numbered(labels: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.values(labels).map((label, index) => [String(index), label]));
}
