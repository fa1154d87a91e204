import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { existsSync } from "node:fs";
import type { GrpcObject, ServiceClientConstructor, ServiceError } from "@grpc/grpc-js";
import { credentials, loadPackageDefinition } from "@grpc/grpc-js";
import { load } from "@grpc/proto-loader";
import { RemsError } from "../../kernel/errors.ts";
import { OperatorRefusal } from "./operator-client.ts";

export interface DynamicCall {
  readonly address: string;
  /** `rems.v1.InspectionService/ListActors` */
  readonly method: string;
  /** The request as JSON; 64-bit numbers as strings. */
  readonly requestJson: string;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  readonly onMessage: (message: unknown) => void;
}

const PROTOS = ["inspection", "control", "alarm", "history", "incident", "replay", "config"].map(
  (name) => `rems/v1/${name}.proto`,
);

/**
 * Calls any operator method by its name, from the `.proto` files that R-EMS ships: what grpcurl does, where there is no grpcurl.
 * 64-bit numbers stay exact: they are strings.
 * @throws {@link RemsError} `REMS_REQUEST_INVALID` if the method does not exist or the request is no JSON object; {@link OperatorRefusal} for what the node answers instead.
 */
export async function callByName(call: DynamicCall): Promise<void> {
  const [serviceName = "", methodName = ""] = call.method.split("/");
  const request = parseRequest(call.requestJson);
  const loaded = loadPackageDefinition(
    await load(PROTOS, {
      includeDirs: [protoDirectory()],
      longs: String,
      enums: String,
      defaults: true,
      oneofs: true,
    }),
  );
  const Service = find(loaded, serviceName.split("."));
  const method = Object.values(Service?.service ?? {}).find(
    ({ path }) => path === `/${serviceName}/${methodName}`,
  );
  if (Service === undefined || method === undefined) {
    throw new RemsError(
      "REMS_REQUEST_INVALID",
      `there is no method "${call.method}"; write for example rems.v1.InspectionService/ListActors`,
    );
  }
  const client = new Service(call.address, credentials.createInsecure());
  try {
    const deadline = method.responseStream ? Number.POSITIVE_INFINITY : Date.now() + call.timeoutMs;
    const stream = method.responseStream
      ? client.makeServerStreamRequest(
          method.path,
          method.requestSerialize,
          method.responseDeserialize,
          request,
          { deadline },
        )
      : null;
    if (stream === null) {
      call.onMessage(
        await new Promise<unknown>((resolve, reject) => {
          client.makeUnaryRequest(
            method.path,
            method.requestSerialize,
            method.responseDeserialize,
            request,
            { deadline },
            (error, response) =>
              error === null ? resolve(response) : reject(new OperatorRefusal(error, call.address)),
          );
        }),
      );
      return;
    }
    const cancel = () => stream.cancel();
    call.signal.addEventListener("abort", cancel, { once: true });
    stream.on("data", call.onMessage);
    await new Promise<void>((resolve, reject) => {
      stream.once("end", resolve);
      stream.once("error", (error: ServiceError) =>
        call.signal.aborted ? resolve() : reject(new OperatorRefusal(error, call.address)),
      );
    });
  } finally {
    client.close();
  }
}

function parseRequest(text: string): object {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new RemsError("REMS_REQUEST_INVALID", `the request "${text}" is no JSON`, { cause });
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new RemsError("REMS_REQUEST_INVALID", `the request "${text}" is no JSON object`);
  }
  return value;
}

function find(loaded: GrpcObject, path: readonly string[]): ServiceClientConstructor | undefined {
  let place: GrpcObject | GrpcObject[string] = loaded;
  for (const name of path) {
    if (typeof place === "function" || "format" in place) return undefined;
    const next: GrpcObject[string] | undefined = (place as GrpcObject)[name];
    if (next === undefined) return undefined;
    place = next;
  }
  return typeof place === "function" ? place : undefined;
}

/** The `.proto` files lie in the package, beside `dist/` when this is compiled. */
function protoDirectory(): string {
  for (
    let folder = dirname(fileURLToPath(import.meta.url)), depth = 0;
    depth < 6;
    folder = dirname(folder), depth++
  ) {
    if (existsSync(join(folder, "proto", PROTOS[0] ?? ""))) return join(folder, "proto");
  }
  throw new RemsError("REMS_NOT_FOUND", "the .proto files of R-EMS are not beside the program");
}
