import { readFileSync } from "node:fs";
import { present } from "../../kernel/assert.ts";
import type { RegisterNeed } from "../modbus/layout-finder.ts";
import { discoverSunspec, type SunspecChain } from "./discovery.ts";

/** A published device image as registers, and the raw values that its publisher says are in them. */
export interface DeviceImage {
  readonly registers: readonly number[];
  /** By model, by point: raw value, null where the device does not implement the point. */
  readonly published: Readonly<Record<string, Readonly<Record<string, number | string | null>>>>;
}

export function deviceImage(name: "device-1547" | "inverter-123"): DeviceImage {
  const file = new URL(`./fixtures/${name}.json`, import.meta.url);
  const image = JSON.parse(readFileSync(file, "utf8")) as DeviceImage & { registers: string };
  const bytes = Buffer.from(image.registers, "hex");
  const registers = Array.from({ length: bytes.length / 2 }, (_, i) => bytes.readUInt16BE(i * 2));
  return { registers, published: image.published };
}

/** Registers from `base` on; every other read is refused. */
export function imageReader(registers: readonly number[], base: number) {
  return ({ address, count }: { address: number; count: number }): readonly number[] | null => {
    const at = address - base;
    return at < 0 || at + count > registers.length ? null : registers.slice(at, at + count);
  };
}

/** Runs a discovery against a reader that answers at once. */
export function discoverIn(
  read: (need: { address: number; count: number }) => ArrayLike<number> | null,
  bases?: readonly number[],
): { chain: SunspecChain | null; reads: RegisterNeed[] } {
  const discovery = discoverSunspec(bases);
  const reads: RegisterNeed[] = [];
  let step = discovery.next();
  while (step.done !== true) {
    reads.push(step.value);
    step = discovery.next(read(step.value));
  }
  return { chain: step.value, reads };
}

/** The registers of one model of a chain. */
export function modelWords(
  registers: readonly number[],
  base: number,
  chain: SunspecChain,
  id: number,
): { words: readonly number[]; length: number } {
  const found = present(
    chain.models.find((model) => model.id === id),
    `model ${id} is in the chain`,
  );
  const at = found.address - base;
  return { words: registers.slice(at, at + 2 + found.length), length: found.length };
}
