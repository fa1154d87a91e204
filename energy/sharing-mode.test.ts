import { describe, expect, it } from "vitest";
import { reasonOf, sentenceOf } from "./reason.ts";
import { isResting, ISOCHRONOUS, nextSharing, whySharingMode } from "./sharing-mode.ts";

describe("sharing by droop on command", () => {
  const loading = reasonOf("DROOP_SUSPENDED", "dg2", { state: "being loaded" });
  const asked = { mode: "droop", quietSinceMs: null } as const;
  const why = (sharing: Parameters<typeof whySharingMode>[0], nowMs: number) => {
    const reason = whySharingMode(sharing, nowMs, null);
    return reason === null ? "" : sentenceOf(reason);
  };

  it("rests references only after ten quiet seconds, so that they add up to the load by then", () => {
    const begun = nextSharing(asked, 5000, null);
    expect(begun).toEqual({ mode: "droop", quietSinceMs: 5000 });
    expect(nextSharing(begun, 9000, null)).toBe(begun);
    expect(isResting(begun, 14_900, null)).toBe(false);
    expect(why(begun, 9000)).toContain("for 6 s more");
    expect(isResting(begun, 15_000, null)).toBe(true);
    expect(why(begun, 15_000)).toContain("references rest");
  });

  it("follows the load again while something is on its way, and counts anew after it", () => {
    const begun = nextSharing(asked, 5000, null);
    expect(isResting(begun, 20_000, loading)).toBe(false);
    const suspended = nextSharing(begun, 20_000, loading);
    expect(suspended).toEqual(asked);
    expect(whySharingMode(suspended, 20_000, loading)).toBe(loading);
    const again = nextSharing(suspended, 30_000, null);
    expect(isResting(again, 39_900, null)).toBe(false);
    expect(isResting(again, 40_000, null)).toBe(true);
  });

  it("is not there where nobody asked for it", () => {
    expect(nextSharing(ISOCHRONOUS, 5000, null)).toBe(ISOCHRONOUS);
    expect(isResting(ISOCHRONOUS, 50_000, null)).toBe(false);
    expect(why(ISOCHRONOUS, 50_000)).toBe("");
  });
});
