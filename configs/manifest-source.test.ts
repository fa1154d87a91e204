import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { RemsError } from "../kernel/errors.ts";
import { loadManifest } from "./load-manifest.ts";
import { readManifestSource, restoreManifest } from "./manifest-source.ts";

const path = join(import.meta.dirname, "vessel.toml");
const manifest = loadManifest(path);
const source = readManifestSource(manifest);
const recorded = (): unknown => JSON.parse(JSON.stringify(manifest));

describe("the manifest of a recording", () => {
  it("is the manifest that was in force, from its texts alone", () => {
    expect(restoreManifest(source, recorded())).toEqual({ manifest: { ...manifest }, remarks: [] });
  });

  it("keeps a value that was in force though this build would choose another", () => {
    const then = recorded() as { grids: { power: { rampPctPerS: number } }[] };
    const [grid] = then.grids;
    if (grid !== undefined) grid.power.rampPctPerS = 7;
    expect(restoreManifest(source, then).manifest.grids[0]?.power.rampPctPerS).toBe(7);
  });

  it("takes from this build what the recording did not know, and drops what this build does not", () => {
    const then = recorded() as { grids: Record<string, unknown>[] };
    delete then.grids[0]?.["power"];
    Object.assign(then.grids[0] ?? {}, { forgotten: true });
    const restored = restoreManifest(source, then).manifest;
    expect(restored.grids[0]?.power).toEqual(manifest.grids[0]?.power);
    expect(restored.grids[0]).not.toHaveProperty("forgotten");
  });

  it("takes a list of another length whole, as an observer's", () => {
    const then = recorded() as { nodes: unknown[] };
    then.nodes = [{ id: "observer", host: "127.0.0.1" }];
    expect(restoreManifest(source, then).manifest.nodes).toEqual([
      { ...manifest.nodes[0], id: "observer", host: "127.0.0.1" },
    ]);
  });

  it("is taken as it was understood where this build does not accept a text any more", () => {
    const [id = ""] = Object.keys(source.profileTexts);
    const profileTexts = { ...source.profileTexts, [id]: 'id = "x"\nold_key = 1\n' };
    const manifestText = `${source.manifestText}\nold_key = 1\n`;
    const restored = restoreManifest({ ...source, manifestText, profileTexts }, recorded());
    expect(restored.manifest.grids).toEqual(manifest.grids);
    expect(restored.remarks.join("\n")).toMatch(/profile .* is taken as it was understood then/);
    expect(restored.remarks.join("\n")).toContain(
      "the manifest is taken as it was understood then",
    );
  });

  it("says what is wrong where neither can be used", () => {
    const broken = { ...source, manifestText: `${source.manifestText}\nwrong = 1\n` };
    expect(() => restoreManifest(broken, { grids: 1 })).toThrow(RemsError);
  });
});
