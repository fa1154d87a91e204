import { roundTo } from "../kernel/math.ts";
import { SEQUENCE_SENTENCES } from "./sequence-sentences.ts";

/** Why something is decided or not: stable code, values with units in their names, and the sentence made of both. */
export interface Reason {
  readonly code: ReasonCode;
  /** The device that it is about, or "" for the grid. */
  readonly device: string;
  readonly values: Readonly<Record<string, number | string>>;
}

/** One sentence per code; `{name}` stands for a value, `{device}` for the device. */
const SENTENCES = {
  ...SEQUENCE_SENTENCES,
  LOAD_HIGH: "load {loadPct} % > {limitPct} % of {capacityKw} kW for {delayS} s",
  LOAD_HIGH_WAITS:
    "load {loadPct} % > {limitPct} % of {capacityKw} kW since {forS} s, start after {delayS} s",
  LOAD_BELOW_START: "load {loadPct} % < {limitPct} % of {capacityKw} kW",
  N1_LOST: "after loss of {lost} {remainingKw} kW remain for {loadKw} kW, for {delayS} s",
  N1_WAITS:
    "after loss of {lost} only {remainingKw} kW remain for {loadKw} kW since {forS} s, start after {delayS} s",
  N1_HELD: "after loss of {lost} {remainingKw} kW remain for {loadKw} kW",
  N1_OFF: "loss of the largest source is not considered: switched off in the configuration",
  CONSUMER_WAITS: "{device} asks for {demandKw} kW, {freeKw} kW are free and {needKw} kW needed",
  BLACKOUT: "the busbar is dead and no source is connected",
  START_PENDING: "{device} is already starting ({state})",
  SET_LEAVES: "{device} is already being taken off ({state})",
  N1_NOT_HELD: "after loss of {lost} only {remainingKw} kW would remain for {loadKw} kW",
  NEXT_IN_LINE: "{device} is next in the order of start",
  NOT_NEXT: "{device} waits behind {next} in the order of start",
  NO_SET: "no set can be started: {sets}",
  NOT_STARTABLE: "{device} is {state}",
  LOAD_ABOVE_STOP:
    "load {loadPct} % of the {capacityKw} kW that would remain is not below {limitPct} %",
  STOP_WAITS:
    "load {loadPct} % < {limitPct} % of what would remain since {forS} s, stop after {delayS} s",
  LOAD_LOW: "load {loadPct} % < {limitPct} % of the {capacityKw} kW that remain, for {delayS} s",
  MINIMUM_RUN: "{device} has run {ranS} s of at least {minimumRunS} s",
  LAST_FORMING: "{device} is the only source that forms the bus",
  N1_AFTER_STOP:
    "without {device}, after loss of {lost}, {remainingKw} kW would remain for {loadKw} kW",
  CONSUMER_ACTIVE: "{device} waits for power or has it reserved",
  UNKNOWN_INPUT: "{what} of {device} is not known",
  MODE: "the grid is in {mode}: only operators' commands act",
  SETTLING: "after the change of leadership commands wait {forS} s more",
  NOT_READ: "not every critical point was read yet",
  RESERVE_FLOOR: "state of charge {socPct} % is at the reserve of {reserveSocPct} %",
  COVERS_GAP: "covers {powerKw} kW of load above {limitPct} % of {capacityKw} kW",
  NO_GAP: "load is below {limitPct} % of {capacityKw} kW",
  BMS_STALE: "the battery management has been silent for 1 s",
  FORMS_BUS: "{device} forms the bus and follows its own control",
  GRANTED: "{freeKw} kW are free, {needKw} kW needed",
  ISLAND_MASTER: "the island's master {grid} decides",
} as const;

export type ReasonCode = keyof typeof SENTENCES;

/** Builds a reason; numbers are rounded to a tenth, so that reasons are short and canonical. */
export function reasonOf(
  code: ReasonCode,
  device: string,
  values: Readonly<Record<string, number | string>> = {},
): Reason {
  const rounded: Record<string, number | string> = {};
  for (const [name, value] of Object.entries(values)) {
    rounded[name] = typeof value === "number" ? roundTo(value, 10) : value;
  }
  return { code, device, values: rounded };
}

/** The reason as a sentence with its values, without a full stop. */
export function sentenceOf(reason: Reason): string {
  return SENTENCES[reason.code].replace(/\{(\w+)\}/g, (_match, name: string) =>
    name === "device" ? reason.device : String(reason.values[name] ?? "?"),
  );
}
