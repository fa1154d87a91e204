import type { Manifest } from "../../configs/manifest.ts";
import type { DriverFamilies } from "../../drivers/driver-family.ts";
import { modbusFamily } from "../../drivers/modbus/modbus-device-io.ts";

/** The families that an installation's devices have, and no more, because each brings its libraries along; Modbus is always there. */
export async function loadDriverFamilies(manifest: Manifest): Promise<DriverFamilies> {
  const used = new Set(
    manifest.grids.flatMap(({ devices }) => devices.map(({ profile }) => profile.family)),
  );
  const sunspec = async () =>
    (await import("../../drivers/sunspec/sunspec-family.ts")).sunspecFamily;
  const mqtt = async () => (await import("../../drivers/mqtt/mqtt-device-io.ts")).mqttFamily;
  return {
    modbus: modbusFamily,
    ...(used.has("sunspec") ? { sunspec: await sunspec() } : {}),
    ...(used.has("mqtt") ? { mqtt: await mqtt() } : {}),
  };
}
