import { setup } from "xstate";
import type { DeviceEvent } from "./device-event.ts";
import { areKnown, type DeviceView } from "./device-image.ts";

export type MeterReading = { readonly isKnown: boolean };
export type MeterEvent = DeviceEvent<"scanned", MeterReading>;
export type MeterContext = { readonly deadlineMs: number | null };

export function readMeter(view: DeviceView): MeterReading {
  return { isKnown: areKnown(view.image, ["voltageV", "frequencyHz"]) };
}

/** A meter measures or does not. */
export const meterMachine = setup({
  types: {} as { context: MeterContext; events: MeterEvent },
  guards: {
    isKnown: ({ event }) => event.reading.isKnown,
    isUnknown: ({ event }) => !event.reading.isKnown,
  },
}).createMachine({
  id: "meter",
  context: { deadlineMs: null },
  initial: "unknown",
  states: {
    unknown: {
      on: {
        scanned: { guard: "isKnown", target: "measuring", description: "its values are good" },
      },
    },
    measuring: {
      on: {
        scanned: {
          guard: "isUnknown",
          target: "unknown",
          description: "feedback is missing or not good",
        },
      },
    },
  },
});
