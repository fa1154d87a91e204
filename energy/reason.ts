import type { ReasonData } from "../kernel/core.ts";
import { roundTo } from "../kernel/math.ts";
import { SEQUENCE_SENTENCES } from "./sequence-sentences.ts";

/** Why something is decided or not: stable code, values with units in their names, and the sentence made of both. */
export interface Reason extends ReasonData {
  readonly code: ReasonCode;
}

/** One sentence per code; `{name}` stands for a value, `{device}` for the device. */
const SENTENCES = {
  ...SEQUENCE_SENTENCES,
  LOAD_HIGH: "load {loadPct} % > {limitPct} % of {capacityKw} kW for {delayS} s",
  LOAD_HIGH_WAITS:
    "load {loadPct} % > {limitPct} % of {capacityKw} kW since {forS} s, start after {delayS} s",
  KVA_HIGH: "load {loadPct} % > {limitPct} % of {capacityKva} kVA for {delayS} s",
  KVA_HIGH_WAITS:
    "load {loadPct} % > {limitPct} % of {capacityKva} kVA since {forS} s, start after {delayS} s",
  KVA_BELOW_START: "load {loadPct} % < {limitPct} % of {capacityKva} kVA",
  KVA_ABOVE_STOP:
    "load {loadPct} % of the {capacityKva} kVA that would remain is not below {limitPct} %",
  KVA_LOW: "load {loadPct} % < {limitPct} % of the {capacityKva} kVA that remain, for {delayS} s",
  NO_CAPACITY: "{loadKw} kW are drawn and no source that counts is connected, for {delayS} s",
  NO_CAPACITY_WAITS:
    "{loadKw} kW are drawn and no source that counts is connected, since {forS} s, start after {delayS} s",
  NOTHING_REMAINS: "without {device} no source that counts would remain for {loadKw} kW",
  NO_LOAD: "nothing is drawn, and no source that counts is connected",
  LOAD_BELOW_START: "load {loadPct} % < {limitPct} % of {capacityKw} kW",
  FREE_LOW: "{freeKw} kW are free, less than {limitKw} kW for {delayS} s",
  FREE_LOW_WAITS:
    "{freeKw} kW are free, less than {limitKw} kW since {forS} s, start after {delayS} s",
  FREE_ABOVE_START: "{freeKw} kW are free, more than {limitKw} kW",
  FREE_BELOW_STOP: "after the stop {freeKw} kW would be free, not more than {limitKw} kW",
  STOP_WAITS_KW:
    "after the stop {freeKw} kW would be free, more than {limitKw} kW since {forS} s, stop after {delayS} s",
  FREE_HIGH: "after the stop {freeKw} kW are free, more than {limitKw} kW for {delayS} s",
  RESERVE_LOW: "{spinningKw} kW of reserve, {needKw} kW wanted, for {delayS} s",
  RESERVE_WAITS:
    "{spinningKw} kW of reserve, {needKw} kW wanted, since {forS} s, start after {delayS} s",
  RESERVE_HELD: "{spinningKw} kW of reserve, {needKw} kW wanted",
  RESERVE_AFTER_STOP:
    "without {device} {spinningKw} kW of reserve would remain, {needKw} kW wanted",
  N1_STEP:
    "loss of {lost} throws {thrownKw} kW on sources that take {stepKw} kW in one step: {missingKw} kW missing",
  N1_LOST: "after loss of {lost} {remainingKw} kW remain for {loadKw} kW, for {delayS} s",
  N1_WAITS:
    "after loss of {lost} only {remainingKw} kW remain for {loadKw} kW since {forS} s, start after {delayS} s",
  N1_HELD: "after loss of {lost} {remainingKw} kW remain for {loadKw} kW",
  N1_OFF: "loss of the largest source is not considered: switched off in the configuration",
  CONSUMER_WAITS: "{device} asks for {demandKw} kW, {freeKw} kW are free and {needKw} kW needed",
  BLACKOUT: "the busbar is dead and no source is connected",
  START_PENDING: "{device} is already starting ({state})",
  LOCKED_OUT:
    "{device} is locked out after {cause}: it comes back once that is over and it was reset",
  SET_LEAVES: "{device} is already being taken off ({state})",
  N1_NOT_HELD:
    "after loss of {lost} only {remainingKw} kW would remain for {loadKw} kW: {missingKw} kW missing",
  N1_NO_SOURCE: "no source that counts is connected",
  NEXT_IN_LINE: "{device} is next in the order of start",
  NOT_NEXT: "{device} waits behind {next} in the order of start",
  SHARES_EQUALLY: "every set takes {sharePct} % of its rating",
  SHARES_ASYMMETRICALLY:
    "{device} takes what varies ({swingPct} % of its rating), the others {fixedPct} % of theirs",
  ASYMMETRIC_LEFT:
    "sharing is equal: {device} would have {swingPct} % of its rating, outside {minPct} to {maxPct} %",
  FUEL_WITH: "with {device} the load would cost {fuelKgPerH} kg/h",
  FUEL_WITHOUT: "without {device} the load would cost {fuelKgPerH} kg/h",
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
  BATTERY_FORMS: "the mode of {device} is {mode}: it forms the bus",
  BATTERY_FOLLOWS: "the mode of {device} is {mode}: it follows where another source forms",
  FORMS_BESIDE: "{device} forms the bus beside the sets and is to give {powerKw} kW of the load",
  FORMS_ALONE: "{device} forms the bus and takes {powerKw} kW: no set stays to carry them",
  NOT_CONNECTED: "{device} is not connected",
  BATTERY_IDLE: "{device} is in mode idle",
  CHARGES: "charges with {powerKw} kW, {roomKw} kW are free below the limit of start",
  CHARGING_CUT: "charging is cut while the supply is overloaded",
  STRATEGIC_LOADING: "gives {powerKw} kW so that sets run at {loadPct} % of {capacityKw} kW",
  SHAVES_PEAKS:
    "gives {powerKw} kW: load {loadKw} kW, smoothed {smoothedKw} kW, {trimKw} kW for its charge",
  SOC_LOW: "state of charge {socPct} % is at the lower limit of {limitPct} %",
  SOC_HIGH: "state of charge {socPct} % is at the upper limit of {limitPct} %",
  ZERO_EMISSION_SOC: "{device} forms the bus with {socPct} % of charge, below {limitPct} %",
  ZERO_EMISSION_POWER: "without machines {powerKw} kW come from {batteries}, above {limitKw} kW",
  SOURCE_OVERLOADED: "{device} is loaded with {loadPct} %, above {limitPct} %",
  FREQUENCY_LOW: "frequency is {frequencyPct} % of nominal, below {limitPct} %",
  SHED_STAGE: "stage {stage} is shed",
  SHED_BY_TABLE:
    "{lost} is lost: the table takes {device} off, {powerKw} kW of {missingKw} kW missing",
  RECONNECTION_BLOCKED:
    "{device} was shed; it may be closed once no cause has held for {delayS} s: {cause}",
  LOSS_COVERED: "if {lost} were lost {missingKw} kW would be missing: {cuts} would go at once",
  LOSS_UNCOVERED:
    "if {lost} were lost {missingKw} kW would be missing: {cuts} would go at once and {uncoveredKw} kW would still be missing",
  SHARES_BY_DROOP: "the island's master is silent: references rest and droop shares",
  SHARES_DROOP:
    "sets share by droop, as commanded: references rest and the frequency follows the load",
  DROOP_WAITS:
    "references follow the load for {forS} s more, then sets share by droop, as commanded",
  DROOP_SUSPENDED:
    "references follow the load while {device} is {state}, then sets share by droop again, as commanded",
  TRIMMED:
    "references are trimmed by {frequencyPct} % of rating for frequency and {voltagePct} % for voltage",
  SHEDDING: "load is shed up to stage {stage}",
  WOULD_BE_SHED: "stage {stage}: it would be shed after {delayS} s above {limitPct} % of a source",
  SACRIFICE_OVERLOAD: "{device} is loaded with {loadPct} % > {limitPct} % for {delayS} s",
  SACRIFICE_REVERSE:
    "{device} is driven backwards with {reversePct} % > {limitPct} % for {delayS} s",
  CONSUMER_STARTS: "{device} waits until {other}, which is granted, runs",
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

const WAITS =
  /_WAITS(_KW)?$|^(START_PENDING|COMMAND_PENDING|STEP_ENDS|SETTLING|NOT_READ|FEEDER_NEXT)$/;
const BLOCKS =
  /^(MODE|SET_SEMI|SET_LEAVES|NOT_STARTABLE|NO_SET|NOT_NEXT|LAST_FORMING|MINIMUM_RUN|CONSUMER_ACTIVE|CONSUMER_STARTS|UNKNOWN_INPUT|ISLAND_MASTER|BLOCK_INPUT|SHORT_CIRCUIT|MODE_SETS_HELD|NOTHING_REMAINS|LOCKED_OUT|BOND_AWAITED|BOND_NOT_READY)$|_(AFTER_STOP|BELOW_STOP|ABOVE_STOP|BLOCKED|OFF|TOO_MUCH|TOO_LITTLE|DOUBTED)$/;
const GIVEN_UP = /GIVEN_UP|UNCOVERED|_NOT_HELD$|^N1_(STEP|NO_SOURCE)$|^ASYMMETRIC_LEFT$/;

/** What a reason is to a decision: the rule that acts, what it waits for, what blocks it, or what could not be had. */
export function aspectOf({ code }: ReasonData): "rule" | "waits" | "blocks" | "givenUp" {
  if (WAITS.test(code)) return "waits";
  if (GIVEN_UP.test(code)) return "givenUp";
  return BLOCKS.test(code) ? "blocks" : "rule";
}

/** Several reasons as one sentence. */
export function inWords(reasons: readonly Reason[]): string {
  return reasons.map(sentenceOf).join("; ");
}

/** The reason as a sentence with its values, without a full stop. */
export function sentenceOf(reason: Reason): string {
  return SENTENCES[reason.code].replace(/\{(\w+)\}/g, (_match, name: string) =>
    name === "device" ? reason.device : String(reason.values[name] ?? "?"),
  );
}
