import { readFileSync } from "node:fs";
import { RemsError } from "../../kernel/errors.ts";

export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/** Translates the address of an outbound connection. */
export type Dial = (host: string, port: number) => Endpoint;

const ADDRESS = /^(?<host>[^:\s]+|\[[0-9a-f:]+\]):(?<port>\d{1,5})$/i;

/** Connections go where the manifest says. */
export const dialDirectly: Dial = (host, port) => ({ host, port });

/**
 * Reads an address map: connections to a key go to its value, all others as the manifest says. It lets a simulation put a
 * network that can be cut between nodes that run on one machine.
 * @throws {@link RemsError} `REMS_CONFIG_INVALID` if the file cannot be read or is no map of `host:port` to `host:port`.
 */
export function readAddressMap(path: string): Dial {
  let read: unknown;
  let cause: unknown;
  try {
    read = JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    cause = error;
  }
  const map = endpointsOf(read);
  if (map === null) {
    throw new RemsError(
      "REMS_CONFIG_INVALID",
      `address map ${path}: expected JSON {"host:port": "host:port", ...}`,
      { cause },
    );
  }
  return (host, port) => map.get(`${host}:${port}`) ?? { host, port };
}

function endpointsOf(read: unknown): ReadonlyMap<string, Endpoint> | null {
  if (typeof read !== "object" || read === null) return null;
  const map = new Map<string, Endpoint>();
  for (const [from, to] of Object.entries(read)) {
    const { host, port } = ADDRESS.exec(typeof to === "string" ? to : "")?.groups ?? {};
    if (!ADDRESS.test(from) || host === undefined) return null;
    map.set(from, { host, port: Number(port) });
  }
  return map;
}
