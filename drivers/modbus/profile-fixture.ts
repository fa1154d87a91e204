import type { DeviceConfig } from "../../configs/manifest.ts";
import {
  type DeviceProfile,
  type ModbusSettings,
  type PointMapping,
  SUPERVISION,
} from "../../configs/profile.ts";

/** A point mapping with the defaults of the profile schema. */
export function mapping(
  values: Partial<PointMapping> & Pick<PointMapping, "point" | "address">,
): PointMapping {
  return {
    table: "input",
    type: "int16",
    bit: null,
    wordOrder: "big",
    scale: 1,
    offset: 0,
    access: "read",
    poll: "fast",
    labels: null,
    notAvailable: null,
    trueWhen: null,
    constant: null,
    writeWith: null,
    readBack: null,
    supervision: SUPERVISION,
    ...values,
  };
}

export const SIGNATURE = { table: "holding", address: 60_000, value: 21_069 } as const;

/** What the protocol allows. */
export const MODBUS: ModbusSettings = {
  gapMs: 0,
  inFlightMax: 1,
  registersPerReadMax: 125,
  bitsPerReadMax: 2000,
  registersPerWriteMax: 123,
  registerGapMax: null,
  bitGapMax: null,
  forbidden: [],
  barriers: [],
};

/** A battery of a plain series: status and power in input registers, one set-point with read-back, one command register. */
export function profile(values: Partial<DeviceProfile> = {}): DeviceProfile {
  return {
    id: "test-battery",
    name: "Battery of the driver's tests",
    kind: "battery",
    family: "modbus",
    source: "defined here",
    signStatement: "as R-EMS",
    fallback: { behaviour: "zero", reason: "a test", watchdogMs: 5000 },
    syncCheck: "device",
    mastersMax: 8,
    slotReleaseMs: 1000,
    writeMs: 200,
    requestTimeoutMs: 300,
    signature: null,
    modbus: MODBUS,
    epochRegister: null,
    sunspec: null,
    mqtt: null,
    release: [],
    points: [
      mapping({ point: "isClosed", address: 0, type: "bit", bit: 0 }),
      mapping({ point: "activePowerKw", address: 1, scale: 0.1 }),
      mapping({
        point: "powerSetpointKw",
        table: "holding",
        address: 102,
        scale: 0.1,
        access: "readWrite",
        readBack: { table: "input", address: 102 },
      }),
      mapping({ point: "sohPct", address: 50, type: "uint16", poll: "slow" }),
    ],
    commands: [
      {
        command: "setForming",
        table: "holding",
        address: 103,
        value: 3,
        before: [],
        followedBy: null,
      },
      { command: "open", table: "holding", address: 103, value: 4, before: [], followedBy: null },
    ],
    ...values,
  };
}

export function device(values: Partial<DeviceConfig> & Pick<DeviceConfig, "port">): DeviceConfig {
  const used = values.profile ?? profile();
  return {
    id: "bat1",
    name: "Battery 1",
    kind: used.kind,
    profile: used,
    host: "127.0.0.1",
    unitId: 1,
    transport: "tcp",
    serial: null,
    broker: null,
    isInMaintenance: false,
    isSimulated: false,
    control: null,
    isCritical: true,
    ratings: {
      powerKw: 500,
      apparentKva: 625,
      energyKwh: 500,
      minimumLoadPct: 0,
      droopPct: 2,
      voltageDroopPct: 0,
      reserveSocPct: 50,
      loadKw: 0,
      firstStepPct: 0,
      fuelGPerKwh: 195,
      baseLoadPct: 0,
    },
    battery: null,
    consumer: null,
    tripStage: null,
    ...values,
  };
}
