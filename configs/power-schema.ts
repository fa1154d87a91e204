import { z } from "zod";
import type { DeviceKind } from "../kernel/device-kinds.ts";
import { id, percent, seconds } from "./field-kinds.ts";
import { field } from "./field-schema.ts";

const kilowatts = (preset: number, meaning: string) =>
  field(z.number().min(0).max(1_000_000).default(preset), meaning, { unit: "kW" });

const sheddingSchema = z.strictObject({
  enabled: field(
    z.boolean().default(true),
    "Shed load by stages: charging of batteries, then the feeders of stage 1, of stage 2, then thrusters of stage 3 down to `thruster_floor_pct`.",
  ),
  on_source_loss: field(
    z.boolean().default(true),
    "Shed at once what a table, computed beforehand, says for the source whose breaker opened by itself.",
  ),
  overload_pct: percent(
    50,
    200,
    100,
    "Sources loaded above this, percent of what they can give now, shed the stages after `stage_delays_s`.",
  ),
  stage_delays_s: field(
    z.array(z.number().min(0).max(3600)).length(3).default([5, 8, 10]),
    "Delay of stages 1, 2 and 3 since the overload began, rising. Stage 0 goes with the begin of the overload.",
    { unit: "s", form: "a list of 3 numbers of seconds, rising" },
  ),
  fast_overload_pct: percent(
    50,
    300,
    110,
    "As `overload_pct`, one stage after each `fast_delay_s`. At least `overload_pct`.",
  ),
  fast_delay_s: seconds(60, 1, "Delay of each stage above `fast_overload_pct`."),
  under_frequency_pct: percent(
    80,
    99.5,
    95,
    "Below this frequency, percent of nominal, one stage goes after each `under_frequency_delay_s`.",
  ),
  under_frequency_delay_s: seconds(60, 0.5, "Delay of each stage below `under_frequency_pct`."),
  thruster_floor_pct: percent(
    0,
    100,
    30,
    "Stage 3: thrusters are limited to this part of their rating.",
  ),
  reconnect_after_s: seconds(
    3600,
    10,
    "A shed feeder may be closed again no earlier than so long after the last cause ended.",
  ),
});

const warningsSchema = z.strictObject({
  overload_pct: percent(10, 200, 95, "Alarm where a source is loaded above this."),
  overload_delay_s: seconds(3600, 30, "For so long."),
  reverse_pct: percent(1, 100, 5, "Alarm where a source takes this part of its rating."),
  reverse_delay_s: seconds(3600, 3, "For so long."),
  frequency_pct: percent(0.1, 20, 5, "Alarm where frequency is off nominal by more than this."),
  frequency_delay_s: seconds(3600, 5, "For so long."),
  voltage_low_pct: percent(0.1, 50, 10, "Alarm where voltage is below nominal by more than this."),
  voltage_high_pct: percent(0.1, 50, 6, "Alarm where voltage is above nominal by more than this."),
  voltage_delay_s: seconds(3600, 5, "For so long."),
});

export const powerSchema = z.strictObject({
  start_limit_pct: percent(
    10,
    100,
    85,
    "A genset starts above this load of the connected capacity, after `start_delay_s`.",
  ),
  start_delay_s: seconds(3600, 10, "How long the load must stay above `start_limit_pct`."),
  fast_start_limit_pct: percent(
    10,
    120,
    95,
    "As `start_limit_pct`, after the shorter `fast_start_delay_s`. At least `start_limit_pct`.",
  ),
  fast_start_delay_s: seconds(3600, 2, "How long the load must stay above `fast_start_limit_pct`."),
  stop_limit_pct: percent(
    1,
    99,
    70,
    "A genset stops below this load of the capacity that remains after the stop. Below `start_limit_pct`.",
  ),
  stop_delay_s: seconds(86_400, 300, "How long the load must stay below `stop_limit_pct`."),
  start_stop_in: field(
    z.enum(["percent", "apparent", "kw"]).default("percent"),
    "`percent`: start and stop by load in percent of capacity in kW; `apparent`: by the higher of that and the load in percent of rated kVA; `kw`: by free capacity in kW. Delays are the same.",
  ),
  start_free_kw: kilowatts(100, "With `kw`: a genset starts below this free capacity."),
  fast_start_free_kw: kilowatts(
    50,
    "As `start_free_kw`, after `fast_start_delay_s`. At most `start_free_kw`.",
  ),
  stop_free_kw: kilowatts(
    200,
    "With `kw`: a genset stops where more than this stays free after the stop. Above `start_free_kw`.",
  ),
  minimum_run_s: seconds(86_400, 600, "A genset that started runs at least so long."),
  n1_required: field(
    z.boolean().default(true),
    "Keep enough reserve to carry the load after the loss of the largest source.",
  ),
  spinning_reserve_kw: kilowatts(
    0,
    "Keep at least this much free: capacity that is connected and not drawn, and what batteries can give.",
  ),
  start_order: field(
    z.array(id("A genset of this grid.")).max(64).optional(),
    "Gensets in order of start.",
    { defaultText: "in the order of the file" },
  ),
  start_selection: field(
    z.enum(["manual", "running_hours", "efficiency"]).default("manual"),
    "Which genset is next. `manual`: as in `start_order`; `running_hours`: the one with fewest hours, where they differ by `hours_difference_h`; `efficiency`: the one with which the load costs least fuel.",
  ),
  hours_difference_h: field(
    z.number().min(0).max(100_000).default(5),
    "Two gensets change places in the order where their running hours differ by more than this.",
    { unit: "h" },
  ),
  heavy_consumer_margin_kw: kilowatts(
    150,
    "Free capacity that must remain before a heavy consumer is granted.",
  ),
  limit_margin_pct: percent(
    0,
    50,
    2,
    "Part of the capacity that the power limits of drives leave free.",
  ),
  ramp_pct_per_s: field(
    z.number().gt(0).max(1000).default(10),
    "Most change of a source's reference, percent of rating per second.",
    { unit: "%/s" },
  ),
  sharing: field(
    z.enum(["equal", "asymmetric"]).default("equal"),
    "`equal`: every genset gives the same part of its rating. `asymmetric`: all but the last in the order give `asymmetric_pct`, and the last takes what varies.",
  ),
  asymmetric_pct: percent(10, 100, 80, "Load of the gensets that do not take what varies."),
  asymmetric_min_pct: percent(
    0,
    100,
    5,
    "Below this load of the last genset sharing is equal again. Below `asymmetric_max_pct`.",
  ),
  asymmetric_max_pct: percent(
    0,
    110,
    95,
    "Above this load of the last genset sharing is equal again.",
  ),
  restoration_s: seconds(
    3600,
    10,
    "Time constant with which frequency and voltage are brought back to nominal beyond what equal references do. 0: not.",
  ),
  start_timeout_s: field(
    z.number().gt(0).max(3600).default(60),
    "A start without readiness after so long has failed.",
    { unit: "s" },
  ),
  cooldown_s: seconds(3600, 180, "A genset runs unloaded so long before it stops."),
  shedding: field(sheddingSchema.prefault({}), "When load is shed so that supply survives."),
  warnings: field(warningsSchema.prefault({}), "When values of sources and busbar are alarms."),
});

const SOURCES = ["genset", "battery", "shore", "pv"] as const;

const rating = (kinds: readonly DeviceKind[], meaning: string, unit: string, max = 1_000_000) =>
  field(z.number().min(0).max(max).default(0), meaning, { unit, kinds });

export const ratingsSchema = z.strictObject({
  power_kw: rating(SOURCES, "Rated active power of a source. Required for sources.", "kW"),
  apparent_kva: rating(SOURCES, "Rated apparent power.", "kVA"),
  energy_kwh: rating(["battery"], "Energy of a battery. Required for batteries.", "kWh"),
  minimum_load_pct: rating(
    ["genset"],
    "Least load at which the source should run for long.",
    "%",
    100,
  ),
  droop_pct: rating(["genset"], "Frequency droop from no load to rated power.", "%", 20),
  voltage_droop_pct: rating(
    ["genset"],
    "Genset: voltage droop from no reactive power to rated apparent power; 0: none is assumed.",
    "%",
    20,
  ),
  reserve_soc_pct: rating(
    ["battery"],
    "Battery: state of charge below which energy is never counted as reserve.",
    "%",
    100,
  ),
  load_kw: rating(
    ["feeder", "thruster"],
    "Expected draw of a feeder, most draw of a thruster. Required for these.",
    "kW",
  ),
  first_step_pct: rating(
    ["genset"],
    "Genset: load that the engine takes in one step, percent of rating. Counts in the loss of the largest source; 0: not considered.",
    "%",
    100,
  ),
  fuel_g_per_kwh: rating(
    ["genset"],
    'Genset: specific fuel consumption at its best load, for `start_selection = "efficiency"`; 0: 195.',
    "g/kWh",
    1000,
  ),
  base_load_pct: rating(
    ["genset"],
    "Genset or shaft generator that takes no part in sharing: it gives this part of its rating; 0: it shares.",
    "%",
    100,
  ),
});

export const batteryUseSchema = z.strictObject({
  mode: field(
    z
      .enum(["reserve", "peak_shaving", "strategic_loading", "charging", "zero_emission", "idle"])
      .default("reserve"),
    "What the battery is for until an operator chooses another mode.",
  ),
  peak_shaving_s: seconds(
    3600,
    60,
    "Peak shaving: gensets get the load smoothed with this time constant, the battery the rest.",
  ),
  strategic_pct: percent(
    10,
    100,
    80,
    "Strategic loading: the battery charges or discharges so that gensets run at this load.",
  ),
  charge_pct: percent(1, 100, 20, "Charging: part of the battery's rating."),
  soc_min_pct: percent(0, 100, 25, "Work band: below this it gives nothing but reserve."),
  soc_max_pct: percent(0, 100, 80, "Work band: above this it is not charged."),
  zero_emission_start_soc_pct: percent(
    0,
    100,
    30,
    "Zero emission: below this state of charge a genset starts.",
  ),
  zero_emission_start_pct: percent(
    10,
    100,
    90,
    "Zero emission: above this part of the battery's discharge limit a genset starts.",
  ),
});

export const consumerSchema = z.strictObject({
  priority: field(
    z.int().min(0).max(100).default(50),
    "Of consumers that wait the one with the highest priority is granted first; among equals first come, first served.",
  ),
  load: field(
    z.enum(["variable", "fixed"]).default("variable"),
    "`variable`: what it has not drawn yet stays reserved. `fixed`: its rating stays reserved until its feedback comes.",
  ),
  request: field(
    z.enum(["continuous", "pulse"]).default("continuous"),
    "`continuous`: the request stands while power is wanted. `pulse`: it is held until the consumer has drawn and stopped drawing.",
  ),
  feedback_timeout_s: seconds(
    3600,
    60,
    "A granted consumer that does not run after so long loses its reservation.",
  ),
  wait_alarm_s: seconds(3600, 60, "Alarm where a request could not be granted for so long."),
});

export const sacrificeSchema = z.strictObject({
  enabled: field(
    z.boolean().default(false),
    "Open the tie where a source of the island is overloaded or driven backwards, so that one side survives.",
  ),
  overload_pct: percent(50, 300, 120, "Load of a source, percent of its rating."),
  overload_delay_s: seconds(60, 3, "For so long."),
  reverse_pct: percent(1, 100, 5, "Power that a source takes, percent of its rating."),
  reverse_delay_s: seconds(60, 3, "For so long."),
});
