import type { Outcome } from "../../drivers/modbus/outcome.ts";
import { isUnreached, textOf } from "../../drivers/modbus/outcome.ts";
import { discoverSunspec, type SunspecChain } from "../../drivers/sunspec/discovery.ts";
import type { DeviceLine } from "./device-line.ts";

/** One unit id that answered. */
export interface FoundUnit {
  readonly unitId: number;
  /** What it said to the first read: `registers`, or `exception 2`, which is an answer too. */
  readonly answer: string;
  readonly latencyMs: number;
  /** What the device says about its own registers; null where it does not speak SunSpec. */
  readonly sunspec: SunspecChain | null;
  /** Of the common model; empty where there is none. */
  readonly maker: string;
  readonly model: string;
  readonly serial: string;
}

export interface ScanResult {
  readonly units: readonly FoundUnit[];
  /** Ids that were asked. */
  readonly askedCount: number;
  /** Every id that was asked answered alike: the device does not look at the id, and the rest were left out. */
  readonly isIdIgnored: boolean;
}

/** After so many ids in a row that answer alike the device is taken for one that answers to any id. */
const ALIKE_COUNT = 6;
const COMMON_MODEL = 1;
/** Words of the text points of the common model: manufacturer and model first, the serial number behind options and version. */
const COMMON = { maker: [2, 16], model: [18, 16], serial: [50, 16] } as const;

/**
 * Finds the unit ids that answer, and what they say about themselves.
 *
 * @param unitIds - Asked in this order.
 * @param told - Before each id is asked: how many were, and how many answered.
 */
export async function scanDevice(
  line: Pick<DeviceLine, "read">,
  unitIds: readonly number[],
  timeoutMs: number,
  told: (askedCount: number, foundCount: number) => void,
): Promise<ScanResult> {
  const units: FoundUnit[] = [];
  let askedCount = 0;
  for (const unitId of unitIds) {
    told(askedCount, units.length);
    const { outcome, latencyMs } = await line.read(unitId, "holding", 0, 1, timeoutMs);
    askedCount++;
    if (!isAnswer(outcome)) continue;
    const answer = outcome.type === "data" ? "registers" : textOf(outcome);
    const chain = await sunspecOf(line, unitId, timeoutMs);
    const texts = await commonTexts(line, unitId, chain);
    units.push({ unitId, answer, latencyMs, sunspec: chain, ...texts });
    if (units.length === askedCount && units.length === ALIKE_COUNT && areAlike(units)) {
      return { units: units.slice(0, 1), askedCount, isIdIgnored: true };
    }
  }
  return { units, askedCount, isIdIgnored: false };
}

/** A gateway's word that nobody is there is no answer of a unit. */
function isAnswer(outcome: Outcome): boolean {
  return outcome.type === "data" || (outcome.type === "exception" && !isUnreached(outcome.code));
}

function areAlike(units: readonly FoundUnit[]): boolean {
  const faces = units.map(({ answer, maker, model, serial, sunspec }) =>
    JSON.stringify([answer, maker, model, serial, sunspec?.models]),
  );
  return faces.every((face) => face === faces[0]);
}

async function sunspecOf(
  line: Pick<DeviceLine, "read">,
  unitId: number,
  timeoutMs: number,
): Promise<SunspecChain | null> {
  const discovery = discoverSunspec();
  let step = discovery.next();
  while (step.done !== true) {
    const { address, count } = step.value;
    const { outcome } = await line.read(unitId, "holding", address, count, timeoutMs);
    step = discovery.next(outcome.type === "data" ? [...outcome.words] : null);
  }
  return step.value;
}

async function commonTexts(
  line: Pick<DeviceLine, "read">,
  unitId: number,
  chain: SunspecChain | null,
): Promise<{ readonly maker: string; readonly model: string; readonly serial: string }> {
  const common = chain?.models.find(({ id }) => id === COMMON_MODEL);
  const none = { maker: "", model: "", serial: "" };
  const [serialAt, serialCount] = COMMON.serial;
  if (common === undefined || common.length + 2 < serialAt + serialCount) return none;
  const { address } = common;
  const { outcome } = await line.read(unitId, "holding", address, serialAt + serialCount);
  if (outcome.type !== "data") return none;
  const { words } = outcome;
  const text = ([at, count]: readonly [number, number]): string =>
    textFrom(words.slice(at, at + count));
  return { maker: text(COMMON.maker), model: text(COMMON.model), serial: text(COMMON.serial) };
}

/** Two characters in a register, the high byte first, up to the first zero; what a terminal could take for a command is left out. */
function textFrom(words: readonly number[]): string {
  const codes = words.flatMap((word) => [word >> 8, word & 0xff]);
  const end = codes.indexOf(0);
  return codes
    .slice(0, end < 0 ? codes.length : end)
    .filter((code) => code >= 0x20 && code < 0x7f)
    .map((code) => String.fromCharCode(code))
    .join("")
    .trim();
}
