import type { ConnectionState } from "../../kernel/point.ts";
import type { DeviceHealth } from "../../kernel/ports/device-io.ts";

const REFUSED_SHOWN_MAX = 8;

/** What a state of a connection means, where nobody says more. */
export const CONNECTION_TEXTS: Readonly<Record<ConnectionState, string>> = {
  offline: "does not answer",
  connecting: "is being asked for the first time",
  online: "answers everything",
  degraded: "answers, but not everything",
  faulted: "answers and cannot be used",
  maintenance: "taken out on purpose",
};

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
