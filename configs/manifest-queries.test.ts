import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { present } from "../kernel/assert.ts";
import { loadManifest } from "./load-manifest.ts";
import {
  controllersOf,
  devicesReadBy,
  gridOf,
  gridsOnNode,
  nodeOf,
  otherGridsOf,
} from "./manifest-queries.ts";
import type { Manifest } from "./manifest.ts";

const here = dirname(fileURLToPath(import.meta.url));
const vessel = loadManifest(join(here, "vessel.toml"));
const single = loadManifest(join(here, "single.toml"));

describe("manifest queries", () => {
  it("find grids and nodes by id, and name those that are there if not", () => {
    expect(gridOf(vessel, "starboard").name).toBe("Starboard switchboard");
    expect(nodeOf(vessel, "n3").operatorPort).toBe(7421);
    expect(() => gridOf(vessel, "bow")).toThrow(
      'There is no grid "bow" in the manifest; it has port, starboard. [REMS_NOT_FOUND]',
    );
    expect(() => nodeOf(vessel, "n4")).toThrow(
      'There is no node "n4" in the manifest; it has n1, n2, n3. [REMS_NOT_FOUND]',
    );
  });

  it("list the controllers of a grid in failover order, and the grids of a node", () => {
    expect(controllersOf(vessel, "starboard").map(({ node }) => node)).toEqual(["n2", "n1", "n3"]);
    expect(gridsOnNode(vessel, "n3").map(({ id }) => id)).toEqual(["port", "starboard"]);
    expect(gridsOnNode(single, "absent")).toEqual([]);
  });

  it("let a grid read its own devices and the far breaker of its tie, which it never commands", () => {
    const read = devicesReadBy(vessel, "port");
    expect(read.filter(({ isOwn }) => isOwn).map(({ device }) => device)).toEqual(
      gridOf(vessel, "port").devices,
    );
    const far = read.filter(({ isOwn }) => !isOwn);
    expect(far).toMatchObject([
      { ownerGrid: "starboard", device: { id: "bts", control: "observe", isCritical: false } },
    ]);
    expect(devicesReadBy(single, "site").every(({ isOwn }) => isOwn)).toBe(true);
  });

  it("find the grids of the possible island at any remove, in the order of the manifest", () => {
    expect(otherGridsOf(vessel, "starboard")).toEqual(["port"]);
    expect(otherGridsOf(single, "site")).toEqual([]);
    const [port] = vessel.grids;
    const named = (id: string) => ({ ...(port ?? gridOf(vessel, "port")), id });
    const tie = (a: string, b: string): Manifest["ties"][number] => ({
      id: `${a}-${b}`,
      breakers: [
        { grid: a, device: "x" },
        { grid: b, device: "y" },
      ],
      sacrifice: present(vessel.ties[0], "the vessel has a tie").sacrifice,
    });
    const chain: Manifest = {
      ...vessel,
      grids: ["a", "b", "c", "d", "alone"].map(named),
      ties: [tie("c", "d"), tie("a", "b"), tie("b", "c")],
    };
    expect(otherGridsOf(chain, "a")).toEqual(["b", "c", "d"]);
    expect(otherGridsOf(chain, "alone")).toEqual([]);
  });
});
