/** Stable identifiers: never renumber or reuse one. Logs, dashboards and docs/errors.md key on them. */
export type ErrorCode =
  | "REMS_CONFIG_INVALID"
  | "REMS_CONFIG_NOT_FOUND"
  | "REMS_PROFILE_INVALID"
  | "REMS_PORT_IN_USE"
  | "REMS_DIRECTORY_UNWRITABLE"
  | "REMS_DIRECTORY_LOCKED"
  | "REMS_PROGRAM_MISSING"
  | "REMS_PROGRAM_FAILED"
  | "REMS_NOT_A_SIMULATOR"
  | "REMS_DEVICE_TIMEOUT"
  | "REMS_DEVICE_EXCEPTION"
  | "REMS_DEVICE_OFFLINE"
  | "REMS_NO_AUTHORITY"
  | "REMS_NOT_LEADER"
  | "REMS_NOT_FOUND"
  | "REMS_REQUEST_INVALID"
  | "REMS_REQUEST_REFUSED"
  | "REMS_LIMIT_REACHED"
  | "REMS_PERMISSION_DENIED"
  | "REMS_COORDINATOR_UNAVAILABLE"
  | "REMS_RECORD_INVALID"
  | "REMS_JOURNAL_FAILED"
  | "REMS_INCIDENT_INVALID"
  | "REMS_HISTORY_FAILED"
  | "REMS_MESSAGE_INVALID"
  | "REMS_ENCODING_INVALID"
  | "REMS_TIMEOUT";

export type ErrorDetails = Readonly<Record<string, string | number | boolean>>;

/** An operating error: expected, handled, reported. A bug throws {@link InvariantError} instead. */
export class RemsError extends Error {
  override readonly name = "RemsError";
  readonly code: ErrorCode;
  /** True if the same request may succeed later without anyone changing anything. */
  readonly isRetryable: boolean;
  /** Facts for the log line; keys carry units, e.g. `{ timeoutMs: 500 }`. */
  readonly details: ErrorDetails;

  constructor(
    code: ErrorCode,
    message: string,
    options: ErrorOptions & { isRetryable?: boolean; details?: ErrorDetails } = {},
  ) {
    super(`${message} [${code}]`, options);
    this.code = code;
    this.isRetryable = options.isRetryable ?? false;
    this.details = options.details ?? {};
  }

  /** Finds the first error with `code` in the cause chain, however deeply it was wrapped. */
  static find(error: unknown, code: ErrorCode): RemsError | undefined {
    for (let e = error, depth = 0; e instanceof Error && depth < 16; e = e.cause, depth++) {
      if (e instanceof RemsError && e.code === code) return e;
    }
    return undefined;
  }
}

/** A broken invariant: a defect in R-EMS itself, never the user's mistake. */
export class InvariantError extends Error {
  override readonly name = "InvariantError";
}
