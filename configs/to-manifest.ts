import { present } from "../kernel/assert.ts";
import { DEVICE_KINDS } from "../kernel/device-kinds.ts";
import { TIMING_SETS, type Timings } from "../kernel/timings.ts";
import type { DeviceFile, GridFile, ManifestFile } from "./manifest-schema.ts";
import type {
  DeviceConfig,
  GridConfig,
  HistoryConfig,
  Manifest,
  OperatingModeConfig,
  BrokerSettings,
  SerialLine,
  SiteConfig,
  TieConfig,
} from "./manifest.ts";
import type { DeviceProfile } from "./profile.ts";
import { toBatteryUse, toConsumer, toPower, toSacrifice } from "./to-power.ts";

/** The timing set of a grid with its own values laid over it; not yet checked. */
export function timingsOf(grid: GridFile): Timings {
  const t = grid.timings;
  const set = TIMING_SETS[grid.timing_set];
  return {
    scanMs: t.scan_ms ?? set.scanMs,
    heartbeatMs: t.heartbeat_ms ?? set.heartbeatMs,
    leaseMs: t.lease_ms ?? set.leaseMs,
    shrinkMs: t.shrink_ms ?? set.shrinkMs,
    graceMs: t.grace_ms ?? set.graceMs,
    staggerMs: t.stagger_ms ?? set.staggerMs,
    soloLeaseMs: t.solo_lease_ms ?? set.soloLeaseMs,
    soloRenewMs: t.solo_renew_ms ?? set.soloRenewMs,
    soloGraceMs: t.solo_grace_ms ?? set.soloGraceMs,
    coldStartMs: t.cold_start_ms ?? set.coldStartMs,
    rejoinMs: t.rejoin_ms ?? set.rejoinMs,
    holdMs: t.hold_ms ?? set.holdMs,
    ioLossMs: t.io_loss_ms ?? set.ioLossMs,
    handoverMs: t.handover_ms ?? set.handoverMs,
    journalSyncMs: t.journal_sync_ms ?? set.journalSyncMs,
    clockDivergenceMs: t.clock_divergence_ms ?? set.clockDivergenceMs,
    staleMs: t.stale_ms ?? set.staleMs,
    coordinatorMs: t.coordinator_ms ?? set.coordinatorMs,
  };
}

/** Turns a checked file into the form that every other layer works from. */
export function toManifest(
  file: ManifestFile,
  path: string,
  profiles: ReadonlyMap<string, DeviceProfile>,
): Manifest {
  return {
    path,
    installation: { ...file.installation, name: file.installation.name || file.installation.id },
    mode: file.mode,
    insecure: file.insecure,
    nodes: file.nodes.map((node) => ({
      id: node.id,
      host: node.host,
      peerPort: node.peer_port,
      operatorPort: node.operator_port,
      httpPort: node.http_port,
      modbusPort: node.modbus_port ?? null,
      dataDirectory: node.data_directory,
    })),
    coordinator: file.coordinator,
    grids: file.grids.map((grid) => toGrid(grid, file.mode, profiles)),
    ties: file.ties.map(toTie),
    logging: {
      directory: file.logging.directory,
      level: file.logging.level,
      keepDays: file.logging.keep_days,
    },
    metrics: { isEnabled: file.metrics.enabled },
    modbusServer: {
      takesCommands: file.modbus_server.commands,
      role: file.modbus_server.role,
      expirySMax: file.modbus_server.expiry_max_s,
    },
    notifications: file.notifications.map((one) => ({
      id: one.id,
      kind: one.kind,
      url: one.url,
      from: one.from,
      to: one.to,
      topic: one.topic,
      priorityMin: one.min_priority,
      grids: one.grids,
      isReturnTold: one.tell_return,
      credentialsFile: one.credentials_file,
    })),
    http: {
      streamCountMax: file.http.streams_max,
      streamsPerClientCountMax: file.http.streams_per_client_max,
      bodyKbMax: file.http.body_max_kb,
      origins: file.http.origins,
    },
    history: toHistory(file.history),
  };
}

function toHistory(history: ManifestFile["history"]): HistoryConfig {
  return {
    isEnabled: history.enabled,
    journalSizeMbMax: history.journal_size_max_mb,
    journalDays: history.journal_days,
    rawDays: history.raw_days,
    secondsDays: history.seconds_days,
    minutesDays: history.minutes_days,
    quartersDays: history.quarters_days,
    recordsDays: history.records_days,
    sizeMbMax: history.size_max_mb,
    deadBands: history.dead_bands,
    servers: history.servers.map(({ secret_variable: secretVariable, ...server }) => ({
      ...server,
      secretVariable,
    })),
  };
}

function toTie(tie: ManifestFile["ties"][number]): TieConfig {
  const [first, second] = tie.breakers;
  return {
    id: tie.id,
    breakers: [
      present(first, "the schema requires two breakers"),
      present(second, "the schema requires two breakers"),
    ],
    sacrifice: toSacrifice(tie.sacrifice),
  };
}

function toGrid(
  grid: GridFile,
  mode: Manifest["mode"],
  profiles: ReadonlyMap<string, DeviceProfile>,
): GridConfig {
  return {
    id: grid.id,
    name: grid.name || grid.id,
    nominalVoltageV: grid.nominal_voltage_v,
    nominalFrequencyHz: grid.nominal_frequency_hz,
    control: grid.control ?? (mode === "production" ? "observe" : "control"),
    timingSet: grid.timing_set,
    timings: timingsOf(grid),
    allowStaleTakeover: grid.allow_stale_takeover,
    failback: grid.failback,
    failbackDelayS: grid.failback_delay_s,
    controllers: grid.controllers
      .map(({ node, role, failover_order: failoverOrder }) => ({ node, role, failoverOrder }))
      .sort((a, b) => a.failoverOrder - b.failoverOrder),
    power: toPower(grid),
    blackout: {
      hasRecovery: grid.blackout.recovery,
      delayS: grid.blackout.delay_s,
      setCount: grid.blackout.sets,
      attemptCountMax: grid.blackout.attempts_max,
      feederIntervalS: grid.blackout.feeder_interval_s,
      mayCloseShore: grid.blackout.shore_close,
      mayCloseTie: grid.blackout.tie_close,
      deadBusInterlock: grid.blackout.dead_bus_interlock,
    },
    modes: grid.modes.map(toMode),
    site: grid.site === undefined ? null : toSite(grid.site, grid.nominal_frequency_hz),
    devices: grid.devices.map((device) => toDevice(device, mode, profiles)),
  };
}

function toMode(mode: GridFile["modes"][number]): OperatingModeConfig {
  return {
    id: mode.id,
    name: mode.name || mode.id,
    setCountMin: mode.sets_min,
    batteryMode: mode.battery_mode ?? null,
    reserveKw: mode.reserve_kw,
    isN1Required: mode.n1_required ?? null,
    startLimitPct: mode.start_limit_pct ?? null,
    stopLimitPct: mode.stop_limit_pct ?? null,
    ties: mode.ties,
    startOrder: mode.start_order ?? null,
  };
}

function toSite(site: NonNullable<GridFile["site"]>, nominalHz: number): SiteConfig {
  return {
    importLimitKw: site.import_limit_kw ?? null,
    exportLimitKw: site.export_limit_kw,
    peakTargetKw: site.peak_target_kw ?? null,
    isSelfConsuming: site.self_consumption,
    socMaxPct: site.soc_max_pct,
    socChargePct: site.soc_charge_pct,
    reconnectWaitS: site.reconnect_wait_s,
    gridCode: site.grid_code ?? (nominalHz === 60 ? "ieee1547-60" : "en50549-50"),
    neutralEarth: site.neutral_earth ?? null,
  };
}

function toSerial(serial: NonNullable<DeviceFile["serial"]>): SerialLine {
  return {
    path: serial.port,
    baudRate: serial.baud_rate,
    parity: serial.parity,
    stopBits: serial.stop_bits ?? (serial.parity === "none" ? 2 : 1),
    frameGapMs: serial.frame_gap_ms ?? null,
  };
}

function toBroker(broker: NonNullable<DeviceFile["broker"]>): BrokerSettings {
  return {
    isEncrypted: broker.tls,
    caFile: broker.ca_file,
    credentialsFile: broker.credentials_file,
    secretVariable: broker.secret_variable,
  };
}

/** Medium-speed diesel at its best load. */
const FUEL_G_PER_KWH = 195;
const TRIP_STAGES = [0, 1, 2, 3] as const;

function toDevice(
  device: DeviceFile,
  mode: Manifest["mode"],
  profiles: ReadonlyMap<string, DeviceProfile>,
): DeviceConfig {
  const { ratings } = device;
  return {
    id: device.id,
    name: device.name || device.id,
    kind: device.kind,
    profile: present(profiles.get(device.profile), "the cross checks reject unknown profiles"),
    host: device.host ?? "",
    port: device.port,
    unitId: device.unit_id,
    transport: device.transport,
    serial: device.transport === "rtu" && device.serial ? toSerial(device.serial) : null,
    broker: device.broker === undefined ? null : toBroker(device.broker),
    isInMaintenance: device.maintenance,
    isSimulated: device.simulated ?? mode === "simulation",
    control: device.control ?? null,
    isCritical: device.critical ?? DEVICE_KINDS[device.kind].isCritical,
    ratings: {
      powerKw: ratings.power_kw,
      apparentKva: ratings.apparent_kva,
      energyKwh: ratings.energy_kwh,
      minimumLoadPct: ratings.minimum_load_pct,
      droopPct: ratings.droop_pct,
      voltageDroopPct: ratings.voltage_droop_pct,
      reserveSocPct: ratings.reserve_soc_pct,
      loadKw: ratings.load_kw,
      firstStepPct: ratings.first_step_pct,
      fuelGPerKwh: ratings.fuel_g_per_kwh || FUEL_G_PER_KWH,
      baseLoadPct: ratings.base_load_pct,
    },
    battery: device.kind === "battery" ? toBatteryUse(device.battery) : null,
    consumer: device.kind === "thruster" ? toConsumer(device.consumer) : null,
    tripStage: TRIP_STAGES.find((stage) => stage === device.trip_stage) ?? null,
  };
}
