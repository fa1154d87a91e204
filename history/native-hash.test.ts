import { expect, it } from "vitest";
import { hashOf } from "../kernel/hash.ts";
import { nativeHashOf } from "./native-hash.ts";

it.each(["", "a frame", "Bogenstrahlruder öffnet: 12 °C, 𝄞, \ud800"])(
  "hashes %j as the kernel does",
  (text) => {
    expect(nativeHashOf(text)).toBe(hashOf(text));
  },
);
