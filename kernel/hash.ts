import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";

/** Hash of nothing: the predecessor of a grid's very first frame. */
export const HASH_NONE = "0".repeat(32);

/**
 * First 128 bits of SHA-256 (FIPS 180-4) as 32 lower-case hexadecimal digits.
 * It finds differences and torn data; it is no signature.
 */
export function hashOf(data: string | Uint8Array): string {
  const bytes = typeof data === "string" ? utf8ToBytes(data) : data;
  return bytesToHex(sha256(bytes).subarray(0, 16));
}
