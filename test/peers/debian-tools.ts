import { spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { RemsError } from "../../kernel/errors.ts";

/** How to start a foreign program: with these variables beside the ones of this process. */
export interface DebianTool {
  readonly program: string;
  readonly environment: NodeJS.ProcessEnv;
}

const UNPACKED = fileURLToPath(new URL("../../.cache/debian/", import.meta.url));
const PYTHON = existsSync("/usr/bin/python3") ? "/usr/bin/python3" : "python3";

function runs(program: string, args: readonly string[], environment: NodeJS.ProcessEnv): boolean {
  const result = spawnSync(program, args, {
    env: { ...process.env, ...environment },
    timeout: 20_000,
  });
  return result.error === undefined && result.status === 0;
}

function pymodbus(): DebianTool | null {
  const folder = join(UNPACKED, "usr/lib/python3/dist-packages");
  const environments = [{ PYTHONPATH: folder }, {}];
  const environment = environments.find((one) =>
    runs(PYTHON, ["-c", "import pymodbus.server"], one),
  );
  return environment === undefined ? null : { program: PYTHON, environment };
}

function grpcio(): DebianTool | null {
  const folder = join(UNPACKED, "usr/lib/python3/dist-packages");
  const libraries = ["x86_64-linux-gnu", "aarch64-linux-gnu"].map((name) =>
    join(UNPACKED, "usr/lib", name),
  );
  const own = { PYTHONPATH: folder, LD_LIBRARY_PATH: libraries.join(":") };
  const imports = "import grpc; from google.protobuf import descriptor_pool";
  const environment = [own, {}].find((one) => runs(PYTHON, ["-c", imports], one));
  return environment === undefined ? null : { program: PYTHON, environment };
}

function mbpoll(): DebianTool | null {
  const program = join(UNPACKED, "usr/bin/mbpoll");
  const libraries = join(UNPACKED, "usr/lib");
  if (existsSync(program)) {
    const folders = readdirSync(libraries).map((name) => join(libraries, name));
    const environment = { LD_LIBRARY_PATH: [libraries, ...folders].join(":") };
    if (runs(program, ["-V"], environment)) return { program, environment };
  }
  return runs("mbpoll", ["-V"], {}) ? { program: "mbpoll", environment: {} } : null;
}

/** Python with the library's path: programs on it are ours, the protocol is the library's. */
function libmodbus(): DebianTool | null {
  const folders = ["lib/x86_64-linux-gnu", "lib/aarch64-linux-gnu", "lib"];
  const places = folders.flatMap((folder) => [join(UNPACKED, "usr", folder), `/usr/${folder}`]);
  const library = places
    .map((folder) => join(folder, "libmodbus.so.5"))
    .find((path) =>
      runs(PYTHON, ["-c", `import ctypes; ctypes.CDLL(${JSON.stringify(path)})`], {}),
    );
  return library === undefined
    ? null
    : { program: PYTHON, environment: { R_EMS_LIBMODBUS: library } };
}

function influxdb(): DebianTool | null {
  const own = join(UNPACKED, "usr/bin/influxd");
  const program = [own, "influxd"].find((path) => runs(path, ["version"], {}));
  return program === undefined ? null : { program, environment: {} };
}

const FINDERS = {
  "python3-pymodbus": pymodbus,
  "python3-grpcio": grpcio,
  mbpoll,
  libmodbus,
  influxdb,
};

/**
 * Finds a foreign program by the name of its Debian package: unpacked in `.cache/debian`, else on the system.
 * @throws {@link RemsError} `REMS_PROGRAM_MISSING` that says how to get it: a test that needs it fails, it is never skipped.
 */
export function debianTool(name: keyof typeof FINDERS): DebianTool {
  const tool = FINDERS[name]();
  if (tool !== null) return tool;
  throw new RemsError(
    "REMS_PROGRAM_MISSING",
    `this test needs ${name}, which is neither in .cache/debian nor on the system; run "npm run tools"`,
    { details: { name } },
  );
}
