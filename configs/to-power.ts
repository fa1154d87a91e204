import type { DeviceFile, GridFile, ManifestFile } from "./manifest-schema.ts";
import type {
  BatteryUseConfig,
  ConsumerConfig,
  PowerConfig,
  SacrificeConfig,
  SheddingConfig,
  WarningConfig,
} from "./power-config.ts";
import { batteryUseSchema, consumerSchema } from "./power-schema.ts";

/** The power part of a grid, in the names that every other layer uses. */
export function toPower(grid: GridFile): PowerConfig {
  const { power } = grid;
  const gensets = grid.devices.filter(({ kind }) => kind === "genset").map(({ id }) => id);
  return {
    startLimitPct: power.start_limit_pct,
    startDelayS: power.start_delay_s,
    fastStartLimitPct: power.fast_start_limit_pct,
    fastStartDelayS: power.fast_start_delay_s,
    stopLimitPct: power.stop_limit_pct,
    stopDelayS: power.stop_delay_s,
    startStopIn: power.start_stop_in,
    startFreeKw: power.start_free_kw,
    fastStartFreeKw: power.fast_start_free_kw,
    stopFreeKw: power.stop_free_kw,
    minimumRunS: power.minimum_run_s,
    isN1Required: power.n1_required,
    spinningReserveKw: power.spinning_reserve_kw,
    startOrder: power.start_order ?? gensets,
    startSelection: power.start_selection,
    hoursDifferenceH: power.hours_difference_h,
    heavyConsumerMarginKw: power.heavy_consumer_margin_kw,
    limitMarginPct: power.limit_margin_pct,
    rampPctPerS: power.ramp_pct_per_s,
    sharing: power.sharing,
    asymmetricPct: power.asymmetric_pct,
    asymmetricMinPct: power.asymmetric_min_pct,
    asymmetricMaxPct: power.asymmetric_max_pct,
    restorationS: power.restoration_s,
    startTimeoutS: power.start_timeout_s,
    cooldownS: power.cooldown_s,
    shedding: toShedding(power.shedding),
    warnings: toWarnings(power.warnings),
  };
}

function toShedding(file: GridFile["power"]["shedding"]): SheddingConfig {
  return {
    isEnabled: file.enabled,
    isOnSourceLoss: file.on_source_loss,
    overloadPct: file.overload_pct,
    stageDelaysS: file.stage_delays_s,
    fastOverloadPct: file.fast_overload_pct,
    fastDelayS: file.fast_delay_s,
    underFrequencyPct: file.under_frequency_pct,
    underFrequencyDelayS: file.under_frequency_delay_s,
    thrusterFloorPct: file.thruster_floor_pct,
    reconnectAfterS: file.reconnect_after_s,
  };
}

function toWarnings(file: GridFile["power"]["warnings"]): WarningConfig {
  return {
    overloadPct: file.overload_pct,
    overloadDelayS: file.overload_delay_s,
    reversePct: file.reverse_pct,
    reverseDelayS: file.reverse_delay_s,
    frequencyPct: file.frequency_pct,
    frequencyDelayS: file.frequency_delay_s,
    voltageLowPct: file.voltage_low_pct,
    voltageHighPct: file.voltage_high_pct,
    voltageDelayS: file.voltage_delay_s,
  };
}

export function toBatteryUse(file: DeviceFile["battery"]): BatteryUseConfig {
  const use = file ?? batteryUseSchema.parse({});
  return {
    mode: use.mode,
    peakShavingS: use.peak_shaving_s,
    strategicPct: use.strategic_pct,
    chargePct: use.charge_pct,
    socMinPct: use.soc_min_pct,
    socMaxPct: use.soc_max_pct,
    zeroEmissionStartSocPct: use.zero_emission_start_soc_pct,
    zeroEmissionStartPct: use.zero_emission_start_pct,
  };
}

export function toConsumer(file: DeviceFile["consumer"]): ConsumerConfig {
  const consumer = file ?? consumerSchema.parse({});
  return {
    priority: consumer.priority,
    load: consumer.load,
    request: consumer.request,
    feedbackTimeoutS: consumer.feedback_timeout_s,
    waitAlarmS: consumer.wait_alarm_s,
  };
}

export function toSacrifice(file: ManifestFile["ties"][number]["sacrifice"]): SacrificeConfig {
  return {
    isEnabled: file.enabled,
    overloadPct: file.overload_pct,
    overloadDelayS: file.overload_delay_s,
    reversePct: file.reverse_pct,
    reverseDelayS: file.reverse_delay_s,
  };
}
