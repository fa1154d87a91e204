import { z } from "zod";
import { field } from "./field-schema.ts";

const id = (meaning: string) =>
  field(z.string().regex(/^[a-z][a-z0-9-]{0,31}$/), meaning, {
    form: "1 to 32 lower-case letters, digits and hyphens, a letter first",
  });
const seconds = (max: number, preset: number, meaning: string) =>
  field(z.number().min(0).max(max).default(preset), meaning, { unit: "s" });
const percent = (preset: number, meaning: string) =>
  field(z.number().min(0).max(100).default(preset), meaning, { unit: "%" });
const kilowatts = (meaning: string, defaultText: string) =>
  field(z.number().min(0).max(1_000_000).optional(), meaning, { unit: "kW", defaultText });

/** What a grid does after a blackout. */
export const blackoutSchema = z.strictObject({
  recovery: field(
    z.boolean().default(true),
    "Bring the busbar back automatically. Without it R-EMS raises the alarm and starts sets, no more.",
  ),
  delay_s: field(
    z.number().min(0.2).max(60).default(1),
    "The busbar must be dead so long before it is believed.",
    { unit: "s" },
  ),
  sets: field(
    z.int().min(1).max(8).default(2),
    "Gensets started in parallel: one that fails costs no time.",
  ),
  attempts_max: field(
    z.int().min(1).max(10).default(3),
    "After so many attempts nothing is tried before an operator gives `reset` at the grid.",
  ),
  feeder_interval_s: seconds(
    60,
    3,
    "Wait between two feeders that are closed again; each also waits for frequency, voltage and capacity.",
  ),
  shore_close: field(
    z.boolean().default(false),
    "Shore may be closed onto the dead busbar where no set and no battery can.",
  ),
  tie_close: field(
    z.boolean().default(false),
    "A dead busbar may be fed over a bus-tie from a live one, where no own source can bring it back or none has for 30 s; both grids state it. It joins two switchboards: not where they must stay apart.",
  ),
  dead_bus_interlock: field(
    z.enum(["permit", "hardwired"]).default("permit"),
    "`permit`: one source at a time, granted through the coordinator; without its majority none. `hardwired`: auxiliary contacts of all incomers and a busbar relay hold the others open, and no permit is asked for.",
  ),
});

/** One way to run a grid, chosen by operators. */
export const operatingModeSchema = z.strictObject({
  id: id("Name of the mode, for `r-emsctl command … mode`."),
  name: field(z.string().max(80).default(""), "Name for people.", { defaultText: "the id" }),
  sets_min: field(
    z.int().min(0).max(64).default(0),
    "Gensets that stay connected whatever the load.",
  ),
  battery_mode: field(
    z
      .enum(["reserve", "peak_shaving", "strategic_loading", "charging", "zero_emission", "idle"])
      .optional(),
    "What all batteries of the grid are for in this mode.",
    { defaultText: "as each battery's own table says" },
  ),
  reserve_kw: field(
    z.number().min(0).max(1_000_000).default(0),
    "Free capacity that stays connected beside the load.",
    { unit: "kW" },
  ),
  n1_required: field(
    z.boolean().optional(),
    "Whether the loss of the largest source must be carried.",
    { defaultText: "as in `power`" },
  ),
  start_limit_pct: field(
    z.number().min(10).max(100).optional(),
    "Replaces the limit of the same name in `power`.",
    { unit: "%", defaultText: "as in `power`" },
  ),
  stop_limit_pct: field(
    z.number().min(1).max(99).optional(),
    "Replaces the limit of the same name in `power`. Below the start limit.",
    { unit: "%", defaultText: "as in `power`" },
  ),
  ties: field(
    z.enum(["any", "open", "closed"]).default("any"),
    "How bus-ties should stand. R-EMS opens one where each side can carry its own load, closes none by itself; what differs is an alarm.",
  ),
  start_order: field(
    z.array(id("A genset of this grid.")).max(64).optional(),
    "Gensets in order of start in this mode.",
    { defaultText: "as in `power`" },
  ),
});

/** Limits of a land site at its point of interconnection. */
export const siteSchema = z.strictObject({
  import_limit_kw: kilowatts("Most power taken from the utility.", "the rating of the connection"),
  export_limit_kw: field(
    z.number().min(0).max(1_000_000).default(0),
    "Most power given to the utility. Batteries charge, then the sun is limited.",
    { unit: "kW" },
  ),
  peak_target_kw: kilowatts(
    "Mean import over each quarter of an hour is held below this by the batteries.",
    "no target",
  ),
  self_consumption: field(
    z.boolean().default(true),
    "Surplus of the sun charges the batteries, and the batteries give it back before power is bought.",
  ),
  soc_max_pct: percent(90, "Surplus charges the batteries up to here."),
  soc_charge_pct: percent(
    55,
    "Below this the batteries are charged from the utility while the peak target leaves room.",
  ),
  reconnect_wait_s: seconds(
    3600,
    300,
    "The utility must be back in band so long before the site reconnects.",
  ),
  grid_code: field(
    z.enum(["ieee1547-60", "en50549-50"]).optional(),
    "Set of limits and times of the grid code. The inverters execute it; R-EMS reconnects by it and checks what devices show.",
    { defaultText: "by the nominal frequency" },
  ),
  neutral_earth: field(
    z
      .string()
      .regex(/^[a-z][a-z0-9-]{0,31}$/)
      .optional(),
    "The breaker device that makes the neutral-earth bond while islanded. Must be closed within 200 ms.",
    { form: "the id of a device of kind breaker", defaultText: "none" },
  ),
});
