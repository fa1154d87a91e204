import type { DeviceKind } from "../../kernel/device-kinds.ts";
import { RemsError } from "../../kernel/errors.ts";
import { BatteryModel } from "./battery-model.ts";
import { BreakerDevice, TieBreakerDevice } from "./breaker-device.ts";
import type { Bus } from "./bus.ts";
import { GensetModel } from "./genset-model.ts";
import { FeederModel, ThrusterModel } from "./load-models.ts";
import { MeterModel } from "./meter-model.ts";
import type { Uniform } from "./noise.ts";
import type { DeviceRatings } from "./plant-layout.ts";
import type { PlantContext, PlantDevice } from "./plant-device.ts";
import { SPEC_OF_KIND } from "./plant-spec.ts";
import { PvModel } from "./pv-model.ts";
import { ShoreModel } from "./shore-model.ts";

/**
 * The model of one device, from its kind, its ratings and what the plant file says of it.
 *
 * @throws {@link RemsError} REMS_CONFIG_INVALID, naming each wrong parameter.
 */
export function createDevice(
  device: { readonly id: string; readonly kind: DeviceKind; readonly ratings: DeviceRatings },
  bus: Bus,
  parameters: Readonly<Record<string, unknown>>,
  context: PlantContext,
  uniform: Uniform,
): PlantDevice {
  const { id, kind, ratings } = device;
  const parse = <K extends DeviceKind>(wanted: K) => parsed(id, wanted, parameters);
  switch (kind) {
    case "genset":
      return new GensetModel(id, bus, ratings, parse(kind), context);
    case "battery":
      return new BatteryModel(id, bus, ratings, parse(kind), context);
    case "shore":
      return new ShoreModel(id, bus, ratings, parse(kind), context);
    case "pv":
      return new PvModel(id, bus, ratings, parse(kind), context);
    case "feeder":
      return new FeederModel(id, bus, ratings, parse(kind), context, uniform);
    case "thruster":
      return new ThrusterModel(id, bus, ratings, parse(kind), context);
    case "breaker":
      return new BreakerDevice(id, bus, parse(kind), context);
    case "busTie":
      return new TieBreakerDevice(id, bus, parse(kind), context);
    case "meter":
      parse(kind);
      return new MeterModel(id, bus);
    default:
      return kind satisfies never;
  }
}

type SpecOf<K extends DeviceKind> = (typeof SPEC_OF_KIND)[K]["_output"];

function parsed<K extends DeviceKind>(
  id: string,
  kind: K,
  parameters: Readonly<Record<string, unknown>>,
): SpecOf<K> {
  const result = SPEC_OF_KIND[kind].safeParse(parameters);
  if (result.success) return result.data as SpecOf<K>;
  const problems = result.error.issues
    .map((issue) => `${id}.${issue.path.join(".")}: ${issue.message}`)
    .join("; ");
  throw new RemsError("REMS_CONFIG_INVALID", `plant file, device of kind ${kind}: ${problems}`);
}
