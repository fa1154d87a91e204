import { InvariantError, RemsError, type ErrorCode } from "../kernel/errors.ts";
import { google } from "../proto/generated/google-rpc.ts";

/** Numbers of `google.rpc.Code`, which are gRPC's. */
export const CODE = {
  invalidArgument: 3,
  deadlineExceeded: 4,
  notFound: 5,
  permissionDenied: 7,
  resourceExhausted: 8,
  failedPrecondition: 9,
  internal: 13,
  unavailable: 14,
} as const;

/** What a code means in gRPC; the rest is internal. */
const CODE_OF: Partial<Record<ErrorCode, number>> = {
  REMS_NOT_FOUND: CODE.notFound,
  REMS_REQUEST_INVALID: CODE.invalidArgument,
  REMS_MESSAGE_INVALID: CODE.invalidArgument,
  REMS_NOT_LEADER: CODE.failedPrecondition,
  REMS_NO_AUTHORITY: CODE.failedPrecondition,
  REMS_REQUEST_REFUSED: CODE.failedPrecondition,
  REMS_LIMIT_REACHED: CODE.resourceExhausted,
  REMS_PERMISSION_DENIED: CODE.permissionDenied,
  REMS_COORDINATOR_UNAVAILABLE: CODE.unavailable,
  REMS_HISTORY_FAILED: CODE.unavailable,
  REMS_TIMEOUT: CODE.deadlineExceeded,
  REMS_CONFIG_INVALID: CODE.invalidArgument,
  REMS_DEVICE_OFFLINE: CODE.unavailable,
  REMS_DEVICE_TIMEOUT: CODE.deadlineExceeded,
  REMS_DEVICE_EXCEPTION: CODE.failedPrecondition,
  REMS_DIRECTORY_UNWRITABLE: CODE.failedPrecondition,
};

const TYPE_PREFIX = "type.googleapis.com/google.rpc.";
const RETRY_S = 1;
const DOMAIN = "r-ems";

/** A detail of a status as JSON writes it. */
export interface StatusDetail {
  readonly "@type": string;
  readonly [field: string]: unknown;
}

/** `google.rpc.Status` as JSON. */
export interface StatusJson {
  readonly code: number;
  readonly message: string;
  readonly details: readonly StatusDetail[];
}

/**
 * An error as `google.rpc.Status`: an `ErrorInfo` with the code and its facts (of NOT_LEADER `leader`, `leader-address`), a `BadRequest`
 * where one field is at fault, a `RetryInfo` where trying again may help.
 */
export function statusOf(error: unknown): StatusJson {
  if (!(error instanceof RemsError)) {
    const message = error instanceof InvariantError ? error.message : "an unexpected error";
    return { code: CODE.internal, message, details: [] };
  }
  const { code, message, details: facts, isRetryable } = error;
  const metadata: Record<string, string> = {};
  for (const [key, value] of Object.entries(facts)) {
    if (value !== "") metadata[key] = String(value);
  }
  const details: StatusDetail[] = [
    { "@type": `${TYPE_PREFIX}ErrorInfo`, reason: code, domain: DOMAIN, metadata },
  ];
  const field = facts["field"] ?? facts["path"];
  if (typeof field === "string") {
    const fieldViolations = [{ field, description: message }];
    details.push({ "@type": `${TYPE_PREFIX}BadRequest`, fieldViolations });
  }
  if (isRetryable) details.push({ "@type": `${TYPE_PREFIX}RetryInfo`, retryDelay: `${RETRY_S}s` });
  return { code: CODE_OF[code] ?? CODE.internal, message, details };
}

/** The same in bytes, for the trailer `grpc-status-details-bin`. */
export function encodedStatus(error: unknown): Buffer {
  const { code, message, details } = statusOf(error);
  const encoded = details.map((detail) =>
    google.protobuf.Any.create({ type_url: detail["@type"], value: bytesOf(detail) }),
  );
  const status = google.rpc.Status.create({ code, message, details: encoded });
  return Buffer.from(google.rpc.Status.encode(status).finish());
}

function bytesOf(detail: StatusDetail): Uint8Array {
  switch (detail["@type"]) {
    case `${TYPE_PREFIX}ErrorInfo`:
      return google.rpc.ErrorInfo.encode(google.rpc.ErrorInfo.create(detail as object)).finish();
    case `${TYPE_PREFIX}BadRequest`:
      return google.rpc.BadRequest.encode(google.rpc.BadRequest.create(detail as object)).finish();
    default: {
      const retryDelay = google.protobuf.Duration.create({ seconds: RETRY_S });
      return google.rpc.RetryInfo.encode(google.rpc.RetryInfo.create({ retryDelay })).finish();
    }
  }
}
