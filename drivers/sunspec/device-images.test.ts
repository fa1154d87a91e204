import { expect, it } from "vitest";
import { sunspecModel } from "../../configs/sunspec/model-table.ts";
import { present } from "../../kernel/assert.ts";
import { decodeModel } from "./decode-model.ts";
import { deviceImage, discoverIn, imageReader, modelWords } from "./sunspec-fixture.ts";

const images = [
  ["device-1547", [1, 701, 702, 703, 704, 705, 706, 707, 708, 709, 710, 711, 712, 714], 369],
  ["inverter-123", [1, 129], 187],
] as const;

it.each(images)("%s has its models where the chain says", (name, ids) => {
  const { registers } = deviceImage(name);
  const { chain } = discoverIn(imageReader(registers, 40000));
  expect(chain?.models.map(({ id }) => id)).toEqual(ids);
  expect(chain).toMatchObject({ baseAddress: 40000, remark: null });
});

it.each(images)("every value of %s decodes to the published one", (name, ids, count) => {
  const { registers, published } = deviceImage(name);
  const chain = present(discoverIn(imageReader(registers, 0)).chain, "found");
  let compared = 0;
  for (const id of ids) {
    const { words, length } = modelWords(registers, 0, chain, id);
    const points = decodeModel(present(sunspecModel(id), "in the table"), words, length);
    const decoded = new Map(points.map(({ path, raw }) => [path, raw]));
    for (const [path, value] of Object.entries(present(published[String(id)], "published"))) {
      expect([id, path, decoded.get(path)]).toEqual([id, path, value]);
      compared++;
    }
  }
  expect(compared).toBe(count);
});

it("scales what it decodes: power, voltage, frequency, power factor, energy, temperature", () => {
  const { registers } = deviceImage("device-1547");
  const chain = present(discoverIn(imageReader(registers, 0)).chain, "found");
  const { words, length } = modelWords(registers, 0, chain, 701);
  const points = decodeModel(present(sunspecModel(701), "in the table"), words, length);
  const value = (path: string) => points.find((one) => one.path === path)?.value;
  expect(value("W")).toBe(9800);
  expect(value("LLV")).toBe(240);
  expect(value("Hz")).toBe(60.01);
  expect(value("PF")).toBe(0.985);
  expect(value("TotWhInj")).toBe(150_000);
  expect(value("TmpCab")).toBe(55);
  const symbols = (path: string) => points.find((one) => one.path === path)?.symbols;
  expect(symbols("St")).toEqual([]);
  expect(symbols("Alrm")).toEqual([]);
});
