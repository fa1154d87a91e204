import { execFileSync } from "node:child_process";
import { expect, it } from "vitest";

it("holds generated code that matches the .proto files and was not edited", () => {
  const script = new URL("../scripts/generate-proto.mjs", import.meta.url).pathname;
  expect(() =>
    execFileSync(process.execPath, [script, "--check"], { stdio: "pipe" }),
  ).not.toThrow();
});
