import { expect, it } from "vitest";
import {
  capital,
  clockUtc,
  codeWords,
  fixed,
  span,
  transitionWords,
  unbroken,
  wordsOf,
} from "./format.ts";

it.each([
  [1234.56, 1, "1234.6"],
  [-3.2, 0, "−3"],
  [-0.01, 0, "0"],
  [-0.04, 1, "0.0"],
  [null, 2, "–"],
  [undefined, 0, "–"],
  [Number.NaN, 0, "–"],
])("%s with %s digits is %s", (value, digits, text) => {
  expect(fixed(value, digits)).toBe(text);
});

it.each([
  ["onLoad", "on load"],
  ["taking-over", "taking over"],
  ["phaseRotationBad", "phase rotation bad"],
  ["connected.loading", "connected loading"],
])("%s reads %s", (name, words) => {
  expect(wordsOf(name)).toBe(words);
});

it.each([
  [168.4, "168 ms"],
  [12_900, "12 s"],
  [185_000, "3 min 05 s"],
  [7_800_000, "2 h 10 min"],
  [363_600_000, "4 d 5 h"],
  [null, "–"],
])("%s ms are %s", (ms, text) => {
  expect(span(ms)).toBe(text);
});

it("puts the states of a transition in words, and nothing else", () => {
  expect(transitionWords("unknown → onLoad")).toBe("unknown → on load");
  expect(transitionWords("n2 leads epoch 3 (hot)")).toBe("n2 leads epoch 3 (hot)");
});

it("keeps a number and its unit together, and nothing else", () => {
  expect(unbroken("load 35 % < 85 % of 1000 kW, 2 sets")).toBe(
    "load 35\u00a0% < 85\u00a0% of 1000\u00a0kW, 2 sets",
  );
});

it("names codes, sentences and times", () => {
  expect(codeWords("REDUNDANCY_REDUCED")).toBe("Redundancy reduced");
  expect(capital("open")).toBe("Open");
  expect(clockUtc(Date.UTC(2026, 0, 2, 3, 4, 5))).toBe("03:04:05");
  expect(clockUtc(0)).toBe("–");
});
