import type { DeviceConfig } from "../../../configs/manifest.ts";
import { device, mapping, MODBUS, profile } from "../../../drivers/modbus/profile-fixture.ts";
import { DEVICE_KINDS } from "../../../kernel/device-kinds.ts";

const NUMBERS = Object.entries(DEVICE_KINDS.battery.points)
  .filter(([, spec]) => spec.type === "number" && spec.direction === "measured")
  .map(([name]) => name);

/**
 * A device with so many points in neighbouring registers. No kind has a hundred names, so they come round: for the driver each is a point of its
 * own, with its own codec, quality and age.
 */
export function benchDevice(
  id: string,
  pointCount: number,
  at: Partial<DeviceConfig> & Pick<DeviceConfig, "port">,
  inFlightMax = 1,
): DeviceConfig {
  const points = Array.from({ length: pointCount }, (_, i) =>
    mapping({
      point: NUMBERS[i % NUMBERS.length] ?? "",
      table: "holding",
      address: i,
      type: "uint16",
      scale: 0.1,
    }),
  );
  return device({
    id,
    ...at,
    profile: profile({
      requestTimeoutMs: 500,
      points,
      commands: [],
      modbus: { ...MODBUS, inFlightMax },
    }),
  });
}
