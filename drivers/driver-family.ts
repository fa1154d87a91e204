import type { DriverFamilyName } from "../configs/profile.ts";
import type { DeviceIo } from "../kernel/ports/device-io.ts";
import type { DriverOptions } from "./driver-options.ts";

/**
 * A family of devices that are spoken to alike. What every family must do is `test/contract/driver-family.test.ts`; how to add one
 * is in the README of this folder.
 */
export interface DriverFamily {
  /** As in the `family` of a profile. */
  readonly name: DriverFamilyName;
  /**
   * Serves the devices of one grid that have profiles of this family. Connects nowhere before the first `poll`.
   * @throws {@link RemsError} `REMS_PROFILE_INVALID` or `REMS_CONFIG_INVALID` for devices that it cannot serve as the rules demand.
   */
  create(options: DriverOptions): DeviceIo;
}

/** Families by their names: made at the composition root, Modbus and those that the installation's profiles name. */
export type DriverFamilies = Readonly<
  Partial<Record<DriverFamilyName, DriverFamily>> & { modbus: DriverFamily }
>;
