import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { encodeCanonical } from "../../kernel/canonical.ts";
import { isAlarmStanding, isAlarmUnacknowledged, type AlarmChange } from "../../kernel/alarm.ts";
import {
  advanceAlarms,
  EMPTY_ALARM_BOOK,
  type AlarmBook,
  type AlarmCondition,
  type AlarmMoment,
} from "./alarm-book.ts";
import { answerAlarmRequest } from "./alarm-requests.ts";
import { ALARM_CODES, ALARMS, isAlarmCode, type AlarmCode } from "./catalogue.ts";

const GRID = "grids/port";
const DG1 = "grids/port/devices/dg1";
const ACTORS = new Set([GRID, DG1, "grids/port/devices/dg2"]);

const condition = (code: AlarmCode, actor = GRID): AlarmCondition => ({
  actor,
  code,
  text: code.toLowerCase(),
});
const OVERLOAD = condition("OVERLOAD");
const TRIP = condition("DEVICE_TRIPPED", DG1);
const FAULT = condition("DEVICE_FAULT", DG1);
const STEP = condition("STEP_OVERDUE", DG1);

/** Through its one encoding, as a snapshot goes. */
const copyOf = (book: AlarmBook) => JSON.parse(encodeCanonical(book)) as AlarmBook;

/** A book on a clock: `at` scans with what holds, `ask` is an operator's request. */
class Desk {
  book: AlarmBook = EMPTY_ALARM_BOOK;
  nowMs = 0;
  sequence = 0;
  changes: AlarmChange[] = [];

  get moment(): AlarmMoment {
    const { nowMs, sequence } = this;
    return { grid: "port", epoch: 1, sequence, plantTimeMs: nowMs, wallTimeMs: 1e12 + nowMs };
  }

  at(nowMs: number, ...holding: AlarmCondition[]): string[] {
    this.nowMs = nowMs;
    this.sequence += 1;
    const { book, changes } = advanceAlarms(this.book, holding, this.moment);
    this.book = copyOf(book);
    this.changes.push(...changes);
    return changes.map(({ event, code }) => `${event} ${code}`);
  }

  ask(command: string, alarm: string, more: { [name: string]: string | number } = {}): string {
    const { book, changes, reason, isAccepted } = answerAlarmRequest(
      this.book,
      {
        requestId: "r",
        role: "operator",
        user: "anna",
        actor: GRID,
        command,
        arguments: { alarm, ...more },
      },
      this.moment,
      ACTORS,
    );
    this.book = copyOf(book);
    this.changes.push(...changes);
    return `${isAccepted ? "accepted" : "refused"}: ${reason}`;
  }

  entry(code: AlarmCode) {
    const found = this.book.entries.find((entry) => entry.code === code);
    if (found === undefined) throw new Error(`no ${code}`);
    return found;
  }
}

describe("an alarm", () => {
  it("is raised only after its condition has held for the on-delay", () => {
    const desk = new Desk();
    expect(desk.at(0, OVERLOAD)).toEqual([]);
    expect(desk.at(1900, OVERLOAD)).toEqual([]);
    expect(desk.at(2000, OVERLOAD)).toEqual(["raised OVERLOAD"]);
    expect(desk.at(2100, OVERLOAD)).toEqual([]);
  });

  it("begins its on-delay anew when the condition was over in between", () => {
    const desk = new Desk();
    desk.at(0, OVERLOAD);
    desk.at(1000);
    desk.at(1500, OVERLOAD);
    expect(desk.at(3000, OVERLOAD)).toEqual([]);
    expect(desk.at(3500, OVERLOAD)).toEqual(["raised OVERLOAD"]);
  });

  it("stays until somebody has seen it, although its cause is over", () => {
    const desk = new Desk();
    desk.at(0, FAULT);
    desk.at(100);
    expect(desk.at(1100)).toEqual(["returned DEVICE_FAULT"]);
    expect(desk.entry("DEVICE_FAULT").state).toBe("returnedUnacknowledged");
    expect(isAlarmStanding(desk.entry("DEVICE_FAULT"))).toBe(false);
    expect(desk.ask("acknowledge", "all")).toBe("accepted: DEVICE_FAULT: acknowledged");
    expect(desk.book.entries).toEqual([]);
  });

  it("is cleared by itself once it was acknowledged", () => {
    const desk = new Desk();
    desk.at(0, FAULT);
    desk.ask("acknowledge", `${DG1}|DEVICE_FAULT`);
    expect(desk.entry("DEVICE_FAULT").state).toBe("acknowledged");
    desk.at(1000);
    expect(desk.at(2000)).toEqual(["cleared DEVICE_FAULT"]);
    expect(desk.book.entries).toEqual([]);
  });

  it("that chatters is one alarm, not many", () => {
    const desk = new Desk();
    for (let nowMs = 0; nowMs < 10_000; nowMs += 500) {
      desk.at(nowMs, ...(nowMs % 1000 === 0 ? [FAULT] : []));
    }
    expect(desk.changes.map(({ event }) => event)).toEqual(["raised"]);
  });

  it("comes again under the same id, unacknowledged, when its cause returns before it was seen", () => {
    const desk = new Desk();
    desk.at(0, FAULT);
    const { id } = desk.entry("DEVICE_FAULT");
    desk.at(1000);
    desk.at(2000);
    expect(desk.at(3000, FAULT)).toEqual(["raised DEVICE_FAULT"]);
    expect(desk.entry("DEVICE_FAULT")).toMatchObject({ id, raisedCount: 2, raisedMs: 3000 });
  });

  it("with a latch is held until it was acknowledged, then reset", () => {
    const desk = new Desk();
    desk.at(0, TRIP);
    desk.at(1000);
    expect(desk.at(2000)).toEqual(["returned DEVICE_TRIPPED"]);
    expect(isAlarmStanding(desk.entry("DEVICE_TRIPPED"))).toBe(true);
    const key = `${DG1}|DEVICE_TRIPPED`;
    expect(desk.ask("resetAlarm", key)).toBe(
      "refused: DEVICE_TRIPPED must be acknowledged before it is reset",
    );
    desk.ask("acknowledge", key);
    expect(desk.entry("DEVICE_TRIPPED").state).toBe("latchedAcknowledged");
    expect(desk.ask("resetAlarm", key)).toBe("accepted: DEVICE_TRIPPED: reset");
    expect(desk.book.entries).toEqual([]);
  });

  it("whose cause holds cannot be reset", () => {
    const desk = new Desk();
    desk.at(0, TRIP);
    desk.ask("acknowledge", "all");
    expect(desk.ask("resetAlarm", `${DG1}|DEVICE_TRIPPED`)).toMatch(/^refused: .*still holds$/);
  });

  it("of medium priority becomes high when nobody acknowledges it", () => {
    const desk = new Desk();
    desk.at(0, STEP);
    expect(desk.at(299_900, STEP)).toEqual([]);
    expect(desk.at(300_000, STEP)).toEqual(["escalated STEP_OVERDUE"]);
    expect(desk.entry("STEP_OVERDUE").priority).toBe("high");
    expect(desk.at(600_000, STEP)).toEqual([]);
  });

  it("that was acknowledged does not escalate", () => {
    const desk = new Desk();
    desk.at(0, STEP);
    desk.ask("acknowledge", "all");
    expect(desk.at(300_000, STEP)).toEqual([]);
  });
});

describe("hiding", () => {
  it("shelves for a time, keeps evaluating, and tells when the time is over", () => {
    const desk = new Desk();
    desk.at(0, FAULT);
    const key = `${DG1}|DEVICE_FAULT`;
    expect(desk.ask("shelve", key, { forS: 60 })).toBe("accepted: DEVICE_FAULT: shelved");
    expect(isAlarmUnacknowledged(desk.entry("DEVICE_FAULT"))).toBe(false);
    expect(desk.at(59_900, FAULT)).toEqual([]);
    expect(desk.at(60_000, FAULT)).toEqual(["unshelved DEVICE_FAULT"]);
    expect(isAlarmUnacknowledged(desk.entry("DEVICE_FAULT"))).toBe(true);
  });

  it.each([[0], [-1], [28_801], ["soon"]])("refuses to shelve for %s", (forS) => {
    const desk = new Desk();
    desk.at(0, FAULT);
    expect(desk.ask("shelve", `${DG1}|DEVICE_FAULT`, { forS })).toMatch(
      /^refused: forS is .*; allowed/,
    );
  });

  it("takes an alarm out of service before it stands, with a reason, and back", () => {
    const desk = new Desk();
    const key = `${DG1}|DEVICE_FAULT`;
    expect(desk.ask("removeFromService", key)).toMatch(/^refused: .*reason is missing/);
    desk.ask("removeFromService", key, { reason: "work at the set" });
    desk.at(100, FAULT);
    expect(desk.entry("DEVICE_FAULT")).toMatchObject({
      state: "unacknowledged",
      outOfServiceBy: "anna: work at the set",
    });
    expect(isAlarmStanding(desk.entry("DEVICE_FAULT"))).toBe(false);
    expect(desk.ask("returnToService", key)).toBe("accepted: DEVICE_FAULT: in service");
    expect(isAlarmStanding(desk.entry("DEVICE_FAULT"))).toBe(true);
  });

  it("refuses an actor or a code that is not there, and names what is allowed", () => {
    const desk = new Desk();
    const more = { reason: "x" };
    expect(desk.ask("removeFromService", "grids/port/devices/dg9|DEVICE_FAULT", more)).toMatch(
      /^refused: there is no alarm .*allowed is actor\|CODE.*BLACKOUT/,
    );
    expect(desk.ask("removeFromService", `${DG1}|NOISE`, more)).toMatch(/^refused/);
    expect(desk.ask("acknowledge", `${DG1}|DEVICE_FAULT`)).toMatch(/^refused: no alarm/);
  });

  it("hides by design what another alarm explains, and shows it when that one is over", () => {
    const desk = new Desk();
    const offline = condition("DEVICE_OFFLINE", DG1);
    const unknown = condition("DEVICE_UNKNOWN", DG1);
    desk.at(0, offline, unknown);
    expect(desk.at(2000, offline, unknown)).toEqual([
      "raised DEVICE_OFFLINE",
      "raised DEVICE_UNKNOWN",
    ]);
    expect(desk.entry("DEVICE_UNKNOWN").suppressedBy).toBe("DEVICE_OFFLINE");
    desk.at(3000, unknown);
    expect(desk.at(4000, unknown)).toEqual([
      "returned DEVICE_OFFLINE",
      "unsuppressed DEVICE_UNKNOWN",
    ]);
  });
});

describe("many alarms", () => {
  it("of one upset name the one that came first", () => {
    const desk = new Desk();
    const blackout = condition("BLACKOUT");
    desk.at(0, TRIP);
    expect(desk.entry("DEVICE_TRIPPED").firstOut).toBe("");
    desk.at(100, TRIP, blackout);
    desk.at(2100, TRIP, blackout);
    const first = desk.entry("DEVICE_TRIPPED").id;
    expect(desk.entry("DEVICE_TRIPPED").firstOut).toBe(first);
    expect(desk.entry("BLACKOUT").firstOut).toBe(first);
    desk.at(20_000, TRIP, blackout, condition("START_FAILED", DG1));
    expect(desk.entry("START_FAILED").firstOut).toBe("");
  });

  it("are a flood above ten in ten minutes: those below high priority are listed, not announced", () => {
    const desk = new Desk();
    const codes = ALARM_CODES.filter((code) => ALARMS[code].onDelayMs === 0).slice(0, 11);
    const holding: AlarmCondition[] = [];
    for (const [index, code] of codes.entries()) {
      holding.push(condition(code));
      desk.at(index * 1000, ...holding);
    }
    expect(desk.book.isFlood).toBe(true);
    desk.at(20_000, ...holding, condition("STEP_OVERDUE", DG1), condition("START_FAILED", DG1));
    const quiet = desk.book.entries.filter(({ isQuiet }) => isQuiet).map(({ code }) => code);
    expect(quiet).toEqual(["STEP_OVERDUE"]);
    desk.at(620_000, ...holding);
    expect(desk.book.isFlood).toBe(false);
  });
});

it("remembers what was sent out once, and nothing malformed", () => {
  const desk = new Desk();
  desk.at(0, FAULT);
  const { id } = desk.entry("DEVICE_FAULT");
  expect(desk.ask("alarmNotified", id, { notice: "mail:raised" })).toMatch(/^accepted/);
  desk.ask("alarmNotified", id, { notice: "mail:raised" });
  expect(desk.entry("DEVICE_FAULT").notified).toEqual(["mail:raised"]);
  expect(desk.ask("alarmNotified", id, { notice: "x" })).toMatch(/^refused/);
});

it("an idle book stays the same object, so that a quiet scan costs nothing", () => {
  const desk = new Desk();
  desk.at(0, FAULT);
  const { book } = desk;
  expect(advanceAlarms(book, [FAULT], { ...desk.moment, plantTimeMs: 100 }).book).toBe(book);
});

it("suppression names alarms that exist", () => {
  const named = ALARM_CODES.flatMap((code) => [...ALARMS[code].suppressedBy]);
  expect(named.filter((code) => !isAlarmCode(code))).toEqual([]);
});

it("whatever comes: each key stands once, counts are bounded, and a book continues from its copy", () => {
  const anyCondition = fc
    .tuple(fc.constantFrom(...ALARM_CODES), fc.constantFrom(...ACTORS))
    .map(([code, actor]) => condition(code, actor));
  const anyStep = fc.record({
    elapsedMs: fc.integer({ min: 0, max: 400_000 }),
    holding: fc.uniqueArray(anyCondition, {
      maxLength: 6,
      selector: ({ actor, code }) => `${actor}|${code}`,
    }),
    command: fc.constantFrom("acknowledge", "resetAlarm", "shelve", "unshelve", ""),
  });
  fc.assert(
    fc.property(fc.array(anyStep, { maxLength: 40 }), (steps) => {
      const desk = new Desk();
      for (const step of steps) {
        desk.at(desk.nowMs + step.elapsedMs, ...step.holding);
        const [first] = desk.book.entries;
        if (step.command !== "" && first !== undefined) desk.ask(step.command, first.id);
        const keys = desk.book.entries.map(({ actor, code }) => `${actor}|${code}`);
        expect(new Set(keys).size).toBe(keys.length);
        expect(new Set(desk.book.entries.map(({ id }) => id)).size).toBe(keys.length);
        expect(desk.book.raisedAtMs.length).toBeLessThanOrEqual(11);
        const active = desk.book.entries.filter(({ isActive }) => isActive);
        expect(active.every(({ state }) => /acknowledged/.test(state))).toBe(true);
      }
    }),
    { numRuns: 300 },
  );
});
