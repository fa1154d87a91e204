import { expect, it } from "vitest";
import { TIMING_SETS } from "../kernel/timings.ts";
import { createMemoryCoordinator } from "../sim/ports/memory-coordinator.ts";
import { createVirtualClock } from "../sim/ports/virtual-clock.ts";
import { createInbox } from "./inbox.ts";
import type { LeadershipContext } from "./leadership.ts";
import { createLeadership } from "./leadership.ts";

it("what was told of the permit onto a dead busbar is not told again in a later leadership", () => {
  const clock = createVirtualClock();
  const inbox = createInbox();
  const options = {
    controller: { grid: "port", self: "n1", timings: TIMING_SETS.default },
    incarnation: "1".repeat(32),
    permitKey: "permit.port",
    clock,
    coordinator: createMemoryCoordinator({ clock }).client("n1"),
  };
  const leadership = createLeadership({ options, inbox } as unknown as LeadershipContext<unknown>);
  leadership.begin(1, "hot", 0);
  inbox.setFact("deadBusPermit.untilMs", 20_000);
  inbox.setFact("deadBusPermit.text", "held");
  inbox.setFact("authority.isLost", false);
  inbox.take();
  leadership.end();
  inbox.resendFacts();
  expect(inbox.take().facts).toEqual([["authority.isLost", false]]);
});
