import { expect, it } from "vitest";
import { loadManifest } from "../../configs/load-manifest.ts";
import { tourOf, whatIsMissing } from "./tour.ts";

const load = (name: string) =>
  loadManifest(new URL(`../../configs/${name}.toml`, import.meta.url).pathname);

it.each(["vessel", "land-battery"])("finds all its devices in %s, in five minutes", (name) => {
  const manifest = load(name);
  const steps = tourOf(manifest);
  expect(
    steps.map((step) => whatIsMissing(step, manifest)).filter((text) => text !== null),
  ).toEqual([]);
  expect(steps.map(({ atS }) => atS)).toEqual(steps.map(({ atS }) => atS).sort((a, b) => a - b));
  expect(steps.at(-1)?.atS).toBeLessThanOrEqual(290);
});

it("says which device a step lacks in another installation", () => {
  const single = load("single");
  const needing = tourOf(load("vessel")).find(({ needs }) => needs.includes("bt1"));
  expect(needing && whatIsMissing(needing, single)).toBe("this installation has no bt1");
});
