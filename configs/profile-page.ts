import { DEVICE_KINDS } from "../kernel/device-kinds.ts";
import type { CommandMapping, DeviceProfile, PointMapping } from "./profile.ts";
import type { SunspecPointNeed } from "./sunspec/needs.ts";
import type { ConfigPage } from "./reference.ts";

const FOLDER = "docs/09-integration/profiles";

/** A reference page for each profile of real devices, and one that lists them. A test compares them with the profiles. */
export function profilePages(profiles: readonly DeviceProfile[]): ConfigPage[] {
  const real = profiles
    .filter(({ signature }) => signature === null)
    .sort((a, b) => (a.id < b.id ? -1 : 1));
  return [
    { path: `${FOLDER}/README.md`, text: listPage(real) },
    ...real.map((profile) => ({ path: `${FOLDER}/${profile.id}.md`, text: profilePage(profile) })),
  ];
}

function frontMatter(subsection: string, type: string, description: string): string {
  return `---
ems_section: "09-integration-interoperability"
ems_subsection: "${subsection}"
ems_type: "${type}"
ems_scope: "configs/profiles"
ems_description: "${description.replaceAll('"', "'")}"
ems_version: "0.1.0"
ems_owner: "r-ems maintainers"
---
`;
}

const GENERATED =
  "Generated from the profile by `npx tsx scripts/generate-config-docs.ts`; do not edit.";

function listPage(profiles: readonly DeviceProfile[]): string {
  const rows = profiles.map(({ id, kind, family, name }) =>
    row([`[${id}](${id}.md)`, kind, family, name]),
  );
  return [
    frontMatter("profiles", "readme", "The device profiles that come with R-EMS."),
    "# Device profiles\n",
    "Those of real devices. Patterns say that they are: copy one, and set the addresses to those of your device. How to write your own, from a list of registers:",
    "[from a CSV to a profile](../../05-networking/csv-to-profile.md).",
    "",
    GENERATED,
    "",
    "| profile | kind | family | for |\n|---|---|---|---|",
    ...rows,
    "",
  ].join("\n");
}

function profilePage(profile: DeviceProfile): string {
  return [
    frontMatter(
      profile.id,
      "reference",
      `Registers, signs and fallback of the profile ${profile.id}.`,
    ),
    `# ${profile.id}\n`,
    `${profile.name}.\n`,
    GENERATED,
    "",
    "| | |\n|---|---|",
    row(["kind, family", `${profile.kind}, ${profile.family}`]),
    row(["source of the registers", profile.source]),
    row(["signs", profile.signStatement]),
    row(["masters at once", String(profile.mastersMax)]),
    row(["keeps the place of a vanished master", `${profile.slotReleaseMs} ms`]),
    row(["acts on a write within", `${profile.writeMs} ms`]),
    row(["a request has failed after", `${profile.requestTimeoutMs} ms`]),
    row(["synchronises by itself", syncText(profile)]),
    row(["without R-EMS", fallbackText(profile)]),
    "",
    "## Points\n",
    ...(profile.sunspec === null ? registerTable(profile) : modelTable(profile)),
    "",
    ...constantTable(profile),
    ...commandTable(profile),
  ].join("\n");
}

function row(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
}

function syncText({ syncCheck }: DeviceProfile): string {
  if (syncCheck === null) return "not said: it closes no breaker";
  return syncCheck === "device" ? "yes, and checks before it closes" : "no: never onto a live bus";
}

function fallbackText({ fallback }: DeviceProfile): string {
  if (fallback === null) return "it is read only";
  return `\`${fallback.behaviour}\` after ${fallback.watchdogMs} ms. ${fallback.reason}`;
}

function meaningOf(profile: DeviceProfile, point: string): string {
  const spec = DEVICE_KINDS[profile.kind].points[point];
  return spec === undefined ? "" : spec.meaning;
}

function registerTable(profile: DeviceProfile): string[] {
  return [
    "Addresses count from 0.\n",
    "| point | meaning | register | coding | access | poll |\n|---|---|---|---|---|---|",
    ...profile.points
      .filter(({ constant }) => constant === null)
      .map((mapping) =>
        row([
          `\`${mapping.point}\``,
          meaningOf(profile, mapping.point),
          placeText(mapping),
          codingText(mapping),
          accessText(mapping),
          mapping.poll,
        ]),
      ),
  ];
}

function placeText({ table, address, type, bit }: PointMapping): string {
  const end = type.endsWith("32") ? ` and ${address + 1}` : "";
  return `${table} ${address}${end}${bit === null ? "" : `, bit ${bit}`}`;
}

function codingText(mapping: PointMapping): string {
  const { type, wordOrder, scale, offset, notAvailable, trueWhen, labels } = mapping;
  const parts = [
    type,
    ...(type.endsWith("32") && wordOrder === "little" ? ["low word first"] : []),
    ...(scale === 1 ? [] : [`× ${scale}`]),
    ...(offset === 0 ? [] : [`+ ${offset}`]),
    ...(notAvailable === null ? [] : [`${notAvailable} is no value`]),
    ...(trueWhen === null ? [] : [trueText(trueWhen)]),
    ...(labels === null ? [] : [labelText(labels)]),
  ];
  return parts.join(", ");
}

function trueText(trueWhen: NonNullable<PointMapping["trueWhen"]>): string {
  if ("mask" in trueWhen)
    return `true with any bit of 0x${trueWhen.mask.toString(16).toUpperCase()}`;
  return trueWhen.values.length === 0 ? "never true" : `true at ${trueWhen.values.join(", ")}`;
}

function labelText(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .map(([raw, label]) => `${raw} ${label}`)
    .join(", ");
}

function accessText({ access, readBack, writeWith }: PointMapping): string {
  const along =
    writeWith === null
      ? ""
      : `, written with ${[...writeWith.before, "·", ...writeWith.after].join(" ")} around it`;
  const shown = readBack === null ? "" : `, shown at ${readBack.table} ${readBack.address}`;
  return `${access === "readWrite" ? "read and write" : access}${shown}${along}`;
}

function modelTable(profile: DeviceProfile): string[] {
  const { needs } = profile.sunspec ?? { needs: { models: [], points: [] } };
  const models = needs.models.map((one) => one.join(" or ")).join("; ");
  return [
    `The device says itself where they stand. It must have the models ${models}.\n`,
    "| point | meaning | model | name | says | access | poll |\n|---|---|---|---|---|---|---|",
    ...needs.points
      .filter(({ constant }) => constant === null)
      .map((need) =>
        row([
          `\`${need.point}\``,
          meaningOf(profile, need.point),
          String(need.model),
          `\`${need.name}\``,
          saysText(need),
          need.access === "readWrite" ? withText(need) : "read",
          need.poll,
        ]),
      ),
  ];
}

function saysText(need: SunspecPointNeed): string {
  const negated = need.isNegated ? "the other sign" : "";
  if (need.trueSymbols !== null) return `true at ${need.trueSymbols.join(", ")}`;
  return need.labels === null ? negated : labelText(need.labels);
}

function withText({ writeWith }: SunspecPointNeed): string {
  const along = Object.entries(writeWith).map(([name, value]) => `${name} = ${value}`);
  return along.length === 0 ? "read and write" : `read and write, with ${along.join(", ")}`;
}

function constantTable(profile: DeviceProfile): string[] {
  const constants = profile.points.filter(({ constant }) => constant !== null);
  if (constants.length === 0) return [];
  return [
    "## What the device does not tell\n",
    "| point | taken as | because |\n|---|---|---|",
    ...constants.map(({ point, constant }) =>
      row([`\`${point}\``, String(constant?.value), constant?.reason ?? ""]),
    ),
    "",
  ];
}

function commandTable(profile: DeviceProfile): string[] {
  if (profile.commands.length === 0) return [];
  return [
    "## Commands\n",
    "| command | meaning | write | shows as |\n|---|---|---|---|",
    ...profile.commands.map((command) =>
      row([
        `\`${command.command}\``,
        DEVICE_KINDS[profile.kind].commands[command.command] ?? "",
        writeText(profile, command),
        followedText(command),
      ]),
    ),
    "",
  ];
}

function writeText(profile: DeviceProfile, command: CommandMapping): string {
  const need = profile.sunspec?.needs.commands.find((one) => one.command === command.command);
  if (need) return `${need.value} to ${need.model} \`${need.name}\``;
  const before = command.before.map((word) => `${word}, `).join("");
  return `${before}${command.value} to ${command.table} ${command.address - command.before.length}`;
}

function followedText({ followedBy }: CommandMapping): string {
  if (followedBy === null) return "nothing";
  return `\`${followedBy.point}\` = ${followedBy.value} within ${followedBy.withinMs} ms`;
}
