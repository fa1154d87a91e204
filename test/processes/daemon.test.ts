import { mkdirSync, readFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ModbusTestDevice } from "../support/modbus-device.ts";
import {
  type Finished,
  finished,
  FREE_PORTS,
  freePorts,
  isListening,
  useInstallation,
} from "./installation.ts";
import { inProject } from "./program.ts";

const installation = useInstallation();
const FREE = [...FREE_PORTS, "--no-stdout-log"];

async function refused(
  manifest: string,
  options: readonly string[] = FREE,
  dataDirectory?: string,
): Promise<string> {
  return judged(await finished(installation.launch(manifest, options, dataDirectory)));
}

/** What the user reads: one message under the program's name, no stack trace, exit code 2. */
function judged({ code, err }: Finished): string {
  expect(code, err).toBe(2);
  expect(err.match(/^r-emsd: /gm), err).toHaveLength(1);
  expect(err).not.toMatch(/^\s+at /m);
  expect(err.match(/\[REMS_[A-Z_]+\]/g), "one code").toHaveLength(1);
  return err;
}

describe("a fault of the configuration ends the daemon with one message that names it", () => {
  it("lists every fault of a manifest with file, line and what is allowed", async () => {
    const manifest = await installation.manifest("single", (text) =>
      text
        .replace("nominal_frequency_hz = 50", "nominal_frequency_hz = 5000")
        .replace("failover_order = 1", "failover_ordr = 1"),
    );
    const lines = readFileSync(manifest, "utf8").split("\n");
    const lineOf = (part: string) => lines.findIndex((line) => line.includes(part)) + 1;
    const message = await refused(manifest);
    expect(message).toContain(
      `${manifest}:${lineOf("5000")}: grids[0].nominal_frequency_hz: found 5000; allowed: 50 or 60`,
    );
    expect(message).toContain(`${manifest}:${lineOf("failover_ordr")}`);
    expect(message).toContain("did you mean `failover_order`?");
  });

  it("names a manifest that is not there, and where else one is looked for", async () => {
    const message = await refused(join(installation.folder, "absent.toml"));
    expect(message).toContain("absent.toml");
    expect(message).toContain("R_EMS_CONFIG_ROOT");
  });

  it("names a node that the manifest does not know, and those that it knows", async () => {
    const message = await refused(await installation.manifest("vessel"), [...FREE, "--node", "n9"]);
    expect(message).toMatch(/"n9".*n1, n2, n3/);
  });

  it("asks which node it is where there are several", async () => {
    const message = await refused(await installation.manifest("vessel"));
    expect(message).toContain("--node");
    expect(message).toContain("n1, n2, n3");
  });

  it("refuses an address map in production", async () => {
    // A profile without the simulator's signature counts as one of a real device.
    const shipped = readFileSync(inProject("configs/profiles/sim-plain-feeder.toml"), "utf8");
    mkdirSync(join(installation.folder, "profiles"));
    installation.file(
      "profiles/real-feeder.toml",
      shipped.replace('"sim-plain-feeder"', '"real-feeder"').replace(/\[signature\][^[]*/, ""),
    );
    const manifest = await installation.manifest("single", (text) => {
      const head = text.slice(0, text.indexOf("[[grids.devices]]"));
      return (head + text.slice(text.lastIndexOf("[[grids.devices]]")))
        .replace('mode = "simulation"', 'mode = "production"\nprofile_directories = ["profiles"]')
        .replace("sim-plain-feeder", "real-feeder");
    });
    const map = installation.file("map.json", "{}");
    const message = await refused(manifest, [...FREE, "--address-map", map]);
    expect(message).toContain("--address-map is for simulation only");
    expect(message).toContain('mode = "production"');
  });

  it.each([
    ["data directory", []],
    ["logging.directory", ["--log-dir"]],
  ])("names a %s that cannot be written", async (what, option) => {
    // Even root cannot make a folder below a file.
    const below = join(installation.file("file", "no folder"), "folder");
    const options = [...FREE, ...option.flatMap((name) => [name, below])];
    const message = await refused(
      await installation.manifest("single"),
      options,
      option.length === 0 ? "file/folder" : "data",
    );
    expect(message).toContain(`${what} ${below}`);
    expect(message).toMatch(/make it writable|change its owner/);
  });

  it.each([
    ["operator gRPC", "--operator-port"],
    ["HTTP", "--http-port"],
    ["peer gRPC", null],
  ] as const)("names a port for %s that is in use, and the remedy", async (_what, option) => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
    const { port } = taken.address() as AddressInfo;
    const manifest = await installation.manifest("single", (text) =>
      option === null ? text.replace(/peer_port = \d+/, `peer_port = ${port}`) : text,
    );
    const message = await refused(
      manifest,
      option === null ? FREE : [...FREE, option, String(port)],
    );
    await new Promise((resolve) => taken.close(resolve));
    expect(message).toContain(String(port));
    expect(message).toMatch(/free (the|that) port or change/);
  });
});

it("a data directory belongs to one daemon: the second names the first and ends, the first goes on", async () => {
  const manifest = await installation.manifest("single");
  const first = await installation.daemon(manifest, FREE_PORTS, "shared");
  const second = await installation.manifest("single", undefined, "second.toml");
  const message = await refused(second, FREE, "shared");
  expect(message).toContain(`${installation.folder}/shared`);
  expect(message).toContain(String(first.child.pid));
  expect(first.isAlive).toBe(true);
  expect((await first.end("SIGTERM")).code).toBe(0);
});

it("SIGTERM ends a leading daemon in order within five seconds, and leaves no port behind", async () => {
  const manifest = await installation.manifest("single");
  const simulator = await installation.simulator(manifest);
  const [operatorPort = 0, httpPort = 0] = await freePorts(2);
  const daemon = await installation.daemon(
    manifest,
    [
      "--operator-port",
      String(operatorPort),
      "--http-port",
      String(httpPort),
      ...installation.towards(simulator, "n1"),
    ],
    "term",
  );
  const peerPort = Number(/peer_port = (\d+)/.exec(readFileSync(manifest, "utf8"))?.[1]);
  const ports = [peerPort, operatorPort, httpPort];
  await daemon.untilRole("leading", 5000);
  await simulator.until("write by n1", () => simulator.writerOf("site") === "n1");
  expect(await Promise.all(ports.map(isListening))).toEqual([true, true, true]);

  const { code, tookMs } = await daemon.end("SIGTERM");
  expect(code).toBe(0);
  expect(tookMs).toBeLessThan(5000);
  expect(await Promise.all(ports.map(isListening))).toEqual([false, false, false]);
  expect((await simulator.end("SIGTERM")).code).toBe(0);
});

it.each([
  ["answers the signature register with 0", false],
  ["refuses the signature register with exception 2", true],
])(
  "in simulation a device that %s stops the daemon, and is never written",
  async (_how, isRefusing) => {
    const manifest = await installation.manifest("single");
    const simulator = await installation.simulator(manifest);
    const real = new ModbusTestDevice();
    if (isRefusing) {
      real.behave = ({ socket, request, reply, exception }) =>
        socket.write(request.address === 60_000 ? exception(2) : reply());
    }
    const port = await real.listen();
    try {
      // The battery alone is real: the simulated neighbours must not lend it their signature.
      const map = { ...simulator.addressesOf("n1"), "127.0.0.1:5322": `127.0.0.1:${port}` };
      const path = installation.file("mixed.json", JSON.stringify(map));
      const dataDirectory = `real-${isRefusing}`;
      const message = await refused(manifest, [...FREE, "--address-map", path], dataDirectory);
      expect(message).toContain("bat1");
      expect(real.reads.length).toBeGreaterThan(0);
      expect(real.writes).toEqual([]);
    } finally {
      await real.close();
      await simulator.end("SIGKILL");
    }
  },
);
