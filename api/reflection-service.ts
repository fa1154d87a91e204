import { status, type ServerDuplexStream, type UntypedServiceImplementation } from "@grpc/grpc-js";
import descriptor from "protobufjs/ext/descriptor/index.js";
import { grpc, ServerReflection, type Types } from "../proto/generated/grpc-reflection-v1.ts";
import { splitDescriptorSet } from "../proto/message-schema.ts";
import type { UntypedMethod } from "../proto/method-definition.ts";

type V1 = Types.grpc.reflection.v1.ServerReflectionRequest;
type Answer = Types.grpc.reflection.v1.IServerReflectionResponse;

interface DescribedFile {
  readonly name: string;
  readonly dependencies: readonly string[];
  /** Its FileDescriptorProto as `buf` wrote it. */
  readonly bytes: Buffer;
}

interface Named {
  readonly name?: string;
}

/** Part of google.protobuf.FileDescriptorProto that names symbols. */
interface FileDescriptor extends Named {
  readonly package?: string;
  readonly dependency?: readonly string[];
  readonly messageType?: readonly MessageDescriptor[];
  readonly enumType?: readonly Named[];
  readonly service?: readonly (Named & { readonly method?: readonly Named[] })[];
}

interface MessageDescriptor extends Named {
  readonly nestedType?: readonly MessageDescriptor[];
  readonly enumType?: readonly Named[];
  readonly field?: readonly Named[];
}

/**
 * Answers gRPC server reflection from a FileDescriptorSet, so that `buf curl` and `grpcurl` need no .proto files.
 * @param descriptorSet - google.protobuf.FileDescriptorSet as base64.
 */
export function reflectionService(descriptorSet: string): UntypedServiceImplementation {
  const files = new Map<string, DescribedFile>();
  const fileOfSymbol = new Map<string, string>();
  const services: string[] = [];
  for (const bytes of splitDescriptorSet(Buffer.from(descriptorSet, "base64"))) {
    const file = descriptor.FileDescriptorProto.decode(bytes) as FileDescriptor;
    const name = file.name ?? "";
    files.set(name, { name, dependencies: file.dependency ?? [], bytes });
    for (const symbol of symbolsOf(file)) fileOfSymbol.set(symbol, name);
    services.push(...(file.service ?? []).map((service) => `${file.package}.${service.name}`));
  }
  const withDependencies = (name: string): Answer => {
    const wanted = new Set([name]);
    // A set that grows while it is walked: dependencies of dependencies come too.
    for (const each of wanted) for (const on of files.get(each)?.dependencies ?? []) wanted.add(on);
    const fileDescriptorProto = [...wanted].flatMap((each) => files.get(each)?.bytes ?? []);
    return { fileDescriptorResponse: { fileDescriptorProto } };
  };
  const answer = (request: V1): Answer => {
    // Its text says nothing and `buf` leaves it empty: that it is there is the question.
    if (request.messageRequest === "listServices") {
      return { listServicesResponse: { service: services.map((name) => ({ name })) } };
    }
    const symbol = request.fileContainingSymbol;
    const file = symbol ? fileOfSymbol.get(symbol) : (request.fileByFilename ?? "");
    if (file !== undefined && files.has(file)) return withDependencies(file);
    const errorMessage = `nothing here is named "${(symbol || file) ?? ""}"`;
    return { errorResponse: { errorCode: status.NOT_FOUND, errorMessage } };
  };
  return {
    serverReflectionInfo: (call: ServerDuplexStream<V1, unknown>) => {
      call.on("data", (request: V1) => {
        const originalRequest = request;
        call.write(
          grpc.reflection.v1.ServerReflectionResponse.create({
            validHost: request.host,
            originalRequest,
            ...answer(request),
          }),
        );
      });
      call.on("end", () => call.end());
      call.on("error", () => {});
    },
  };
}

/** The same messages under the older name, which many tools still ask for first. */
export const ServerReflectionAlpha: Record<string, UntypedMethod> = {
  serverReflectionInfo: {
    ...ServerReflection.serverReflectionInfo,
    path: "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
  },
};

function* symbolsOf(file: FileDescriptor): Generator<string> {
  const scope = file.package ?? "";
  yield* messageSymbols(file.messageType, scope);
  for (const { name } of file.enumType ?? []) yield `${scope}.${name}`;
  for (const service of file.service ?? []) {
    yield `${scope}.${service.name}`;
    for (const { name } of service.method ?? []) yield `${scope}.${service.name}.${name}`;
  }
}

function* messageSymbols(
  messages: readonly MessageDescriptor[] | undefined,
  scope: string,
): Generator<string> {
  for (const message of messages ?? []) {
    const name = `${scope}.${message.name}`;
    yield name;
    for (const field of message.field ?? []) yield `${name}.${field.name}`;
    for (const each of message.enumType ?? []) yield `${name}.${each.name}`;
    yield* messageSymbols(message.nestedType, name);
  }
}
