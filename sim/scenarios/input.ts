import { RemsError } from "../../kernel/errors.ts";
import type { PointValue } from "../../kernel/point.ts";
import { DEVICE_SWITCHES, type DeviceSwitch } from "../plant/plant-device.ts";

/** Something that happens: in the plant, at a device, to a controller, or because a person asks for it. */
export type Input = { readonly text: string } & (
  | { readonly kind: "load"; readonly device: string; readonly kw: number }
  | { readonly kind: "step"; readonly device: string; readonly kw: number }
  | { readonly kind: "demand"; readonly device: string; readonly kw: number }
  | { readonly kind: "sun"; readonly device: string; readonly pct: number }
  | { readonly kind: "motor"; readonly device: string; readonly kw: number }
  | { readonly kind: "derated"; readonly device: string; readonly pct: number }
  | {
      readonly kind: "bad";
      readonly device: string;
      readonly point: string;
      readonly isOn: boolean;
    }
  | { readonly kind: "trip" | "reset"; readonly device: string }
  | { readonly kind: "supply"; readonly device: string; readonly isOn: boolean }
  | {
      readonly kind: "switch";
      readonly device: string;
      readonly name: DeviceSwitch;
      readonly isOn: boolean;
    }
  | { readonly kind: "press"; readonly device: string; readonly button: "close" | "open" }
  | { readonly kind: "silent"; readonly device: string; readonly isOn: boolean }
  | {
      readonly kind: "ask";
      /** Device or grid. */
      readonly subject: string;
      readonly command: string;
      readonly role: "operator" | "engineer";
      readonly values: Readonly<Record<string, PointValue>>;
    }
  | {
      readonly kind: "kill";
      /** A grid, whose leader's node it strikes, or `all`. */
      readonly subject: string;
      /** Null: nobody starts it again. */
      readonly forS: number | null;
    }
  | { readonly kind: "pause"; readonly subject: string; readonly forMs: number }
);

type Fields<T> = T extends { readonly text: string } ? Omit<T, "text"> : never;
type Make = (match: readonly string[]) => Fields<Input>;

const ID = "([a-z][a-z0-9-]*)";
const NUMBER = "([+-]?\\d+(?:\\.\\d+)?)";

/** Every sentence that an input may be, and what it means. The README lists them. */
const SENTENCES: readonly (readonly [pattern: string, make: Make])[] = [
  [`${ID} load ${NUMBER}`, ([d, n]) => ({ kind: "load", device: d ?? "", kw: Number(n) })],
  [`${ID} step ${NUMBER}`, ([d, n]) => ({ kind: "step", device: d ?? "", kw: Number(n) })],
  [`${ID} demand ${NUMBER}`, ([d, n]) => ({ kind: "demand", device: d ?? "", kw: Number(n) })],
  [`${ID} sun ${NUMBER}`, ([d, n]) => ({ kind: "sun", device: d ?? "", pct: Number(n) })],
  [`${ID} motor ${NUMBER}`, ([d, n]) => ({ kind: "motor", device: d ?? "", kw: Number(n) })],
  [`${ID} derated ${NUMBER}`, ([d, n]) => ({ kind: "derated", device: d ?? "", pct: Number(n) })],
  [
    `${ID} bad ([a-zA-Z]+) (on|off)`,
    ([d, point, on]) => ({ kind: "bad", device: d ?? "", point: point ?? "", isOn: on === "on" }),
  ],
  [`${ID} trip`, ([d]) => ({ kind: "trip", device: d ?? "" })],
  [`${ID} reset`, ([d]) => ({ kind: "reset", device: d ?? "" })],
  [`${ID} supply (on|off)`, ([d, on]) => ({ kind: "supply", device: d ?? "", isOn: on === "on" })],
  [
    `${ID} switch (${DEVICE_SWITCHES.join("|")}) (on|off)`,
    ([d, name, on]) => ({
      kind: "switch",
      device: d ?? "",
      name: name as DeviceSwitch,
      isOn: on === "on",
    }),
  ],
  [
    `${ID} press (close|open)`,
    ([d, b]) => ({ kind: "press", device: d ?? "", button: b === "close" ? "close" : "open" }),
  ],
  [`${ID} silent (on|off)`, ([d, on]) => ({ kind: "silent", device: d ?? "", isOn: on === "on" })],
  [
    `${ID} ask ([a-zA-Z]+)((?: [a-zA-Z]+=[^ ]+)*)( as engineer)?`,
    ([s, command, values, engineer]) => ({
      kind: "ask",
      subject: s ?? "",
      command: command ?? "",
      role: engineer === undefined ? "operator" : "engineer",
      values: valuesOf(values ?? ""),
    }),
  ],
  [
    `${ID} kill(?: for ${NUMBER} s)?`,
    ([s, n]) => ({ kind: "kill", subject: s ?? "", forS: n === undefined ? null : Number(n) }),
  ],
  [`${ID} pause ${NUMBER} ms`, ([s, n]) => ({ kind: "pause", subject: s ?? "", forMs: Number(n) })],
];

const PATTERNS = SENTENCES.map(([pattern, make]) => [new RegExp(`^${pattern}$`), make] as const);

function valuesOf(text: string): Record<string, PointValue> {
  const values: Record<string, PointValue> = {};
  for (const pair of text.split(" ").filter((one) => one !== "")) {
    const [name = "", value = ""] = pair.split("=");
    const number = Number(value);
    const isSwitch = value === "true" || value === "false";
    values[name] = isSwitch ? value === "true" : Number.isFinite(number) ? number : value;
  }
  return values;
}

/**
 * The inputs of a line, parted by semicolons.
 * @throws {@link RemsError} `REMS_CONFIG_INVALID` where a sentence is none of those that inputs may be.
 */
export function parseInputs(text: string): Input[] {
  return text
    .split(";")
    .map((one) => one.trim())
    .filter((one) => one !== "")
    .map(parseInput);
}

function parseInput(text: string): Input {
  for (const [pattern, make] of PATTERNS) {
    const match = pattern.exec(text);
    if (match !== null) return { text, ...make(match.slice(1)) } as Input;
  }
  const known = SENTENCES.map(([pattern]) =>
    pattern.replaceAll(ID, "<id>").replaceAll(NUMBER, "<number>"),
  );
  throw new RemsError(
    "REMS_CONFIG_INVALID",
    `"${text}" is no input; an input is one of: ${known.join(" | ")}`,
  );
}
