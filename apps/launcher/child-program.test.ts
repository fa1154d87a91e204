import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { NODE_FLAGS } from "./child-program.ts";

it("starts a node as bin/r-emsd does", () => {
  const [first = ""] = readFileSync("bin/r-emsd", "utf8").split("\n", 1);
  expect(first.split(" ").filter((word) => word.startsWith("--"))).toEqual(NODE_FLAGS);
});
