import { logVerbosity, setLogVerbosity } from "@grpc/grpc-js";
import type { ChannelOptions } from "@grpc/grpc-js";
import { RemsError } from "../../kernel/errors.ts";

// Failures reach the callers, who log what matters; grpc-js would print the same to stderr.
setLogVerbosity(logVerbosity.NONE);

/** A TCP address. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/**
 * Translates an address just before it is dialled; asked anew for every connection. Test networks put a relay there.
 */
export type Dial = (host: string, port: number) => Endpoint;

/**
 * What every client of this folder sets: one TCP connection per client, no proxy from the environment, no retries behind
 * the caller's back.
 */
export const CLIENT_OPTIONS: ChannelOptions = {
  "grpc.enable_http_proxy": 0,
  "grpc.enable_retries": 0,
  "grpc.service_config_disable_resolution": 1,
  "grpc.use_local_subchannel_pool": 1,
  "grpc.enable_channelz": 0,
  "grpc.initial_reconnect_backoff_ms": 50,
  "grpc.max_reconnect_backoff_ms": 500,
};

export function targetOf({ host, port }: Endpoint): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/**
 * Reads `host:port`; IPv6 addresses stand in brackets.
 * @throws {@link RemsError} `REMS_CONFIG_INVALID` that shows what was found.
 */
export function parseEndpoint(text: string): Endpoint {
  const found = /^(?:\[(?<v6>[0-9a-f:.]+)\]|(?<name>[^:\s/]+)):(?<port>\d{1,5})$/i.exec(
    text,
  )?.groups;
  const host = found?.["v6"] ?? found?.["name"];
  const port = Number(found?.["port"]);
  if (host === undefined || !(port >= 1 && port <= 65_535)) {
    const message = `endpoint "${text}" is not host:port with a port from 1 to 65535`;
    throw new RemsError("REMS_CONFIG_INVALID", message);
  }
  return { host, port };
}
