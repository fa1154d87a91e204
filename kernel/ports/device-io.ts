import type { CommandFate, CommandOutput, LevelOutput } from "../command.ts";
import type { ConnectionSample, ConnectionState, PointId, PointSample, Quality } from "../point.ts";

/** Asked by the driver at the socket's write: the last moment before the kernel has it. */
export interface AuthorityGate {
  /**
   * @param writeMs - Longest time that the device needs to act on the write, gateway delay included.
   * @returns The epoch to write under, or null where authority does not last beyond now + `writeMs`.
   */
  epochForWrite(grid: string, device: string, writeMs: number): number | null;
}

export type ControlMode = "observe" | "advise" | "control";

/** `full`: the fast class every call, slow classes when due. `probe`: at most one read per device and second. */
export type PollMode = "full" | "probe";

/** What a write led to, for the journal and the referee. */
export interface WriteReport {
  readonly device: string;
  readonly epoch: number;
  readonly kind: "level" | "command";
  readonly name: string;
  /**
   * Of a level in this order: `written` (acknowledged), `confirmed` (shown by the device), `followed` (the measured effect). `unconfirmed`
   * and `unfollowed`: that did not come in time.
   */
  readonly outcome:
    | "written"
    | "confirmed"
    | "followed"
    | "unconfirmed"
    | "unfollowed"
    | "dropped"
    | "failed"
    | "unknown"
    | "wouldWrite";
  readonly reason: string;
}

/** How a device answers, for people: what they need to find a wrong register, a slow gateway, a loose cable. */
export interface DeviceHealth {
  readonly device: string;
  readonly state: ConnectionState;
  /** Why it is so; empty where there is nothing to say. */
  readonly reason: string;
  /** What the device refuses to show, each tried again rarely: which point, where it should stand, what the device said. */
  readonly refused: readonly {
    readonly point: string;
    readonly where: string;
    readonly reason: string;
  }[];
  /** Quality and age of every point; the age is null where it was never read. */
  readonly points: readonly {
    readonly point: PointId;
    readonly quality: Quality;
    readonly ageMs: number | null;
  }[];
  /** Time that an answer took lately; null where none came yet. */
  readonly roundTripMs: number | null;
  /** A request that waits longer has failed. */
  readonly timeoutMs: number;
  readonly requestCount: number;
  readonly timeoutCount: number;
  readonly exceptionCount: number;
  /** Scans whose reads were left out because the ones before were still under way. */
  readonly skippedCount: number;
}

/**
 * All devices of one grid as one node sees them. Nothing here blocks or throws for what a device does; results are drained
 * by the control loop when it builds a frame.
 */
export interface DeviceIo {
  /** Starts the reads that are due. Called once per scan (`full`) or heartbeat of a standby (`probe`). */
  poll(mode: PollMode): void;
  /** Changes since the last call: the values that differ, in the order of the manifest. */
  drain(): DeviceChanges;
  /** Everything known now, for the first frame of an epoch; clears what `drain` would return, but not the fates. */
  image(): Pick<DeviceChanges, "points" | "connections">;
  connection(device: string): ConnectionState;
  /** In the order of the manifest. */
  health(): readonly DeviceHealth[];
  /** Replaces the image of set-points. The driver writes what differs from the last confirmed value, and re-serves watchdogs. */
  writeLevels(levels: readonly LevelOutput[], sequence: number): void;
  /**
   * A leadership begins. Forgets what was confirmed, so that the next levels are written in full; and `drain` tells each point once
   * more when it was read from here on, changed or not: what was read before may be older than what the predecessor knew.
   */
  beginLeadership(): void;
  execute(command: CommandOutput): void;
  /** Drops waiting writes and resets connections with an unanswered one: at loss of authority. */
  abandonWrites(): void;
  /** Calls `done` once each write is answered or its connection reset: for a planned handover. Bounded by the write time-out. */
  settleWrites(done: () => void): void;
  /** Critical devices reached, of how many. */
  reach(): { readonly reachedCount: number; readonly criticalCount: number };
  onWrite(handler: (report: WriteReport) => void): void;
  close(): Promise<void>;
}

export interface DeviceChanges {
  readonly points: readonly PointSample[];
  readonly connections: readonly ConnectionSample[];
  readonly fates: readonly CommandFate[];
}
