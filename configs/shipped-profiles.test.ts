import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { DEVICE_KINDS } from "../kernel/device-kinds.ts";
import type { DeviceProfile } from "./profile.ts";
import { checkProfileText, loadProfiles, shippedProfileDirectory } from "./load-profile.ts";

const shipped = [...loadProfiles().values()];
const real = shipped.filter(({ signature }) => signature === null);

/** Lists of words that the formatter broke into lines are put on one again. */
const flat = (text: string) =>
  text.replaceAll(/= \[\n([^[\]{}]*?),?\n\s*\]/g, (_all, words: string) => {
    return `= [${words.replaceAll(/\s+/g, " ").trim()}]`;
  });
const textOf = ({ id }: DeviceProfile) =>
  flat(readFileSync(join(shippedProfileDirectory(), `${id}.toml`), "utf8"));

/** What is wrong with a profile once a mistake was made in it. */
function problemsWith(profile: DeviceProfile, from: string | RegExp, to: string): string[] {
  const text = textOf(profile);
  const changed = text.replace(from, () => to);
  expect(changed).not.toBe(text);
  return checkProfileText(changed, "p.toml").problems.map(({ path, found }) => `${path}: ${found}`);
}

const listOf = (profile: DeviceProfile, name: "points" | "commands") =>
  profile.sunspec === null ? name : `sunspec.${name}`;
const named = (profiles: readonly DeviceProfile[]) =>
  profiles.map((profile) => [profile.id, profile] as const);
const takesLevels = ({ kind, points }: DeviceProfile) =>
  points.some(({ point }) => DEVICE_KINDS[kind].points[point]?.direction === "level");
const required = real.flatMap((profile) =>
  profile.points
    .filter(({ point }) => DEVICE_KINDS[profile.kind].points[point]?.isRequired)
    .map(({ point }) => [profile.id, point, profile] as const),
);

/** Each mistake is made in every shipped profile that can have it: none gets through. */
describe("a shipped profile", () => {
  it("is there for each kind of device that an engineer meets first", () => {
    expect(real.length).toBeGreaterThanOrEqual(12);
    const kinds = new Set(real.map(({ kind }) => kind));
    expect([...kinds].sort()).toEqual([
      "battery",
      "breaker",
      "feeder",
      "genset",
      "meter",
      "pv",
      "shore",
      "thruster",
    ]);
  });

  it.each(required)("%s is refused without its point %s", (_id, point, profile) => {
    const line = new RegExp(`^ *\\{ point = "${point}".*\\n`, "m");
    expect(problemsWith(profile, line, "")).toContain(`${listOf(profile, "points")}: no ${point}`);
  });

  it.each(named(real))("%s is refused with a point twice", (_id, profile) => {
    const line = /^ *\{ point = .*\n/m.exec(textOf(profile))?.[0] ?? "";
    const name = /point = "(\w+)"/.exec(line)?.[1];
    expect(problemsWith(profile, line, line + line).join("\n")).toContain(`"${name}" again`);
  });

  it.each(named(real))("%s is refused without signs, source and masters", (_id, profile) => {
    for (const key of ["sign_statement", "source", "masters_max", "slot_release_ms"]) {
      const line = new RegExp(`^${key} = .*\\n`, "m");
      expect(problemsWith(profile, line, "")).toContain(`${key}: nothing`);
    }
  });

  const commanded = named(real.filter(({ fallback }) => fallback !== null));
  it.each(commanded)("%s is refused without its fallback and its watchdog", (_id, profile) => {
    const table = /^\[fallback\]\n(?:\w.*\n?)*/m;
    expect(problemsWith(profile, table, "")).toContain("fallback: nothing");
    const watchdog = /^watchdog_ms = .*\n/m;
    expect(problemsWith(profile, watchdog, "")).toContain("fallback.watchdog_ms: nothing");
  });

  const led = named(shipped.filter(takesLevels));
  it.each(led)(
    "%s is given back by an orderly stop, unless it holds what it has",
    (_id, profile) => {
      const { release, fallback } = profile;
      if (fallback?.behaviour !== "hold") expect(release).not.toEqual([]);
    },
  );

  const closing = named(
    real.filter(({ commands }) => commands.some(({ command }) => command === "syncAndClose")),
  );
  it.each(closing)("%s is refused without saying who synchronises", (_id, profile) => {
    expect(problemsWith(profile, /^sync_check = .*\n/m, "")).toContain("sync_check: nothing");
  });

  const told = named(
    real.filter(({ commands }) => commands.some(({ command }) => command !== "release")),
  );
  it.each(told)("%s is refused where no command shows its effect", (_id, profile) => {
    const found = problemsWith(profile, /, followed_by = \{[^}]*\}/g, "");
    expect(found).toContain(`${listOf(profile, "commands")}: no followed_by`);
  });
});
