/** How one exchange ended; exactly one for each. */
export type Outcome =
  /** Contents of the registers, or of the bits as 0 and 1; and the bytes that held them. */
  | { readonly type: "data"; readonly words: readonly number[]; readonly bytes: Buffer }
  | { readonly type: "acknowledged" }
  | { readonly type: "exception"; readonly code: number }
  /** No answer in time. */
  | { readonly type: "timedOut" }
  /** The connection died, or the reply made no sense and the connection was reset. */
  | { readonly type: "lost"; readonly reason: string }
  /** Never sent. */
  | { readonly type: "dropped"; readonly reason: string };

/** What a reply, or its absence, says about the connection that the device shares. */
export type Sign = "alive" | "silent" | "none";

/** Exception codes (Modbus Application Protocol V1.1b3, section 7). */
export const ILLEGAL_FUNCTION = 1;
export const ACKNOWLEDGE = 5;
export const BUSY = 6;
const GATEWAY_PATH_UNAVAILABLE = 10;
const GATEWAY_TARGET_SILENT = 11;

const EXCEPTION_NAMES: Readonly<Record<number, string>> = {
  1: "illegal function",
  2: "illegal data address",
  3: "illegal data value",
  4: "device failure",
  5: "acknowledge",
  6: "device busy",
  8: "memory parity error",
  10: "gateway path unavailable",
  11: "gateway target does not answer",
};

/** A gateway's word that the device behind it was not reached. */
export function isUnreached(code: number): boolean {
  return code === GATEWAY_PATH_UNAVAILABLE || code === GATEWAY_TARGET_SILENT;
}

/** An exception by which a write was certainly not done; "acknowledge" and a gateway's time-out leave it open. */
export function isRefusal(outcome: Outcome): boolean {
  return (
    outcome.type === "exception" &&
    outcome.code !== ACKNOWLEDGE &&
    outcome.code !== GATEWAY_TARGET_SILENT
  );
}

/** The outcome for people. */
export function textOf(outcome: Outcome): string {
  if (outcome.type === "exception") {
    const name = EXCEPTION_NAMES[outcome.code];
    return `exception ${outcome.code}${name === undefined ? "" : ` (${name})`}`;
  }
  if (outcome.type === "timedOut") return "no answer in time";
  return outcome.type === "lost" ? outcome.reason : outcome.type;
}
