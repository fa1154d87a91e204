import { DeviceLine } from "../../../api/device-probe/device-line.ts";
import { judgePoints } from "../../../api/device-probe/judge-points.ts";
import { readPoints } from "../../../api/device-probe/read-points.ts";
import { scanDevice } from "../../../api/device-probe/scan-device.ts";
import { profileAt } from "../../../api/device-probe/sunspec-layout.ts";
import {
  gridOfDocument,
  isTable,
  type Table,
  tablesOf,
  textOf,
} from "../../../configs/setup/document.ts";
import { gridIds, proposeDevice } from "../../../configs/setup/propose.ts";
import type { SetupWizard } from "../../../configs/setup/wizard.ts";
import { DEVICE_KINDS, type DeviceKind } from "../../../kernel/device-kinds.ts";
import { RemsError } from "../../../kernel/errors.ts";
import type { Questions } from "./questions.ts";

const KIND_NAMES: Readonly<Record<DeviceKind, string>> = {
  genset: "Genset",
  battery: "Battery",
  busTie: "Bus-tie breaker",
  breaker: "Breaker",
  feeder: "Feeder (load)",
  shore: "Shore or utility connection",
  thruster: "Thruster or other heavy consumer",
  meter: "Meter of the busbar",
  pv: "PV plant",
};
const SCAN_UNITS = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
const SCAN_TIMEOUT_MS = 500;

/** Devices of every grid, one after the other, then the ties between grids. */
export async function askDevices(
  wizard: SetupWizard,
  questions: Questions,
  signal: AbortSignal,
): Promise<Table> {
  for (const grid of gridIds(wizard.draft.document))
    await askGridDevices(wizard, questions, grid, signal);
  const grids = gridIds(wizard.draft.document).map((id) => ({
    id,
    devices: gridOfDocument(wizard.draft.document, id)["devices"] ?? [],
  }));
  return { grids, ties: await askTies(wizard, questions) };
}

function devicesOf(wizard: SetupWizard, grid: string): Table[] {
  return tablesOf(gridOfDocument(wizard.draft.document, grid)["devices"]);
}

/** Each device is kept as soon as it is answered: an interruption loses the one that is being asked, no more. */
async function askGridDevices(
  wizard: SetupWizard,
  questions: Questions,
  grid: string,
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    const devices = devicesOf(wizard, grid);
    if (devices.length > 0)
      questions.note(`Devices of ${grid}`, devices.map(deviceText).join("\n"));
    const choice = await questions.choose(
      `${grid}: ${devices.length === 0 ? "it needs at least one device" : `${devices.length} devices`}`,
      [
        { value: "add", label: "Add a device" },
        { value: "scan", label: "Scan a host for Modbus units" },
        ...(devices.length === 0
          ? []
          : [
              {
                value: "read",
                label: "Read a device once",
                hint: "looks at every point of its profile",
              },
              { value: "remove", label: "Remove a device" },
              { value: "done", label: "Go on" },
            ]),
      ],
      devices.length === 0 ? "add" : "done",
    );
    if (choice === "done") return;
    if (choice === "add") await addDevice(wizard, questions, grid, {}, signal);
    else if (choice === "scan") await scanHost(wizard, questions, grid, signal);
    else await changeDevice(wizard, questions, grid, choice === "remove", signal);
  }
}

function deviceText(device: Table): string {
  const at = `${textOf(device["host"]) || "serial line"}:${Number(device["port"] ?? 502)} unit ${Number(device["unit_id"] ?? 1)}`;
  return `${textOf(device["id"])}: ${textOf(device["kind"])} by ${textOf(device["profile"])} at ${at}`;
}

function keep(wizard: SetupWizard, grid: string, devices: readonly Table[]): void {
  wizard.keepPart("devices", { grids: [{ id: grid, devices }] });
}

async function addDevice(
  wizard: SetupWizard,
  questions: Questions,
  grid: string,
  found: Table,
  signal: AbortSignal,
): Promise<void> {
  const { document } = wizard.draft;
  const kind = await questions.choose(
    "What is it?",
    (Object.keys(KIND_NAMES) as DeviceKind[]).map((value) => ({ value, label: KIND_NAMES[value] })),
  );
  const profiles = wizard.profiles();
  const isProduction = document["mode"] === "production";
  const fitting = [...profiles.values()].filter(
    (profile) => profile.kind === kind && (profile.signature === null) === isProduction,
  );
  if (fitting.length === 0) {
    questions.tell(
      "error",
      `there is no profile of kind ${kind} for ${textOf(document["mode"])}: write one first (docs/05-networking/modbus-profiles.md)`,
    );
    return;
  }
  const profile = await questions.choose(
    "Which profile?",
    fitting.map(({ id, name }) => ({ value: id, label: id, hint: name })),
  );
  const name = await questions.text("Name for people", {
    placeholder: "DG1",
    check: (text) => (text.trim() === "" ? "a name, as it stands on the switchboard" : null),
  });
  const proposal = proposeDevice(document, grid, { kind, profile, name, ...found }, profiles);
  const id = await questions.text("Its id: points are called id.activePowerKw", {
    initial: textOf(proposal["id"]),
  });
  const host = await questions.text("Address of the device or its gateway", {
    initial: textOf(proposal["host"]),
  });
  const port = await questions.number("TCP port", Number(found["port"] ?? 502), 1, 65_535);
  const unitId = await questions.number("Modbus unit", Number(found["unit_id"] ?? 1), 0, 255);
  const ratings = await askRatings(questions, kind);
  const device: Table = { id, name, kind, profile, host, port, unit_id: unitId, ...ratings };
  if (await questions.confirm("Read it once now?", isProduction))
    await readOnce(wizard, questions, device, signal);
  const devices = [...devicesOf(wizard, grid), device];
  keep(wizard, grid, devices);
  const at = devices.length - 1;
  const wrong = wizard
    .review()
    .problems.filter(({ path }) => path.includes(`.devices[${at}]`) && path.startsWith("grids["));
  for (const { path, found: what, allowed } of wrong) {
    questions.tell("warn", `${path}: found ${what}; allowed: ${allowed}`);
  }
}

async function askRatings(questions: Questions, kind: DeviceKind): Promise<Table> {
  const ratings: Record<string, number> = {};
  if (DEVICE_KINDS[kind].isSource) {
    ratings["power_kw"] = await questions.number("Rated active power, kW", null, 0.1, 1_000_000);
  }
  if (kind === "genset") {
    ratings["apparent_kva"] = await questions.number(
      "Rated apparent power, kVA",
      Math.round((ratings["power_kw"] ?? 0) * 1.25),
      0.1,
      1_000_000,
    );
    ratings["minimum_load_pct"] = await questions.number(
      "Least load for long running, %",
      30,
      0,
      100,
    );
    ratings["droop_pct"] = await questions.number("Droop, %", 4, 0, 20);
  }
  if (kind === "battery") {
    ratings["energy_kwh"] = await questions.number("Energy, kWh", null, 0.1, 1_000_000);
    ratings["reserve_soc_pct"] = await questions.number(
      "State of charge below which energy is never counted, %",
      20,
      0,
      100,
    );
  }
  if (kind === "feeder" || kind === "thruster") {
    ratings["load_kw"] = await questions.number(
      kind === "feeder" ? "Expected draw, kW" : "Most draw, kW",
      null,
      0.1,
      1_000_000,
    );
  }
  return Object.keys(ratings).length > 0 ? { ratings } : {};
}

async function scanHost(
  wizard: SetupWizard,
  questions: Questions,
  grid: string,
  signal: AbortSignal,
): Promise<void> {
  const host = await questions.text("Which host?", { placeholder: "192.168.1.20" });
  const port = await questions.number("TCP port", 502, 1, 65_535);
  const line = new DeviceLine({ host, port, timeoutMs: SCAN_TIMEOUT_MS, signal });
  try {
    const { units } = await questions.working(
      `asking units ${SCAN_UNITS[0]} to ${SCAN_UNITS.at(-1)} of ${host}:${port}, five a second`,
      () => scanDevice(line, SCAN_UNITS, SCAN_TIMEOUT_MS, () => {}),
    );
    if (units.length === 0) questions.tell("warn", "it takes connections, and no unit answered");
    for (const unit of units) {
      const words = [unit.maker, unit.model, unit.serial].filter((text) => text !== "").join(" ");
      const about = words || (unit.sunspec === null ? unit.answer : "speaks SunSpec");
      if (await questions.confirm(`Unit ${unit.unitId}: ${about}. Add it?`, true)) {
        await addDevice(wizard, questions, grid, { host, port, unit_id: unit.unitId }, signal);
      }
    }
  } catch (error) {
    if (!(error instanceof RemsError) || error.code === "REMS_TIMEOUT") throw error;
    questions.tell("error", error.message);
  } finally {
    await line.close();
  }
}

async function changeDevice(
  wizard: SetupWizard,
  questions: Questions,
  grid: string,
  isRemoved: boolean,
  signal: AbortSignal,
): Promise<void> {
  const devices = devicesOf(wizard, grid);
  const id = await questions.choose(
    isRemoved ? "Remove which?" : "Read which?",
    devices.map((device) => ({ value: textOf(device["id"]), label: deviceText(device) })),
  );
  const device = devices.find((one) => one["id"] === id);
  if (device === undefined) return;
  if (isRemoved)
    keep(
      wizard,
      grid,
      devices.filter((one) => one !== device),
    );
  else await readOnce(wizard, questions, device, signal);
}

/** Every point of the profile, once, with what cannot be right. A device that does not answer is told, not refused. */
async function readOnce(
  wizard: SetupWizard,
  questions: Questions,
  device: Table,
  signal: AbortSignal,
): Promise<void> {
  const profile = wizard.profiles().get(textOf(device["profile"]));
  if (profile === undefined || profile.family === "mqtt") {
    questions.tell("warn", "only Modbus devices can be read from here");
    return;
  }
  const host = textOf(device["host"]);
  const port = Number(device["port"] ?? 502);
  const unitId = Number(device["unit_id"] ?? 1);
  const line = new DeviceLine({ host, port, timeoutMs: profile.requestTimeoutMs, signal });
  try {
    const judged = await questions.working(`reading ${host}:${port} unit ${unitId}`, async () => {
      const found = await profileAt(line, unitId, profile);
      const { readings } = await readPoints(line, unitId, found, found.points);
      return judgePoints(found, readings);
    });
    const lines = judged.map(({ reading, verdict, finding }) => {
      const value =
        reading.value === null ? "-" : `${String(reading.value)} ${reading.spec.unit}`.trim();
      return `${reading.mapping.point}: ${value}${verdict === "ok" ? "" : `  ${verdict}${finding === "" ? "" : `: ${finding}`}`}`;
    });
    questions.note(`${judged.length} points`, lines.join("\n"));
  } catch (error) {
    if (!(error instanceof RemsError) || signal.aborted) throw error;
    questions.tell("warn", `${error.message}. It can be added all the same.`);
  } finally {
    await line.close();
  }
}

/** Joins each pair of grids that has bus-tie breakers of no tie yet. */
async function askTies(wizard: SetupWizard, questions: Questions): Promise<Table[]> {
  const { document } = wizard.draft;
  const ties = [...tablesOf(document["ties"])];
  const used = new Set(
    ties.flatMap(({ breakers }) => tablesOf(breakers).map(({ device }) => textOf(device))),
  );
  const free = gridIds(document).flatMap((grid) =>
    devicesOf(wizard, grid)
      .filter((device) => device["kind"] === "busTie" && !used.has(textOf(device["id"])))
      .map((device) => ({ grid, device: textOf(device["id"]) })),
  );
  for (const one of free) {
    if (used.has(one.device)) continue;
    const others = free.filter((other) => other.grid !== one.grid && !used.has(other.device));
    if (others.length === 0) continue;
    const other = await questions.choose(`${one.grid}/${one.device} joins to which breaker?`, [
      ...others.map(({ grid, device }) => ({ value: device, label: `${grid}/${device}` })),
      { value: "", label: "none" },
    ]);
    const far = others.find(({ device }) => device === other);
    if (far === undefined) continue;
    used.add(one.device).add(far.device);
    ties.push({ id: `tie-${ties.length + 1}`, breakers: [one, far] });
  }
  return ties.filter(isTable);
}
