import { describe, expect, it } from "vitest";
import { inWords } from "./reason.ts";
import {
  decideSite,
  nextQuarter,
  quarterRoomKw,
  type SiteBattery,
  type SiteInput,
} from "./site.ts";

const BATTERY: SiteBattery = {
  device: "bat",
  ratedKw: 500,
  socPct: 60,
  reserveSocPct: 30,
  chargeLimitKw: 500,
  dischargeLimitKw: 500,
  isUsable: true,
  setpointKw: 160,
  powerKw: 160,
};
const SITE: SiteInput = {
  parameters: {
    importLimitKw: 600,
    exportLimitKw: 250,
    peakTargetKw: 500,
    isSelfConsuming: true,
    socMaxPct: 90,
    socChargePct: 50,
  },
  importKw: 500,
  quarterRoomKw: 500,
  batteries: [BATTERY],
  isBringingToZero: false,
  rampPctPerS: 10,
  elapsedMs: 100,
};

describe("a point of interconnection that is not measured", () => {
  const blind = (battery: Partial<SiteBattery>) =>
    decideSite({ ...SITE, importKw: null, batteries: [{ ...BATTERY, ...battery }] });

  it("holds what the batteries give, lifts no limit of the sun, and says so", () => {
    const { setpointsKw, excessKw, because } = blind({});
    expect(setpointsKw.get("bat")).toBe(160);
    expect(excessKw).toBeNull();
    expect(inWords(because)).toContain("the batteries and what limits the sun stay as they are");
  });

  it.each([
    ["the reserve for an outage", { socPct: 30 }, 0],
    ["the limit of the management", { dischargeLimitKw: 100 }, 100],
    ["the upper limit of charge", { setpointKw: -200, socPct: 90 }, 0],
  ] as const)("goes before by %s", (_name, battery, wanted) => {
    expect(blind(battery).setpointsKw.get("bat")).toBeCloseTo(wanted, 9);
  });

  it("counts as if the target had been drawn", () => {
    const start = 1_699_999_200_000;
    let quarter = nextQuarter({ quarter: -1, importKwh: 0, measuredMs: 0 }, start, 0, 0);
    for (let second = 1; second <= 300; second++)
      quarter = nextQuarter(quarter, start + second * 1000, 0, 0);
    expect(quarterRoomKw(quarter, 500, start + 300_000)).toBeCloseTo(500, 9);
  });
});

describe("the order of priority of a connected site", () => {
  const because = (more: Partial<SiteInput>) =>
    decideSite({ ...SITE, ...more }).because.map(({ code }) => code);

  it("gives the import limit and the peak target up for the reserve, and names which", () => {
    const batteries = [{ ...BATTERY, socPct: 30, setpointKw: 0, powerKw: 0 }];
    expect(because({ batteries, importKw: 700 })).toContain("SITE_IMPORT_GIVEN_UP");
    expect(because({ batteries, importKw: 550 })).toContain("SITE_PEAK_GIVEN_UP");
    const { setpointsKw } = decideSite({ ...SITE, batteries, importKw: 700 });
    expect(setpointsKw.get("bat")).toBeCloseTo(0, 9);
  });
});
