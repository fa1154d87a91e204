import { viewGrid } from "../../actors/grid/view-grid.ts";
import { why } from "../../actors/grid/why.ts";
import { present } from "../../kernel/assert.ts";
import type { Expectation } from "./expectation.ts";
import type { OperationKind } from "./recording.ts";
import type { ScenarioWorld } from "./scenario-world.ts";

/** What was found in place of what is expected; null where it holds. */
export type Found = string | null;

/** What the plant or the leader shows of the thing that is expected, for a report. */
export function measured(scenario: ScenarioWorld, expectation: Expectation): string {
  switch (expectation.kind) {
    case "state":
      return stateOf(scenario, expectation.subject);
    case "band":
    case "value": {
      const found = quantityOf(scenario, expectation.subject, expectation.quantity);
      return typeof found === "number" ? String(Number(found.toFixed(2))) : String(found);
    }
    case "answer":
      return scenario.lastReply?.reason ?? "none";
    case "why":
      return (
        whyOf(scenario, expectation.subject).find((one) => one.includes(expectation.words)) ?? ""
      );
    case "alarm":
      return expectation.isStanding ? "stands" : "does not stand";
    default:
      return expectation satisfies never;
  }
}

const COUNTS: ReadonlySet<string> = new Set(["starts", "stops", "closes", "opens", "trips"]);
/** A number that is to be exactly so much may be off by this: what floating point leaves. */
const EXACT = 1e-6;

/** Whether something holds now, at the devices and in the state of the leader's newest frame. */
export function judge(scenario: ScenarioWorld, expectation: Expectation): Found {
  switch (expectation.kind) {
    case "state": {
      const found = stateOf(scenario, expectation.subject);
      return expectation.states.includes(found) ? null : `it is ${found}`;
    }
    case "band": {
      const found = quantityOf(scenario, expectation.subject, expectation.quantity);
      if (typeof found !== "number") return `it is ${String(found)}`;
      const isIn = found >= expectation.min - EXACT && found <= expectation.max + EXACT;
      return isIn ? null : `it is ${Number(found.toFixed(3))}`;
    }
    case "value": {
      const found = String(quantityOf(scenario, expectation.subject, expectation.quantity));
      return found === expectation.value ? null : `it is ${found}`;
    }
    case "alarm":
      return judgeAlarm(scenario, expectation);
    case "why": {
      const sentences = whyOf(scenario, expectation.subject);
      const isSaid = sentences.some((sentence) => sentence.includes(expectation.words));
      return isSaid ? null : `it says: ${sentences.join(" / ")}`;
    }
    case "answer": {
      const reply = scenario.lastReply;
      if (reply === null) return "nobody has answered";
      const isSo = reply.isAccepted === expectation.isAccepted;
      if (isSo && reply.reason.includes(expectation.words)) return null;
      return `${reply.isAccepted ? "accepted" : "refused"}: ${reply.reason}`;
    }
    default:
      return expectation satisfies never;
  }
}

function viewOf(scenario: ScenarioWorld, subject: string) {
  const grid = scenario.gridOf(subject);
  const core = present(scenario.planned.get(grid), "a planned core");
  const state = present(scenario.cores.get(grid), "a core").latest;
  return { grid, core, state, isGrid: grid === subject };
}

function stateOf(scenario: ScenarioWorld, subject: string): string {
  const { core, state, isGrid } = viewOf(scenario, subject);
  const address = isGrid ? core.plan.address : core.plan.deviceById.get(subject)?.address;
  const index = core.plan.tree.indexByAddress.get(address ?? "") ?? -1;
  return state.tree.actors[index]?.snapshot.state ?? "absent";
}

function whyOf(scenario: ScenarioWorld, subject: string): readonly string[] {
  const { core, state, isGrid } = viewOf(scenario, subject);
  const address = isGrid ? core.plan.address : (core.plan.deviceById.get(subject)?.address ?? "");
  return why(core, state, address);
}

function judgeAlarm(
  scenario: ScenarioWorld,
  { subject, code, isStanding }: Extract<Expectation, { kind: "alarm" }>,
): Found {
  const { core, state, isGrid } = viewOf(scenario, subject);
  const { alarms } = viewGrid(core, state);
  const address = core.plan.deviceById.get(subject)?.address;
  const own = alarms.filter(({ actor }) => isGrid || actor === address);
  const found = own.some((alarm) => alarm.code === code && alarm.isActive);
  if (found === isStanding) return null;
  const codes = own.map((alarm) => alarm.code).join(", ");
  return `there stand ${codes === "" ? "none" : codes}`;
}

/** A number at a device as the device knows it, how often it moved, or the state of a busbar. */
function quantityOf(
  scenario: ScenarioWorld,
  subject: string,
  quantity: string,
): number | string | boolean | undefined {
  const grid = scenario.gridOf(subject);
  if (grid !== subject) {
    if (COUNTS.has(quantity)) return scenario.recording.countOf(subject, quantity as OperationKind);
    return scenario.plant.points(subject)[quantity];
  }
  const state = scenario.plant.grid(grid);
  switch (quantity) {
    case "voltagePct":
      return (100 * state.voltageV) / scenario.nominalVoltageV(grid);
    case "frequencyHz":
      return state.frequencyHz;
    case "loadKw":
      return state.loadKw;
    case "capacityKw":
      return state.capacityKw;
    case "isLive":
      return state.isLive;
    case "members":
      return scenario.grids.filter((id) => scenario.plant.grid(id).island === state.island).length;
    case "fuelKgPerH":
      return scenario.plant.fuelKgPerH();
    default:
      return undefined;
  }
}
