import { expect, it } from "vitest";
import type { AlarmEntry } from "../kernel/alarm.ts";
import { byImportance } from "./alarm-message.ts";

const SHOWN = { shelvedUntilMs: null, suppressedBy: "", outOfServiceBy: "", raisedMs: 0 };
const alarm = (id: string, changes: Partial<AlarmEntry>): AlarmEntry =>
  ({ id, priority: "medium", state: "unacknowledged", ...SHOWN, ...changes }) as AlarmEntry;

it("alarms of several grids stand in one order, by the clock and not by the plant time of each", () => {
  const entries = [
    alarm("acknowledged", { priority: "high", state: "acknowledged", raisedWallMs: 1 }),
    alarm("later", { raisedWallMs: 20, raisedMs: 100 }),
    alarm("earlier, in an older grid", { raisedWallMs: 10, raisedMs: 9000 }),
    alarm("high", { priority: "high", raisedWallMs: 30 }),
  ];
  expect(byImportance(entries).map(({ id }) => id)).toEqual([
    "high",
    "earlier, in an older grid",
    "later",
    "acknowledged",
  ]);
});
