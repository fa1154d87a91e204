import type { DeviceConfig } from "../../configs/manifest.ts";
import type { DriverFamily } from "../../drivers/driver-family.ts";
import type { PointValue } from "../../kernel/point.ts";

/**
 * A real device of one family, for the contract of families: a battery `bat1` that shows `isClosed`, `activePowerKw` and `sohPct`, takes
 * the level `powerSetpointKw` and shows what it holds, and takes the command `open`.
 */
export interface FamilyPeer {
  readonly device: DeviceConfig;
  /** What the device shows from now on. */
  show(point: string, value: PointValue): void;
  /** The set-point that the device holds, kW. */
  held(): number;
  /** Writes that reached it, levels and commands. */
  writeCount(): number;
  /** It takes everything and says nothing. */
  silence(): void;
  /** It answers again. */
  answer(): void;
  /** It refuses every write from now on, where the family's protocol has a way to say so. */
  refuseWrites(): void;
  /** Connections that are open now. */
  connectionCount(): number;
  close(): Promise<void>;
}

/** A family with a way to make a device of it. */
export interface FamilyCase {
  readonly name: string;
  readonly family: DriverFamily;
  start(): Promise<FamilyPeer>;
}
