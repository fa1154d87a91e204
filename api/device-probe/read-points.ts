import type { DeviceProfile, PointMapping, RegisterTable } from "../../configs/profile.ts";
import { createPointCodec } from "../../drivers/modbus/codec.ts";
import { isUnreached, textOf, type Outcome } from "../../drivers/modbus/outcome.ts";
import {
  planReads,
  readLimitsOf,
  splitRequest,
  type ReadItem,
  type ReadRequest,
} from "../../drivers/modbus/request-plan.ts";
import { present } from "../../kernel/assert.ts";
import { DEVICE_KINDS, type PointSpec } from "../../kernel/device-kinds.ts";
import { RemsError } from "../../kernel/errors.ts";
import type { PointValue } from "../../kernel/point.ts";
import type { DeviceLine } from "./device-line.ts";

/** One point as the device answered for it. */
export interface PointReading {
  readonly mapping: PointMapping;
  readonly spec: PointSpec;
  /** Where it was read: the read-back of a set-point that cannot be read itself. */
  readonly table: RegisterTable;
  readonly address: number;
  /** Null where the device refused, was silent, or says that it has no value. */
  readonly value: PointValue | null;
  /** Registers as they came, or 0 and 1 for bits; null without an answer. */
  readonly words: readonly number[] | null;
  /** Of the request that brought it. */
  readonly latencyMs: number;
  /** Why there are no words. */
  readonly failure: "illegal" | "silent" | null;
  /** For people; "" without failure. */
  readonly failureText: string;
}

export interface ReadResult {
  /** In the order of the profile. */
  readonly readings: readonly PointReading[];
  readonly requestCount: number;
  readonly latenciesMs: readonly number[];
}

interface Wanted extends ReadItem {
  readonly mapping: PointMapping;
  readonly spec: PointSpec;
}

/** A device that leaves so many requests in a row unanswered is given up. */
const SILENCE_COUNT_MAX = 3;

/**
 * Reads points in the fewest requests. One that is refused or not answered is divided until the register stands alone, so that it
 * costs the others nothing.
 *
 * @param told - After each request: how many points are known of how many.
 * @throws {@link RemsError} `REMS_DEVICE_TIMEOUT` where the device answers nothing, `REMS_DEVICE_OFFLINE` without a connection,
 *   `REMS_DEVICE_EXCEPTION` where a gateway does not reach it.
 */
export async function readPoints(
  line: DeviceLine,
  unitId: number,
  profile: DeviceProfile,
  mappings: readonly PointMapping[],
  told: (doneCount: number, totalCount: number) => void = () => {},
): Promise<ReadResult> {
  const wanted: Wanted[] = mappings
    .flatMap((mapping) => wantedOf(profile, mapping))
    .map((one, slot) => ({ ...one, slot }));
  const readings = new Map<number, PointReading>();
  const latenciesMs: number[] = [];
  const queue: ReadRequest[] = planReads(
    wanted,
    readLimitsOf({ profile, transport: "tcp", serial: null }),
  );
  let requestCount = 0;
  let silenceCount = 0;
  for (let request = queue.shift(); request !== undefined; request = queue.shift()) {
    const { table, address, count } = request;
    const { outcome, latencyMs } = await line.read(unitId, table, address, count);
    requestCount++;
    if (outcome.type === "data" || outcome.type === "exception") latenciesMs.push(latencyMs);
    checkReached(line, unitId, outcome);
    silenceCount = outcome.type === "timedOut" ? silenceCount + 1 : 0;
    if (silenceCount >= SILENCE_COUNT_MAX && latenciesMs.length === 0) {
      throw new RemsError(
        "REMS_DEVICE_TIMEOUT",
        `unit ${unitId} at ${line.address} answered none of ${requestCount} requests; is the unit id right? r-emsctl device scan ${line.address} finds those that answer`,
      );
    }
    const halves = outcome.type === "data" ? null : splitRequest(request);
    if (halves !== null) queue.unshift(...halves);
    else {
      for (const item of request.items) {
        const one = present(wanted[item.slot], "an item of a request was wanted");
        readings.set(one.slot, readingOf(one, request, outcome, latencyMs));
      }
    }
    told(readings.size, wanted.length);
  }
  const ordered = wanted.map(({ slot }) => present(readings.get(slot), "each was read"));
  return { readings: ordered, requestCount, latenciesMs };
}

function checkReached(line: DeviceLine, unitId: number, outcome: Outcome): void {
  if (outcome.type === "exception" && isUnreached(outcome.code)) {
    throw new RemsError(
      "REMS_DEVICE_EXCEPTION",
      `the gateway at ${line.address} does not reach unit ${unitId} (${textOf(outcome)})`,
    );
  }
  if (outcome.type === "lost" || outcome.type === "dropped") {
    throw new RemsError(
      "REMS_DEVICE_OFFLINE",
      `the connection to ${line.address} was lost: ${textOf(outcome)}; has the device room for one more master?`,
      { isRetryable: true },
    );
  }
}

/** Nothing for a point that cannot be read. */
function wantedOf(profile: DeviceProfile, mapping: PointMapping): Omit<Wanted, "slot">[] {
  const spec = DEVICE_KINDS[profile.kind].points[mapping.point];
  if (spec === undefined) return [];
  const place = mapping.access === "write" ? mapping.readBack : mapping;
  if (place === null) return [];
  const { wordCount } = createPointCodec(mapping, spec);
  return [{ mapping, spec, table: place.table, address: place.address, wordCount }];
}

function readingOf(
  one: Wanted,
  request: ReadRequest,
  outcome: Outcome,
  latencyMs: number,
): PointReading {
  const { mapping, spec, table, address } = one;
  const base = { mapping, spec, table, address, latencyMs };
  if (outcome.type !== "data") {
    const failure = outcome.type === "timedOut" ? "silent" : "illegal";
    return { ...base, value: null, words: null, failure, failureText: textOf(outcome) };
  }
  const at = one.address - request.address;
  const words = outcome.words.slice(at, at + one.wordCount);
  const value = createPointCodec(mapping, spec).decode(words, 0);
  return { ...base, value, words, failure: null, failureText: "" };
}
