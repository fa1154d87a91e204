import type { AlarmPriority } from "../../kernel/alarm.ts";

/** What an alarm means and how it behaves. Texts are for the operator on watch. */
export interface AlarmDefinition {
  readonly cause: string;
  /** What happens if nobody does anything. */
  readonly consequence: string;
  /** What the operator should do. */
  readonly action: string;
  /** Usual priority; the condition may give another. */
  readonly priority: AlarmPriority;
  /** Its condition must hold so long before it is an alarm. */
  readonly onDelayMs: number;
  /** Its condition must be over so long before the alarm is: keeps one that chatters from coming again and again. */
  readonly offDelayMs: number;
  /** Held after its condition is over, until it is reset. */
  readonly isLatched: boolean;
  /** Unacknowledged for so long: medium becomes high. Null: never. */
  readonly escalateAfterMs: number | null;
  /** Hidden while one of these stands at the same actor or at the grid, for it explains this one. */
  readonly suppressedBy: readonly string[];
}

const define = (
  priority: AlarmPriority,
  texts: Pick<AlarmDefinition, "cause" | "consequence" | "action">,
  more: Partial<AlarmDefinition> = {},
): AlarmDefinition => ({
  priority,
  ...texts,
  onDelayMs: 0,
  offDelayMs: 1000,
  isLatched: false,
  escalateAfterMs: priority === "medium" ? 300_000 : null,
  suppressedBy: [],
  ...more,
});

/** Every alarm that R-EMS can raise. Rendered into `docs/07-resilience/alarms.md`. */
export const ALARMS = {
  BLACKOUT: define(
    "high",
    {
      cause: "The busbar is dead although this grid has sources.",
      consequence: "All consumers of the section are without power.",
      action: "See which alarm came first. Check protection before closing anything by hand.",
    },
    { onDelayMs: 2000 },
  ),
  BLACKOUT_DOUBTED: define(
    "high",
    {
      cause: "The busbar's voltage and the contacts of its sources contradict each other.",
      consequence: "Nothing is closed onto the busbar automatically while they do.",
      action: "Check the voltage at the switchboard, then the meter and the auxiliary contacts.",
    },
    { onDelayMs: 2000 },
  ),
  RECOVERY_BLOCKED: define(
    "high",
    {
      cause: "The busbar is dead and something forbids the automatic recovery.",
      consequence: "The section stays dark until that is over or somebody restores it by hand.",
      action: "`r-emsctl why` at the grid names what blocks. Remove it, or restore by hand.",
    },
    { onDelayMs: 2000 },
  ),
  RECOVERY_GIVEN_UP: define("high", {
    cause: "The automatic recovery from a blackout failed as often as it may.",
    consequence: "The section stays dark.",
    action: "Find out why the sources did not come; then command reset at the grid.",
  }),
  ISLANDED: define("medium", {
    cause: "The site runs without the utility.",
    consequence: "Only its own sources carry it; load may be shed.",
    action: "`r-emsctl why` says what it waits for to reconnect.",
  }),
  TIE_NOT_AS_MODE: define(
    "medium",
    {
      cause: "A bus-tie does not stand as the operating mode wants it.",
      consequence: "One failure may reach further than the mode allows for.",
      action: "Open or close the tie, or choose another mode.",
    },
    { onDelayMs: 60_000 },
  ),
  BOND_MISSING: define("high", {
    cause: "The neutral-earth bond of the islanded site is not confirmed.",
    consequence: "The site is stopped: a fault to earth would not be cleared.",
    action: "Check the bond's contactor and its auxiliary contact, then restore by hand.",
  }),
  SITE_LIMIT_EXCEEDED: define(
    "medium",
    {
      cause:
        "Import from the utility exceeds its limit or the peak target, and nothing is left to hold it.",
      consequence: "The interface protection may open, or the quarter of an hour costs more.",
      action: "Reduce load. `r-emsctl why` names what was given up, and for what.",
    },
    { onDelayMs: 5000 },
  ),
  GRID_CODE_DIFFERS: define("medium", {
    cause: "A device's own interface protection is not set as the site's grid code says.",
    consequence:
      "It may trip where it should ride through, or stay where it should trip. R-EMS changes no protection settings.",
    action:
      "Set the device as agreed with the network operator, or state the code that holds in the manifest.",
  }),
  OVERLOAD: define(
    "high",
    {
      cause: "The load exceeds the capacity of the connected sources.",
      consequence: "Frequency falls; sources trip by their own protection.",
      action: "Shed or reduce load, or connect a further source.",
    },
    { onDelayMs: 2000, suppressedBy: ["BLACKOUT"] },
  ),
  LOAD_SHED: define(
    "high",
    {
      cause: "R-EMS opened feeders or cut drives so that the supply survives.",
      consequence: "These consumers are without power, or have less.",
      action:
        "See which source was overloaded or lost. Once the cause has been gone for a while the feeders may be closed again.",
    },
    { isLatched: true },
  ),
  LOSS_UNCOVERED: define(
    "medium",
    {
      cause:
        "After the loss of a source load would be missing power even with everything shed that may be.",
      consequence: "Its loss would end in a blackout.",
      action:
        "Connect a further source, or reduce load; `r-emsctl why` at the grid names the figures.",
    },
    { onDelayMs: 10_000, suppressedBy: ["BLACKOUT"] },
  ),
  SOURCE_OVERLOADED: define(
    "high",
    {
      cause: "A source is loaded above its limit of warning.",
      consequence: "Load is shed by stages; beyond, its own protection trips it.",
      action: "Reduce load, or connect a further source.",
    },
    { suppressedBy: ["DEVICE_TRIPPED", "BLACKOUT"] },
  ),
  REVERSE_POWER: define(
    "high",
    {
      cause: "A source takes power from the busbar.",
      consequence: "Its own protection trips it.",
      action: "Look at its governor and fuel; see whether its reference is followed.",
    },
    { suppressedBy: ["DEVICE_TRIPPED"] },
  ),
  FREQUENCY_OFF: define(
    "high",
    {
      cause: "The frequency of the busbar is off nominal by more than its limit.",
      consequence: "Drives phase back, load is shed, sources trip by their own protection.",
      action: "Compare the load with what sources can give; look at governors.",
    },
    { suppressedBy: ["BLACKOUT"] },
  ),
  VOLTAGE_OFF: define(
    "high",
    {
      cause: "The voltage of the busbar is off nominal by more than its limits.",
      consequence: "Consumers fail; sources trip by their own protection.",
      action: "Look at voltage regulators and reactive load.",
    },
    { suppressedBy: ["BLACKOUT"] },
  ),
  RESERVE_LOW: define(
    "medium",
    {
      cause: "Less is free than the spinning reserve that is wanted, and no further source comes.",
      consequence: "A large consumer or the loss of a source may overload the rest.",
      action: "See at the grid what is missing and why no set starts.",
    },
    { onDelayMs: 60_000, suppressedBy: ["BLACKOUT"] },
  ),
  CONSUMER_WAITS: define("medium", {
    cause: "A heavy consumer asks for power, and could not be granted within its time.",
    consequence: "It may not start.",
    action: "`r-emsctl why` at the consumer says what is missing.",
  }),
  CONSUMER_NO_FEEDBACK: define("medium", {
    cause: "A heavy consumer was granted and did not run within its time.",
    consequence: "Its reservation was given up; it must ask again.",
    action: "Look at the drive; take back its request, or command reset.",
  }),
  TIE_SACRIFICED: define(
    "high",
    {
      cause:
        "A bus-tie was opened because a source of the island was overloaded or driven backwards.",
      consequence: "The switchboards run apart; the tie is not closed before this alarm is reset.",
      action: "Find out which side had the fault. Then reset and close the tie.",
    },
    { isLatched: true },
  ),
  DEVICE_TRIPPED: define(
    "high",
    {
      cause: "The device or its breaker was tripped by protection.",
      consequence: "It is not started or closed again before somebody has reset it.",
      action: "Find the cause at the device, then reset the trip there and here.",
    },
    { isLatched: true },
  ),
  BREAKER_FAILED: define("medium", {
    cause: "A breaker did not open or close within its time, or refused to.",
    consequence: "It is not told again by itself; its contacts decide what it counts as.",
    action:
      "Look at the breaker: spring, control voltage, contacts. Then reset, or command it again.",
  }),
  SHORT_CIRCUIT: define(
    "high",
    {
      cause: "A protection opened on a short circuit.",
      consequence: "Nothing is closed onto the dead busbar automatically before a reset.",
      action: "Find and isolate the fault, reset the protection, then command reset here.",
    },
    { isLatched: true },
  ),
  DEVICE_FAULT: define("high", {
    cause: "The device reports a fault, gas, fire or an emergency stop.",
    consequence: "It is not used, and never restarted automatically.",
    action: "Follow the procedure for the device. Clear the fault there.",
  }),
  START_FAILED: define("high", {
    cause: "A genset did not come to speed within its time.",
    consequence: "The next in the order of start is started instead; reserve is smaller.",
    action: "Look at the genset's own controller; then command reset.",
  }),
  SYNC_FAILED: define("high", {
    cause: "A device did not synchronise and close within its time.",
    consequence: "The source runs without load; the demand for it stands.",
    action: "Look at the synchroniser: voltage, frequency, breaker ready.",
  }),
  STEP_OVERDUE: define(
    "medium",
    {
      cause: "A device did not do in time what it was asked to do.",
      consequence: "The sequence waits, or goes on with another device.",
      action: "Compare the device's feedback with what `why` says it waits for.",
    },
    { suppressedBy: ["DEVICE_OFFLINE", "BLACKOUT"] },
  ),
  PHASE_ROTATION_BAD: define("high", {
    cause: "The phase rotation of the shore connection is wrong.",
    consequence: "The connection is not closed.",
    action: "Have two phases swapped ashore.",
  }),
  DEVICE_OFFLINE: define(
    "medium",
    {
      cause: "A device does not answer on its protocol.",
      consequence:
        "It is not commanded; its own fallback holds. Its power counts as last known or nominal.",
      action: "Check supply and network of the device; `r-emsctl why` shows since when.",
    },
    { onDelayMs: 2000, suppressedBy: ["PLANT_UNREACHABLE"] },
  ),
  DEVICE_UNUSABLE: define(
    "medium",
    {
      cause:
        "A device answers on its protocol, but refuses everything, or is not what its profile says.",
      consequence: "As if it did not answer: it is not commanded, and its values are not known.",
      action:
        "Check the unit id and the profile: `r-emsctl device check PROFILE HOST` reads every point and says what the device answers.",
    },
    { onDelayMs: 2000 },
  ),
  SETPOINT_IGNORED: define(
    "medium",
    {
      cause:
        "A device refused a set-point, or acknowledged it and does not show it, or shows it without effect.",
      consequence: "The grid counts on power that does not come; what others carry rises.",
      action:
        "See at the device whether it is in remote control and whether a limit of its own holds; `r-emsctl why` names the set-point.",
    },
    { suppressedBy: ["DEVICE_OFFLINE", "DEVICE_UNUSABLE", "DEVICE_TRIPPED"] },
  ),
  DEVICE_UNKNOWN: define(
    "medium",
    {
      cause: "Feedback of a device is missing or contradicts itself.",
      consequence: "It counts as the worse of what it may be; automatic stops are blocked.",
      action: "Check auxiliary contacts and wiring of the device.",
    },
    { onDelayMs: 2000, suppressedBy: ["DEVICE_OFFLINE", "DEVICE_UNUSABLE", "PLANT_UNREACHABLE"] },
  ),
  PLANT_UNREACHABLE: define(
    "high",
    {
      cause: "No critical device of the grid answers.",
      consequence: "Nothing can be commanded; devices run by their own fallback.",
      action: "Check the plant network of the leading node.",
    },
    { onDelayMs: 2000 },
  ),
  TIE_UNKNOWN: define(
    "high",
    {
      cause: "The position of a bus-tie breaker is not known.",
      consequence:
        "Automatic stops, dead-bus closing and new grants to heavy consumers are blocked.",
      action: "Check the auxiliary contacts of the tie and the link to the other grid.",
    },
    { onDelayMs: 2000 },
  ),
  ACTOR_QUARANTINED: define("high", {
    cause: "The state machine of a device failed repeatedly: a defect in the software.",
    consequence: "The device is not controlled; the grid goes on without it.",
    action: "Export the incident, then command release at the device.",
  }),
  REDUNDANCY_LOST: define(
    "high",
    {
      cause: "No standby controller is in sync.",
      consequence: "If the leader fails now, nobody takes over at once.",
      action:
        "Bring a standby node back; `r-emsctl status` and the page Controllers say why each is not in sync.",
    },
    { onDelayMs: 2000 },
  ),
  REDUNDANCY_REDUCED: define(
    "medium",
    {
      cause: "Not all standby controllers are in sync.",
      consequence: "A further failure may leave the grid without redundancy.",
      action:
        "Bring the missing node back; `r-emsctl status` and the page Controllers say why it is not in sync.",
    },
    { onDelayMs: 2000, suppressedBy: ["REDUNDANCY_LOST"] },
  ),
  STALE_TAKEOVER: define("high", {
    cause:
      "The leader began without the last frames of its predecessor: no member in sync was left.",
    consequence: "Timers and ramps began anew from measured values.",
    action: "Compare the plant with what R-EMS shows; then acknowledge.",
  }),
  AUTHORITY_LOST: define("high", {
    cause: "The leader can prove its leadership neither by a standby nor by the coordinator.",
    consequence: "It holds: devices keep their last set-points.",
    action: "Check the networks between nodes and to etcd.",
  }),
  COORDINATOR_LOST: define("medium", {
    cause: "The majority of etcd does not answer a node, or any of them.",
    consequence:
      "Control goes on while a standby is in sync; a node that does not reach etcd cannot take over.",
    action: "Check the etcd members and the network to them.",
  }),
  RECORD_REFUSED: define("high", {
    cause: "The record of leadership is older than one already seen: a restored backup of etcd.",
    consequence: "This controller does not lead.",
    action: "Find out which record is right, then use force.",
  }),
  REPLICA_DIVERGED: define("high", {
    cause: "A standby computed another state from the same frames: a defect.",
    consequence: "The standby takes a snapshot and goes on.",
    action: "Export the incident and report it.",
  }),
  CLOCK_JUMPED: define("medium", {
    cause: "The machine was suspended, or its clock was set by a leap.",
    consequence: "The controller began anew under another name; another node may lead.",
    action: "Check the host for suspend and migration, and time synchronisation.",
  }),
  JOURNAL_FAILED: define("high", {
    cause: "The journal cannot be written: disk full, removed or read-only.",
    consequence:
      "Control goes on; this time will be missing from records unless another node has it.",
    action: "Free or replace the disk. Recording resumes by itself.",
  }),
  DISK_FULL: define("high", {
    cause: "The disk of the node's data directory has no room left.",
    consequence:
      "Control goes on; journal and history of this node stand still, and its records of this time come from other nodes.",
    action: "Free the disk, or lower the limits of [history]. Recording resumes by itself.",
  }),
  HISTORY_FAILED: define("medium", {
    cause: "The database of the history is damaged, or cannot be read or written.",
    consequence:
      "Control and journal go on. A damaged file is put aside, and a new one made of what can be read of it and the journal.",
    action:
      "Check the disk of the node. A file history.db.damaged may be removed once nothing is missed.",
  }),
  HISTORY_SERVER_LOST: define("low", {
    cause: "A database server that gets a copy of the history does not answer.",
    consequence: "Its copy falls behind; nothing is lost, and it is given what it missed.",
    action: "Check the server, its address and login in [history], and the network to it.",
  }),
  JOURNAL_SLOW: define("medium", {
    cause: "The disk takes longer than 100 ms to sync.",
    consequence: "A leader alone commands later than it could.",
    action: "Check the disk of the node.",
  }),
  ALARM_FLOOD: define("medium", {
    cause: "More than 10 alarms came within 10 minutes.",
    consequence: "New alarms below high priority are listed, but not announced.",
    action: "Deal with the first-out alarm; the others usually follow from it.",
  }),
  NOTIFICATION_FAILED: define("medium", {
    cause: "A message about an alarm could not be delivered for two minutes.",
    consequence: "People away from the screens do not learn of alarms.",
    action: "Check the mail server, webhook or broker and the network to it.",
  }),
  CONFIGURATION_ON_TRIAL: define("low", {
    cause: "Somebody changed parameters of the grid while it runs.",
    consequence: "The change holds, and is undone by itself unless it is confirmed in time.",
    action: "Look whether the plant does what was meant, then confirm the change or roll it back.",
  }),
  CONFIGURATION_UNDONE: define("low", {
    cause: "A change of parameters was not confirmed in time.",
    consequence: "The parameters before it hold again.",
    action: "Apply it again if it was meant, and confirm it within the time given.",
  }),
} as const satisfies { readonly [code: string]: AlarmDefinition };

export type AlarmCode = keyof typeof ALARMS;

export const ALARM_CODES: readonly AlarmCode[] = Object.keys(ALARMS) as AlarmCode[];

export function isAlarmCode(code: string): code is AlarmCode {
  return Object.hasOwn(ALARMS, code);
}
