import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { readIncident } from "../../history/incident.ts";
import { ReplaySession } from "./replay-session.ts";
import { verifyGrids } from "./verify-grids.ts";

const kept = join(import.meta.dirname, "../../test/incidents/vessel-failover.incident");
const FRAME_COUNT = 60;

function session(): ReplaySession {
  const whole = readIncident(readFileSync(kept));
  const grids = whole.grids.map((recording) => ({
    ...recording,
    frames: recording.frames.slice(0, FRAME_COUNT),
    behaviour: recording.behaviour.slice(0, FRAME_COUNT),
  }));
  return new ReplaySession({ ...whole, grids });
}

const nowMs = () => performance.now();
const { signal } = new AbortController();

it("re-runs grids in threads, and leaves each replay where one in this thread would stand", async () => {
  const apart = session();
  const alone = session();
  const inThreads = await verifyGrids(apart.manifest, [...apart.grids.values()], {
    nowMs,
    onProgress: () => {},
    signal,
    threadsFromFrameCount: 0,
  });
  const here = await verifyGrids(alone.manifest, [...alone.grids.values()], {
    nowMs,
    onProgress: () => {},
    signal,
  });
  expect(inThreads?.map(({ grid, counts, isEqual }) => ({ grid, counts, isEqual }))).toEqual(
    here?.map(({ grid, counts }) => ({ grid, counts, isEqual: true })),
  );
  for (const [grid, replay] of apart.grids) {
    const other = alone.grids.get(grid);
    expect(replay.last).toEqual(other?.last);
    replay.seek(FRAME_COUNT - 7);
    other?.seek(FRAME_COUNT - 7);
    expect(replay.replica.text()).toBe(other?.replica.text());
  }
});

it("a damaged recording fails in a thread as it does here", async () => {
  const { manifest, grids } = session();
  const replays = [...grids.values()];
  const frames = replays[0]?.recording.frames as string[];
  frames.splice(20, 1);
  await expect(
    verifyGrids(manifest, replays, {
      nowMs,
      onProgress: () => {},
      signal,
      threadsFromFrameCount: 0,
    }),
  ).rejects.toMatchObject({ code: "REMS_INCIDENT_INVALID" });
});
