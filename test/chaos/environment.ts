import { spawn, spawnSync } from "node:child_process";
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  rmSync,
  statfsSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import type { Disturbances, SettableClock, SmallDisk } from "../../apps/launcher/disturbances.ts";
import type { PacketFilter } from "../../apps/launcher/packet-filter.ts";
import { openPacketFilter } from "../../apps/launcher/packet-filter.ts";
import { RemsError } from "../../kernel/errors.ts";

/** What this system allows, and what stands in where it does not. */
export interface Environment {
  /** One line for each means. */
  readonly means: readonly string[];
  readonly packetFilter: PacketFilter | null;
  readonly disturbances: Disturbances;
  /** The one node whose wall clock can be set; null where none can. */
  readonly clockNode: string | null;
  readonly dataDirectory: (node: string) => string;
  readonly nodeEnvironment: (node: string) => Readonly<Record<string, string>>;
  close(): void;
}

const DISK_MB = 256;
const OUTSIDE_LOOK_MS = 500;
/** Set for the program that runs inside its own namespaces. */
const INSIDE = "R_EMS_CHAOS_INSIDE";

/** Options of `unshare` that give this user namespaces of its own for network and mounts; null where that is not allowed. */
function namespaceOptions(): readonly string[] | null {
  if (process.platform !== "linux") return null;
  const attempts = process.getuid?.() === 0 ? [["-n", "-m"]] : [["-U", "-r", "-n", "-m"]];
  const script = "ip link set lo up && mount -t tmpfs none /tmp";
  return (
    attempts.find(
      (options) => spawnSync("unshare", [...options, "sh", "-c", script]).status === 0,
    ) ?? null
  );
}

/**
 * Starts this very program again inside namespaces of its own, where its packets can be dropped and its disks be small, and waits for it.
 * @returns Its exit code; null where this is that program already, or where namespaces are not allowed.
 */
export async function runInside(): Promise<number | null> {
  if (process.env[INSIDE] !== undefined) return null;
  const options = namespaceOptions();
  if (options === null) return null;
  const self = [process.execPath, ...process.execArgv, ...process.argv.slice(1)];
  const script = 'ip link set lo up && exec "$0" "$@"';
  const child = spawn("unshare", [...options, "sh", "-c", script, ...self], {
    stdio: "inherit",
    env: { ...process.env, [INSIDE]: String(process.pid) },
    // Its own group, so that Ctrl-C reaches it once, from here.
    detached: true,
  });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => child.kill(signal));
  }
  return new Promise((resolve) => {
    child.on("error", () => resolve(1));
    child.on("close", (code) => resolve(code ?? 1));
  });
}

/** Inside: calls `end` once the program that started this one is gone, however that happened. */
export function endWithOutside(end: () => void): void {
  if (process.env[INSIDE] === undefined) return;
  const outside = process.ppid;
  setInterval(() => {
    if (process.ppid !== outside) end();
  }, OUTSIDE_LOOK_MS).unref();
}

export async function prepareEnvironment(
  projectDirectory: string,
  nodes: readonly string[],
): Promise<Environment> {
  const folder = mkdtempSync(join(tmpdir(), "r-ems-chaos-"));
  const isInside = process.env[INSIDE] !== undefined;
  const unpacked = join(projectDirectory, ".cache", "debian");
  const packetFilter = isInside ? await tryPacketFilter(unpacked) : null;
  const isMounted = isInside && mountSmallDisks(folder, nodes);
  for (const node of nodes) mkdirSync(diskOf(folder, node), { recursive: true });
  const library = findFaketime(unpacked);
  const clockNode = library === null ? null : (nodes.at(-1) ?? null);
  const disk = isMounted ? smallDisk(folder) : limitedFiles();
  return {
    means: [
      `partitions and power cuts: ${packetFilter === null ? "the launcher's relays stop passing bytes (no network namespace with nft here)" : "packets dropped by nft in a network namespace of its own"}`,
      "latency: the launcher's relays (netem is in few kernels)",
      `full disk: ${isMounted ? `a tmpfs of ${DISK_MB} MiB per node, filled` : disk === null ? "left out: neither a tmpfs may be mounted nor is there prlimit" : "a file-size limit of the node's process (prlimit), for no tmpfs may be mounted here"}`,
      `clock step: ${clockNode === null ? "left out: there is no libfaketime" : `libfaketime under ${clockNode}, wall clock only`}`,
    ],
    packetFilter,
    disturbances: { disk, clock: library === null ? null : settableClock(folder) },
    clockNode,
    dataDirectory: (node) => diskOf(folder, node),
    nodeEnvironment(node): Readonly<Record<string, string>> {
      if (library === null || node !== clockNode) return {};
      return {
        LD_PRELOAD: library,
        FAKETIME_TIMESTAMP_FILE: clockFile(folder),
        FAKETIME_CACHE_DURATION: "1",
        FAKETIME_DONT_FAKE_MONOTONIC: "1",
        DONT_FAKE_MONOTONIC: "1",
      };
    },
    close() {
      if (isMounted) for (const node of nodes) spawnSync("umount", [diskOf(folder, node)]);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

const diskOf = (folder: string, node: string) => join(folder, node);
const clockFile = (folder: string) => join(folder, "clock");

/** `nft` from an unpacked package finds its libraries beside it. */
function librariesOf(unpacked: string): string {
  const base = join(unpacked, "usr", "lib");
  if (!existsSync(base)) return "";
  const names = readdirSync(base).filter((name) => name.endsWith("-linux-gnu"));
  return names.map((name) => join(base, name)).join(":");
}

async function tryPacketFilter(unpacked: string): Promise<PacketFilter | null> {
  const folders = [...(process.env["PATH"] ?? "").split(delimiter), join(unpacked, "usr", "sbin")];
  const program = folders.map((folder) => join(folder, "nft")).find((path) => existsSync(path));
  if (program === undefined) return null;
  try {
    return await openPacketFilter(program, librariesOf(unpacked));
  } catch (error) {
    if (RemsError.find(error, "REMS_PROGRAM_FAILED") === undefined) throw error;
    return null;
  }
}

function mountSmallDisks(folder: string, nodes: readonly string[]): boolean {
  return nodes.every((node) => {
    mkdirSync(diskOf(folder, node), { recursive: true });
    const args = ["-t", "tmpfs", "-o", `size=${DISK_MB}m`, "r-ems-chaos", diskOf(folder, node)];
    return spawnSync("mount", args).status === 0;
  });
}

function smallDisk(folder: string): SmallDisk {
  return {
    setFull({ id }, isFull) {
      const filler = join(diskOf(folder, id), "filler");
      if (isFull) fill(filler, diskOf(folder, id));
      else rmSync(filler, { force: true });
      return Promise.resolve();
    },
  };
}

function fill(path: string, folder: string): void {
  const fd = openSync(path, "w");
  try {
    for (const size of [1 << 20, 4096, 1]) {
      const zeros = Buffer.alloc(size);
      const { bavail, bsize } = statfsSync(folder);
      for (let left = (bavail * bsize) / size; left >= 1; left--) writeSync(fd, zeros);
    }
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ENOSPC")) throw error;
  } finally {
    closeSync(fd);
  }
}

/** Node ignores the signal that comes with it, so that a write fails with EFBIG as it would fail with ENOSPC. */
function limitedFiles(): SmallDisk | null {
  if (spawnSync("prlimit", ["--version"]).status !== 0) return null;
  return {
    setFull(node, isFull) {
      const limit = isFull ? "1:unlimited" : "unlimited:unlimited";
      spawnSync("prlimit", ["--pid", String(node.view().pid), `--fsize=${limit}`]);
      return Promise.resolve();
    },
  };
}

function findFaketime(unpacked: string): string | null {
  const bases = [join(unpacked, "usr", "lib"), "/usr/lib"];
  for (const base of bases) {
    if (!existsSync(base)) continue;
    for (const name of readdirSync(base)) {
      const path = join(base, name, "faketime", "libfaketimeMT.so.1");
      if (existsSync(path)) return path;
    }
  }
  return null;
}

function settableClock(folder: string): SettableClock {
  let offsetMs = 0;
  const set = () => {
    const text = `${offsetMs < 0 ? "-" : "+"}${Math.abs(offsetMs) / 1000}\n`;
    writeFileSync(clockFile(folder), text);
  };
  set();
  return {
    step(_node, stepMs) {
      offsetMs += stepMs;
      set();
    },
  };
}
