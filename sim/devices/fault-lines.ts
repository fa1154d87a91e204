import type { DeviceProfile } from "../../configs/profile.ts";
import { DEVICE_KINDS } from "../../kernel/device-kinds.ts";
import { RemsError } from "../../kernel/errors.ts";
import type { PointValue } from "../../kernel/point.ts";

/** What a line switches at a simulated device. */
export type FaultAction =
  | { readonly type: "set"; readonly point: string; readonly value: PointValue }
  | { readonly type: "free" }
  | { readonly type: "slow"; readonly delayMs: number }
  | { readonly type: "silent" }
  | { readonly type: "halfOpen" }
  | { readonly type: "exception"; readonly address: number; readonly code: number }
  | { readonly type: "oneMaster" }
  | { readonly type: "ignoreWrites" }
  /** Null: every point. */
  | { readonly type: "stuck"; readonly point: string | null }
  | { readonly type: "wrongEndian"; readonly endian: "words" | "bytes" }
  | { readonly type: "ok" }
  | { readonly type: "show" }
  | { readonly type: "help" }
  | { readonly type: "quit" };

/** For people, one per line. */
export const FAULT_HELP: readonly (readonly [line: string, meaning: string])[] = [
  ["set POINT=VALUE", "show this value; measured numbers are held there until `free`"],
  ["free", "let the device move all values by itself again"],
  ["slow MS", "answer so much later"],
  ["silent", "answer nothing, on any connection"],
  ["half-open", "the connections that stand now fall silent and stay open; new ones are served"],
  ["exception ADDRESS [CODE]", "refuse whatever touches the register, with code 2 or another"],
  ["one-master", "serve one connection, refuse the others"],
  ["ignore-writes", "acknowledge writes and do nothing"],
  ["stuck [POINT]", "keep showing the present value, of one point or of all"],
  ["wrong-endian [words|bytes]", "swap the registers of 32-bit values, or the bytes of all"],
  ["ok", "take all faults back"],
  ["show", "the values and the faults now"],
  ["help", "these lines"],
  ["quit", "end"],
];

const DELAY_MS_MAX = 60_000;

/**
 * Reads one line such as `slow 800`.
 *
 * @throws {@link RemsError} `REMS_REQUEST_INVALID` that says what is allowed.
 */
export function parseFaultLine(line: string, profile: DeviceProfile): FaultAction {
  const [word = "", ...rest] = line.trim().split(/\s+/);
  const [first, second] = rest;
  const none = <Action extends FaultAction>(action: Action): Action => {
    if (first !== undefined) throw invalid(line, `"${word}" alone`);
    return action;
  };
  switch (word) {
    case "set":
      return { type: "set", ...parseSetting(rest.join(" "), profile) };
    case "slow": {
      const delayMs = wholeNumber(first);
      if (delayMs === null || delayMs > DELAY_MS_MAX || rest.length > 1) {
        throw invalid(line, `"slow MS" with 0 to ${DELAY_MS_MAX} ms`);
      }
      return { type: "slow", delayMs };
    }
    case "exception": {
      const address = wholeNumber(first);
      const code = second === undefined ? 2 : wholeNumber(second);
      const isRight = address !== null && address <= 65535 && code !== null;
      if (!isRight || code < 1 || code > 255 || rest.length > 2) {
        throw invalid(line, `"exception ADDRESS [CODE]", an address from 0 to 65535`);
      }
      return { type: "exception", address, code };
    }
    case "stuck":
      if (first !== undefined) checkPoint(first, profile);
      return { type: "stuck", point: first ?? null };
    case "wrong-endian":
      if (first !== undefined && first !== "words" && first !== "bytes") {
        throw invalid(line, `"wrong-endian", "wrong-endian words" or "wrong-endian bytes"`);
      }
      return { type: "wrongEndian", endian: first ?? "words" };
    case "half-open":
      return none({ type: "halfOpen" });
    case "one-master":
      return none({ type: "oneMaster" });
    case "ignore-writes":
      return none({ type: "ignoreWrites" });
    case "silent":
    case "free":
    case "ok":
    case "show":
    case "help":
    case "quit":
      return none({ type: word });
    default: {
      const known = FAULT_HELP.map(([form]) => form.split(" ")[0]).join(", ");
      throw invalid(line, `a line that begins with ${known}`);
    }
  }
}

/**
 * Reads `socPct=55`, `isClosed=true` or `state=ready`.
 *
 * @throws {@link RemsError} `REMS_REQUEST_INVALID` that names the points or labels of the profile.
 */
export function parseSetting(
  text: string,
  profile: DeviceProfile,
): { readonly point: string; readonly value: PointValue } {
  const at = text.indexOf("=");
  if (at < 1) throw invalid(text, "POINT=VALUE, such as socPct=55");
  const point = text.slice(0, at).trim();
  const given = text.slice(at + 1).trim();
  const mapping = checkPoint(point, profile);
  const type = DEVICE_KINDS[profile.kind].points[point]?.type ?? "number";
  if (type === "boolean") {
    if (given === "true" || given === "1") return { point, value: true };
    if (given === "false" || given === "0") return { point, value: false };
    throw invalid(text, `${point}=true or ${point}=false`);
  }
  if (type === "label") {
    const labels = Object.values(mapping.labels ?? {});
    if (labels.includes(given)) return { point, value: given };
    throw invalid(text, `${point} with one of ${labels.join(", ")}`);
  }
  const value = Number(given);
  if (given === "" || !Number.isFinite(value)) throw invalid(text, `${point} with a number`);
  return { point, value: value + 0 };
}

function checkPoint(point: string, profile: DeviceProfile) {
  const mapping = profile.points.find((one) => one.point === point);
  if (mapping !== undefined) return mapping;
  const known = profile.points.map((one) => one.point).join(", ");
  throw invalid(point, `a point of the profile ${profile.id}: ${known}`);
}

function wholeNumber(text: string | undefined): number | null {
  return text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : null;
}

function invalid(found: string, allowed: string): RemsError {
  return new RemsError("REMS_REQUEST_INVALID", `"${found.slice(0, 120)}"; allowed is ${allowed}`);
}
