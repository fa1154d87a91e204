import { expect, it } from "vitest";
import { createSeededRandom } from "../../sim/ports/seeded-random.ts";
import { createVirtualClock } from "../../sim/ports/virtual-clock.ts";
import { ConnectPacer } from "./connect-pacer.ts";
import type { DeviceContext } from "./device-context.ts";
import { ModbusDevice } from "./device.ts";
import { Endpoint } from "./endpoint.ts";
import { TcpFraming } from "./framing.ts";
import type { Line } from "./line.ts";
import { device } from "./profile-fixture.ts";

const DEVICE_COUNT = 50;

it("fifty devices that return at once are met by no storm, and are all back within three seconds", () => {
  const clock = createVirtualClock();
  const random = createSeededRandom(7);
  const pacer = new ConnectPacer();
  let isDown = false;
  let attempts: number[] = [];
  const deaths: ((reason: string) => void)[] = [];
  let openCount = 0;
  /** A host that takes connections at once, or refuses them while it is down. */
  const line: Line = {
    name: "memory",
    hasTransactions: true,
    inFlightMax: 1,
    gapMs: 0,
    transferMs: () => 0,
    createFraming: () => new TcpFraming(),
    open(_offset, _admit, events) {
      attempts.push(clock.monotonicMs());
      clock.at(clock.monotonicMs(), () => {
        if (isDown) return events.died("ECONNREFUSED");
        openCount++;
        deaths.push((reason) => events.died(reason));
        events.opened();
      });
      return {
        send: () => {},
        discard: () => false,
        reset: () => {},
        whenClosed: (done) => done(),
      };
    },
  };
  const context: DeviceContext = {
    grid: "port",
    clock,
    gate: { epochForWrite: () => null },
    timings: { scanMs: 100, staleMs: 1000 },
    mode: "production",
    plantTimeMs: () => 0,
    report: () => {},
    settled: () => {},
    onFatal: () => {},
    finder: null,
    log: () => {},
  };
  const endpoints = Array.from({ length: DEVICE_COUNT }, (_, i) => {
    const endpoint = new Endpoint({ line, clock, random, pacer, progressed: () => {} });
    const rights = { isOwn: true, control: "control" as const, phase: 0 };
    endpoint.add(new ModbusDevice(device({ port: 502, id: `bat${i}` }), rights, context, () => {}));
    return endpoint;
  });
  const run = (durationMs: number) => {
    for (const endMs = clock.monotonicMs() + durationMs; clock.monotonicMs() < endMs;) {
      for (const endpoint of endpoints) endpoint.poll("full", clock.monotonicMs());
      clock.advanceBy(100);
    }
  };
  const densest = () =>
    Math.max(
      ...attempts.map((from) => attempts.filter((at) => at >= from && at < from + 50).length),
    );

  run(500);
  expect(openCount).toBe(DEVICE_COUNT);
  // Eleven at once, and one in five milliseconds.
  expect(densest()).toBeLessThanOrEqual(21);

  // The plant network goes, long enough for every back-off to be at its longest.
  isDown = true;
  attempts = [];
  for (const die of deaths.splice(0)) die("ECONNRESET");
  run(10_000);
  expect(densest()).toBeLessThanOrEqual(21);
  // Each tries at 50 to 100 ms first, then ever more rarely, at last every 1 to 2 s.
  expect(attempts.length / DEVICE_COUNT).toBeGreaterThan(7);
  expect(attempts.length / DEVICE_COUNT).toBeLessThan(16);

  isDown = false;
  attempts = [];
  openCount = 0;
  run(3000);
  expect(openCount).toBe(DEVICE_COUNT);
  expect(attempts.length).toBe(DEVICE_COUNT);
  expect(densest()).toBeLessThanOrEqual(21);
  // Not in step either: spread over more than half a second.
  expect(Math.max(...attempts) - Math.min(...attempts)).toBeGreaterThan(500);
});
