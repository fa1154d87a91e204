import type { Reader, Writer } from "protobufjs";

/** A message class of protobufjs's static generator. */
interface MessageClass<Message> {
  encode(message: Message, writer?: Writer): Writer;
  decode(reader: Reader | Uint8Array, length?: number): Message;
}

/** One method of a service, in the form that grpc-js's clients and servers take. */
export interface UntypedMethod {
  readonly path: string;
  readonly requestStream: boolean;
  readonly responseStream: boolean;
}

export interface Method<Request, Response> extends UntypedMethod {
  readonly requestSerialize: (message: Request) => Buffer;
  readonly requestDeserialize: (bytes: Buffer) => Request;
  readonly responseSerialize: (message: Response) => Buffer;
  readonly responseDeserialize: (bytes: Buffer) => Response;
}

/** Binds a method's path to the codecs of its messages. */
export function methodDefinition<Request, Response>(
  path: string,
  requestStream: boolean,
  responseStream: boolean,
  request: MessageClass<Request>,
  response: MessageClass<Response>,
): Method<Request, Response> {
  return {
    path,
    requestStream,
    responseStream,
    requestSerialize: (message) => asBuffer(request.encode(message).finish()),
    requestDeserialize: (bytes) => request.decode(bytes),
    responseSerialize: (message) => asBuffer(response.encode(message).finish()),
    responseDeserialize: (bytes) => response.decode(bytes),
  };
}

/** Views bytes as a Buffer without copying. In Node.js protobufjs writes Buffers already. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes)
    ? bytes
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
