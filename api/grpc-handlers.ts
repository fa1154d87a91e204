import {
  Metadata,
  status,
  type handleServerStreamingCall,
  type handleUnaryCall,
  type ServerWritableStream,
} from "@grpc/grpc-js";
import { InvariantError, RemsError, type ErrorCode } from "../kernel/errors.ts";

/** What a code means in gRPC; the rest is internal. */
const STATUS_OF: Partial<Record<ErrorCode, status>> = {
  REMS_NOT_FOUND: status.NOT_FOUND,
  REMS_REQUEST_INVALID: status.INVALID_ARGUMENT,
  REMS_MESSAGE_INVALID: status.INVALID_ARGUMENT,
  REMS_NOT_LEADER: status.FAILED_PRECONDITION,
  REMS_NO_AUTHORITY: status.FAILED_PRECONDITION,
  REMS_REQUEST_REFUSED: status.FAILED_PRECONDITION,
  REMS_COORDINATOR_UNAVAILABLE: status.UNAVAILABLE,
  REMS_HISTORY_FAILED: status.UNAVAILABLE,
  REMS_TIMEOUT: status.DEADLINE_EXCEEDED,
};

/** An error as gRPC sends it. `rems-code` names the code; of NOT_LEADER the details name the leader. */
export function grpcErrorOf(error: unknown): {
  code: status;
  details: string;
  metadata: Metadata;
} {
  const metadata = new Metadata();
  if (!(error instanceof RemsError)) {
    const text = error instanceof InvariantError ? error.message : "an unexpected error";
    return { code: status.INTERNAL, details: text, metadata };
  }
  metadata.set("rems-code", error.code);
  for (const key of ["leader", "leader-address"]) {
    const value = error.details[key];
    if (typeof value === "string" && value !== "") metadata.set(`rems-${key}`, value);
  }
  return { code: STATUS_OF[error.code] ?? status.INTERNAL, details: error.message, metadata };
}

/** A unary method from a function that returns the response or throws a {@link RemsError}. */
export function unary<Request, Response>(
  answer: (request: Request) => Response | Promise<Response>,
): handleUnaryCall<Request, Response> {
  return (call, callback) => {
    Promise.resolve(call.request)
      .then(answer)
      .then(
        (response) => callback(null, response),
        (error: unknown) => callback(grpcErrorOf(error)),
      );
  };
}

/** A server stream from a function that starts it and returns what ends it. */
export function serverStream<Request, Response>(
  start: (call: ServerWritableStream<Request, Response>) => () => void,
): handleServerStreamingCall<Request, Response> {
  return (call) => {
    try {
      const end = start(call);
      call.once("cancelled", end);
      call.once("close", end);
      call.once("error", end);
    } catch (error) {
      const { code, details, metadata } = grpcErrorOf(error);
      call.emit("error", { code, details, metadata });
    }
  };
}
