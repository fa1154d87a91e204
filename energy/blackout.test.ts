import { describe, expect, it } from "vitest";
import { present } from "../kernel/assert.ts";
import {
  decideBlackout,
  NO_BLACKOUT,
  type BlackoutInput,
  type BlackoutState,
  type DarkSource,
  type DarkTie,
} from "./blackout.ts";
import { sentenceOf } from "./reason.ts";
import { decideTieFeed, NO_TIE_FEED, type TieFeedInput } from "./tie-feed.ts";

const SET: DarkSource = {
  device: "dg1",
  kind: "genset",
  breaker: "open",
  isFeeding: false,
  part: "closable",
  state: "runningOpen",
};

const DARK: BlackoutInput = {
  plantTimeMs: 100_000,
  epoch: 1,
  parameters: {
    hasRecovery: true,
    delayS: 1,
    setCount: 2,
    attemptCountMax: 3,
    feederIntervalS: 3,
    mayCloseShore: false,
    mayCloseTie: true,
    deadBusInterlock: "permit",
  },
  voltagePct: 0,
  frequencyHz: 0,
  nominalFrequencyHz: 60,
  sources: [SET],
  feeders: [{ device: "f1", breaker: "open", isSwitchable: true, isEssential: true, loadKw: 200 }],
  ties: [],
  isFedByOther: false,
  blocks: [],
  mayStart: true,
  preferred: [],
  permitUntilMs: 108_000,
  permitText: "held",
  freeKw: 0,
  stepKw: 0,
  memberCount: 1,
};
const ENERGISING: BlackoutState = {
  ...NO_BLACKOUT,
  phase: "energising",
  sinceMs: 98_000,
  darkSinceMs: 95_000,
  beganAtMs: 95_000,
  attempt: 1,
  openedFeeders: ["f1"],
};

/** Decides again and again, as scans do, from `before` on. @returns What was asked, with the time since then, s. */
function played(before: BlackoutState, inputAt: (s: number) => Partial<BlackoutInput>, s: number) {
  const asked: string[] = [];
  let state = before;
  let last = decideBlackout({ ...DARK, ...inputAt(0) }, state);
  for (let scan = 0; scan <= s * 10; scan++) {
    const atMs = DARK.plantTimeMs + scan * 100;
    const permitUntilMs = atMs + 8000;
    const input = { ...DARK, plantTimeMs: atMs, permitUntilMs, ...inputAt(scan / 10) };
    last = decideBlackout(input, state);
    ({ state } = last);
    for (const { device, what } of last.actions) asked.push(`${scan / 10} ${device} ${what}`);
  }
  return { asked, state, last };
}

describe("a source that was asked to close onto the dead busbar", () => {
  const closing = { sources: [{ ...SET, part: "closing" as const, state: "syncing" }] };

  it("is asked once more by a later leadership, and not told to stop", () => {
    const { asked } = played(
      ENERGISING,
      (s) => (s < 0.1 ? {} : s < 0.3 ? closing : { ...closing, epoch: 2 }),
      4,
    );
    expect(asked).toEqual(["0 dg1 closeOntoDeadBus", "2.3 dg1 closeOntoDeadBus"]);
  });

  it("is asked once more only with the permit, and waits for it", () => {
    const { asked, last } = played(
      ENERGISING,
      (s) => (s < 0.1 ? {} : { ...closing, epoch: 2, ...(s < 4 ? { permitUntilMs: 0 } : {}) }),
      5,
    );
    expect(asked).toEqual(["0 dg1 closeOntoDeadBus", "4 dg1 closeOntoDeadBus"]);
    expect(last.isPermitWanted).toBe(true);
  });

  it("has failed where the same leader waits in vain", () => {
    const { asked, state } = played(ENERGISING, (s) => (s < 0.1 ? {} : closing), 9);
    expect(asked).toEqual(["0 dg1 closeOntoDeadBus", "8 dg1 giveUp"]);
    expect(state.failedClosers).toEqual(["dg1"]);
  });

  it("is not hurried while its converter pre-charges", () => {
    const bat: DarkSource = { ...SET, device: "bat1", kind: "battery", state: "ready" };
    const { asked } = played(
      ENERGISING,
      (s) => ({
        epoch: s < 0.3 ? 1 : 2,
        sources: [s < 0.1 ? bat : { ...bat, part: "starting", state: "precharge" }],
      }),
      5,
    );
    expect(asked).toEqual(["0 bat1 closeOntoDeadBus"]);
  });
});

describe("a feeder that is to come back", () => {
  const F2 = { ...present(DARK.feeders[0], "a feeder"), device: "f2", isEssential: false };
  const LIVE: Partial<BlackoutInput> = {
    voltagePct: 100,
    frequencyHz: 60,
    sources: [{ ...SET, breaker: "closed", isFeeding: true, part: "none", state: "onLoad" }],
    freeKw: 1000,
    stepKw: 400,
  };
  const RESTORING: BlackoutState = {
    ...ENERGISING,
    phase: "restoring",
    darkSinceMs: null,
    inBandSinceMs: 99_000,
    feederSinceMs: 100_000,
  };
  const closes = (more: Partial<BlackoutInput>, before: BlackoutState = RESTORING, s = 20) =>
    played(before, () => ({ ...LIVE, ...more }), s).asked;

  it("is closed where there is room for it", () => {
    expect(closes({}, RESTORING, 1)).toEqual(["0 f1 close"]);
  });

  it.each([
    ["the frequency is low", { frequencyHz: 56.9 }],
    ["the frequency is high", { frequencyHz: 63.1 }],
    ["the voltage is low", { voltagePct: 89 }],
    ["the voltage is high", { voltagePct: 106.5 }],
    ["there is not so much power free", { freeKw: 199 }],
  ] as const)("waits while %s", (_name, more) => {
    expect(closes(more)).toEqual([]);
  });

  it("waits until the busbar has been in band for a second", () => {
    const [first] = closes({}, { ...RESTORING, inBandSinceMs: null }, 3);
    expect(first).toBe("1 f1 close");
  });

  it("waits for what the sources take in one step, an essential one for fifteen seconds at most", () => {
    const [first] = closes({ stepKw: 199 });
    expect(first).toBe("15 f1 close");
    const others = { feeders: [F2], stepKw: 199 };
    expect(closes(others, { ...RESTORING, openedFeeders: ["f2"] }, 60)).toEqual([]);
  });

  it("counts its grid's part of the step only, where others restore beside it", () => {
    expect(closes({ memberCount: 3 }, RESTORING, 10)).toEqual([]);
    expect(closes({ memberCount: 2 }, RESTORING, 1)).toEqual(["0 f1 close"]);
  });

  it("lets a smaller one pass where it is not essential, and nobody where it is", () => {
    const small = { ...F2, device: "f3", loadKw: 50 };
    const opened = { ...RESTORING, openedFeeders: ["f2", "f3"] };
    expect(closes({ feeders: [F2, small], freeKw: 100 }, opened, 3)).toContain("0.1 f3 close");
    const essential = { ...F2, isEssential: true };
    expect(closes({ feeders: [essential, small], freeKw: 100 }, opened, 3)).toEqual([]);
  });

  it("comes after batteries that were connected before and are ready", () => {
    const battery = (device: string, part: DarkSource["part"]): DarkSource => ({
      device,
      kind: "battery",
      breaker: "open",
      isFeeding: false,
      part,
      state: "ready",
    });
    const sources = [
      ...(LIVE.sources ?? []),
      battery("b1", "closable"),
      battery("b2", "none"),
      battery("b3", "closable"),
    ];
    const before = { ...RESTORING, closedBefore: ["f1", "b1", "b2"] };
    expect(closes({ sources }, before, 1)).toEqual(["0 b1 sync", "0 f1 close"]);
  });

  it("is asked twice and then left to people, so that the next one comes", () => {
    const opened = { ...RESTORING, openedFeeders: ["f1", "f2"] };
    const feeders = [...DARK.feeders, F2];
    const asked = closes({ feeders }, opened, 20).map((one) => one.slice(one.indexOf(" ") + 1));
    expect(asked.slice(0, 3)).toEqual(["f1 close", "f1 close", "f2 close"]);
  });
});

describe("a dark section beside a live one", () => {
  const tie: DarkTie = {
    device: "btp",
    tie: "bt",
    grid: "starboard",
    part: "askable",
    why: "",
    freeKw: 690,
  };
  const none = { ...SET, part: "none" as const, state: "blocked" };

  it("asks for the far breaker, holding the permit, and closes its own last", () => {
    const { asked, last } = played(
      ENERGISING,
      (s) => ({ sources: [none], ties: [{ ...tie, part: s < 2 ? "askable" : "fed" }] }),
      3,
    );
    expect(asked).toEqual(["2 btp closeOntoDeadBus"]);
    expect(last).toMatchObject({ feedTie: "bt", feedKw: 200, isPermitWanted: true });
  });

  const refusals: [name: string, input: Partial<BlackoutInput>][] = [
    ["without the permit", { permitUntilMs: 0 }],
    [
      "where the manifest does not allow it",
      { parameters: { ...DARK.parameters, mayCloseTie: false } },
    ],
    ["where the neighbour has no room", { ties: [{ ...tie, part: "fed", freeKw: 199 }] }],
    [
      "while an own set is on its way",
      { sources: [{ ...SET, part: "starting" }], plantTimeMs: 100_000 },
    ],
    [
      "while the neighbour cannot",
      { ties: [{ ...tie, part: "none", why: "the neighbour is silent" }] },
    ],
    [
      "while something is unknown",
      { blocks: [{ code: "UNKNOWN_INPUT", device: "bt", values: { what: "the position" } }] },
    ],
  ];
  it.each(refusals)("closes nothing %s", (_name, input) => {
    const ties: DarkTie[] = [{ ...tie, part: "fed" }];
    const { actions } = decideBlackout({ ...DARK, sources: [none], ties, ...input }, ENERGISING);
    expect(actions.filter(({ device }) => device === "btp")).toEqual([]);
  });

  it("is fed after half a minute although an own set is still starting", () => {
    const input = {
      ...DARK,
      sources: [{ ...SET, part: "starting" as const }],
      plantTimeMs: 125_100,
    };
    const ties: DarkTie[] = [{ ...tie, part: "fed" }];
    const { actions } = decideBlackout({ ...input, ties, permitUntilMs: 133_000 }, ENERGISING);
    expect(actions.map(({ device, what }) => `${device} ${what}`)).toEqual([
      "btp closeOntoDeadBus",
    ]);
  });
});

describe("the live side of a tie", () => {
  const ASKED: TieFeedInput = {
    plantTimeMs: 50_000,
    breaker: "bts",
    forGrid: "port",
    isAsked: true,
    needKw: 200,
    own: "open",
    far: "open",
    forbidden: "",
    isBusLive: true,
    unknowns: [],
    freeKw: 690,
  };

  it("closes its own breaker onto the dead line for who asks", () => {
    const { action, state } = decideTieFeed(ASKED, NO_TIE_FEED);
    expect(action).toBe("close");
    expect(decideTieFeed({ ...ASKED, own: "closed", plantTimeMs: 51_000 }, state).action).toBe(
      "none",
    );
  });

  const refusals: [name: string, input: Partial<TieFeedInput>, because: string][] = [
    ["where the far breaker is not known to be open", { far: "unknown" }, "open for certain"],
    ["where it would close onto a busbar", { far: "closed" }, "open for certain"],
    ["with too little room", { freeKw: 150 }, "150 kW are free for 200 kW"],
    [
      "while a source is not known",
      { unknowns: [{ code: "NOT_READ", device: "", values: {} }] },
      "not known",
    ],
    ["dark itself", { isBusLive: false }, "no source that forms it"],
    ["where it is forbidden", { forbidden: "this grid is not in AUTO" }, "not in AUTO"],
  ];
  it.each(refusals)("does not %s", (_name, input, because) => {
    const { action, reason } = decideTieFeed({ ...ASKED, ...input }, NO_TIE_FEED);
    expect(action).toBe("none");
    expect(reason === null ? "" : sentenceOf(reason)).toContain(because);
  });

  it("opens again once nobody asks any more, and keeps a tie that has joined", () => {
    const { state } = decideTieFeed(ASKED, NO_TIE_FEED);
    const gone = { ...ASKED, isAsked: false, own: "closed" as const };
    expect(decideTieFeed({ ...gone, plantTimeMs: 55_900 }, state).action).toBe("none");
    expect(decideTieFeed({ ...gone, plantTimeMs: 56_000 }, state).action).toBe("open");
    expect(decideTieFeed({ ...gone, far: "closed", plantTimeMs: 56_000 }, state)).toEqual({
      state: NO_TIE_FEED,
      action: "none",
      reason: null,
    });
  });
});

describe("voltage and contacts that contradict each other", () => {
  const LIVE: BlackoutState = { ...NO_BLACKOUT, phase: "live" };
  const doubtedAfter = (input: Partial<BlackoutInput>) => {
    const { asked, state } = played(LIVE, () => input, 3);
    expect(asked).toEqual([]);
    return { isDoubted: state.doubtSinceMs === DARK.plantTimeMs, phase: state.phase };
  };
  const closed: DarkSource = { ...SET, breaker: "closed", isFeeding: true, state: "onLoad" };

  it("a dead busbar with a source that says it feeds is doubted, and no blackout", () => {
    const input = { voltagePct: 5, sources: [closed] };
    expect(doubtedAfter(input)).toEqual({ isDoubted: true, phase: "live" });
  });

  it("voltage above half with every source open is doubted too; not where another grid feeds it, nor at half", () => {
    const open = { voltagePct: 51, frequencyHz: 60 };
    expect(doubtedAfter(open)).toEqual({ isDoubted: true, phase: "live" });
    expect(doubtedAfter({ ...open, isFedByOther: true }).isDoubted).toBe(false);
    expect(doubtedAfter({ ...open, voltagePct: 50 }).isDoubted).toBe(false);
    const unknown = { ...open, sources: [{ ...SET, breaker: "unknown" as const }] };
    expect(doubtedAfter(unknown).isDoubted).toBe(false);
  });
});
