import { describe, expect, it } from "vitest";
import type { PlannedFault } from "./schedule.ts";
import { actionOf, FAULT_KINDS, planFaults } from "./schedule.ts";

const take = (seed: number, count: number, kinds = FAULT_KINDS): PlannedFault[] => {
  const plan = planFaults(seed, ["port", "starboard"], kinds);
  return Array.from({ length: count }, () => plan.next().value);
};
const cast = { leader: "n1", standbys: ["n2", "n3"], etcdMemberCount: 3 };

describe("the schedule of chaos", () => {
  it("is the same for the same seed, and another for another", () => {
    expect(take(1, 200)).toEqual(take(1, 200));
    expect(take(1, 200)).not.toEqual(take(2, 200));
  });

  it("has every kind of fault once before any comes again", () => {
    const kinds = take(7, FAULT_KINDS.length).map(({ kind }) => kind);
    expect(new Set(kinds).size).toBe(FAULT_KINDS.length);
  });

  it("puts some faults on top of others, but never a third", () => {
    const faults = take(3, 400);
    const second = faults.flatMap(({ onTop }) => (onTop === null ? [] : [onTop.fault]));
    expect(second.length).toBeGreaterThan(20);
    expect(second.every(({ onTop }) => onTop === null)).toBe(true);
  });

  it("keeps to the kinds that the system allows", () => {
    const allowed = ["kill", "freeze"] as const;
    const kinds = planFaults(1, ["port"], allowed);
    for (let i = 0; i < 100; i++) expect(allowed).toContain(kinds.next().value.kind);
  });

  it("strikes whom it names: leader or standby", () => {
    const [fault] = take(1, 1, ["cut-node"] as never);
    const at = (isAtLeader: boolean) => actionOf({ ...(fault as PlannedFault), isAtLeader }, cast);
    expect(at(true)).toMatchObject({ type: "cut-node", node: "n1" });
    expect(at(false)).toMatchObject({ type: "cut-node", node: "n2" });
  });
});
