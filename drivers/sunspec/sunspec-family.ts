import type { DriverFamily } from "../driver-family.ts";
import { createModbusDeviceIo } from "../modbus/modbus-device-io.ts";
import { findSunspecLayout } from "./find-layout.ts";

/** SunSpec devices: Modbus devices that say themselves where they keep what. */
export const sunspecFamily: DriverFamily = {
  name: "sunspec",
  create: (options) => createModbusDeviceIo(options, findSunspecLayout),
};
