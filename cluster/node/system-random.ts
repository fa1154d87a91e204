import { randomBytes } from "node:crypto";
import type { Random } from "../../kernel/ports/random.ts";

/** The operating system's randomness. */
export function createSystemRandom(): Random {
  return {
    next: () => randomBytes(6).readUIntBE(0, 6) / 2 ** 48,
    hex128: () => randomBytes(16).toString("hex"),
  };
}
