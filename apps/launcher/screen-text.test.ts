import { expect, it } from "vitest";
import { clip, columns, flow, paint, piece, textOf } from "./screen-text.ts";

it("cuts a line to its width and shows that it did", () => {
  const line = [piece("abcdef"), piece("ghi", "bad")];
  expect(textOf(clip(line, 9))).toBe("abcdefghi");
  expect(textOf(clip(line, 8))).toBe("abcdefg…");
  expect(textOf(clip(line, 3))).toBe("ab…");
});

it("lets parts flow to further lines, indented", () => {
  const parts = ["one", "two", "three"].map((text) => [piece(text)]);
  expect(flow(parts, 20, 2).map(textOf)).toEqual(["one  two  three"]);
  expect(flow(parts, 9, 2).map(textOf)).toEqual(["one  two", "  three"]);
});

it("keeps columns where they are whatever stands in them", () => {
  const cells = ["a", "a longer one", "b"].map((text) => [piece(text)]);
  expect(columns(cells, 20, 10).map(textOf)).toEqual(["a         a longer…", "b"]);
});

it("colours by role, and not at all where that is not wanted", () => {
  expect(paint([piece("a"), piece("b", "bad")], true)).toBe("a\u001B[1;31mb\u001B[0m");
  expect(paint([piece("a"), piece("b", "bad")], false)).toBe("ab");
});
