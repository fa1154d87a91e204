import { DEVICE_KINDS } from "../kernel/device-kinds.ts";
import { type Timings, watchdogMsMin } from "../kernel/timings.ts";
import type { DeviceFile, GridFile, ManifestFile } from "./manifest-schema.ts";
import type { ConfigPath, Report } from "./problem.ts";
import type { DeviceProfile } from "./profile.ts";
import { oneOf } from "./spelling.ts";
import { timingsOf } from "./to-manifest.ts";

/** Checks one device of a manifest: its ratings, its profile, and whether that may stand in this grid. */
export function checkDevice(
  device: DeviceFile,
  path: ConfigPath,
  grid: GridFile,
  file: ManifestFile,
  profiles: ReadonlyMap<string, DeviceProfile>,
  report: Report,
): void {
  checkRatings(device, path, report);
  checkTransport(device, path, grid, report);
  const mayTrip = ["feeder", "thruster", "battery"].includes(device.kind);
  if (device.trip_stage !== undefined && !mayTrip) {
    const allowed = "none: only feeders, thrusters and the charging of batteries are shed";
    report([...path, "trip_stage"], String(device.trip_stage), allowed);
  }
  if (file.mode === "production" && device.simulated === true) {
    report([...path, "simulated"], "true", "false in production");
  }
  const profile = profiles.get(device.profile);
  if (profile === undefined) {
    const found = `unknown profile "${device.profile}"`;
    const sameKind = [...profiles.values()].filter(({ kind }) => kind === device.kind);
    report(
      [...path, "profile"],
      found,
      oneOf(
        device.profile,
        sameKind.map(({ id }) => id),
      ),
    );
    return;
  }
  if (profile.kind !== device.kind) {
    const allowed = `a profile of kind ${device.kind}`;
    report([...path, "profile"], `"${profile.id}" of kind ${profile.kind}`, allowed);
  }
  checkBroker(device, path, grid, profile.family, report);
  checkProfileUse(profile, [...path, "profile"], grid, file, timingsOf(grid), report);
}

/** A serial line has a port and one master; everything else has a host. */
function checkTransport(
  device: DeviceFile,
  path: ConfigPath,
  grid: GridFile,
  report: Report,
): void {
  const { transport, serial, host } = device;
  if (transport === "rtu" && serial === undefined) {
    report([...path, "serial"], "nothing", 'a table with the port: the transport is "rtu"');
  }
  if (transport !== "rtu" && serial !== undefined) {
    report([...path, "serial"], "a table", `none: the transport is "${transport}"`);
  }
  if (transport !== "rtu" && host === undefined) {
    report([...path, "host"], "nothing", "a host name or an IP address in quotes");
  }
  if (serial === undefined) return;
  const settings = JSON.stringify(serial);
  const other = grid.devices.find(
    (one) => one.serial?.port === serial.port && JSON.stringify(one.serial) !== settings,
  );
  if (other !== undefined && grid.devices.indexOf(other) < grid.devices.indexOf(device)) {
    report(
      [...path, "serial"],
      "other settings",
      `the settings that ${other.id} has for ${serial.port}`,
    );
  }
}

/** Devices behind one broker share its connection; without encryption a password would be read by everybody. */
function checkBroker(
  device: DeviceFile,
  path: ConfigPath,
  grid: GridFile,
  family: string,
  report: Report,
): void {
  const { broker, host, port } = device;
  const first = grid.devices.find((one) => one.host === host && one.port === port);
  if (family !== "mqtt") {
    if (broker !== undefined)
      report([...path, "broker"], "a table", `none: its profile is of family ${family}`);
    return;
  }
  if (first !== undefined && JSON.stringify(first.broker) !== JSON.stringify(broker)) {
    const allowed = `what ${first.id} states for ${host}:${port}`;
    report([...path, "broker"], broker === undefined ? "nothing" : "another table", allowed);
  }
  if (broker === undefined) return;
  if (broker.credentials_file !== "" && broker.secret_variable !== "") {
    report(
      [...path, "broker", "secret_variable"],
      "both",
      "only one of credentials_file and secret_variable",
    );
  }
  if (broker.ca_file !== "" && !broker.tls) {
    report([...path, "broker", "ca_file"], "a file", "none without tls = true");
  }
}

function checkRatings(device: DeviceFile, path: ConfigPath, report: Report): void {
  const { kind, ratings } = device;
  const require = (key: "power_kw" | "energy_kwh" | "load_kw", isNeeded: boolean) => {
    if (isNeeded && ratings[key] <= 0) {
      report([...path, "ratings", key], String(ratings[key]), `above 0 for kind ${kind}`);
    }
  };
  require("power_kw", DEVICE_KINDS[kind].isSource);
  require("energy_kwh", kind === "battery");
  require("load_kw", kind === "feeder" || kind === "thruster");
  const { battery } = device;
  if (battery !== undefined && kind !== "battery") {
    report([...path, "battery"], "a table", `none for kind ${kind}`);
  }
  if (battery !== undefined && battery.soc_min_pct >= battery.soc_max_pct) {
    const allowed = `less than soc_max_pct = ${battery.soc_max_pct}`;
    report([...path, "battery", "soc_min_pct"], String(battery.soc_min_pct), allowed);
  }
  if (device.consumer !== undefined && kind !== "thruster") {
    report([...path, "consumer"], "a table", `none for kind ${kind}`);
  }
}

/** Whether a device of this profile may stand in this grid: rules 4, 9 and 11 of the plant. */
function checkProfileUse(
  profile: DeviceProfile,
  path: ConfigPath,
  grid: GridFile,
  file: ManifestFile,
  timings: Timings,
  report: Report,
): void {
  const found = `"${profile.id}"`;
  const isProduction = file.mode === "production";
  if (isProduction && profile.signature !== null) {
    report(
      path,
      `${found}, a profile of simulated devices`,
      "a profile of a real device in production",
    );
  }
  if (!isProduction && profile.signature === null) {
    const allowed =
      "a profile with a signature in simulation: it proves that the device is simulated";
    report(path, `${found} without a signature`, allowed);
  }
  const hasLevels = profile.points.some(
    ({ point }) => DEVICE_KINDS[profile.kind].points[point]?.direction === "level",
  );
  if (profile.fallback === null && (profile.commands.length > 0 || hasLevels)) {
    report(
      path,
      `${found} without fallback and watchdog`,
      "a profile that says what the device does without R-EMS",
    );
  }
  const leastMs = watchdogMsMin(timings);
  if (profile.fallback !== null && profile.fallback.watchdogMs < leastMs) {
    const allowed = `at least ${leastMs} with the timings of grid ${grid.id}: solo_grace_ms + 3 × scan_ms + 500`;
    report(path, `${found} with watchdog_ms = ${profile.fallback.watchdogMs}`, allowed);
  }
  const isStandbyShutOut = profile.mastersMax === 1 && profile.slotReleaseMs > 1000;
  if (grid.controllers.length >= 2 && isStandbyShutOut) {
    const allowed =
      "masters_max of 2 or more, or slot_release_ms of at most 1000, in a redundant grid";
    report(
      path,
      `${found} with masters_max = 1 and slot_release_ms = ${profile.slotReleaseMs}`,
      allowed,
    );
  }
}
