import { beforeAll, describe, expect, it } from "vitest";
import { present } from "../../kernel/assert.ts";
import { type DaemonProgram, FREE_PORTS, useInstallation } from "./installation.ts";
import { readJournal } from "./journal-file.ts";
import type { SimulatorProgram } from "./simulator-program.ts";

const installation = useInstallation();
let manifest: string;
let simulator: SimulatorProgram;
let daemon: DaemonProgram;
let options: string[];

/** What a script reads from `r-emsctl status --json`. */
interface Status {
  readonly node: string;
  readonly isSimulation: boolean;
  readonly grids: readonly {
    readonly grid: string;
    readonly role: string;
    readonly leader: string;
    readonly epoch: number;
    readonly sequence: number;
    readonly hasAuthority: boolean;
    readonly isViewCurrent: boolean;
    readonly plantTimeMs: number;
    readonly plant: { readonly frequencyHz: number; readonly generationKw: number };
    readonly devices: readonly { readonly device: string; readonly connection: string }[];
  }[];
}

async function status(): Promise<Status> {
  const { code, out, err } = await installation.ctl(daemon, "--json", "status");
  expect(code, err).toBe(0);
  return JSON.parse(out) as Status;
}

const site = (of: Status) => present(of.grids[0], "the manifest has one grid");

beforeAll(async () => {
  manifest = await installation.manifest("single");
  simulator = await installation.simulator(manifest);
  options = [...FREE_PORTS, ...installation.towards(simulator, "n1")];
});

describe("one node with its own record", () => {
  it("leads within seconds of its start and commands the devices", async () => {
    const startedMs = performance.now();
    daemon = await installation.daemon(manifest, options);
    await daemon.untilRole("leading", 5000);
    await simulator.until("write by n1", () => simulator.writerOf("site") === "n1", 5000);
    expect(performance.now() - startedMs).toBeLessThan(8000);

    // Set-points of devices with a watchdog are written again and again.
    const before = present(simulator.newest("totals"), "totals").writeCount;
    const after = await simulator.totalsAfter(4);
    expect(after.writeCount).toBeGreaterThan(before);
    expect(after).toMatchObject({ refusedCount: 0, overlapCount: 0, breakersMovedCount: 0 });
    expect(simulator.plant.devices.filter(({ isInFallback }) => isInFallback)).toEqual([]);
  });

  it("says who leads, and what the simulated plant measures", async () => {
    const found = await status();
    expect(found).toMatchObject({ node: "n1", isSimulation: true });
    expect(site(found)).toMatchObject({
      grid: "site",
      role: "leading",
      leader: "n1",
      epoch: 1,
      hasAuthority: true,
      isViewCurrent: true,
    });
    expect(site(found).devices.map(({ connection }) => connection)).toEqual(
      Array.from({ length: 5 }, () => "online"),
    );
    const { frequencyHz, generationKw } = site(found).plant;
    const plant = present(simulator.plant.grids[0], "one grid");
    expect(Math.abs(frequencyHz - plant.frequencyHz)).toBeLessThan(0.5);
    // The load wanders by a few percent between the two looks.
    expect(Math.abs(generationKw - plant.loadKw)).toBeLessThan(plant.loadKw * 0.15);
  });

  it("lists its actors, those of the plant and those of the node", async () => {
    const { code, out } = await installation.ctl(daemon, "--json", "actors");
    expect(code).toBe(0);
    const actors = out.split("\n").map((line) => JSON.parse(line) as { address: string });
    const addresses = actors.map(({ address }) => address);
    expect(addresses).toEqual(
      expect.arrayContaining([
        "grids/site",
        ...["msb", "q0", "bat1", "pv", "house"].map((id) => `grids/site/devices/${id}`),
        "nodes/n1/controllers/site",
        "nodes/n1/drivers/bat1",
      ]),
    );
    expect(new Set(addresses).size).toBe(addresses.length);
  });

  it("says why an actor is in its state, and refuses one that is not there with exit code 1", async () => {
    const why = await installation.ctl(daemon, "--json", "why", "site/bat1");
    expect(why.code, why.err).toBe(0);
    const answer = JSON.parse(why.out) as { address: string; state: string; reasons: string[] };
    expect(answer).toMatchObject({ address: "grids/site/devices/bat1", state: "following" });
    expect(answer.reasons.length).toBeGreaterThan(0);

    const absent = await installation.ctl(daemon, "--json", "why", "site/bat9");
    expect(absent.code).toBe(1);
    expect(JSON.parse(absent.err)).toMatchObject({ message: expect.stringContaining("bat") });
  });

  it("shows what happens at a device as a transition while it happens, until Ctrl-C", async () => {
    const watch = installation.startCtl(daemon, "--json", "watch", "grids/site");
    await watch.until("bookmark", () => watch.out.some((line) => line.includes('"bookmark"')));
    const pictureCount = watch.out.length;
    const isSeen = (to: string) => () =>
      watch.out.slice(pictureCount).some((line) => {
        const { transition } = JSON.parse(line) as { transition?: { actor: string; to: string } };
        return transition?.actor === "grids/site/devices/house" && transition.to === to;
      });
    simulator.send({ type: "breaker", device: "house", action: "open" });
    await watch.until("transition to open", isSeen("open"), 5000);
    simulator.send({ type: "breaker", device: "house", action: "close" });
    await watch.until("transition to closed", isSeen("closed"), 5000);
    expect((await watch.end("SIGINT")).code).toBe(0);
  });

  it("serves metrics and readiness over HTTP", async () => {
    const base = `http://127.0.0.1:${daemon.ready.httpPort}`;
    const metrics = await fetch(`${base}/metrics`);
    expect(metrics.headers.get("content-type")).toContain("text/plain");
    const text = await metrics.text();
    const value = (name: string) =>
      Number(new RegExp(`^${name}\\{[^}]*\\} (\\S+)$`, "m").exec(text)?.[1]);
    expect(value("rems_is_leader")).toBe(1);
    expect(value("rems_has_authority")).toBe(1);
    expect(value("rems_epoch")).toBe(1);
    expect(value("rems_frames_total")).toBeGreaterThan(10);
    expect(value("process_resident_memory_bytes")).toBeGreaterThan(20e6);
    expect(text).toContain('device="bat1",state="following"');
    expect((await fetch(`${base}/healthz`)).status).toBe(200);
    expect((await fetch(`${base}/readyz`)).status).toBe(200);
  });

  it("logs JSON that says SIMULATION in every line", () => {
    expect(daemon.log.length).toBeGreaterThan(5);
    for (const line of daemon.log) {
      expect(line).toMatchObject({ node: "n1", installation: "single", mode: "SIMULATION" });
      expect(Number.isNaN(Date.parse(String(line["time"])))).toBe(false);
    }
  });

  it("leads again within about a second after a kill, and goes on with its journal", async () => {
    const before = site(await status());
    await daemon.end("SIGKILL");
    const { pid } = daemon.child;
    daemon = await installation.daemon(manifest, options);
    const readyMs = performance.now();
    expect(daemon.child.pid).not.toBe(pid);
    await daemon.untilRole("leading", 5000);
    expect(performance.now() - readyMs).toBeLessThan(1500);
    await simulator.until("write of the next epoch", () => {
      return simulator.plant.grids[0]?.epoch === before.epoch + 1;
    });

    const after = site(await status());
    expect(after).toMatchObject({ leader: "n1", role: "leading", epoch: before.epoch + 1 });
    expect(after.sequence).toBeGreaterThan(before.sequence);
    expect(after.plantTimeMs).toBeGreaterThan(before.plantTimeMs);

    // The frames of both lives are one chain: nothing that was issued is forgotten.
    await daemon.end("SIGTERM");
    const frames = readJournal(daemon.dataDirectory).filter(({ kind }) => kind === "frame");
    const epochs = new Set(frames.map(({ position }) => position.epoch));
    expect([...epochs]).toEqual([before.epoch, before.epoch + 1]);
    const first = frames.findIndex(({ position }) => position.epoch === before.epoch + 1);
    expect(frames[first]?.previousHash).toBe(frames[first - 1]?.position.hash);
    expect(frames[first]?.position.sequence).toBe((frames[first - 1]?.position.sequence ?? 0) + 1);
  });

  it("gave its battery and inverter back as it was stopped, long before the watchdog would have", async () => {
    const isGivenBack = (device: string) =>
      simulator.plant.devices.find(({ id }) => id === device)?.isInFallback === true;
    const areBoth = () => isGivenBack("bat1") && isGivenBack("pv");
    await simulator.until("fallback of bat1 and pv", areBoth, 2000);
    const frames = readJournal(daemon.dataDirectory).filter(({ kind }) => kind === "frame");
    const last = present(frames.at(-1), "frames were journalled").text.toString("utf8");
    const { fates } = JSON.parse(last) as { fates: { fate: string }[] };
    expect(fates.map(({ fate }) => fate)).toEqual(["confirmed", "confirmed"]);
  });

  it("gave nobody a reason for doubt: no overlap, no refused write, nothing moved but the feeder", async () => {
    const totals = await simulator.totalsAfter(1);
    expect(totals).toMatchObject({ overlapCount: 0, refusedCount: 0, outOfPhaseCount: 0 });
    expect(totals.startsStopsCount).toBe(0);
    // Opened and closed by hand above.
    expect(totals.breakersMovedCount).toBe(2);
  });
});
