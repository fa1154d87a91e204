import { beforeAll, expect, it } from "vitest";
import { present } from "../../kernel/assert.ts";
import { type DaemonProgram, FREE_PORTS, useInstallation } from "./installation.ts";
import { notesOf, readJournal } from "./journal-file.ts";
import type { SimulatorProgram } from "./simulator-program.ts";

const installation = useInstallation();
let simulator: SimulatorProgram;
let controlling: DaemonProgram;
let observer: DaemonProgram;

beforeAll(async () => {
  const manifest = await installation.manifest("single");
  simulator = await installation.simulator(manifest);
  controlling = await installation.daemon(manifest, [
    ...FREE_PORTS,
    ...installation.towards(simulator, "n1"),
  ]);
  await controlling.untilRole("leading", 5000);
  // The observer comes in by the devices' public ports: whatever it writes is counted as a tool's write.
  const publicPorts = present(simulator.newest("ready"), "it is ready").publicPorts;
  const map = installation.file("public.json", JSON.stringify(publicPorts));
  observer = await installation.daemon(
    manifest,
    [...FREE_PORTS, "--observe", "--address-map", map],
    "observer",
  );
  await observer.untilRole("leading", 5000);
});

interface WouldWrite {
  readonly device: string;
  readonly outcome: string;
}

const wouldWrites = (daemon: DaemonProgram): WouldWrite[] =>
  notesOf(readJournal(daemon.dataDirectory))
    .filter(({ kind }) => kind === "wouldWrite")
    .map(({ text }) => JSON.parse(text) as WouldWrite);

async function statusOf(daemon: DaemonProgram) {
  const { code, out, err } = await installation.ctl(daemon, "--json", "status");
  expect(code, err).toBe(0);
  const status = JSON.parse(out) as {
    node: string;
    grids: { role: string; control: string; isViewCurrent: boolean; devices: object[] }[];
  };
  return { node: status.node, ...present(status.grids[0], "one grid") };
}

it("an observer sees the plant beside the daemon that controls it", async () => {
  await observer.until("five devices online", () => {
    const online = observer.log.filter(({ msg }) => msg.endsWith("is online"));
    return new Set(online.map((line) => line["device"])).size === 5;
  });
  expect(await statusOf(observer)).toMatchObject({
    node: "observer",
    role: "leading",
    control: "observe",
    isViewCurrent: true,
  });
  expect(await statusOf(controlling)).toMatchObject({ node: "n1", control: "control" });
});

it("it writes nothing, while the other goes on writing", async () => {
  const before = present(simulator.newest("totals"), "totals");
  const after = await simulator.totalsAfter(4);
  expect(after.writeCount).toBeGreaterThan(before.writeCount);
  expect(after).toMatchObject({ toolWriteCount: 0, refusedCount: 0, overlapCount: 0 });
  expect(simulator.writerOf("site")).toBe("n1");
});

it("it does not step in when the other dies: the devices fall back by themselves", async () => {
  const { writeCount } = await simulator.totalsAfter(1);
  await controlling.end("SIGKILL");
  await simulator.until(
    "fallback of the battery",
    () => simulator.plant.devices.some(({ id, isInFallback }) => id === "bat1" && isInFallback),
    8000,
  );
  const totals = await simulator.totalsAfter(1);
  expect(totals.toolWriteCount).toBe(0);
  // What the other wrote in the second before it died.
  expect(totals.writeCount - writeCount).toBeLessThan(5);
  expect(await statusOf(observer)).toMatchObject({ role: "leading", control: "observe" });
});

it("its journal holds every output that it would have written; the other's holds none", async () => {
  expect((await observer.end("SIGTERM")).code).toBe(0);
  const notes = wouldWrites(observer);
  expect(new Set(notes.map(({ device }) => device))).toEqual(new Set(["bat1", "pv"]));
  for (const note of notes) expect(note.outcome).toBe("wouldWrite");
  expect(wouldWrites(controlling)).toEqual([]);
  const frames = readJournal(observer.dataDirectory).filter(({ kind }) => kind === "frame");
  expect(frames.length).toBeGreaterThan(20);
});
