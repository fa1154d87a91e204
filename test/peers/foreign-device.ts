import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { DeviceConfig } from "../../configs/manifest.ts";
import { present } from "../../kernel/assert.ts";
import { debianTool } from "./debian-tools.ts";

/** A device served by a library that is not our own code: pymodbus 3, or libmodbus. */
export interface ForeignDevice {
  /** The TCP port, or the path of the serial port whose other end is the device. */
  readonly address: string;
  /** Asks for a register, in the words that its program takes. */
  register(...words: readonly (string | number)[]): Promise<number>;
  close(): Promise<void>;
}

const SCRIPTS = { "python3-pymodbus": "pymodbus-server.py", libmodbus: "libmodbus-server.py" };

export async function startForeignDevice(
  library: keyof typeof SCRIPTS,
  transport: "tcp" | "rtu-over-tcp" | "rtu",
): Promise<ForeignDevice> {
  const { program, environment } = debianTool(library);
  const script = fileURLToPath(new URL(SCRIPTS[library], import.meta.url));
  const server = spawn(program, [script, transport], {
    env: { ...process.env, ...environment },
    stdio: ["pipe", "pipe", "inherit"],
  });
  const lines = createInterface({ input: present(server.stdout, "a pipe") })[
    Symbol.asyncIterator
  ]();
  const nextLine = async (): Promise<string> => {
    const { value } = (await lines.next()) as IteratorResult<string, undefined>;
    return present(value, `the ${library} server ended before it answered`);
  };
  const address = await nextLine();
  return {
    address,
    async register(...words) {
      server.stdin?.write(`${words.join(" ")}\n`);
      return Number(await nextLine());
    },
    async close() {
      const ended = new Promise((resolve) => server.once("exit", resolve));
      server.stdin?.end();
      await ended;
    },
  };
}

/** Where the driver finds it. */
export function addressOn(
  server: ForeignDevice,
  transport: "tcp" | "rtu-over-tcp" | "rtu",
): Pick<DeviceConfig, "port" | "transport" | "serial"> {
  if (transport !== "rtu") return { port: Number(server.address), transport, serial: null };
  const line = { baudRate: 115_200, parity: "none", stopBits: 1, frameGapMs: null } as const;
  return { port: 0, transport, serial: { path: server.address, ...line } };
}
