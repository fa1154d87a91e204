import { performance } from "node:perf_hooks";
import { loadManifest } from "../../../configs/load-manifest.ts";
import { findManifestPath } from "../../../configs/manifest-path.ts";
import type { DeviceConfig, Manifest } from "../../../configs/manifest.ts";
import type { DeviceProfile, PointMapping } from "../../../configs/profile.ts";
import { oneOf } from "../../../configs/spelling.ts";
import { DEVICE_KINDS } from "../../../kernel/device-kinds.ts";
import { RemsError } from "../../../kernel/errors.ts";
import type { PointValue } from "../../../kernel/point.ts";
import type { Types } from "../../../proto/generated/rems-v1.ts";
import type { CommandContext } from "../command-context.ts";
import { checkSpeaksModbus, findProfile, isProfile } from "../find-profile.ts";
import { OperatorClient } from "../operator-client.ts";
import {
  daemonDevices,
  daemonPoints,
  operatorAddresses,
  standsAt,
  type DaemonDevice,
} from "./daemon-device.ts";
import { parseDeviceAddress, type DeviceAddress } from "./device-address.ts";
import { DeviceLine } from "../../../api/device-probe/device-line.ts";
import { profileAt } from "../../../api/device-probe/sunspec-layout.ts";
import {
  readPoints,
  type PointReading,
  type ReadResult,
} from "../../../api/device-probe/read-points.ts";

export interface DeviceOptions {
  readonly unit?: number;
  readonly timeoutMs?: number;
  readonly profiles: readonly string[];
}

/** Where a tool has a device's points from: the device itself, or the node that answers for it. */
export interface PointSource {
  /** For people: which device, and through what. */
  readonly label: string;
  readonly isThroughNode: boolean;
  readonly profile: DeviceProfile;
  read(
    mappings: readonly PointMapping[],
    told: (doneCount: number, totalCount: number) => void,
  ): Promise<ReadResult>;
  /** After answers that did not come: the next read goes through a new connection. */
  renew(): void;
  close(): Promise<void>;
}

/** What the user named: a profile at an address, or a device of the installation. */
export interface DeviceTarget {
  readonly profile: DeviceProfile;
  readonly address: DeviceAddress;
  readonly unitId: number;
  /** Of the manifest; null where only profile and address are known. */
  readonly config: DeviceConfig | null;
  /** That `--config` named. */
  readonly manifest: Manifest | null;
  /** The node that answers for it; null where none does. */
  readonly daemon: DaemonDevice | null;
}

interface ProgramOptions {
  readonly address: string;
  readonly config?: string;
}

/**
 * Finds what `PROFILE HOST` or `DEVICE` means, and whether a node answers for it.
 *
 * @throws {@link RemsError} `REMS_NOT_FOUND`, `REMS_REQUEST_INVALID`, or as the profile and the manifest are loaded.
 */
export async function findTarget(
  { program }: CommandContext,
  name: string,
  host: string | undefined,
  options: DeviceOptions,
): Promise<DeviceTarget> {
  const { address: operatorAddress, config: manifestPath } = program.opts<ProgramOptions>();
  const manifest =
    manifestPath === undefined ? null : loadManifest(findManifestPath(manifestPath, process.env));
  const known = await daemonDevices(operatorAddresses(manifest, operatorAddress));
  if (host !== undefined) {
    const address = parseDeviceAddress(host);
    const profile = findProfile(name, options.profiles);
    const unitId = options.unit ?? 1;
    const isHere = (device: DeviceAddress & { readonly unitId: number }): boolean =>
      standsAt(device, address) && device.unitId === unitId;
    const daemon = known.find(({ device }) => isHere(device)) ?? null;
    const config = devicesOf(manifest).find(isHere) ?? null;
    return { profile, address, unitId, config, manifest, daemon };
  }
  const config = devicesOf(manifest).find(({ id }) => id === name) ?? null;
  const daemon = known.find(({ device }) => device.device === name) ?? null;
  if (config !== null) {
    const { profile, unitId } = config;
    return { profile, address: config, unitId, config, manifest, daemon };
  }
  if (daemon !== null) {
    const { profile: id, host: at, port, unitId } = daemon.device;
    const profile = findProfile(id, options.profiles);
    return { profile, address: { host: at, port }, unitId, config, manifest, daemon };
  }
  const names = [
    ...devicesOf(manifest).map(({ id }) => id),
    ...known.map(({ device }) => device.device),
  ];
  if (name.endsWith(".toml") || isProfile(name, options.profiles)) {
    throw new RemsError(
      "REMS_REQUEST_INVALID",
      `${name} is a profile; say behind it where the device is: ${name} HOST[:PORT]`,
    );
  }
  throw new RemsError(
    "REMS_NOT_FOUND",
    names.length === 0
      ? `no node answers at ${operatorAddress} that could know a device "${name}"; write PROFILE HOST[:PORT], or name the manifest with --config`
      : `there is no device "${name}"; ${oneOf(name, [...new Set(names)])}`,
  );
}

function devicesOf(manifest: Manifest | null): readonly DeviceConfig[] {
  return manifest?.grids.flatMap(({ devices }) => devices) ?? [];
}

/** Opens the way to the points of a target. */
export function openSource(
  context: CommandContext,
  target: DeviceTarget,
  options: DeviceOptions,
): PointSource {
  const { profile, daemon } = target;
  if (daemon === null) checkSpeaksModbus(profile);
  if (daemon === null) return directSource(context, target, options);
  const client = new OperatorClient(daemon.address, options.timeoutMs ?? 2000);
  const { device } = daemon;
  return {
    label: `${device.device} (${device.profile}) through the node at ${daemon.address}, which answers for ${device.host}:${device.port} unit ${device.unitId}`,
    isThroughNode: true,
    profile,
    async read(mappings) {
      const startedMs = performance.now();
      const points = await daemonPoints(client, device);
      const latencyMs = performance.now() - startedMs;
      const byName = new Map(points.map((point) => [point.point, point]));
      const readings = mappings.flatMap((mapping) =>
        readingOf(profile, mapping, byName.get(mapping.point), latencyMs),
      );
      return { readings, requestCount: 1, latenciesMs: [latencyMs] };
    },
    // The client of a node does that by itself.
    renew() {},
    close() {
      client.close();
      return Promise.resolve();
    },
  };
}

function directSource(
  context: CommandContext,
  { profile, address, unitId }: DeviceTarget,
  options: DeviceOptions,
): PointSource {
  const timeoutMs = options.timeoutMs ?? profile.requestTimeoutMs;
  const line = new DeviceLine({ ...address, timeoutMs, signal: context.signal });
  let found: Promise<DeviceProfile> | null = null;
  return {
    label: `${profile.id} at ${line.address} unit ${unitId}`,
    isThroughNode: false,
    profile,
    async read(mappings, told) {
      found ??= profileAt(line, unitId, profile);
      const { points } = await found;
      const own = (wanted: PointMapping) => points.find(({ point }) => point === wanted.point);
      const here = mappings.flatMap((wanted) => own(wanted) ?? []);
      const result = await readPoints(line, unitId, profile, here, told);
      const lacking = mappings.filter((wanted) => own(wanted) === undefined);
      const readings = [...result.readings, ...lacking.flatMap((one) => lackingOf(profile, one))];
      return { ...result, readings };
    },
    renew: () => line.renew(),
    close: () => line.close(),
  };
}

/** A point of a SunSpec profile that this device does not have. */
function lackingOf(profile: DeviceProfile, mapping: PointMapping): PointReading[] {
  const spec = DEVICE_KINDS[profile.kind].points[mapping.point];
  if (spec === undefined) return [];
  const { table, address } = mapping;
  const base = { mapping, spec, table, address, value: null, words: null, latencyMs: 0 };
  return [{ ...base, failure: "illegal", failureText: "the device's models do not have it" }];
}

/** A point that the node holds as `good` is a value; another is shown as what it is worth. */
function readingOf(
  profile: DeviceProfile,
  mapping: PointMapping,
  point: Types.rems.v1.PointReading | undefined,
  latencyMs: number,
): PointReading[] {
  const spec = DEVICE_KINDS[profile.kind].points[mapping.point];
  if (spec === undefined) return [];
  const { table, address } = mapping;
  const value = valueOf(point?.value);
  const quality = point?.quality ?? "bad";
  const ageMs = point?.ageMs ?? null;
  const base = { mapping, spec, table, address, words: null, latencyMs, failure: null };
  if (quality === "good") return [{ ...base, value, failureText: "" }];
  const refusal = point?.refusal ?? "";
  if (refusal !== "") return [{ ...base, value: null, failure: "illegal", failureText: refusal }];
  const age = ageMs === null ? "never read" : `last good ${Math.round(ageMs / 100) / 10} s ago`;
  return [
    { ...base, value: quality === "uncertain" ? value : null, failureText: `${quality}, ${age}` },
  ];
}

function valueOf(value: Types.rems.v1.IArgument | null | undefined): PointValue | null {
  return value?.number ?? value?.flag ?? value?.text ?? null;
}
