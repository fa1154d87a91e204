import {
  Server,
  logVerbosity,
  setLogVerbosity,
  ServerCredentials,
  type ServiceDefinition,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import { RemsError } from "../kernel/errors.ts";
import { Health } from "../proto/generated/grpc-health-v1.ts";
import { ServerReflection } from "../proto/generated/grpc-reflection-v1.ts";
import { OPERATOR_DESCRIPTOR_SET } from "../proto/generated/operator-descriptors.ts";
import { AlarmService, ControlService, InspectionService } from "../proto/generated/rems-v1.ts";
import { alarmService } from "./alarm-service.ts";
import type { CommandDesk } from "./control-service.ts";
import { healthService } from "./health-service.ts";
import { implementationOf } from "./grpc-handlers.ts";
import { inspectionService } from "./inspection-service.ts";
import type { NodeView } from "./node-view.ts";
import { reflectionService, ServerReflectionAlpha } from "./reflection-service.ts";

const MESSAGE_BYTES_MAX = 1024 * 1024;
const STREAM_COUNT_MAX = 256;

/** The operator gRPC: plain text, on loopback, until access control brings TLS. */
export function createGrpcServer(
  view: NodeView,
  desk: CommandDesk,
  more: readonly (readonly [service: object, UntypedServiceImplementation])[] = [],
): Server {
  // Its messages lack the node and the port; errors are reported by who called.
  setLogVerbosity(logVerbosity.NONE);
  const server = new Server({
    "grpc.max_receive_message_length": MESSAGE_BYTES_MAX,
    "grpc.max_concurrent_streams": 256,
    "grpc.keepalive_time_ms": 20_000,
    "grpc.keepalive_timeout_ms": 5_000,
  });
  const add = (service: object, implementation: UntypedServiceImplementation): void =>
    server.addService(service as ServiceDefinition, implementation);
  const streams = { count: 0, countMax: STREAM_COUNT_MAX };
  add(InspectionService, implementationOf(inspectionService(view), streams));
  add(ControlService, implementationOf(desk.service));
  add(AlarmService, implementationOf(alarmService(view, desk), streams));
  for (const [service, implementation] of more) add(service, implementation);
  add(Health, healthService(view));
  add(ServerReflection, reflectionService(OPERATOR_DESCRIPTOR_SET));
  add(ServerReflectionAlpha, reflectionService(OPERATOR_DESCRIPTOR_SET));
  return server;
}

/** @returns The port, also where 0 was asked for. */
export function listen(server: Server, address: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync(address, ServerCredentials.createInsecure(), (error, port) => {
      if (error === null) resolve(port);
      else
        reject(
          new RemsError("REMS_PORT_IN_USE", `the operator service cannot listen on ${address}`, {
            cause: error,
          }),
        );
    });
  });
}
