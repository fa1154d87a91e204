import { join } from "node:path";
import { expect, it } from "vitest";
import { createGridCore } from "../../actors/grid/grid-core.ts";
import { loadManifest } from "../../configs/load-manifest.ts";
import { createClusterOf } from "./cluster.ts";

const manifest = loadManifest(join(import.meta.dirname, "..", "..", "configs", "vessel.toml"));
const RAISED_MS = 2000;
const CLEARED_MS = 5000;

/** Three nodes with the real core of a switchboard; each finds out for itself what is wrong. */
function vesselCluster() {
  const cluster = createClusterOf({ seed: 5 }, createGridCore(manifest, "port"));
  cluster.startAll();
  const run = (ms: number) => cluster.clock.advanceBy(ms);
  run(3000);
  /** Storage alarms that stand, as each node that runs would list them. */
  const listed = () =>
    cluster.nodes.filter(cluster.isRunning).map((node) =>
      cluster
        .loop(node)
        .coreState()
        .alarmBook.entries.filter(({ code, isActive }) => isActive && STORAGE.test(code))
        .map(({ id, code, actor }) => `${id} ${actor} ${code}`),
    );
  const tell = (node: string, fact: string, isTrue: boolean) =>
    cluster.loop(node).setNodeFact(fact, isTrue);
  return { ...cluster, run, listed, tell };
}
const STORAGE = /^(?:DISK|HISTORY|JOURNAL)_/;
const SERVER = "historyServer.isLost";

it("a server that all nodes miss is one alarm, with one id on every node, through a failover, until the last has it back", () => {
  const cluster = vesselCluster();
  const { listed, tell, run, leader, nodes } = cluster;
  expect(listed()).toEqual([[], [], []]);
  // Each notices in its own time.
  for (const node of nodes.toReversed()) {
    tell(node, SERVER, true);
    run(200);
  }
  run(RAISED_MS - 600);
  const [first = []] = listed();
  expect(first).toHaveLength(1);
  expect(first[0]).toContain("HISTORY_SERVER_LOST");
  expect(listed()).toEqual([first, first, first]);

  const old = leader() ?? "";
  cluster.kill(old);
  for (let i = 0; i < 20; i++) {
    run(100);
    for (const alarms of listed()) expect(alarms).toEqual(first);
  }
  cluster.start(old);
  tell(old, SERVER, true);
  run(2000);
  expect(listed()).toEqual([first, first, first]);

  const [last = "", ...others] = nodes;
  for (const node of others) tell(node, SERVER, false);
  run(CLEARED_MS);
  expect(listed()).toEqual([first, first, first]);
  tell(last, SERVER, false);
  run(CLEARED_MS);
  expect(listed()).toEqual([[], [], []]);
});

it("a node that is gone keeps no alarm alive once the others have the server back", () => {
  const cluster = vesselCluster();
  const { listed, tell, run, leader, nodes } = cluster;
  for (const node of nodes) tell(node, SERVER, true);
  run(RAISED_MS);
  const old = leader() ?? "";
  cluster.kill(old);
  run(1000);
  expect(listed().map(({ length }) => length)).toEqual([1, 1]);
  for (const node of nodes) if (node !== old) tell(node, SERVER, false);
  run(CLEARED_MS);
  expect(listed()).toEqual([[], []]);
});

it("a full disk is an alarm of its node; the same on another node is another cause", () => {
  const { listed, tell, run, leader, nodes } = vesselCluster();
  const standbys = nodes.filter((node) => node !== leader());
  for (const node of standbys) tell(node, "disk.isFull", true);
  run(RAISED_MS);
  const [first = []] = listed();
  expect(first.map((text) => text.replace(/^\S+ /, ""))).toEqual(
    standbys.map((node) => `nodes/${node} DISK_FULL`),
  );
  expect(listed()).toEqual([first, first, first]);
});
