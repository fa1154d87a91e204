import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, it } from "vitest";
import { endSignal } from "./end-signal.ts";

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

/** Nothing but the timer may hold the signal here. */
function fired(afterS: number): Promise<string> {
  return new Promise((resolve) => {
    const end = endSignal(new AbortController().signal, afterS);
    end.addEventListener("abort", () => resolve("ended"), { once: true });
  });
}

it("ends after its time, although garbage was collected in between", async () => {
  const ended = fired(0.05);
  collectGarbage();
  expect(await ended).toBe("ended");
});

it("ends with the signal, also one that ended before", () => {
  const before = new AbortController();
  const end = endSignal(before.signal, 60);
  expect(end.aborted).toBe(false);
  before.abort();
  expect(end.aborted).toBe(true);
  expect(endSignal(AbortSignal.abort(), 60).aborted).toBe(true);
  expect(endSignal(before.signal, undefined)).toBe(before.signal);
});
