import { readFileSync } from "node:fs";
import { isIP } from "node:net";
import type { ConnectionOptions } from "node:tls";
import type { DeviceConfig } from "../../configs/manifest.ts";
import { RemsError } from "../../kernel/errors.ts";

/** How one comes to a broker: encrypted or not, and as whom. */
export interface BrokerAccess {
  /** Null: plain text. */
  readonly tls: ConnectionOptions | null;
  readonly login: { readonly username?: string; readonly password?: string };
}

/**
 * Reads what the manifest names for a broker.
 * @throws {@link RemsError} `REMS_CONFIG_INVALID` where a file cannot be read, a variable is not set, or neither holds `user:password`.
 */
export function brokerAccessOf(
  { id, host, broker }: Pick<DeviceConfig, "id" | "host" | "broker">,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): BrokerAccess {
  if (broker === null) return { tls: null, login: {} };
  const { isEncrypted, caFile, credentialsFile, secretVariable } = broker;
  const tls: ConnectionOptions | null = isEncrypted
    ? {
        // The name that the certificate must bear; an address is no name that TLS could send.
        host,
        ...(isIP(host) === 0 ? { servername: host } : {}),
        ...(caFile === "" ? {} : { ca: read(id, "ca_file", caFile) }),
      }
    : null;
  if (credentialsFile !== "") {
    const text = read(id, "credentials_file", credentialsFile);
    return { tls, login: loginOf(id, `credentials_file ${credentialsFile}`, text) };
  }
  if (secretVariable === "") return { tls, login: {} };
  const text = environment[secretVariable] ?? "";
  return { tls, login: loginOf(id, `the variable ${secretVariable}`, text) };
}

function loginOf(device: string, where: string, text: string): BrokerAccess["login"] {
  const [line = ""] = text.split(/\r?\n/, 1);
  const colon = line.indexOf(":");
  if (colon > 0) return { username: line.slice(0, colon), password: line.slice(colon + 1) };
  throw new RemsError("REMS_CONFIG_INVALID", `${device}: ${where} does not hold user:password`, {
    details: { device },
  });
}

function read(device: string, field: string, path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    const message = `${device}: ${field} ${path} cannot be read`;
    throw new RemsError("REMS_CONFIG_INVALID", message, { cause, details: { device, path } });
  }
}
