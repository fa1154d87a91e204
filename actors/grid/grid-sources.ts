import { batteryReserveKw } from "../../energy/battery.ts";
import type { Source } from "../../energy/balance.ts";
import { isOn, lastNumberOf, numberOf } from "../machines/device-image.ts";
import { batteryUseOf } from "./battery-modes.ts";
import {
  actorOf,
  batteryInputOf,
  capabilityKwOf,
  imageOf,
  isPowerKnown,
  positionOf,
  powerKwOf,
  shoreLimitKwOf,
} from "./device-values.ts";
import type { GridPlan, PlannedDevice } from "./grid-plan.ts";
import type { GridState } from "./grid-state.ts";

type Inputs = Pick<GridState, "images" | "positions" | "bms" | "tree" | "plantTimeMs">;
interface Held extends Inputs {
  readonly capabilities: GridState["capabilities"];
  readonly batteryModes: GridState["supply"]["batteryModes"];
  readonly sources: readonly Source[];
}

/** One scan asks several times, and little of the state changes in between. */
const held = new WeakMap<GridPlan, Held>();

/** The sources of this grid as the energy decisions see them, in the order of the manifest. */
export function sourcesOf(plan: GridPlan, state: GridState): readonly Source[] {
  const { images, positions, bms, tree, plantTimeMs, capabilities } = state;
  const { batteryModes } = state.supply;
  const last = held.get(plan);
  const isSame =
    last !== undefined &&
    last.images === images &&
    last.positions === positions &&
    last.bms === bms &&
    last.tree === tree &&
    last.plantTimeMs === plantTimeMs &&
    last.capabilities === capabilities &&
    last.batteryModes === batteryModes;
  if (isSame) return last.sources;
  const sources = computeSources(plan, state);
  held.set(plan, {
    images,
    positions,
    bms,
    tree,
    plantTimeMs,
    capabilities,
    batteryModes,
    sources,
  });
  return sources;
}

function computeSources(plan: GridPlan, state: GridState): readonly Source[] {
  const isMachineConnected = plan.devices.some(
    ({ id, kind }) => (kind === "genset" || kind === "shore") && positionOf(state, id) === "closed",
  );
  const sources: Source[] = [];
  for (const device of plan.devices) {
    const source = sourceOf(plan, state, device, isMachineConnected);
    if (source !== null) sources.push(source);
  }
  return sources;
}

function sourceOf(
  plan: GridPlan,
  state: GridState,
  device: PlannedDevice,
  isMachineConnected: boolean,
): Source | null {
  const actor = actorOf(plan, state, device.address);
  const actorState = actor.snapshot.state;
  const isDown = actor.status !== "running";
  const common = {
    device: device.id,
    // Whose machine is down is no longer understood: its contacts alone are not enough to count on it.
    breaker: isDown ? ("unknown" as const) : positionOf(state, device.id),
    ratedKw: device.ratedKw,
    powerKw: powerKwOf(state, device.id),
    isPowerKnown: isPowerKnown(state, device.id),
    reactiveKvar: lastNumberOf(imageOf(state, device.id), "reactivePowerKvar") ?? 0,
    apparentKva: device.config.ratings.apparentKva,
  };
  const isClosed = common.breaker === "closed";
  switch (device.kind) {
    case "genset": {
      const isLeaving = actorState === "unloading" || actorState === "tripped";
      const { firstStepPct } = device.config.ratings;
      return {
        kind: "genset",
        ...common,
        isForming: isClosed && actorState !== "tripped",
        isFirm: !isLeaving,
        availableKw: isLeaving ? 0 : capabilityKwOf(state, device),
        stepKw: firstStepPct > 0 ? (device.ratedKw * firstStepPct) / 100 : null,
      };
    }
    case "battery": {
      const battery = batteryInputOf(state, device);
      const use = batteryUseOf(state, device);
      const isAlone = use.mode === "zero_emission" || plan.isLand || !isMachineConnected;
      const floor =
        use.mode === "zero_emission" ? { reserveSocPct: use.zeroEmissionStartSocPct } : {};
      const reserved = { ...battery, ...floor };
      return {
        kind: "battery",
        ...common,
        isForming: isClosed && battery.isForming,
        isFirm: plan.isLand || (battery.isForming && isAlone),
        availableKw:
          actorState === "fault" ? 0 : batteryReserveKw(reserved, plan.grid.power.startTimeoutS),
        stepKw: null,
      };
    }
    case "shore": {
      const isLeaving = actor.snapshot.context["wish"] === "unload" || actorState === "tripped";
      return {
        kind: "shore",
        ...common,
        isForming: isClosed && isOn(imageOf(state, device.id), "isVoltagePresent"),
        isFirm: !isLeaving,
        availableKw: isLeaving ? 0 : shoreLimitKwOf(state, device),
        stepKw: null,
      };
    }
    case "pv":
      return {
        kind: "pv",
        ...common,
        isForming: false,
        isFirm: true,
        availableKw: Math.max(0, common.powerKw),
        stepKw: null,
      };
    default:
      return null;
  }
}

/** Voltage and frequency of the busbar, from the first connected source or meter that knows them; 0 where none does. */
export function busOf(
  plan: GridPlan,
  state: GridState,
): { readonly voltageV: number; readonly frequencyHz: number } {
  for (const { id, kind } of plan.devices) {
    if (kind !== "genset" && kind !== "shore" && kind !== "meter") continue;
    if (kind !== "meter" && positionOf(state, id) !== "closed") continue;
    const image = imageOf(state, id);
    const voltageV = numberOf(image, "voltageV");
    const frequencyHz = numberOf(image, "frequencyHz");
    if (voltageV !== null && frequencyHz !== null) return { voltageV, frequencyHz };
  }
  return { voltageV: 0, frequencyHz: 0 };
}

/** A live busbar is formed by a source that is connected for certain. */
export function isBusLive(sources: readonly Source[]): boolean {
  return sources.some((source) => source.breaker === "closed" && source.isForming);
}

/** A dead busbar: every source is open for certain. */
export function isBusDead(sources: readonly Source[]): boolean {
  return sources.every((source) => source.breaker === "open");
}
