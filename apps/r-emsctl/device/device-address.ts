import { RemsError } from "../../../kernel/errors.ts";

export interface DeviceAddress {
  readonly host: string;
  readonly port: number;
}

const MODBUS_PORT = 502;

/**
 * Reads `HOST`, `HOST:PORT` or `[IPv6]:PORT`; the port is 502 where there is none.
 *
 * @throws {@link RemsError} `REMS_REQUEST_INVALID`.
 */
export function parseDeviceAddress(text: string): DeviceAddress {
  const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]{1,253}))(?::(\d{1,5}))?$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = match?.[3] === undefined ? MODBUS_PORT : Number(match[3]);
  if (host !== undefined && port >= 1 && port <= 65_535) return { host, port };
  throw new RemsError(
    "REMS_REQUEST_INVALID",
    `the device's address is "${text}"; allowed is HOST or HOST:PORT, such as 192.168.1.20:502`,
  );
}
