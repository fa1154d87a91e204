import type { DeviceConfig } from "../configs/manifest.ts";
import type { ErrorDetails, RemsError } from "../kernel/errors.ts";
import type { Clock } from "../kernel/ports/clock.ts";
import type { AuthorityGate, ControlMode } from "../kernel/ports/device-io.ts";
import type { Random } from "../kernel/ports/random.ts";
import type { Timings } from "../kernel/timings.ts";

/** Where to connect for a host and port of the manifest: test networks translate. */
export type Dial = (host: string, port: number) => { readonly host: string; readonly port: number };

/** What a driver is given: it reads no clock of its own, opens no random source, and decides nothing about the plant. */
export interface DriverOptions {
  readonly grid: string;
  /** In the order of the manifest; devices of other grids (the far breaker of a tie) are read and never written. */
  readonly devices: readonly DeviceConfig[];
  readonly isOwn: (device: DeviceConfig) => boolean;
  /** The mode that holds for an own device now: the stricter of its own and its grid's. Asked before each write, so it is quick. */
  readonly controlOf: (device: DeviceConfig) => ControlMode;
  readonly clock: Clock;
  readonly random: Random;
  readonly gate: AuthorityGate;
  readonly timings: Pick<Timings, "scanMs" | "staleMs">;
  readonly mode: "simulation" | "production";
  readonly dial: Dial;
  /** Plant time now, for the expiry of commands. */
  readonly plantTimeMs: () => number;
  /** A device in simulation mode that is not the simulator's: the daemon must not go on. */
  readonly onFatal: (error: RemsError) => void;
  readonly log?: (level: "info" | "warn" | "error", message: string, details: ErrorDetails) => void;
}
