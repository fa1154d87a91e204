import type { Server, ServerCredentials } from "@grpc/grpc-js";
import { RemsError } from "../../kernel/errors.ts";
import { targetOf } from "./rpc-options.ts";
import type { Endpoint } from "./rpc-options.ts";

/**
 * Binds a server; port 0 takes a free one.
 * @returns The port that it listens on.
 * @throws {@link RemsError} `REMS_PORT_IN_USE` that names the address.
 */
export function listen(
  server: Server,
  endpoint: Endpoint,
  credentials: ServerCredentials,
): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync(targetOf(endpoint), credentials, (cause, port) => {
      if (cause === null) {
        resolve(port);
        return;
      }
      const { host, port: wanted } = endpoint;
      const isInUse = cause.message.includes("EADDRINUSE");
      const reason = isInUse
        ? "is in use by another program; free that port or change the manifest"
        : `cannot be used: ${cause.message}`;
      reject(
        new RemsError("REMS_PORT_IN_USE", `port ${wanted} on ${host} ${reason}`, {
          cause,
          details: { host, port: wanted },
        }),
      );
    });
  });
}

/** Ends every stream and frees the port. */
export function shutDown(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.tryShutdown(() => resolve());
    server.forceShutdown();
  });
}
