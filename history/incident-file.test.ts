import { generateKeyPairSync } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { RemsError } from "../kernel/errors.ts";
import {
  encodeIncidentFile,
  keyFingerprint,
  readIncidentFile,
  type IncidentSummary,
} from "./incident-file.ts";

const place = { epoch: 1, sequence: 1, plantTimeMs: 0, wallTimeMs: 1000 };
const summary: IncidentSummary = {
  createdAt: "2026-11-26T00:00:00.000Z",
  createdBy: { version: "0.1.0", nodeVersion: "v20" },
  installation: { id: "vessel", name: "Vessel" },
  isSimulation: true,
  reason: "exported",
  grids: [
    {
      grid: "port",
      frameCount: 1,
      gapCount: 0,
      first: place,
      last: place,
      coreVersion: "1",
      manifestHash: "m",
    },
  ],
  remarks: [],
};
const sections = new Map([
  ["frames/port", Buffer.from('{"a":1}\n'.repeat(1000))],
  ["empty", Buffer.alloc(0)],
]);
const bytes = encodeIncidentFile(summary, sections);

function codeOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof RemsError) return error.code;
    throw error;
  }
  return "none";
}

/** Reads everything that is in the file. */
function readAll(data: Buffer): Buffer[] {
  const file = readIncidentFile(data);
  return file.header.sections.map(({ name }) => file.section(name));
}

describe("an incident's file", () => {
  it("gives back what was put in, compressed, with a header that people can read", () => {
    expect(readAll(bytes)).toEqual([...sections.values()]);
    expect(bytes.length).toBeLessThan(1500);
    expect(bytes.toString("utf8")).toMatch(/^R-EMS incident 1\n\{"createdAt":"2026/);
    expect(readIncidentFile(bytes).signedBy).toBeNull();
  });

  it("is refused when any bit of it is changed, and never misread", () => {
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const damaged = Buffer.from(bytes);
        damaged[at] = (damaged[at] ?? 0) ^ flip;
        let read: Buffer[];
        try {
          read = readAll(damaged);
        } catch (error) {
          expect(error).toBeInstanceOf(RemsError);
          return;
        }
        // Text of the header (a date, a name) may change unseen in a file that is not signed; what was recorded may not.
        expect(read).toEqual([...sections.values()]);
      }),
      { numRuns: 500 },
    );
  });

  it("is refused when it is torn anywhere", () => {
    for (let length = 0; length < bytes.length; length += 7) {
      expect(codeOf(() => readAll(bytes.subarray(0, length)))).toBe("REMS_INCIDENT_INVALID");
    }
  });

  it("names the version where it is a newer one", () => {
    const newer = Buffer.from(
      bytes.toString("latin1").replace("incident 1\n", "incident 7\n"),
      "latin1",
    );
    expect(() => readIncidentFile(newer)).toThrow(
      "its format is version 7; this build reads version 1",
    );
  });

  it("that claims less than it holds is not inflated beyond its claim", () => {
    const text = bytes
      .toString("latin1")
      .replace('"rawBytes":8000', '"rawBytes":0007'.replace("000", ""));
    expect(codeOf(() => readAll(Buffer.from(text, "latin1")))).toBe("REMS_INCIDENT_INVALID");
  });

  it("is signed with Ed25519 over all of it", () => {
    const { privateKey, publicKey } = generateKeyPairSync("ed25519");
    const signed = encodeIncidentFile(summary, sections, { privateKey });
    expect(readIncidentFile(signed).signedBy).toBe(keyFingerprint(publicKey));
    expect(readAll(signed)).toEqual([...sections.values()]);
    const text = signed.toString("latin1").replace('"reason":"exported"', '"reason":"tampered"');
    expect(() => readIncidentFile(Buffer.from(text, "latin1"))).toThrow(
      "was changed after it was signed",
    );
  });

  it("refuses a key of another kind", () => {
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    expect(() => encodeIncidentFile(summary, sections, { privateKey })).toThrow(
      "allowed is Ed25519",
    );
  });
});
