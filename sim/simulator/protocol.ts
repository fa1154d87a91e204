import { z } from "zod";
import { DEVICE_SWITCHES } from "../plant/plant-device.ts";

/** Lines of JSON between the launcher and the simulator: one message per line, both ways, checked at both ends. */

const id = z.string().min(1).max(100);
const finite = z.number().finite();

/** To the simulator, on its standard input. */
export const simulatorCommand = z.discriminatedUnion("type", [
  /** The instant of a fault, for the referee; `process.hrtime` of this machine in ms. */
  z.strictObject({
    type: z.literal("fault.mark"),
    id,
    grid: id,
    from: id,
    reason: id,
    atMonotonicMs: finite,
  }),
  /** Network cut: what is under way waits for the heal. */
  z.strictObject({ type: z.literal("cut"), node: id }),
  /** Power cut: what is under way is lost. */
  z.strictObject({ type: z.literal("powerCut"), node: id }),
  z.strictObject({ type: z.literal("heal"), node: id }),
  z.strictObject({ type: z.literal("trip"), device: id }),
  z.strictObject({ type: z.literal("loadStep"), device: id, deltaKw: finite }),
  z.strictObject({ type: z.literal("thruster.demand"), device: id, kw: finite.nonnegative() }),
  /** Push-buttons at the device, as a person at the switchboard presses them. */
  z.strictObject({
    type: z.literal("breaker"),
    device: id,
    action: z.enum(["close", "open", "reset"]),
  }),
  /** Both breakers of a bus-tie. */
  z.strictObject({ type: z.literal("tie"), tie: id, action: z.enum(["close", "open"]) }),
  z.strictObject({ type: z.literal("shore.available"), device: id, isAvailable: z.boolean() }),
  z.strictObject({ type: z.literal("pv.cloud"), device: id, sunPct: finite.min(0).max(100) }),
  /** The supply behind every point of interconnection of a grid goes (or comes back). */
  z.strictObject({ type: z.literal("grid.loss"), grid: id, isLost: z.boolean().default(true) }),
  /** A switch or a fault at a device (selector, start block, emergency stop, no fuel, BMS fault, gas or fire). */
  z.strictObject({
    type: z.literal("switch"),
    device: id,
    name: z.enum(DEVICE_SWITCHES),
    isOn: z.boolean(),
  }),
  /** Faults of one device's communication; what is not given is switched off. */
  z.strictObject({
    type: z.literal("device.fault"),
    device: id,
    isSilent: z.boolean().default(false),
    delayMs: finite.min(0).max(10_000).default(0),
    exceptions: z
      .array(
        z.strictObject({
          address: z.int().min(0).max(65_535),
          code: z.int().min(1).max(11),
        }),
      )
      .max(100)
      .default([]),
  }),
  /** What a recording or a generator says that points are now; null gives a point back to the plant. */
  z.strictObject({
    type: z.literal("drive"),
    values: z
      .array(
        z.strictObject({
          device: id,
          point: id,
          value: z.union([finite, z.boolean(), z.string().max(100)]).nullable(),
        }),
      )
      .max(1000),
  }),
  z.strictObject({ type: z.literal("stop") }),
]);
export type SimulatorCommand = z.input<typeof simulatorCommand>;
export type ReceivedSimulatorCommand = z.output<typeof simulatorCommand>;

const pointValue = z.union([z.number(), z.boolean(), z.string()]);

export const plantSnapshot = z.object({
  type: z.literal("plant"),
  plantMs: z.number(),
  fuelKgPerH: z.number(),
  grids: z.array(
    z.object({
      id,
      frequencyHz: z.number(),
      voltageV: z.number(),
      isLive: z.boolean(),
      loadKw: z.number(),
      capacityKw: z.number(),
      /** Equal for grids that are one island now. */
      island: z.number(),
      /** Who commands the grid, as the devices see it. */
      writer: z.string().nullable(),
      epoch: z.number().nullable(),
    }),
  ),
  devices: z.array(
    z.object({
      id,
      grid: id,
      kind: z.string(),
      /** The points of its kind (kernel/device-kinds.ts). */
      points: z.record(z.string(), pointValue),
      isInFallback: z.boolean(),
    }),
  ),
});
export type PlantSnapshot = z.infer<typeof plantSnapshot>;

const count = z.number().int().nonnegative();

export const totalsMessage = z.object({
  type: z.literal("totals"),
  failoverCount: count,
  writeCount: count,
  refusedCount: count,
  toolWriteCount: count,
  overlapCount: count,
  lateWriteCount: count,
  breakersMovedCount: count,
  startsStopsCount: count,
  gapMsMax: z.number(),
  /** Sources or islands that were joined out of phase: none, ever. */
  outOfPhaseCount: count,
  /** Plant time that was given up because the host paused, ms. */
  skippedMs: z.number(),
});

export const failoverMessage = z.object({
  type: z.literal("failover"),
  id: z.string().nullable(),
  grid: id,
  from: z.string(),
  to: z.string(),
  epoch: z.number().nullable(),
  reason: z.string(),
  faultAtMs: z.number(),
  lastOldWriteMs: z.number().nullable(),
  firstNewWriteMs: z.number(),
  gapMs: z.number(),
  silenceMs: z.number(),
  overlapCount: count,
  lateWriteCount: count,
  frequencyHzMin: z.number(),
  frequencyHzMax: z.number(),
  breakersMovedCount: count,
  startsStopsCount: count,
  setpointStepKwMax: z.number(),
});

/** From the simulator, on its standard output. */
export const simulatorMessage = z.discriminatedUnion("type", [
  z.object({
    type: z.literal("ready"),
    /** Node id, then address of the manifest, to where that node finds the device. */
    ports: z.record(z.string(), z.record(z.string(), z.string())),
    /** Address of the manifest to where anybody (tools) finds the device. */
    publicPorts: z.record(z.string(), z.string()),
  }),
  plantSnapshot,
  z.object({
    type: z.literal("event"),
    plantMs: z.number(),
    atMonotonicMs: z.number(),
    grid: z.string(),
    device: z.string(),
    /** A {@link PlantEvent} kind, or `leader`, `watchdog`, `refused`, `skipped`. */
    kind: z.string(),
    text: z.string(),
  }),
  failoverMessage,
  totalsMessage,
  /** An answer to a command that could not be carried out. */
  z.object({ type: z.literal("error"), text: z.string() }),
]);
export type SimulatorMessage = z.infer<typeof simulatorMessage>;
