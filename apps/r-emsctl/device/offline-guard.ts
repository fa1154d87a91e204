import type { DeviceProfile, PointMapping } from "../../../configs/profile.ts";
import type { PointReading } from "../../../api/device-probe/read-points.ts";

/** What must be read back before a tool may write: the breaker's contacts, and whether the machine runs. */
const PROOFS = ["isOpen", "isClosed", "isRunning"];

export interface GuardVerdict {
  readonly mayWrite: boolean;
  /** What was read, for people and for the audit. */
  readonly because: string;
}

/** The points of a profile that can prove that its device is out of the plant. */
export function proofPoints(profile: DeviceProfile): PointMapping[] {
  return profile.points.filter(({ point, access }) => PROOFS.includes(point) && access !== "write");
}

/**
 * Rule 12 of the plant: a tool writes only to a device whose breaker is open or that is stopped, read back just now. Contacts that
 * contradict each other, or a point without a value, prove nothing. Pure.
 */
export function mayWriteOffline(readings: readonly PointReading[]): GuardVerdict {
  const valueOf = (point: string) =>
    readings.find(({ mapping }) => mapping.point === point)?.value ?? null;
  const [isOpen, isClosed, isRunning] = [
    valueOf("isOpen"),
    valueOf("isClosed"),
    valueOf("isRunning"),
  ];
  const isMapped = (point: string) => readings.some(({ mapping }) => mapping.point === point);
  const isOpenProved = isClosed === false && (isMapped("isOpen") ? isOpen === true : true);
  if (isOpenProved) return { mayWrite: true, because: "its breaker is open" };
  if (isRunning === false) return { mayWrite: true, because: "it is stopped" };
  if (readings.length === 0) {
    const because = `the profile maps none of ${PROOFS.join(", ")}: nothing can prove that it is out of the plant`;
    return { mayWrite: false, because };
  }
  const seen = readings.map(({ mapping, value, failure }) => {
    return `${mapping.point} ${failure ?? (value === null ? "has no value" : `is ${value}`)}`;
  });
  return {
    mayWrite: false,
    because: `neither an open breaker nor a stopped machine was read back (${seen.join(", ")})`,
  };
}
