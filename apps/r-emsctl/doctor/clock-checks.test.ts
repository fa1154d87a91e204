import { expect, it } from "vitest";
import { boundsOf, clockFindings } from "./clock-checks.ts";

it("takes of several answers what each of them proves", () => {
  // The node is 40 ms ahead; the second answer was quick, the first and the third were slow on one way.
  const answers = [
    { askedMs: 1000, nodeMs: 1045, answeredMs: 1105 },
    { askedMs: 2000, nodeMs: 2041, answeredMs: 2002 },
    { askedMs: 3000, nodeMs: 3240, answeredMs: 3201 },
  ];
  expect(boundsOf("n1", answers)).toEqual({ node: "n1", aheadMsMin: 38, aheadMsMax: 42 });
});

it("warns of clocks that are certainly apart, and of no others", () => {
  const at = (node: string, aheadMsMin: number, aheadMsMax: number) => ({
    node,
    aheadMsMin,
    aheadMsMax,
  });
  expect(clockFindings([at("n1", -3, 5), at("n2", -60, 70)])).toEqual([
    { check: "clock of n1", outcome: "ok", found: "1 ms ± 4 ahead of this machine's", advice: "" },
    { check: "clock of n2", outcome: "ok", found: "5 ms ± 65 ahead of this machine's", advice: "" },
    expect.objectContaining({ check: "clocks of the nodes", outcome: "ok" }),
  ]);
  expect(clockFindings([at("n1", -1, 1), at("n2", -402, -398)]).at(-1)).toMatchObject({
    outcome: "warning",
    found: "n1 is at least 397 ms ahead of n2",
  });
});
