import { createSystemClock } from "../../cluster/node/system-clock.ts";
import type { DeviceConfig } from "../../configs/manifest.ts";
import type { DriverFamily } from "../../drivers/driver-family.ts";
import type { DriverOptions } from "../../drivers/driver-options.ts";
import { modbusFamily } from "../../drivers/modbus/modbus-device-io.ts";
import type { CommandFate } from "../../kernel/command.ts";
import type { RemsError } from "../../kernel/errors.ts";
import type { PointValue, Quality } from "../../kernel/point.ts";
import type { DeviceIo, PollMode, WriteReport } from "../../kernel/ports/device-io.ts";
import { createSeededRandom } from "../../sim/ports/seeded-random.ts";
import { eventually } from "./eventually.ts";

/** Longer than any time-out of a write: another does not replace one that is under way. */
const WRITE_AGAIN_MS = 1000;

/** A driver with the control loop's part played by a test. */
export interface DriverBench {
  readonly io: DeviceIo;
  /** What the gate answers; null is no authority. */
  epoch: number | null;
  plantTimeMs: number;
  readonly points: Map<string, readonly [PointValue, Quality]>;
  readonly states: Map<string, string>;
  readonly fates: CommandFate[];
  readonly reports: WriteReport[];
  readonly fatals: RemsError[];
  /** One scan: poll and drain. Returns how many points changed. */
  scan(mode?: PollMode): number;
  /** Scans until `isSo`. */
  until(what: string, isSo: () => boolean, mode?: PollMode): Promise<void>;
  /** Writes a set-point until the device has confirmed it: again, as a leader does, where no answer comes. */
  confirm(device: string, point: string, value: PointValue): Promise<void>;
  /** Outcomes of the reports about one level or command, in order. */
  outcomes(name: string): string[];
  /** Gives a command that does not expire. */
  execute(device: string, command: string, expiresAtPlantMs?: number): string;
}

export function createDriverBench(
  devices: readonly DeviceConfig[],
  overrides: Partial<DriverOptions> = {},
  family: DriverFamily = modbusFamily,
): DriverBench {
  let commandCount = 0;
  const io = family.create({
    grid: "port",
    devices,
    isOwn: () => true,
    controlOf: () => "control",
    clock: createSystemClock(),
    random: createSeededRandom(1),
    gate: { epochForWrite: () => bench.epoch },
    timings: { scanMs: 100, staleMs: 1000 },
    mode: "production",
    dial: (host, port) => ({ host, port }),
    plantTimeMs: () => bench.plantTimeMs,
    onFatal: (error) => bench.fatals.push(error),
    ...overrides,
  });
  const bench: DriverBench = {
    io,
    epoch: 7,
    plantTimeMs: 0,
    points: new Map(),
    states: new Map(),
    fates: [],
    reports: [],
    fatals: [],
    scan(mode = "full") {
      io.poll(mode);
      const changes = io.drain();
      for (const [point, value, quality] of changes.points)
        bench.points.set(point, [value, quality]);
      for (const [device, state] of changes.connections) bench.states.set(device, state);
      bench.fates.push(...changes.fates);
      return changes.points.length;
    },
    until: (what, isSo, mode = "full") =>
      eventually(what, () => {
        bench.scan(mode);
        return isSo();
      }),
    async confirm(device, point, value) {
      let sequence = 0;
      let writtenAtMs = Number.NEGATIVE_INFINITY;
      await bench.until(`${point} is confirmed`, () => {
        if (performance.now() - writtenAtMs >= WRITE_AGAIN_MS) {
          io.writeLevels([{ device, point, value }], ++sequence);
          writtenAtMs = performance.now();
        }
        return bench.outcomes(point).includes("confirmed");
      });
    },
    outcomes: (name) => bench.reports.filter((one) => one.name === name).map((one) => one.outcome),
    execute(device, command, expiresAtPlantMs = 1e12) {
      const id = `7:1:${commandCount++}`;
      io.execute({ id, device, command, expiresAtPlantMs, reason: "a test" });
      return id;
    },
  };
  io.onWrite((report) => bench.reports.push(report));
  return bench;
}
