import { describe, expect, it } from "vitest";
import { GRID_CODES } from "./grid-codes.ts";
import {
  beginIslanding,
  CONNECTED,
  decideIslanding,
  refusalOfIslanding,
  type IslandingInput,
  type IslandingState,
} from "./islanding.ts";
import { inWords } from "./reason.ts";

const BATTERY = {
  device: "bat",
  isConnected: true,
  isForming: true,
  dischargeKw: 500,
  socPct: 60,
  reserveSocPct: 30,
};
const BOND = {
  device: "k1",
  breaker: "open",
  state: "open",
  sinceMs: 0,
  isInDoubt: false,
} as const;
const SITE: IslandingInput = {
  plantTimeMs: 100_000,
  code: GRID_CODES["en50549-50"],
  reconnectWaitS: 20,
  point: { device: "q0", breaker: "open", state: "ready", voltagePu: 1, frequencyHz: 50 },
  batteries: [BATTERY],
  feeders: [
    { device: "ev", breaker: "closed", tripStage: 1, loadKw: 100 },
    { device: "production", breaker: "closed", tripStage: 2, loadKw: 100 },
    { device: "critical", breaker: "closed", tripStage: null, loadKw: 100 },
  ],
  loadKw: 300,
  freeKw: 200,
  connectedSets: ["g1"],
  bond: null,
  isBusLive: true,
};
const ISLANDED: IslandingState = { ...CONNECTED, phase: "islanded", sinceMs: 90_000 };

/** What is asked in one scan, as words. */
function asked(more: Partial<IslandingInput>, state: IslandingState = ISLANDED): string[] {
  const decision = decideIslanding({ ...SITE, ...more }, state);
  return decision.actions.map(({ device, what }) => `${device} ${what}`);
}

/** Decides every second for so long, from `state` on. */
function played(more: Partial<IslandingInput>, state: IslandingState, seconds: number) {
  let last = decideIslanding({ ...SITE, ...more }, state);
  const done = last.actions.map(({ device, what }) => `${device} ${what}`);
  for (let second = 1; second <= seconds; second++) {
    last = decideIslanding({ ...SITE, ...more, plantTimeMs: 100_000 + second * 1000 }, last.state);
    for (const { device, what } of last.actions) done.push(`${device} ${what}`);
  }
  return { last, done };
}

describe("shedding of an islanded site", () => {
  it("opens stage 1 at once, and stage 2 where the charge is low or the batteries are nearly used up", () => {
    expect(asked({})).toEqual(["ev open"]);
    const low = { batteries: [{ ...BATTERY, socPct: 39 }] };
    expect(asked(low)).toEqual(["ev open", "production open"]);
    expect(asked({ loadKw: 449 })).toEqual(["ev open"]);
    expect(asked({ loadKw: 451 })).toEqual(["ev open", "production open"]);
  });
});

describe("the neutral-earth bond of an islanded site", () => {
  it.each([
    ["is asked for at once", {}, 0, "k1 close"],
    [
      "stops every source where it is not made in time",
      { state: "closing", sinceMs: 90_000 },
      400,
      "bat openAll, g1 openAll",
    ],
    ["is waited for before that", { state: "closing", sinceMs: 90_000 }, 300, ""],
    [
      "is waited for where its leader is gone",
      { state: "closing", sinceMs: 90_000, isInDoubt: true },
      900,
      "",
    ],
    [
      "stops them too where nobody ever knew of it",
      { breaker: "unknown", state: "unknown" },
      400,
      "bat openAll, g1 openAll",
    ],
    [
      "opens nothing where it was made and falls silent",
      { breaker: "unknown", state: "unknown", sinceMs: 95_000 },
      9000,
      "",
    ],
    ["opens nothing while it is made", { breaker: "closed", state: "closed" }, 9000, ""],
  ] as const)("%s", (_name, bond, afterMs, wanted) => {
    const input = { bond: { ...BOND, ...bond }, plantTimeMs: 90_000 + afterMs, feeders: [] };
    expect(asked(input).join(", ")).toBe(wanted);
  });

  it("is made before a dark site is energised, and says so", () => {
    const bond = { ...BOND, state: "failed", sinceMs: 95_000 };
    const decision = decideIslanding({ ...SITE, feeders: [], bond, isBusLive: false }, ISLANDED);
    expect(decision.actions).toEqual([]);
    expect(decision.isBondMissing).toBe(true);
    expect(inWords(decision.because)).toContain("k1 is not made (failed)");
  });

  it("must be ready before the site leaves the utility on request", () => {
    const point = { ...SITE.point, breaker: "closed" } as const;
    const refusal = (state: string) =>
      refusalOfIslanding({ ...SITE, point, bond: { ...BOND, state } })?.code ?? null;
    expect(refusal("open")).toBeNull();
    expect(refusal("unknown")).toBe("BOND_NOT_READY");
    expect(refusal("failed")).toBe("BOND_NOT_READY");
  });
});

describe("leaving the utility and going back", () => {
  it("ends a planned islanding after a minute in which power did not come to zero: the connection is kept", () => {
    const point = { ...SITE.point, breaker: "closed", state: "unloading" } as const;
    const { last, done } = played({ point }, beginIslanding(CONNECTED, 100_000), 60);
    expect(done.at(-1)).toBe("q0 keep");
    expect(last.state).toMatchObject({ phase: "connected", ended: "not islanded within 60 s" });
  });

  it("tries to reconnect three times, each after the whole wait, then leaves it to people", () => {
    const { last, done } = played({ feeders: [] }, ISLANDED, 200);
    expect(done).toEqual(["q0 sync", "q0 sync", "q0 sync"]);
    expect(last.state.phase).toBe("islanded");
    expect(inWords(last.because)).toContain("did not synchronise in 3 attempts");
  });

  it("waits anew where the utility leaves its band", () => {
    const good = { ...ISLANDED, goodSinceMs: 70_000 };
    expect(asked({ feeders: [] }, good)).toEqual(["q0 sync"]);
    const bad = { ...SITE.point, frequencyHz: 51 };
    expect(decideIslanding({ ...SITE, point: bad }, good).state.goodSinceMs).toBeNull();
  });
});
