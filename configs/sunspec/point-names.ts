import type { SunspecPoint } from "./model-table.ts";

/**
 * R-EMS's names for SunSpec points, made by one rule: the abbreviations of a name are written out, and the unit stands last, as in
 * every name of R-EMS. `TotWhInjL1` (Wh) is `totalEnergyInjectedL1Kwh`.
 */

/** Abbreviations of the models, the longest first where one begins like another. */
const WORDS: readonly (readonly [string, string])[] = [
  ["PFWInj", "powerFactor injecting"],
  ["PFWAbs", "powerFactor absorbing"],
  ["OutPFSet", "powerFactor setpoint"],
  ["MnAlrmInfo", "manufacturer alarm"],
  ["ReactSuscept", "reactive susceptance"],
  ["IntIslandCat", "islanding category"],
  ["NorOpCat", "normal category"],
  ["AbnOpCat", "abnormal category"],
  ["LocRemCtl", "place of control"],
  ["WDisChaRte", "discharge power"],
  ["WChaRte", "charge power"],
  ["DisChaRte", "discharge rate"],
  ["ADisCha", "discharge current"],
  ["WDisCha", "discharge power"],
  ["DisCha", "discharge"],
  ["CtrlModes", "control modes"],
  ["AntiIsl", "anti islanding"],
  ["MustTrip", "must trip"],
  ["MayTrip", "may trip"],
  ["MomCess", "momentary cessation"],
  ["ReadOnly", "read only"],
  ["NCrvSet", "curve set count"],
  ["DERMode", "der mode"],
  ["DeptRef", "dependent reference"],
  ["ActPt", "active point count"],
  ["ACType", "ac type"],
  ["ChaRte", "charge rate"],
  ["ChaSt", "charge state"],
  ["AChaMax", "charge current max"],
  ["OvrExt", "over excited"],
  ["UndExt", "under excited"],
  ["WarrDt", "warranty date"],
  ["IDStr", "name"],
  ["NCrv", "curve count"],
  ["NCtl", "control count"],
  ["NPrt", "port count"],
  ["NCyc", "cycle count"],
  ["NPt", "point count"],
  ["PrtTyp", "port type"],
  ["PrtAlrms", "port alarms"],
  ["VArh", "reactive energy"],
  ["Varh", "reactive energy"],
  ["VAh", "apparent energy"],
  ["Tot", "total"],
  ["LLV", "line voltage"],
  ["LNV", "phase voltage"],
  ["PPV", "line voltage"],
  ["PhV", "phase voltage"],
  ["VAR", "reactive power"],
  ["VAr", "reactive power"],
  ["Var", "reactive power"],
  ["VAvg", "voltage mean"],
  ["VA", "apparent power"],
  ["phAB", "L1L2"],
  ["phBC", "L2L3"],
  ["phCA", "L3L1"],
  ["PhA", "l1"],
  ["PhB", "l2"],
  ["PhC", "l3"],
  ["phA", "l1"],
  ["phB", "l2"],
  ["phC", "l3"],
  ["L1L2", "L1L2"],
  ["L2L3", "L2L3"],
  ["L3L1", "L3L1"],
  ["L1", "l1"],
  ["L2", "l2"],
  ["L3", "l3"],
  ["WHRtg", "energy rating"],
  ["WH", "energy"],
  ["Wh", "energy"],
  ["AHRtg", "charge rating"],
  ["Hz", "frequency"],
  ["PF", "power factor"],
  ["PMin", "active power min"],
  ["DCWh", "dc energy"],
  ["DCW", "dc power"],
  ["DC", "dc"],
  ["ID", "id"],
  ["Tms", "time"],
  ["Tmp", "temperature"],
  ["Cab", "cabinet"],
  ["Snk", "heatsink"],
  ["Trns", "transformer"],
  ["Throt", "throttle"],
  ["Amb", "ambient"],
  ["Avail", "available"],
  ["Aval", "available"],
  ["Auto", "auto"],
  ["Avg", "mean"],
  ["Adpt", "adopt"],
  ["Alrm", "alarms"],
  ["Alm", "alarm"],
  ["Conn", "connection"],
  ["Cell", "cell"],
  ["Ctrl", "controller"],
  ["Ctl", "control"],
  ["Crv", "curve"],
  ["Evt", "events"],
  ["Ena", "enabled"],
  ["Exp", "exported"],
  ["Imp", "imported"],
  ["Inj", "injected"],
  ["Inv", "inverter"],
  ["Abs", "absorbed"],
  ["State", "state"],
  ["Set", "setpoint"],
  ["Str", "string"],
  ["Sta", "state"],
  ["Src", "source"],
  ["SoC", "soc"],
  ["Soc", "soc"],
  ["SoH", "soh"],
  ["DoD", "depth of discharge"],
  ["Rsv", "reserve"],
  ["Rvrt", "revert"],
  ["Rmp", "ramp"],
  ["Rem", "left"],
  ["Rtg", "rating"],
  ["Rnd", "random"],
  ["Rsp", "response"],
  ["Rslt", "result"],
  ["Rst", "reset"],
  ["Req", "request"],
  ["Ref", "reference"],
  ["Lim", "limit"],
  ["Max", "max"],
  ["Min", "min"],
  ["Nom", "nominal"],
  ["Mod", "mode"],
  ["Pct", "percent"],
  ["Pri", "priority"],
  ["Prt", "port"],
  ["Pt", "point"],
  ["Typ", "type"],
  ["Vnd", "vendor"],
  ["Win", "window"],
  ["Ext", "excitation"],
  ["ES", "enter service"],
  ["Dly", "delay"],
  ["Hi", "high"],
  ["Lo", "low"],
  ["Hb", "heartbeat"],
  ["Op", "operation"],
  ["Sw", "switch"],
  ["St", "state"],
  ["Ot", "other"],
  ["Of", "over frequency"],
  ["Uf", "under frequency"],
  ["Db", "deadband"],
  ["Mn", "manufacturer"],
  ["Md", "model"],
  ["Opt", "options"],
  ["Vr", "version"],
  ["SN", "serial number"],
  ["Q1", "q1"],
  ["Q2", "q2"],
  ["Q3", "q3"],
  ["Q4", "q4"],
  ["W", "active power"],
  ["A", "current"],
  ["V", "voltage"],
  ["K", "slope"],
  ["_", ""],
];

/** Whole names that the rule would not say well, by model and name. */
const WHOLE: Readonly<Record<string, string>> = {
  "1 DA": "deviceAddress",
  "1 Opt": "options",
  "802 CellVMaxMod": "cellVoltageMaxModule",
  "802 CellVMinMod": "cellVoltageMinModule",
  "802 CtrlHb": "controllerHeartbeatCount",
  "802 Hb": "heartbeatCount",
  "802 SetOp": "connectRequest",
  "802 SetInvState": "inverterStateRequest",
};

/** Units of the models as R-EMS writes them, with the factor to them. */
const UNITS: readonly (readonly [RegExp, string, number])[] = [
  [/^W$/, "Kw", 0.001],
  [/^var$/i, "Kvar", 0.001],
  [/^VA$/, "Kva", 0.001],
  [/^wh$/i, "Kwh", 0.001],
  [/^varh$/i, "Kvarh", 0.001],
  [/^VAh$/, "Kvah", 0.001],
  [/^V$/, "V", 1],
  [/^A$/, "A", 1],
  [/^Ah$/, "Ah", 1],
  [/^Hz$/, "Hz", 1],
  [/^C$/, "C", 1],
  [/^S$/, "Siemens", 1],
  [/^Secs$/, "S", 1],
  [/^%Max\/Sec$/, "PctPerS", 1],
  [/^(?:%|Pct$|\w+Pct$|DeptRef$)/, "Pct", 1],
];

export interface PointName {
  /** camelCase, the unit last. */
  readonly name: string;
  /** From the model's unit to that of the name. */
  readonly factor: number;
}

/** The name of a SunSpec point in R-EMS; of a point in groups that of its last part. */
export function sunspecPointName(
  model: number,
  point: Pick<SunspecPoint, "name" | "unit">,
): PointName {
  const unit = UNITS.find(([pattern]) => pattern.test(point.unit));
  const suffix = unit?.[1] ?? "";
  const whole = WHOLE[`${model} ${point.name}`];
  if (whole !== undefined) return { name: whole, factor: 1 };
  const words = wordsOf(point.name).filter((word) => word !== "percent" || suffix === "");
  const stem = words
    .map((word, index) => (index === 0 ? word : `${word.charAt(0).toUpperCase()}${word.slice(1)}`))
    .join("");
  return { name: `${stem}${suffix}`, factor: unit?.[2] ?? 1 };
}

/** The abbreviations of a name written out; what is none stays as it is. */
function wordsOf(name: string): string[] {
  const words: string[] = [];
  for (let at = 0; at < name.length;) {
    const found = WORDS.find(([short]) => name.startsWith(short, at));
    if (found === undefined) {
      const rest = /^(?:\d+|[A-Za-z][a-z]*)/.exec(name.slice(at))?.[0] ?? name.charAt(at);
      words.push(rest.toLowerCase());
      at += rest.length;
    } else {
      words.push(...found[1].split(" ").filter((word) => word !== ""));
      at += found[0].length;
    }
  }
  return words;
}
