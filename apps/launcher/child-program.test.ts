import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { NODE_FLAGS } from "./child-program.ts";

it("starts a node as bin/r-emsd does", () => {
  const program = readFileSync(new URL("../../bin/r-emsd", import.meta.url), "utf8");
  const [first = ""] = program.split("\n", 1);
  expect(first.split(" ").filter((word) => word.startsWith("--"))).toEqual(NODE_FLAGS);
});
