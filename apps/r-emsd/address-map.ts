import { readFileSync } from "node:fs";
import { z } from "zod";
import { RemsError } from "../../kernel/errors.ts";

export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/** Translates the address of an outbound connection. */
export type Dial = (host: string, port: number) => Endpoint;

const ADDRESS = /^(?<host>[^:\s]+|\[[0-9a-f:]+\]):(?<port>\d{1,5})$/i;
const schema = z.record(z.string().regex(ADDRESS), z.string().regex(ADDRESS));

/** Connections go where the manifest says. */
export const dialDirectly: Dial = (host, port) => ({ host, port });

/**
 * Reads an address map: connections to a key go to its value, all others as the manifest says. It lets a simulation put a
 * network that can be cut between nodes that run on one machine.
 * @throws {@link RemsError} `REMS_CONFIG_INVALID` if the file cannot be read or is no map of `host:port` to `host:port`.
 */
export function readAddressMap(path: string): Dial {
  let map: Readonly<Record<string, string>>;
  try {
    map = schema.parse(JSON.parse(readFileSync(path, "utf8")));
  } catch (cause) {
    throw new RemsError(
      "REMS_CONFIG_INVALID",
      `address map ${path}: expected JSON {"host:port": "host:port", ...}`,
      { cause },
    );
  }
  return (host, port) => {
    const target = ADDRESS.exec(map[`${host}:${port}`] ?? "")?.groups;
    return target === undefined
      ? { host, port }
      : { host: target["host"] ?? host, port: Number(target["port"]) };
  };
}
