import { status, type UntypedServiceImplementation } from "@grpc/grpc-js";
import { grpc, type Types } from "../proto/generated/grpc-health-v1.ts";
import { serverStream } from "./grpc-handlers.ts";
import type { NodeView } from "./node-view.ts";

type Request = Types.grpc.health.v1.HealthCheckRequest;
type Response = Types.grpc.health.v1.HealthCheckResponse;
type Serving = Types.grpc.health.v1.HealthCheckResponse.ServingStatus;

const { SERVING, NOT_SERVING, SERVICE_UNKNOWN } = grpc.health.v1.HealthCheckResponse.ServingStatus;
const SERVICES = new Set([
  "",
  ...["Inspection", "Control", "Alarm", "History", "Incident"].map(
    (name) => `rems.v1.${name}Service`,
  ),
]);

/**
 * `grpc.health.v1`: the services by name, and a name per role: `leader/port` serves where this node leads port with authority,
 * `standby/port` where it stands by in sync.
 */
export function healthService(view: NodeView): UntypedServiceImplementation {
  return {
    check: (
      call: { readonly request: Request },
      callback: (error: object | null, response?: Response) => void,
    ) => {
      const serving = servingOf(view, call.request.service);
      if (serving !== SERVICE_UNKNOWN) callback(null, responseOf(serving));
      else callback({ code: status.NOT_FOUND, details: `unknown: ${call.request.service}` });
    },
    watch: serverStream<Request, Response>((call) => {
      let last: Serving | null = null;
      const report = (): void => {
        const serving = servingOf(view, call.request.service);
        if (serving !== last) call.write(responseOf(serving));
        last = serving;
      };
      report();
      return view.onChange((change) => {
        if (change.type === "status") report();
      });
    }),
  };
}

function responseOf(serving: Serving): Response {
  return grpc.health.v1.HealthCheckResponse.create({ status: serving });
}

function servingOf(view: NodeView, service: string): Serving {
  if (SERVICES.has(service)) return SERVING;
  const [role, grid] = service.split("/");
  if (grid === undefined || !view.replicas.has(grid)) return SERVICE_UNKNOWN;
  const known = view.statusOf(grid);
  if (role === "leader") {
    return known?.role === "leading" && known.hasAuthority ? SERVING : NOT_SERVING;
  }
  if (role !== "standby") return SERVICE_UNKNOWN;
  const isInSync = known?.inSync.some(({ node }) => node === view.node.id) ?? false;
  return known?.role === "standby" && isInSync ? SERVING : NOT_SERVING;
}
