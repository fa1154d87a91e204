import type { AlarmPriority } from "../kernel/alarm.ts";
import type { DeviceKind } from "../kernel/device-kinds.ts";
import type { ControlMode } from "../kernel/ports/device-io.ts";
import type { Timings, TimingSetName } from "../kernel/timings.ts";
import type {
  BatteryUseConfig,
  ConsumerConfig,
  PowerConfig,
  SacrificeConfig,
} from "./power-config.ts";
import type { DeviceProfile } from "./profile.ts";

/** A checked installation: what every other layer works from. Arrays keep the order of the file. */
export interface Manifest {
  /** Path of the file, for messages. */
  readonly path: string;
  readonly installation: {
    readonly id: string;
    readonly name: string;
    readonly kind: "vessel" | "land";
  };
  readonly mode: "simulation" | "production";
  /** Accepts what production otherwise rejects (plain text beyond loopback); a standing alarm. */
  readonly insecure: boolean;
  readonly nodes: readonly NodeConfig[];
  readonly coordinator: CoordinatorConfig;
  readonly grids: readonly GridConfig[];
  /** Bus-ties: each joins two breakers, one owned by each grid. */
  readonly ties: readonly TieConfig[];
  readonly logging: {
    readonly directory: string;
    readonly level: string;
    readonly keepDays: number;
  };
  readonly metrics: { readonly isEnabled: boolean };
  readonly http: HttpConfig;
  readonly history: HistoryConfig;
  /** What is offered to other systems on the nodes' `modbusPort`. */
  readonly modbusServer: ModbusServerConfig;
  readonly notifications: readonly NotificationConfig[];
}

/** One way in which alarms reach people who are not at a screen. */
export interface NotificationConfig {
  readonly id: string;
  readonly kind: "smtp" | "webhook" | "mqtt";
  readonly url: string;
  readonly from: string;
  readonly to: readonly string[];
  readonly topic: string;
  readonly priorityMin: AlarmPriority;
  /** Empty: all grids. */
  readonly grids: readonly string[];
  readonly isReturnTold: boolean;
  /** File with `user:password`; empty for none. */
  readonly credentialsFile: string;
}

/** Limits of a node's HTTP. */
export interface HttpConfig {
  readonly streamCountMax: number;
  readonly streamsPerClientCountMax: number;
  readonly bodyKbMax: number;
  /** Of pages that may read and command, besides the nodes' own. */
  readonly origins: readonly string[];
}

export interface ModbusServerConfig {
  readonly takesCommands: boolean;
  /** Highest role in which another system may command. */
  readonly role: "operator" | "engineer";
  /** Longest time for which its set-points hold. */
  readonly expirySMax: number;
}

export interface NodeConfig {
  readonly id: string;
  readonly host: string;
  readonly peerPort: number;
  readonly operatorPort: number;
  readonly httpPort: number;
  /** Modbus TCP for other systems, on this machine; null: not served. */
  readonly modbusPort: number | null;
  readonly dataDirectory: string;
}

/** What nodes keep of the past. */
export interface HistoryConfig {
  /** The journal is kept all the same. */
  readonly isEnabled: boolean;
  readonly journalSizeMbMax: number;
  /** 0: by size alone. */
  readonly journalDays: number;
  readonly rawDays: number;
  readonly secondsDays: number;
  readonly minutesDays: number;
  readonly quartersDays: number;
  readonly recordsDays: number;
  readonly sizeMbMax: number;
  readonly deadBands: readonly {
    /** A point's name (`activePowerKw`), or device and point (`dg1.activePowerKw`). */
    readonly point: string;
    /** In the point's unit. */
    readonly band: number;
  }[];
  readonly servers: readonly HistoryServerConfig[];
}

/** A database server that gets a copy of the history. */
export interface HistoryServerConfig {
  readonly id: string;
  readonly kind: "influxdb" | "surrealdb";
  readonly url: string;
  readonly database: string;
  /** Of SurrealDB. */
  readonly namespace: string;
  /** Environment variable that holds the token, or `user:password`; empty for none. */
  readonly secretVariable: string;
  /** Nodes that send; all where empty. */
  readonly nodes: readonly string[];
}

export interface CoordinatorConfig {
  readonly kind: "etcd" | "embedded";
  /** `host:port` of the etcd members, or of the process that serves the embedded coordinator. Empty: in this process. */
  readonly endpoints: readonly string[];
}

export interface GridConfig {
  readonly id: string;
  readonly name: string;
  readonly nominalVoltageV: number;
  readonly nominalFrequencyHz: number;
  readonly control: ControlMode;
  readonly timingSet: TimingSetName;
  /** The set with the grid's own values laid over it; checked. */
  readonly timings: Timings;
  readonly allowStaleTakeover: boolean;
  readonly failback: "manual" | "automatic";
  readonly failbackDelayS: number;
  /** In `failover_order`; the first is the preferred leader. */
  readonly controllers: readonly ControllerConfigEntry[];
  readonly power: PowerConfig;
  readonly blackout: BlackoutConfig;
  /** Operators choose one; the first is in force at the first start. Empty: `power` alone holds. */
  readonly modes: readonly OperatingModeConfig[];
  /** Null but for a land site with limits at its point of interconnection. */
  readonly site: SiteConfig | null;
  readonly devices: readonly DeviceConfig[];
}

/** What a grid does after a blackout. */
export interface BlackoutConfig {
  readonly hasRecovery: boolean;
  readonly delayS: number;
  /** Gensets started in parallel. */
  readonly setCount: number;
  readonly attemptCountMax: number;
  readonly feederIntervalS: number;
  readonly mayCloseShore: boolean;
  /** A dead busbar may be fed over a tie, and another grid over it by this one. */
  readonly mayCloseTie: boolean;
  readonly deadBusInterlock: "permit" | "hardwired";
}

/** One way to run a grid: what it says goes before `power`; null leaves that as it is. */
export interface OperatingModeConfig {
  readonly id: string;
  readonly name: string;
  readonly setCountMin: number;
  readonly batteryMode: BatteryUseConfig["mode"] | null;
  readonly reserveKw: number;
  readonly isN1Required: boolean | null;
  readonly startLimitPct: number | null;
  readonly stopLimitPct: number | null;
  readonly ties: "any" | "open" | "closed";
  readonly startOrder: readonly string[] | null;
}

/** Limits of a land site; import is positive, export is stated as its amount. */
export interface SiteConfig {
  readonly importLimitKw: number | null;
  readonly exportLimitKw: number;
  readonly peakTargetKw: number | null;
  readonly isSelfConsuming: boolean;
  readonly socMaxPct: number;
  readonly socChargePct: number;
  readonly reconnectWaitS: number;
  readonly gridCode: "ieee1547-60" | "en50549-50";
  /** The breaker that makes the neutral-earth bond while islanded. */
  readonly neutralEarth: string | null;
}

export interface ControllerConfigEntry {
  readonly node: string;
  readonly role: "primary" | "standby";
  readonly failoverOrder: number;
}

export interface DeviceConfig {
  readonly id: string;
  readonly name: string;
  readonly kind: DeviceKind;
  readonly profile: DeviceProfile;
  readonly host: string;
  readonly port: number;
  readonly unitId: number;
  /** How Modbus frames travel. `rtu`: on the line of `serial`; host and port mean nothing then. */
  readonly transport: "tcp" | "rtu-over-tcp" | "rtu";
  /** Null but for transport `rtu`. */
  readonly serial: SerialLine | null;
  /** Family `mqtt`: how one comes to its broker; null: in plain text, without a log-in. */
  readonly broker: BrokerSettings | null;
  /** Taken out on purpose: nothing is sent to it. */
  readonly isInMaintenance: boolean;
  readonly isSimulated: boolean;
  /** Where null the grid's applies. The stricter of the two holds (observe < advise < control). */
  readonly control: ControlMode | null;
  /** Reach of this device counts for failover. */
  readonly isCritical: boolean;
  readonly ratings: Ratings;
  /** Null but for batteries. */
  readonly battery: BatteryUseConfig | null;
  /** Null but for thrusters. */
  readonly consumer: ConsumerConfig | null;
  /** Feeders: never shed where null. */
  readonly tripStage: 0 | 1 | 2 | 3 | null;
}

/** Access to an MQTT broker. */
export interface BrokerSettings {
  readonly isEncrypted: boolean;
  /** PEM file of the authorities that may vouch for the broker; empty: those that Node trusts. */
  readonly caFile: string;
  /** File with `user:password`; empty for none. */
  readonly credentialsFile: string;
  /** Environment variable with `user:password`; empty for none. */
  readonly secretVariable: string;
}

/** A serial line and its settings; devices on it have their own unit ids. */
export interface SerialLine {
  readonly path: string;
  readonly baudRate: number;
  readonly parity: "none" | "even" | "odd";
  readonly stopBits: 1 | 2;
  /** Silence between frames; null: 3.5 characters, at least 1.75 ms. */
  readonly frameGapMs: number | null;
}

/** Nameplate; what does not apply is 0. */
export interface Ratings {
  readonly powerKw: number;
  readonly apparentKva: number;
  readonly energyKwh: number;
  readonly minimumLoadPct: number;
  readonly droopPct: number;
  /** Genset: fall of the voltage from no reactive power to rated apparent power; 0: none is assumed. */
  readonly voltageDroopPct: number;
  /** Battery: reserve floor, percent of energy that is never counted. */
  readonly reserveSocPct: number;
  /** Expected draw of a feeder or most draw of a thruster, kW. */
  readonly loadKw: number;
  /** Genset: load that the engine takes in one step; 0: not considered. */
  readonly firstStepPct: number;
  /** Genset: specific consumption at its best load. */
  readonly fuelGPerKwh: number;
  /** Genset that takes no part in sharing: its load; 0: it shares. */
  readonly baseLoadPct: number;
}

export interface TieConfig {
  readonly id: string;
  /** Device ids of the two breakers, each of kind `busTie`, with their grids. */
  readonly breakers: readonly [
    { readonly grid: string; readonly device: string },
    { readonly grid: string; readonly device: string },
  ];
  readonly sacrifice: SacrificeConfig;
}
