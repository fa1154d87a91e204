import { SUNSPEC_END, SUNSPEC_MARKER } from "../../configs/sunspec/nominal-layout.ts";
import type { RegisterNeed, RegisterReply } from "../modbus/layout-finder.ts";

/** One model of a device. */
export interface FoundModel {
  readonly id: number;
  /** Address of its `ID` register. */
  readonly address: number;
  /** `L`: registers after `ID` and `L`. */
  readonly length: number;
}

export interface SunspecChain {
  /** Address of the marker `SunS`. */
  readonly baseAddress: number;
  readonly models: readonly FoundModel[];
  /** What is not as the specification wants it, for people; the models before are usable. */
  readonly remark: string | null;
}

/** Where the marker may stand: the three addresses of the specification, then those of devices that count from 1. */
export const BASE_ADDRESSES: readonly number[] = [40000, 0, 50000, 40001, 1, 50001];

/** A chain of more models is taken for garbage. */
const MODEL_COUNT_MAX = 256;

/**
 * Finds the SunSpec models of a device. Asks for one read after the other and is told what came of it, so that it runs over any
 * transport: `next()` yields a need, `next(reply)` goes on.
 *
 * @param bases - Addresses to look at, in this order.
 * @returns Null where no address holds the marker.
 */
export function* discoverSunspec(
  bases: readonly number[] = BASE_ADDRESSES,
): Generator<RegisterNeed, SunspecChain | null, RegisterReply> {
  for (const address of bases) {
    const words = yield { address, count: 2, isGuess: true };
    if (words?.[0] === SUNSPEC_MARKER[0] && words[1] === SUNSPEC_MARKER[1])
      return yield* walkModels(address);
  }
  return null;
}

function* walkModels(
  baseAddress: number,
): Generator<RegisterNeed, SunspecChain | null, RegisterReply> {
  const models: FoundModel[] = [];
  const chain = (remark: string | null) => ({ baseAddress, models, remark });
  let address = baseAddress + 2;
  while (models.length < MODEL_COUNT_MAX) {
    if (address + 2 > 0x10000) return chain("the chain runs to the last register without an end");
    const header: RegisterReply = yield { address, count: 2, isGuess: false };
    if (header === null || header.length < 2) {
      return chain(`no model header can be read at ${address}: the end model is missing`);
    }
    const [id = 0, length = 0] = [header[0], header[1]];
    if (id === SUNSPEC_END) return chain(null);
    if (id === 0) return chain(`a model 0 at ${address}: the end model is missing`);
    if (address + 2 + length > 0x10000) {
      return chain(`model ${id} at ${address} says length ${length}, beyond the last register`);
    }
    models.push({ id, address, length });
    address += 2 + length;
  }
  return chain(`more than ${MODEL_COUNT_MAX} models`);
}
