import fc from "fast-check";
import { expect, it } from "vitest";
import { loadProfiles } from "../../configs/load-profile.ts";
import { sunspecModel, sunspecModelIds } from "../../configs/sunspec/model-table.ts";
import { present } from "../../kernel/assert.ts";
import { decodeModel } from "./decode-model.ts";
import { findSunspecLayout } from "./find-layout.ts";

const words = fc.array(fc.nat(0xffff), { maxLength: 200 });

it("decodes any registers of any model, inside the model and to finite values", () => {
  const model = fc.constantFrom(...sunspecModelIds());
  fc.assert(
    fc.property(model, words, fc.nat(400), (id, registers, length) => {
      for (const one of decodeModel(present(sunspecModel(id), "in the table"), registers, length)) {
        expect(one.offset + one.point.size).toBeLessThanOrEqual(length + 2);
        if (typeof one.value === "number") expect(Number.isFinite(one.value)).toBe(true);
      }
    }),
    { numRuns: 200 },
  );
});

const sunspec = [...loadProfiles().values()].filter(({ family }) => family === "sunspec");

/** A device that lies about everything: replies are cut from a stream of words, or refused. */
it.each(sunspec.map((profile) => [profile.id, profile] as const))(
  "%s: a layout is found or refused in bounded reads, whatever the device answers",
  (_id, profile) => {
    const { models } = present(profile.sunspec, "a SunSpec profile").needs;
    const id = fc.constantFrom(1, 0xffff, 0, ...models.flat());
    const header = fc.tuple(id, fc.oneof(fc.nat(200), fc.nat(0xffff)));
    fc.assert(
      fc.property(fc.array(header, { maxLength: 12 }), words, (headers, stream) => {
        const finder = findSunspecLayout(profile);
        let step = finder.next();
        let readCount = 0;
        let at = 0;
        let headerAt = 0;
        while (step.done !== true) {
          const { address, count, isGuess } = step.value;
          expect(count).toBeLessThanOrEqual(125);
          expect(address + count).toBeLessThanOrEqual(0x10000);
          readCount++;
          expect(readCount).toBeLessThan(4000);
          if (isGuess) step = finder.next([0x5375, 0x6e53]);
          else if (count === 2) step = finder.next(headers[headerAt++] ?? null);
          else if (stream.length === 0 || at % 7 === 6) step = finder.next((at++, null));
          else
            step = finder.next(
              Array.from({ length: count }, () => stream[at++ % stream.length] ?? 0),
            );
        }
        if (typeof step.value === "string") return;
        for (const point of step.value.profile.points) {
          expect(point.address).toBeLessThan(0x10000);
          expect(Number.isFinite(point.scale) && point.scale !== 0).toBe(true);
        }
      }),
      { numRuns: 150 },
    );
  },
);
