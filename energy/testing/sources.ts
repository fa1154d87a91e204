import type { Source } from "../balance.ts";

/** A connected genset with known power, for tests. */
export const genset = (
  device: string,
  ratedKw: number,
  powerKw: number,
  more: Partial<Source> = {},
): Source => ({
  device,
  kind: "genset",
  breaker: "closed",
  ratedKw,
  powerKw,
  isPowerKnown: true,
  isForming: true,
  availableKw: ratedKw,
  stepKw: null,
  reactiveKvar: 0,
  apparentKva: ratedKw * 1.25,
  isFirm: true,
  ...more,
});

/** A connected battery that follows, for tests. @param availableKw - What it can be relied on for. */
export const battery = (device: string, availableKw: number, powerKw = 0): Source => ({
  ...genset(device, 500, powerKw),
  kind: "battery",
  isForming: false,
  isFirm: false,
  availableKw,
});
