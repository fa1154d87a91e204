/**
 * The standard points and commands of each kind of device: what profiles map registers to, drivers read and write, machines
 * decide on, and the simulator serves. Power is positive out of a source into the busbar; consumers are positive where they draw.
 */
export type DeviceKind =
  | "genset"
  | "battery"
  | "busTie"
  | "breaker"
  | "feeder"
  | "shore"
  | "thruster"
  | "meter"
  | "pv";

export interface PointSpec {
  /** Unit as in the name; "" for switches, labels and counts. */
  readonly unit: "kW" | "kvar" | "V" | "Hz" | "%" | "h" | "kg/h" | "A" | "°C" | "";
  readonly type: "number" | "boolean" | "label";
  /** `measured`: read from the device. `level`: a set-point that R-EMS holds. */
  readonly direction: "measured" | "level";
  /** A profile of this kind must map it. */
  readonly isRequired: boolean;
  readonly meaning: string;
  /** Allowed labels where `type` is `label`. */
  readonly labels?: readonly string[];
}

export interface KindSpec {
  /** May feed the busbar. */
  readonly isSource: boolean;
  /** Reach counts it where the manifest does not say otherwise. */
  readonly isCritical: boolean;
  readonly points: Readonly<Record<string, PointSpec>>;
  /** Commands that a profile of this kind may offer, with their meaning. */
  readonly commands: Readonly<Record<string, string>>;
}

const measured = (unit: PointSpec["unit"], meaning: string, isRequired = true): PointSpec => ({
  unit,
  type: "number",
  direction: "measured",
  isRequired,
  meaning,
});
const isTrue = (meaning: string, isRequired = true): PointSpec => ({
  unit: "",
  type: "boolean",
  direction: "measured",
  isRequired,
  meaning,
});
const level = (unit: PointSpec["unit"], meaning: string, isRequired = true): PointSpec => ({
  unit,
  type: "number",
  direction: "level",
  isRequired,
  meaning,
});

/** What the device's own interface protection is set to: R-EMS reads it back and compares it with the grid code. */
const TRIP_SETTINGS = {
  overVoltageTripPct: measured("%", "trips at once above this voltage, percent of nominal", false),
  underVoltageTripPct: measured("%", "trips at once below this voltage, percent of nominal", false),
  overFrequencyTripHz: measured("Hz", "trips at once above this frequency", false),
  underFrequencyTripHz: measured("Hz", "trips at once below this frequency", false),
} as const;

const BREAKER_CONTACTS = {
  isClosed: isTrue("auxiliary contact: closed"),
  isOpen: isTrue("auxiliary contact: open; equal contacts mean no valid feedback"),
  isTripped: isTrue("opened by its own protection, latched until reset"),
} as const;

/** Last among the points of a kind: addresses for other systems follow from the order, so that new ones are appended. */
const SHORT_CIRCUIT = {
  isShortCircuit: isTrue(
    "its protection opened on a short circuit: nothing is closed onto the busbar again before a reset",
    false,
  ),
} as const;

const PLACE_OF_CONTROL = {
  isRemoteSelected: isTrue("selector stands on remote: R-EMS may command"),
} as const;

const CLOSE_AND_OPEN = {
  syncAndClose: "synchronise by the device's own check relay, then close; onto a live bus",
  open: "open the breaker now",
} as const;

const GIVE_BACK = {
  release:
    "give the set-points back: the device does at once what it does when R-EMS has been silent for too long",
} as const;

export const DEVICE_KINDS: Readonly<Record<DeviceKind, KindSpec>> = {
  genset: {
    isSource: true,
    isCritical: true,
    points: {
      ...BREAKER_CONTACTS,
      ...PLACE_OF_CONTROL,
      isReadyToStart: isTrue("the genset controller would accept a start"),
      isStartBlocked: isTrue("start blocked by a person or an interlock"),
      isShutdownActive: isTrue("shut down by its own protection, latched"),
      isEmergencyStop: isTrue("emergency stop pressed"),
      isRunning: isTrue("engine above firing speed"),
      isReadyToLoad: isTrue("voltage and frequency in band long enough to synchronise"),
      activePowerKw: measured("kW", "active power into the busbar"),
      reactivePowerKvar: measured("kvar", "reactive power into the busbar"),
      voltageV: measured("V", "generator line voltage"),
      frequencyHz: measured("Hz", "generator frequency"),
      runningHoursH: measured("h", "hours run", false),
      availablePowerKw: measured(
        "kW",
        "most that the engine can give now, where it is derated",
        false,
      ),
      fuelKgPerH: measured("kg/h", "fuel rate", false),
      powerReferenceKw: level(
        "kW",
        "droop reference: the power at which the set runs at nominal frequency",
      ),
      reactiveReferenceKvar: level("kvar", "reactive droop reference", false),
      ...SHORT_CIRCUIT,
    },
    commands: {
      start: "start; the genset controller cranks and retries by itself",
      stop: "stop, after the genset controller's own cooldown",
      ...CLOSE_AND_OPEN,
      ...GIVE_BACK,
    },
  },
  battery: {
    isSource: true,
    isCritical: true,
    points: {
      ...BREAKER_CONTACTS,
      ...PLACE_OF_CONTROL,
      state: {
        unit: "",
        type: "label",
        direction: "measured",
        isRequired: true,
        meaning: "state of the converter",
        labels: [
          "off",
          "precharge",
          "ready",
          "following",
          "forming",
          "limited",
          "fault",
          "isolated",
        ],
      },
      socPct: measured("%", "state of charge, 0…100"),
      sohPct: measured("%", "state of health, 0…100", false),
      activePowerKw: measured("kW", "into the busbar; charging is negative"),
      reactivePowerKvar: measured("kvar", "into the busbar"),
      chargeLimitKw: measured("kW", "BMS limit for charging, ≥ 0"),
      dischargeLimitKw: measured("kW", "BMS limit for discharging, ≥ 0"),
      isContactorClosed: isTrue("battery contactor"),
      bmsHeartbeatCount: measured("", "counts up while the BMS lives"),
      isBmsFault: isTrue("BMS fault"),
      isGasOrFire: isTrue("gas or fire in the battery room"),
      isEmergencyStop: isTrue("emergency stop pressed"),
      isGridForming: isTrue("forms voltage and frequency"),
      powerSetpointKw: level("kW", "active power; charging is negative"),
      ...SHORT_CIRCUIT,
      reactiveSetpointKvar: level(
        "kvar",
        "reactive power into the busbar; where it forms the busbar the reference of its droop",
        false,
      ),
    },
    commands: {
      ...CLOSE_AND_OPEN,
      setForming: "change to grid-forming",
      setFollowing: "change to grid-following",
      ...GIVE_BACK,
    },
  },
  busTie: {
    isSource: false,
    isCritical: true,
    points: {
      ...BREAKER_CONTACTS,
      ...PLACE_OF_CONTROL,
      activePowerKw: measured("kW", "from this grid's busbar into the tie", false),
      ...SHORT_CIRCUIT,
    },
    commands: {
      ...CLOSE_AND_OPEN,
      close: "close where one side has no voltage; the device refuses where both have",
    },
  },
  breaker: {
    isSource: false,
    isCritical: false,
    points: { ...BREAKER_CONTACTS, ...PLACE_OF_CONTROL, ...SHORT_CIRCUIT },
    commands: { ...CLOSE_AND_OPEN, close: "close onto a bus without voltage behind the breaker" },
  },
  feeder: {
    isSource: false,
    isCritical: false,
    points: {
      ...BREAKER_CONTACTS,
      activePowerKw: measured("kW", "drawn from the busbar"),
      powerLimitKw: level("kW", "most that the consumers behind it may draw", false),
      ...SHORT_CIRCUIT,
    },
    commands: { open: "open the breaker now", close: "close the breaker", ...GIVE_BACK },
  },
  shore: {
    isSource: true,
    isCritical: true,
    points: {
      ...BREAKER_CONTACTS,
      ...PLACE_OF_CONTROL,
      isVoltagePresent: isTrue("voltage on the far side"),
      isPhaseRotationGood: isTrue("phase rotation as the busbar's"),
      isEmergencyStop: isTrue("pilot or emergency-stop loop open"),
      activePowerKw: measured("kW", "into the busbar: import is positive"),
      reactivePowerKvar: measured("kvar", "into the busbar", false),
      voltageV: measured("V", "line voltage of the far side"),
      frequencyHz: measured("Hz", "frequency of the far side"),
      importLimitKw: measured("kW", "most that may be drawn", false),
      ...TRIP_SETTINGS,
      powerReferenceKw: level("kW", "base load to take from shore", false),
      ...SHORT_CIRCUIT,
    },
    commands: {
      ...CLOSE_AND_OPEN,
      close: "close onto a dead busbar, without synchronising",
      ...GIVE_BACK,
    },
  },
  thruster: {
    isSource: false,
    isCritical: false,
    points: {
      ...PLACE_OF_CONTROL,
      isRequesting: isTrue("asks to draw its demand; stands for as long as it wants power"),
      isRunning: isTrue("drive runs"),
      isTripped: isTrue("drive tripped"),
      demandKw: measured("kW", "what the operator's lever asks for"),
      activePowerKw: measured("kW", "drawn from the busbar"),
      powerLimitKw: level("kW", "most that the drive may draw"),
    },
    commands: {
      ...GIVE_BACK,
      acknowledge: "the request is granted: the consumer may start",
      withdraw: "the grant is over: the consumer may not start any more",
    },
  },
  meter: {
    isSource: false,
    isCritical: false,
    points: {
      voltageV: measured("V", "line voltage"),
      frequencyHz: measured("Hz", "frequency"),
      activePowerKw: measured("kW", "as the manifest says which way counts", false),
      reactivePowerKvar: measured("kvar", "as active power", false),
      isRecoveryBlocked: isTrue(
        "a person or an interlock forbids the recovery from a blackout",
        false,
      ),
    },
    commands: {},
  },
  pv: {
    isSource: true,
    isCritical: false,
    points: {
      ...BREAKER_CONTACTS,
      isRunning: isTrue("inverter feeds"),
      activePowerKw: measured("kW", "into the busbar"),
      availablePowerKw: measured("kW", "what the sun would give", false),
      ...TRIP_SETTINGS,
      powerLimitPct: level("%", "limit in percent of rating"),
    },
    commands: { ...GIVE_BACK },
  },
};
