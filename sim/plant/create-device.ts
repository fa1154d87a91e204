import type { DeviceKind } from "../../kernel/device-kinds.ts";
import { Battery } from "./battery.ts";
import { BreakerDevice, TieBreakerDevice } from "./breaker-device.ts";
import type { Bus } from "./bus.ts";
import { Genset } from "./genset.ts";
import { Feeder, Thruster } from "./loads.ts";
import { Meter } from "./meter.ts";
import type { Uniform } from "./noise.ts";
import type { PlantContext, PlantDevice } from "./plant-device.ts";
import type { DeviceRatings } from "./plant-layout.ts";
import type { DeviceSpec } from "./plant-spec.ts";
import { Pv } from "./pv.ts";
import { Shore } from "./shore.ts";

/** The model of one device, from its ratings and its parameters. */
export function createDevice(
  device: { readonly id: string; readonly kind: DeviceKind; readonly ratings: DeviceRatings },
  bus: Bus,
  parameters: DeviceSpec,
  context: PlantContext,
  uniform: Uniform,
): PlantDevice {
  const { id, ratings } = device;
  const { kind, spec } = parameters;
  switch (kind) {
    case "genset":
      return new Genset(id, bus, ratings, spec, context);
    case "battery":
      return new Battery(id, bus, ratings, spec, context);
    case "shore":
      return new Shore(id, bus, ratings, spec, context);
    case "pv":
      return new Pv(id, bus, ratings, spec, context);
    case "feeder":
      return new Feeder(id, bus, ratings, spec, context, uniform);
    case "thruster":
      return new Thruster(id, bus, ratings, spec, context);
    case "breaker":
      return new BreakerDevice(id, bus, spec, context);
    case "busTie":
      return new TieBreakerDevice(id, bus, spec, context);
    case "meter":
      return new Meter(id, bus);
    default:
      return kind satisfies never;
  }
}
