import type { CommandFate, CommandOutput, LevelOutput } from "../../kernel/command.ts";
import type { PointSample, PointValue } from "../../kernel/point.ts";
import { pointId } from "../../kernel/point.ts";
import type { Clock } from "../../kernel/ports/clock.ts";
import type { AuthorityGate, DeviceIo } from "../../kernel/ports/device-io.ts";

/** A write that reached a simulated device. */
export interface DeviceWrite {
  readonly atMs: number;
  readonly node: string;
  readonly epoch: number;
  readonly device: string;
  readonly kind: "level" | "command";
  readonly name: string;
  readonly value: PointValue;
  readonly isAccepted: boolean;
}

/** Devices that take an epoch with each write and refuse a lower one: shared by all nodes of a simulated world. */
export interface MemoryPlant {
  setPoint(device: string, point: string, value: PointValue): void;
  readonly writes: readonly DeviceWrite[];
  /** `node` reaches no device any more, or again. */
  setReachable(node: string, isReachable: boolean): void;
  /** The devices of one grid as `node` sees them. */
  io(node: string, grid: string, gate: AuthorityGate): DeviceIo;
}

export interface MemoryPlantOptions {
  readonly clock: Clock;
  readonly devices: readonly string[];
  /** One way to the device and back. Default 1. */
  readonly roundTripMs?: number;
  readonly writeMs?: number;
}

const PROBE_MS = 1000;

export function createMemoryPlant(options: MemoryPlantOptions): MemoryPlant {
  const { clock, devices } = options;
  const roundTripMs = options.roundTripMs ?? 1;
  const writeMs = options.writeMs ?? 20;
  const values = new Map<string, PointValue>();
  const writes: DeviceWrite[] = [];
  const epochs = new Map<string, number>();
  const unreachable = new Set<string>();

  const accept = (write: Omit<DeviceWrite, "isAccepted" | "atMs">): boolean => {
    const isAccepted = write.epoch >= (epochs.get(write.device) ?? 0);
    if (isAccepted) epochs.set(write.device, write.epoch);
    writes.push({ ...write, atMs: clock.monotonicMs(), isAccepted });
    return isAccepted;
  };

  return {
    writes,
    setPoint: (device, point, value) => void values.set(pointId(device, point), value),
    setReachable: (node, isReachable) =>
      void (isReachable ? unreachable.delete(node) : unreachable.add(node)),
    io(node, grid, gate) {
      const image = new Map<string, PointSample>();
      let changed = new Set<string>();
      /** All points are told again once they were read by a request sent from then on. */
      let owedFromMs: number | null = null;
      let fates: CommandFate[] = [];
      const confirmed = new Map<string, PointValue>();
      let isOnline = false;
      let isOnlineChanged = false;
      let lastProbeMs = -Infinity;
      let unansweredCount = 0;
      let settled: (() => void) | null = null;
      let isClosed = false;

      const settle = () => {
        if (unansweredCount > 0 || settled === null) return;
        const done = settled;
        settled = null;
        clock.at(clock.monotonicMs(), done);
      };
      const send = (
        write: Omit<DeviceWrite, "isAccepted" | "atMs" | "epoch" | "node">,
        answer: (isAccepted: boolean) => void,
      ): boolean => {
        const epoch = gate.epochForWrite(grid, write.device, writeMs);
        if (epoch === null || unreachable.has(node) || isClosed) return false;
        unansweredCount++;
        clock.at(clock.monotonicMs() + roundTripMs / 2, () => {
          const isAccepted = accept({ ...write, node, epoch });
          clock.at(clock.monotonicMs() + roundTripMs / 2, () => {
            unansweredCount--;
            if (!isClosed) answer(isAccepted);
            settle();
          });
        });
        return true;
      };
      const fate = (command: CommandOutput, outcome: CommandFate["fate"], reason: string) => {
        fates.push({ id: command.id, fate: outcome, reason });
      };

      return {
        poll(mode) {
          const nowMs = clock.monotonicMs();
          if (mode === "probe" && nowMs - lastProbeMs < PROBE_MS) return;
          lastProbeMs = nowMs;
          clock.at(nowMs + roundTripMs, () => {
            if (isClosed) return;
            const isReachable = !unreachable.has(node);
            if (isReachable !== isOnline) isOnlineChanged = true;
            isOnline = isReachable;
            if (!isReachable) return;
            const isOwed = owedFromMs !== null && nowMs >= owedFromMs;
            if (isOwed) owedFromMs = null;
            for (const [id, value] of values) {
              if (image.get(id)?.[1] === value && !isOwed) continue;
              image.set(id, [id, value, "good"]);
              changed.add(id);
            }
          });
        },
        drain() {
          const points = [...changed]
            .map((id) => image.get(id))
            .filter((sample) => sample !== undefined);
          const connections = isOnlineChanged
            ? devices.map((device) => [device, isOnline ? "online" : "offline"] as const)
            : [];
          const changes = { points, connections, fates };
          changed = new Set();
          isOnlineChanged = false;
          fates = [];
          return changes;
        },
        image() {
          changed = new Set();
          isOnlineChanged = false;
          return {
            points: [...image.values()],
            connections: devices.map(
              (device) => [device, isOnline ? "online" : "offline"] as const,
            ),
          };
        },
        connection: () => (isOnline ? "online" : "offline"),
        health: () =>
          devices.map((device) => ({
            device,
            state: isOnline ? "online" : "offline",
            reason: "",
            refused: [],
            points: [],
            roundTripMs: isOnline ? roundTripMs : null,
            timeoutMs: writeMs,
            requestCount: 0,
            timeoutCount: 0,
            exceptionCount: 0,
            skippedCount: 0,
          })),
        writeLevels(levels: readonly LevelOutput[]) {
          for (const { device, point, value } of levels) {
            const id = pointId(device, point);
            if (confirmed.get(id) === value) continue;
            send({ device, kind: "level", name: point, value }, (isAccepted) => {
              if (isAccepted) confirmed.set(id, value);
            });
          }
        },
        beginLeadership: () => {
          confirmed.clear();
          owedFromMs = clock.monotonicMs();
        },
        execute(command) {
          const isSent = send(
            { device: command.device, kind: "command", name: command.command, value: command.id },
            (isAccepted) =>
              fate(
                command,
                isAccepted ? "confirmed" : "failed",
                isAccepted ? "" : "the device refused the epoch",
              ),
          );
          if (!isSent) fate(command, "dropped", "no authority or no connection");
        },
        abandonWrites: () => confirmed.clear(),
        settleWrites(done) {
          settled = done;
          settle();
        },
        reach: () => ({
          reachedCount: isOnline ? devices.length : 0,
          criticalCount: devices.length,
        }),
        onWrite: () => {},
        close() {
          isClosed = true;
          return Promise.resolve();
        },
      };
    },
  };
}
