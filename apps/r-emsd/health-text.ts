import type { DeviceHealth } from "../../kernel/ports/device-io.ts";

const REFUSED_SHOWN_MAX = 8;

/** Why a device is in its state, with the registers that it refuses; empty where there is nothing to say. */
export function healthText({ reason, refused }: DeviceHealth): string {
  if (refused.length === 0) return reason;
  const shown = refused
    .slice(0, REFUSED_SHOWN_MAX)
    .map(({ point, where, reason: said }) => `${point} at ${where}: ${said}`);
  const more = refused.length - shown.length;
  if (more > 0) shown.push(`and ${more} more`);
  return `${reason === "" ? "refuses registers" : reason}: ${shown.join("; ")}`;
}
