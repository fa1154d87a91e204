import {
  Metadata,
  type handleServerStreamingCall,
  type ServerUnaryCall,
  type ServerWritableStream,
  type sendUnaryData,
  type status,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import { RemsError } from "../kernel/errors.ts";
import type { Service, Sink } from "./service.ts";
import { encodedStatus, statusOf } from "./status-of-error.ts";

/** An error as gRPC sends it, with `google.rpc.Status` in its trailer. `rems-code` names the code; of NOT_LEADER the details name the leader. */
export function grpcErrorOf(error: unknown): {
  code: status;
  details: string;
  metadata: Metadata;
} {
  const metadata = new Metadata();
  const { code, message } = statusOf(error);
  if (!(error instanceof RemsError)) return { code, details: message, metadata };
  metadata.set("rems-code", error.code);
  for (const key of ["leader", "leader-address"]) {
    const value = error.details[key];
    if (typeof value === "string" && value !== "") metadata.set(`rems-${key}`, value);
  }
  metadata.set("grpc-status-details-bin", encodedStatus(error));
  return { code, details: message, metadata };
}

/** Streams that are open, of all clients together. */
export interface OpenStreams {
  count: number;
  readonly countMax: number;
}

/** A service as grpc-js takes it. @param streams - Counts its streams; one more than the most is refused. */
export function implementationOf(
  service: Service,
  streams: OpenStreams = { count: 0, countMax: 256 },
): UntypedServiceImplementation {
  const implementation: UntypedServiceImplementation = {};
  for (const [name, method] of Object.entries(service)) {
    if (method.type === "unary") {
      implementation[name] = answerUnary(method.answer as (request: unknown) => unknown);
      continue;
    }
    const start = method.start as (request: unknown, sink: Sink<unknown>) => () => void;
    implementation[name] = serverStream((call: ServerWritableStream<unknown, unknown>) => {
      if (streams.count >= streams.countMax) {
        const text = `${streams.count} streams are open; allowed are ${streams.countMax}`;
        throw new RemsError("REMS_LIMIT_REACHED", text, { isRetryable: true });
      }
      const end = start(call.request, callSink(call));
      streams.count += 1;
      let isOpen = true;
      return () => {
        if (!isOpen) return;
        isOpen = false;
        streams.count -= 1;
        end();
      };
    });
  }
  return implementation;
}

function answerUnary(answer: (request: unknown) => unknown) {
  return (call: ServerUnaryCall<unknown, unknown>, callback: sendUnaryData<unknown>): void => {
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

/** Ready while the call's own buffer has room, which it has while the reader takes what was sent. */
function callSink<Response>(call: ServerWritableStream<unknown, Response>): Sink<Response> {
  const sink: Sink<Response> = {
    get isReady() {
      return !call.writableNeedDrain;
    },
    send: (message) => void call.write(message),
    onReady: () => {},
  };
  call.on("drain", () => sink.onReady());
  return sink;
}
