import { describe, expect, it } from "vitest";
import { GridReplay } from "../../api/replay/grid-replay.ts";
import { manifestOf, verifyGrid } from "../../api/replay/verify.ts";
import { changedManifest, parseChange } from "../../apps/r-emsctl/incident/what-if.ts";
import { verdictText } from "../../apps/r-emsctl/incident/replay-text.ts";
import { keptIncidents, verdictsOf } from "./library.ts";

const terminal = { out() {}, error() {}, hasColours: false };
const kept = keptIncidents();

describe("recorded incidents replay on this build as they were recorded", () => {
  it.each(kept)("$name", ({ incident }) => {
    const verdicts = verdictsOf(incident);
    const differing = verdicts.filter(({ verdict }) => !verdict.isEqual);
    const texts = differing.map(({ verdict, core }) => verdictText(terminal, verdict, core));
    expect
      .soft(
        texts.join("\n"),
        'If behaviour changes on purpose: npm run incidents -- --accept --reason "why", and commit what it writes.',
      )
      .toBe("");
    for (const { verdict } of verdicts) {
      expect(verdict.counts.frameCount).toBeGreaterThan(100);
      expect(verdict.counts.stateHashCount).toBeGreaterThan(10);
      expect(verdict.counts.behaviourCount).toBe(verdict.counts.frameCount);
    }
  });

  it("hold a failover, a loss of the grid, a blackout and a trip", () => {
    const said = kept
      .flatMap(({ incident }) => incident.grids.flatMap(({ behaviour }) => behaviour))
      .join("\n");
    for (const what of [
      '"origin":"hot"',
      '"to":"forming"',
      '"to":"tripped"',
      '"command":"start"',
      '"BLACKOUT"',
    ]) {
      expect(said + framesText()).toContain(what);
    }
  });
});

function framesText(): string {
  return kept.flatMap(({ incident }) => incident.grids.flatMap(({ frames }) => frames)).join("\n");
}

describe("a build that decides otherwise", () => {
  const vessel = kept.find(({ name }) => name.startsWith("vessel"));
  if (vessel === undefined) throw new RangeError("there is an incident of the vessel");
  const { manifest } = manifestOf(vessel.incident);
  const whole = vessel.incident.grids[0];
  if (whole === undefined) throw new RangeError("it has a grid");
  const recording = {
    ...whole,
    frames: whole.frames.slice(0, 250),
    behaviour: whole.behaviour.slice(0, 250),
  };

  it("is told the first frame, actor, field and output that differ", () => {
    const other = changedManifest(manifest, [parseChange("port.power.startLimitPct=30")]);
    const replay = new GridReplay(other, recording);
    const verdict = verifyGrid(replay, () => performance.now());
    const text = verdictText(terminal, verdict, replay.replica.core);
    expect(verdict.isEqual).toBe(false);
    expect(verdict.counts.frameCount).toBe(recording.frames.length);
    expect(text).toContain("frames put out something else");
    expect(text).toMatch(/first at \S+ {2}\d+:\d+ \(frame \d+\)/);
    expect(text).toMatch(/state, timers\.highSinceMs: recorded null, now \d+/);
  });

  it("is found by the hashes alone where outputs were not kept", () => {
    const other = changedManifest(manifest, [parseChange("port.power.startLimitPct=30")]);
    const replay = new GridReplay(other, { ...recording, behaviour: [], snapshots: [] });
    const { firstStateMismatch, counts } = verifyGrid(replay, () => performance.now());
    expect(firstStateMismatch?.kind).toBe("stateHash");
    expect(counts.behaviourCount).toBe(0);
  });

  it("is not confused with a recording that is damaged", () => {
    const frames = [...recording.frames];
    frames[50] = (frames[50] ?? "").replace(/"plantTimeMs":\d+/, '"plantTimeMs":1');
    const replay = new GridReplay(manifest, { ...recording, frames });
    expect(() => verifyGrid(replay, () => performance.now())).toThrow("the recording is damaged");
  });
});
