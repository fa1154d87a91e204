import type { DeviceKind } from "../../kernel/device-kinds.ts";
import type { PointValue } from "../../kernel/point.ts";
import type { BreakerModel } from "./breaker.ts";
import type { Bus } from "./bus.ts";
import type { TripSettings } from "./plant-spec.ts";

/** Something that a person at the plant would notice. */
export interface PlantEvent {
  readonly plantMs: number;
  readonly grid: string;
  readonly device: string;
  readonly kind:
    | "breakerClosed"
    | "breakerOpened"
    | "tripped"
    | "started"
    | "stopped"
    | "ready"
    | "forming"
    | "following"
    | "syncTimedOut"
    | "unloadTimedOut"
    | "outOfPhaseClose"
    | "blackout"
    | "live"
    | "loadStep"
    | "supplyLost"
    | "supplyReturned";
  readonly text: string;
}

/** Of a source whose parameters do not say: the voltage regulator's time constant, s, and the transient reactance, pu. */
export const VOLTAGE_LAG_S = 0.3;
export const TRANSIENT_REACTANCE_PU = 0.25;

export type Emit = (device: string, kind: PlantEvent["kind"], text: string) => void;

/** What a model needs from the plant around it. */
export interface PlantContext {
  readonly stepS: number;
  readonly stepMs: number;
  readonly emit: Emit;
  /** Every breaker change sets it: islands are found anew. */
  topologyChanged(): void;
}

/** Switches and faults at a device that people or tests set. */
export const DEVICE_SWITCHES = [
  "isRemoteSelected",
  "isStartBlocked",
  "isEmergencyStop",
  "hasFuelFault",
  "isGovernorStuck",
  "failsToRun",
  "isBmsFault",
  "isGasOrFire",
  "failsToClose",
  "failsToOpen",
  "isShortCircuit",
  "isRecoveryBlocked",
] as const;
export type DeviceSwitch = (typeof DEVICE_SWITCHES)[number];

/** Null where the device did it; otherwise why not. */
export type Refusal = string | null;

/** One device of the plant. All powers in kW; a step is `stepS` long. */
export interface PlantDevice {
  readonly id: string;
  readonly kind: DeviceKind;
  readonly bus: Bus;
  readonly breaker: BreakerModel | null;
  isRemoteSelected: boolean;
  /** Before the islands are solved: own control, demand, mechanical power. */
  drive(): void;
  /** After: electrical power, own sequences and protection, breaker travel. */
  settle(): void;
  points(): Readonly<Record<string, PointValue>>;
  setLevel(point: string, value: number): void;
  command(name: string): Refusal;
  /** The watchdog ran out (true), or a master is back (false). */
  setFallback(isActive: boolean): void;
  /** Power consumed, kW ≥ 0; 0 for sources. */
  readonly loadKw: number;
  readonly loadKvar: number;
  /** Opened by its own protection. */
  trip(reason: string): void;
  resetTrip(): void;
}

/** What the island's solution needs from a source. */
export interface SourceDevice extends PlantDevice {
  readonly breaker: BreakerModel;
  readonly ratedKw: number;
  /** Forms voltage and frequency; false for what only follows. */
  readonly isForming: boolean;
  /** Holds the frequency whatever the load: at most one per island is assumed. */
  readonly isStiff: boolean;
  /** Inertia 2·H·S, kW·s per unit speed; 0 where following. */
  readonly inertiaKws: number;
  /** How much the driving power falls at once with rising speed, kW per unit; for the semi-implicit step. */
  readonly stiffnessKwPerPu: number;
  /** Shares load over the network with the others of its kind and holds nominal frequency; else it droops. */
  readonly isIsochronous: boolean;
  /** Driving power (fuel, cells, sun), kW. */
  readonly mechanicalKw: number;
  /** Into the busbar. Set by the island's solution. */
  electricalKw: number;
  reactiveKvar: number;
  /** Reactive power per unit fall of voltage, kvar; 0 where following. */
  readonly reactiveStiffnessKvar: number;
  readonly reactiveReferenceKvar: number;
  /** How fast it brings the voltage back, and how stiff it is against a sudden load: time constant, s, and reactance, pu. */
  readonly voltageLagS: number;
  readonly transientReactancePu: number;
}

export function isSource(device: PlantDevice): device is SourceDevice {
  return "mechanicalKw" in device;
}

/**
 * The auxiliary contacts of a breaker as points. Spread it behind another key: Node 20 takes 0.4 µs for each key added behind a spread
 * that stands first (Node 22 does not).
 */
export function contactPoints(breaker: BreakerModel): {
  isClosed: boolean;
  isOpen: boolean;
  isTripped: boolean;
  isShortCircuit: boolean;
} {
  const { isClosed, isTripped, isShortCircuit } = breaker;
  return { isClosed, isOpen: !isClosed, isTripped, isShortCircuit };
}

/** What the interface protection shows as its settings. */
export function tripPoints(spec: TripSettings): Record<keyof TripSettings, number> {
  const { overVoltageTripPct, underVoltageTripPct, overFrequencyTripHz, underFrequencyTripHz } =
    spec;
  return { overVoltageTripPct, underVoltageTripPct, overFrequencyTripHz, underFrequencyTripHz };
}

/** Advances the breaker's travel and tells the plant of a change. */
export function stepBreaker(
  context: PlantContext,
  device: { readonly id: string; readonly breaker: BreakerModel },
): void {
  if (!device.breaker.step(context.stepMs)) return;
  context.topologyChanged();
  if (device.breaker.isClosed) context.emit(device.id, "breakerClosed", "breaker closed");
  else context.emit(device.id, "breakerOpened", "breaker opened");
}
