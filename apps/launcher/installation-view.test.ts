import { expect, it } from "vitest";
import { loadManifest } from "../../configs/load-manifest.ts";
import { viewGrids, whyUnsettled } from "./installation-view.ts";
import { leading, nodeView, standby } from "./test-views.ts";

const manifest = loadManifest(new URL("../../configs/vessel.toml", import.meta.url).pathname);
const all = ["n1", "n2", "n3"];

const settled = () => [
  nodeView("n1", [leading("port", all), standby("starboard")]),
  nodeView("n2", [standby("port"), leading("starboard", all)]),
  nodeView("n3", [standby("port"), standby("starboard")]),
];

it("takes a grid's leader at its word, and lists the others by failover order", () => {
  const [port, starboard] = viewGrids(manifest, settled());
  expect(port?.leader).toBe("n1");
  expect(port?.standbys.map(({ node, isInSync }) => [node, isInSync])).toEqual([
    ["n2", true],
    ["n3", true],
  ]);
  expect(starboard?.leader).toBe("n2");
});

it("believes the higher epoch where two nodes say that they lead", () => {
  const [, n2, n3] = settled();
  const old = nodeView("n1", [leading("port", ["n1"], { epoch: 6 })]);
  const next = nodeView("n2", [leading("port", ["n2", "n3"]), leading("starboard", all)]);
  expect(n2).toBeDefined();
  expect(viewGrids(manifest, [old, next, ...(n3 === undefined ? [] : [n3])])[0]?.leader).toBe("n2");
});

it("does not take a frozen or dead node for a leader, whatever it said last", () => {
  const [n1, ...others] = settled();
  const frozen = { ...nodeView("n1", []), ...n1, state: "paused" as const };
  expect(viewGrids(manifest, [frozen, ...others])[0]?.leader).toBeNull();
});

it("does not call a leader without authority a leader", () => {
  const holding = leading("port", ["n1"], { hasAuthority: false });
  expect(viewGrids(manifest, [nodeView("n1", [holding])])[0]?.leader).toBeNull();
});

it("is settled where every grid is led and every living controller in sync", () => {
  expect(whyUnsettled(manifest, settled())).toBeNull();
});

it("is settled without a controller that is down, but not without one that comes back", () => {
  const without = (state: "down" | "starting") => [
    nodeView("n1", [leading("port", ["n1", "n2"])]),
    nodeView("n2", [leading("starboard", ["n1", "n2"])]),
    { ...nodeView("n3", [], state), status: null },
  ];
  expect(whyUnsettled(manifest, without("down"))).toBeNull();
  expect(whyUnsettled(manifest, without("starting"))).toBe("n3 is not in sync yet for grid port");
});

it("names the grid that nobody leads", () => {
  const [n1] = settled();
  expect(whyUnsettled(manifest, n1 === undefined ? [] : [n1])).toBe("nobody leads grid starboard");
});
