import type { CommandFate } from "../../kernel/command.ts";
import type { ErrorDetails, RemsError } from "../../kernel/errors.ts";
import type { Clock } from "../../kernel/ports/clock.ts";
import type { AuthorityGate, ControlMode, WriteReport } from "../../kernel/ports/device-io.ts";
import type { Timings } from "../../kernel/timings.ts";
import type { LayoutFinder } from "./layout-finder.ts";

/** What all devices of a grid's driver share. */
export interface DeviceContext {
  readonly grid: string;
  readonly clock: Clock;
  readonly gate: AuthorityGate;
  readonly timings: Pick<Timings, "scanMs" | "staleMs">;
  readonly mode: "simulation" | "production";
  readonly plantTimeMs: () => number;
  readonly report: (report: WriteReport) => void;
  readonly settled: (fate: CommandFate) => void;
  readonly onFatal: (error: RemsError) => void;
  /** Finds the registers of devices that describe themselves; null where profiles say where everything stands. */
  readonly finder: LayoutFinder | null;
  readonly log: (level: "info" | "warn" | "error", message: string, details: ErrorDetails) => void;
}

/** What this controller may do with a device. */
export interface Rights {
  /** False for devices of other grids: they are read only. */
  readonly isOwn: boolean;
  /** Asked anew for each write: it may change while the grid runs. */
  readonly control: ControlMode;
}
