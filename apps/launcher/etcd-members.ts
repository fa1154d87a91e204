import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { accessSync, closeSync, constants, mkdirSync, openSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { delimiter, join } from "node:path";
import { RemsError } from "../../kernel/errors.ts";

export interface EtcdMembersOptions {
  /** Path of the `etcd` program. */
  readonly program: string;
  /** A new folder for data and logs: a cluster cannot be started again on other ports. */
  readonly directory: string;
  /** 3 in earnest; 1 has no redundancy. */
  readonly count: number;
  /** For a local network by default. */
  readonly timings?: EtcdTimings | undefined;
  /** Gives up while it starts: what had started is ended. */
  readonly signal?: AbortSignal;
}

/** etcd's own clockwork, ms. Its defaults are 100 and 1000; for a local network 20 and 200 do. */
export interface EtcdTimings {
  readonly heartbeatMs: number;
  readonly electionMs: number;
}

const LOCAL_NETWORK: EtcdTimings = { heartbeatMs: 20, electionMs: 200 };

/** A running etcd cluster on loopback. */
export interface EtcdMembers {
  /** `127.0.0.1:port` of each member. */
  readonly endpoints: readonly string[];
  pids(): readonly number[];
  /** `SIGKILL` by default; `SIGSTOP` and `SIGCONT` where the system has them. */
  kill(index: number, signal?: NodeJS.Signals): void;
  /** Place of the member that leads the cluster. @throws {@link RemsError} `REMS_TIMEOUT` where none says so. */
  leader(): Promise<number>;
  /** Starts a member again that was killed, on its own data. Resolves once it answers. */
  restart(index: number): Promise<void>;
  /** Ends all members and waits until they are gone. */
  stop(): Promise<void>;
}

const READY_MS_MAX = 20_000;
/** etcd survives SIGKILL; waiting longer for its orderly end has no use. */
const STOP_MS_MAX = 700;
const START_COUNT_MAX = 3;
const LEADER_MS_MAX = 3000;

interface Ports {
  readonly client: number;
  readonly peer: number;
}

/** The `etcd` program on the PATH, else where `npm run etcd` puts it; null where there is none. */
export function findEtcdProgram(projectDirectory: string): string | null {
  const cached = join(projectDirectory, ".cache", "debian", "usr", "bin");
  const directories = [...(process.env["PATH"] ?? "").split(delimiter), cached];
  const name = process.platform === "win32" ? "etcd.exe" : "etcd";
  for (const directory of directories) {
    if (directory === "") continue;
    try {
      accessSync(join(directory, name), constants.X_OK);
      return join(directory, name);
    } catch {
      continue;
    }
  }
  return null;
}

/**
 * Starts an etcd cluster on free loopback ports, tuned for a local network, and waits until every member answers.
 * @throws {@link RemsError} `REMS_PROGRAM_FAILED` with the end of a member's log.
 */
export async function startEtcdMembers(options: EtcdMembersOptions): Promise<EtcdMembers> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await startOnce({ ...options, directory: join(options.directory, `run${attempt}`) });
    } catch (error) {
      // Between finding a free port and etcd's taking it, somebody else may have.
      const isPortTaken =
        error instanceof Error && error.message.includes("address already in use");
      if (!isPortTaken || attempt === START_COUNT_MAX) throw error;
    }
  }
}

async function startOnce(options: EtcdMembersOptions): Promise<EtcdMembers> {
  const { directory, count, signal } = options;
  mkdirSync(directory, { recursive: true });
  const free = await freePorts(2 * count);
  const ports: Ports[] = [];
  for (let i = 0; i < count; i++) {
    ports.push({ client: free[2 * i] as number, peer: free[2 * i + 1] as number });
  }
  const children = ports.map((_own, index) => startMember(options, ports, index));
  const stop = async () => {
    await Promise.all(children.map(endChild));
  };
  try {
    await Promise.all(
      ports.map((own, i) => untilReady(own, children[i], logOf(directory, i), signal)),
    );
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    endpoints: ports.map(({ client }) => `127.0.0.1:${client}`),
    pids() {
      return children.map(({ pid }) => pid ?? 0);
    },
    kill(index, signal = "SIGKILL") {
      children[index]?.kill(signal);
    },
    async leader() {
      const deadlineMs = performance.now() + LEADER_MS_MAX;
      while (performance.now() < deadlineMs) {
        const answers = await Promise.all(ports.map(({ client }) => isLeader(client)));
        const index = answers.indexOf(true);
        if (index >= 0) return index;
        await new Promise((resolve) => setTimeout(resolve, 30));
      }
      throw new RemsError("REMS_TIMEOUT", "no member of etcd says that it leads");
    },
    async restart(index) {
      const own = ports[index];
      if (own === undefined) return;
      const child = startMember(options, ports, index);
      children[index] = child;
      await untilReady(own, child, logOf(directory, index));
    },
    stop,
  };
}

const logOf = (directory: string, index: number) => join(directory, `etcd${index + 1}.log`);

function startMember(
  { program, directory, timings = LOCAL_NETWORK }: EtcdMembersOptions,
  ports: readonly Ports[],
  index: number,
): ChildProcess {
  const { client, peer } = ports[index] as Ports;
  const url = (port: number) => `http://127.0.0.1:${port}`;
  const name = (i: number) => `etcd${i + 1}`;
  const flags: Readonly<Record<string, string>> = {
    name: name(index),
    "data-dir": join(directory, name(index)),
    "listen-peer-urls": url(peer),
    "initial-advertise-peer-urls": url(peer),
    "listen-client-urls": url(client),
    "advertise-client-urls": url(client),
    "initial-cluster": ports.map((each, i) => `${name(i)}=${url(each.peer)}`).join(","),
    "initial-cluster-token": `r-ems-${ports.map((each) => each.peer).join("-")}`,
    "initial-cluster-state": "new",
    "heartbeat-interval": String(timings.heartbeatMs),
    "election-timeout": String(timings.electionMs),
    "auto-compaction-mode": "revision",
    "auto-compaction-retention": "1000",
    logger: "zap",
    "log-level": "warn",
  };
  const log = openSync(logOf(directory, index), "a");
  try {
    return spawn(
      program,
      Object.entries(flags).map(([flag, value]) => `--${flag}=${value}`),
      {
        stdio: ["ignore", log, log],
        // etcd 3.4 wants this said on ARM; its own environment must not change what is set here.
        env: {
          PATH: process.env["PATH"],
          ...(process.arch === "arm64" ? { ETCD_UNSUPPORTED_ARCH: "arm64" } : {}),
        },
      },
    ).on("error", () => {});
  } finally {
    closeSync(log);
  }
}

async function untilReady(
  { client }: Ports,
  child: ChildProcess | undefined,
  logPath: string,
  signal?: AbortSignal,
): Promise<void> {
  const deadlineMs = performance.now() + READY_MS_MAX;
  for (;;) {
    if (signal?.aborted === true) {
      throw new RemsError("REMS_PROGRAM_FAILED", "etcd is not wanted any more");
    }
    const isGone = child?.pid === undefined || child.exitCode !== null || child.signalCode !== null;
    if (isGone || performance.now() > deadlineMs) {
      const what = isGone ? "ended at once" : `did not answer within ${READY_MS_MAX} ms`;
      const log = readFileSync(logPath, "utf8").slice(-2000);
      throw new RemsError("REMS_PROGRAM_FAILED", `etcd ${what}; the end of ${logPath}: ${log}`);
    }
    if (await isHealthy(client)) return;
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
}

async function isHealthy(port: number): Promise<boolean> {
  try {
    const signal = AbortSignal.timeout(1000);
    const response = await fetch(`http://127.0.0.1:${port}/health`, { signal });
    return (await response.text()).includes('"true"');
  } catch {
    return false;
  }
}

async function isLeader(port: number): Promise<boolean> {
  try {
    const url = `http://127.0.0.1:${port}/v3/maintenance/status`;
    const signal = AbortSignal.timeout(500);
    const response = await fetch(url, { method: "POST", body: "{}", signal });
    const status = (await response.json()) as { leader?: string; header?: { member_id?: string } };
    return status.leader !== undefined && status.leader === status.header?.member_id;
  } catch {
    return false;
  }
}

async function endChild(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  child.kill("SIGTERM");
  // A stopped process only hears SIGKILL.
  const timer = setTimeout(() => child.kill("SIGKILL"), STOP_MS_MAX);
  await ended;
  clearTimeout(timer);
}

/** Ports that nobody listens on at this moment, all different. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  try {
    return await Promise.all(
      servers.map(
        (server) =>
          new Promise<number>((resolve, reject) => {
            server.once("error", reject);
            server.listen(0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port));
          }),
      ),
    );
  } finally {
    for (const server of servers) server.close();
  }
}
