import { RemsError } from "../kernel/errors.ts";
import type { LogPosition, Member } from "../kernel/record.ts";

/**
 * Checks of fields that came from outside. Each takes the field's path for the message of the error, and returns the value
 * in the kernel's type. All throw {@link RemsError} `REMS_MESSAGE_INVALID` that says what was found, where, and what is allowed.
 */

/** 64-bit numbers of protobufjs: plain where they were small, else with a low and a high half. */
export type WireInteger =
  | number
  | { readonly low: number; readonly high: number; readonly unsigned: boolean };

const ID_LENGTH_MAX = 64;
const MEMBER_COUNT_MAX = 32;

export function invalid(path: string, found: string, allowed: string): RemsError {
  return new RemsError(
    "REMS_MESSAGE_INVALID",
    `${path} is ${found.slice(0, 80)}; allowed is ${allowed}`,
    { details: { path } },
  );
}

/** 0 to 2^53 − 1, exactly. */
export function counter(value: WireInteger, path: string): number {
  const exact =
    typeof value === "number" ? value : (value.high >>> 0) * 4_294_967_296 + (value.low >>> 0);
  if (!Number.isSafeInteger(exact) || exact < 0) {
    throw invalid(path, String(exact), "an integer from 0 to 2^53 - 1");
  }
  return exact;
}

/** Finite; −0 becomes 0, because replicated data has no −0. */
export function finite(value: number, path: string): number {
  if (!Number.isFinite(value)) throw invalid(path, String(value), "a finite number");
  return value + 0;
}

export function atLeastZero(value: number, path: string): number {
  if (!(Number.isFinite(value) && value >= 0)) throw invalid(path, String(value), "0 or more");
  return value + 0;
}

/** Identifier of a node, grid or device. */
export function id(value: string, path: string): string {
  if (value.length === 0 || value.length > ID_LENGTH_MAX || /[^A-Za-z0-9_.-]/.test(value)) {
    throw invalid(
      path,
      JSON.stringify(value),
      `1 to ${ID_LENGTH_MAX} letters, digits, "_", "-" or "."`,
    );
  }
  return value;
}

const NONCE = /^[0-9a-f]{32}(?::\d{1,16})?$/;

/** An incarnation and a counter of its own: `<32 hexadecimal digits>:<number>`; the number may be missing. */
export function nonce(value: string, path: string): string {
  if (NONCE.test(value)) return value;
  throw invalid(
    path,
    JSON.stringify(value),
    "32 lower-case hexadecimal digits, then maybe a colon and a number",
  );
}

/** 128 bits as 32 lower-case hexadecimal digits: incarnations, nonces, hashes. */
export function hex128(value: string, path: string): string {
  if (!/^[0-9a-f]{32}$/.test(value)) {
    throw invalid(path, JSON.stringify(value), "32 lower-case hexadecimal digits");
  }
  return value;
}

export function text(value: string, path: string, lengthMax: number): string {
  if (value.length > lengthMax) {
    throw invalid(path, `${value.length} characters long`, `at most ${lengthMax} characters`);
  }
  return value;
}

export function list<T>(values: readonly T[], path: string, countMax: number): readonly T[] {
  if (values.length > countMax) {
    throw invalid(path, `a list of ${values.length}`, `at most ${countMax} entries`);
  }
  return values;
}

export function required<T>(value: T | null | undefined, path: string): T {
  if (value === null || value === undefined) throw invalid(path, "absent", "a value");
  return value;
}

export function member(
  value: { readonly node: string; readonly incarnation: string } | null | undefined,
  path: string,
): Member {
  const found = required(value, path);
  return {
    node: id(found.node, `${path}.node`),
    incarnation: hex128(found.incarnation, `${path}.incarnation`),
  };
}

export function members(
  values: readonly { readonly node: string; readonly incarnation: string }[],
  path: string,
): Member[] {
  return list(values, path, MEMBER_COUNT_MAX).map((value, i) => member(value, `${path}[${i}]`));
}

export function position(
  value: { readonly epoch: WireInteger; readonly sequence: WireInteger; readonly hash: string },
  path: string,
): LogPosition {
  return {
    epoch: counter(value.epoch, `${path}.epoch`),
    sequence: counter(value.sequence, `${path}.sequence`),
    hash: hex128(value.hash, `${path}.hash`),
  };
}
