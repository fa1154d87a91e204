import type { DriverFamilies } from "../../drivers/driver-family.ts";
import { modbusFamily } from "../../drivers/modbus/modbus-device-io.ts";
import { mqttFamily } from "../../drivers/mqtt/mqtt-device-io.ts";
import { sunspecFamily } from "../../drivers/sunspec/sunspec-family.ts";

/** Every family of drivers that this program has. */
export const DRIVER_FAMILIES: DriverFamilies = {
  modbus: modbusFamily,
  sunspec: sunspecFamily,
  mqtt: mqttFamily,
};
