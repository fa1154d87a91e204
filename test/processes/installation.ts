import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterAll, afterEach } from "vitest";
import { present } from "../../kernel/assert.ts";
import { type Exit, inProject, Program } from "./program.ts";
import { SimulatorProgram } from "./simulator-program.ts";

/** Options of `r-emsd`: free ports for operators, told in the log line that says "ready". */
export const FREE_PORTS = ["--operator-port", "0", "--http-port", "0"];

const NODE_PORT = /^(peer_port|operator_port|http_port) = \d+$/gm;
const ANY_PORT = /^((?:peer_|operator_|http_)?port) = \d+$/gm;

/** One line of a daemon's log. */
export interface LogLine extends Readonly<Record<string, unknown>> {
  readonly module: string;
  readonly msg: string;
}

/** A daemon that said "ready". */
export class DaemonProgram extends Program {
  readonly dataDirectory: string;

  /** @param before - A program, with its arguments, that becomes the daemon. */
  constructor(
    name: string,
    args: readonly string[],
    dataDirectory: string,
    before: readonly string[] = [],
  ) {
    const main = inProject("dist/apps/r-emsd/main.js");
    const command = [...before, process.execPath, main, ...args, "--data-dir", dataDirectory];
    super(name, present(command[0], "a program"), command.slice(1));
    this.dataDirectory = dataDirectory;
  }

  /** Everything that it logged, parsed: a line that is no JSON fails the test. */
  get log(): readonly LogLine[] {
    return this.out.map((line) => JSON.parse(line) as LogLine);
  }

  /** The line in which it says that it is ready, with its ports. */
  get ready(): { readonly operatorPort: number; readonly httpPort: number } {
    const line = this.log.find(({ module, msg }) => module === "main" && msg === "ready");
    return present(line, "the daemon logs its ports") as unknown as {
      operatorPort: number;
      httpPort: number;
    };
  }

  /** Waits for a change of role of one of its controllers. */
  async untilRole(role: string, withinMs: number): Promise<void> {
    const isSo = () => this.log.some((line) => line.msg === "role" && line["to"] === role);
    await this.until(`role ${role}`, isSo, withinMs);
  }

  async untilReady(): Promise<void> {
    await this.until("ready", () => this.err.includes("ready"));
    await this.until("log line with its ports", () =>
      this.out.some((line) => /"msg":"ready"/.test(line)),
    );
  }
}

/** What a finished `r-emsd` or `r-emsctl` left behind. */
export interface Finished extends Exit {
  readonly out: string;
  readonly err: string;
}

/** Waits for a program's end. */
export async function finished(program: Program, withinMs = 15_000): Promise<Finished> {
  const exit = await program.untilExit(withinMs);
  return { ...exit, out: program.out.join("\n"), err: program.err.join("\n") };
}

/** The programs of one test file, in a folder of their own. */
export class TestInstallation {
  readonly folder = mkdtempSync(join(tmpdir(), "r-ems-processes-"));
  readonly #programs: Program[] = [];
  #runCount = 0;

  /**
   * A shipped manifest with free ports for its nodes, in this folder.
   * @param change - What else is different in its text.
   * @param name - The file's name; the simulator finds the plant's parameters by it.
   */
  manifest(
    example: "single" | "vessel",
    change: (text: string) => string = (text) => text,
    name = `${example}.toml`,
  ): Promise<string> {
    return this.#manifestWith(NODE_PORT, example, change, name);
  }

  /** A shipped manifest with free ports for its nodes and its devices: for the launcher, which uses the manifest's. */
  manifestForLauncher(example: "vessel" | "land-battery"): Promise<string> {
    return this.#manifestWith(ANY_PORT, example, (text) => text, `${example}.toml`);
  }

  async #manifestWith(
    portLine: RegExp,
    example: string,
    change: (text: string) => string,
    name: string,
  ): Promise<string> {
    const text = readFileSync(inProject(`configs/${example}.toml`), "utf8");
    const ports = await freePorts(text.match(portLine)?.length ?? 0);
    const path = join(this.folder, name);
    const withPorts = text.replaceAll(portLine, (_line, key: string) => `${key} = ${ports.pop()}`);
    writeFileSync(path, change(withPorts));
    return path;
  }

  file(name: string, text: string): string {
    const path = join(this.folder, name);
    writeFileSync(path, text);
    return path;
  }

  async simulator(manifest: string): Promise<SimulatorProgram> {
    const simulator = this.keep(new SimulatorProgram(manifest));
    await simulator.untilReady();
    return simulator;
  }

  /** Starts a daemon and returns before it is ready. */
  launch(
    manifest: string,
    options: readonly string[],
    dataDirectory = "data",
    before: readonly string[] = [],
  ): DaemonProgram {
    this.#runCount++;
    const name = `r-emsd ${basename(dataDirectory)} (${this.#runCount})`;
    const directories = ["--log-dir", join(this.folder, "logs")];
    return this.keep(
      new DaemonProgram(
        name,
        ["--config", manifest, ...directories, ...options],
        join(this.folder, dataDirectory),
        before,
      ),
    );
  }

  async daemon(
    manifest: string,
    options: readonly string[],
    dataDirectory = "data",
  ): Promise<DaemonProgram> {
    const daemon = this.launch(manifest, options, dataDirectory);
    await daemon.untilReady();
    return daemon;
  }

  /** The options that send a node's daemon to the simulated devices. */
  towards(simulator: SimulatorProgram, node: string): string[] {
    const path = this.file(`${node}-addresses.json`, JSON.stringify(simulator.addressesOf(node)));
    return ["--address-map", path];
  }

  /** Starts a program of any kind; it ends with this test file at the latest. */
  start(
    name: string,
    program: string,
    args: readonly string[],
    environment: Readonly<Record<string, string | undefined>> = {},
  ): Program {
    return this.keep(new Program(name, program, args, environment));
  }

  /** Starts `r-emsctl` against a daemon. */
  startCtl(daemon: DaemonProgram, ...args: readonly string[]): Program {
    const address = ["--address", `127.0.0.1:${daemon.ready.operatorPort}`];
    const program = inProject("bin/r-emsctl");
    return this.start(`r-emsctl ${args.join(" ")}`, process.execPath, [
      program,
      ...address,
      ...args,
    ]);
  }

  /** Runs `r-emsctl` against a daemon, to its end. */
  ctl(daemon: DaemonProgram, ...args: readonly string[]): Promise<Finished> {
    return finished(this.startCtl(daemon, ...args));
  }

  tails(): string {
    return this.#programs.map((program) => program.tail()).join("\n");
  }

  /** Kills what still runs, and removes the folder. */
  async close(): Promise<void> {
    const alive = this.#programs.filter((program) => program.isAlive);
    await Promise.all(alive.map((program) => program.end("SIGKILL")));
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Takes a program that was started: it ends with this test file at the latest. */
  keep<P extends Program>(program: P): P {
    this.#programs.push(program);
    return program;
  }
}

/** An installation for this test file: closed after its last test; a test that fails shows what its programs wrote. */
export function useInstallation(): TestInstallation {
  const installation = new TestInstallation();
  afterEach(({ task }) => {
    if (task.result?.state === "fail") process.stderr.write(`${installation.tails()}\n`);
  });
  afterAll(() => installation.close());
  return installation;
}

/** Below the ranges from which systems take ports for outgoing connections and for servers that asked for any port. */
const PORT_MIN = 10_000;
const PORT_RANGE = 20_000;

/** Ports that nobody listens on, all different: a program started next can have them. */
export async function freePorts(count: number): Promise<number[]> {
  const found: number[] = [];
  for (let port = PORT_MIN + Math.floor(Math.random() * PORT_RANGE); found.length < count; port++) {
    if (!(await isListening(port))) found.push(port);
  }
  return found;
}

/** True if somebody listens there. */
export async function isListening(port: number): Promise<boolean> {
  const server = createServer();
  const isFree = await new Promise<boolean>((resolve) => {
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => resolve(true));
  });
  await new Promise((resolve) => server.close(resolve));
  return !isFree;
}
