import { expect, it } from "vitest";
import { read } from "./project-files.ts";

it("docs/errors.md explains every error code, and no other", () => {
  const union = /export type ErrorCode =([\s\S]*?);/.exec(read("kernel/errors.ts"))?.[1] ?? "";
  const codes = [...union.matchAll(/"(REMS_\w+)"/g)].map((match) => match[1]);
  const explained = [...read("docs/errors.md").matchAll(/^\| `(REMS_\w+)` \| \S/gm)].map(
    (match) => match[1],
  );
  expect(codes.length).toBeGreaterThan(10);
  expect(explained.sort()).toEqual(codes.sort());
});
