import { Command, CommanderError, Option } from "commander";
import { RemsError } from "../../kernel/errors.ts";

export interface DaemonOptions {
  readonly configPath: string | null;
  /** Id of this node in the manifest; may be left out where there is only one. */
  readonly node: string | null;
  /** Only looks on: one more node beside a running plant, with a record of its own, that writes nothing. */
  readonly isObserver: boolean;
  readonly dataDirectory: string | null;
  readonly logDirectory: string | null;
  /** Simulation only: a JSON file `{ "host:port": "host:port" }` that redirects outbound connections through a test network. */
  readonly addressMapPath: string | null;
  /** Operator gRPC and HTTP ports in place of the manifest's. */
  readonly operatorPort: number | null;
  readonly httpPort: number | null;
  readonly isLogOnStdout: boolean;
  /** In place of the manifest's coordinator: for launchers that start their own. */
  readonly coordinator: "etcd" | "embedded" | null;
  readonly endpoints: readonly string[];
  /** Simulation only: a file that takes one JSON line per step of a failover and per frame whose outputs were issued. */
  readonly tracePath: string | null;
  /** Orderly stop when stdin closes: with its parent, and where there is no SIGTERM. */
  readonly isStoppedWithStdin: boolean;
  /** Simulation only: where the launcher takes faults that web pages ask for. */
  readonly simulationControl: string | null;
}

const HELP = `
Examples:
  r-emsd --config configs/single.toml
  r-emsd --config /etc/r-ems/r-ems.toml --node n1
  r-emsd --config configs/vessel.toml --observe --operator-port 7501 --http-port 7502

The manifest is searched at --config, then $R_EMS_CONFIG_ROOT/r-ems.toml, then /etc/r-ems/r-ems.toml. Where none of the last two is, and no
--config was given, the setup wizard is served on 127.0.0.1 (--http-port, 7402 otherwise), behind a code that is printed.
Which node this is: --node, else node.env beside the manifest (NODE=n1), else the only node there is.
Log levels come from R_EMS_LOG, for example "info" or "info,drivers=debug,cluster=warn".
Exit codes: 0 orderly stop, 1 defect, 2 configuration, port or directory.`;

/** @throws {@link RemsError} `REMS_REQUEST_INVALID` for unknown or malformed options; help and version end the process. */
export function parseDaemonOptions(argv: readonly string[]): DaemonOptions {
  const program = new Command("r-emsd")
    .description("The daemon of R-EMS: controls the grids of one node.")
    .version("0.1.0")
    .option("-c, --config <file>", "manifest")
    .option("-n, --node <id>", "which node of the manifest this is")
    .option("--observe", "look on only: own record, nothing is written to any device", false)
    .option("--data-dir <directory>", "journal and own store, in place of the manifest's")
    .option("--log-dir <directory>", "log files, in place of the manifest's")
    .addOption(
      new Option("--operator-port <port>", "operator gRPC, in place of the manifest's").argParser(
        parsePort,
      ),
    )
    .addOption(
      new Option("--http-port <port>", "HTTP, in place of the manifest's").argParser(parsePort),
    )
    .option("--address-map <file>", "simulation only: redirect outbound connections")
    .option("--no-stdout-log", "log to files only")
    .addOption(
      new Option("--coordinator <kind>", "in place of the manifest's").choices([
        "etcd",
        "embedded",
      ]),
    )
    .option("--endpoints <list>", "its host:port list, separated by commas")
    .option("--trace <file>", "simulation only: write down every step of a failover")
    .option("--stop-with-stdin", "stop in order when stdin closes", false)
    .addOption(
      new Option(
        "--simulation-control <url>",
        "simulation only: where faults that the web application asks for are passed on to",
      ).argParser(parseLoopbackUrl),
    )
    .addHelpText("after", HELP)
    .exitOverride()
    .configureOutput({ writeErr: () => {} });
  try {
    program.parse(argv, { from: "user" });
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) process.exit(0);
    const message = error instanceof Error ? error.message : String(error);
    throw new RemsError("REMS_REQUEST_INVALID", `${message}; see r-emsd --help`, { cause: error });
  }
  const options = program.opts<{
    config?: string;
    node?: string;
    observe: boolean;
    dataDir?: string;
    logDir?: string;
    operatorPort?: number;
    httpPort?: number;
    addressMap?: string;
    stdoutLog: boolean;
    coordinator?: "etcd" | "embedded";
    endpoints?: string;
    trace?: string;
    stopWithStdin: boolean;
    simulationControl?: string;
  }>();
  return {
    configPath: options.config ?? null,
    node: options.node ?? null,
    isObserver: options.observe,
    dataDirectory: options.dataDir ?? null,
    logDirectory: options.logDir ?? null,
    addressMapPath: options.addressMap ?? null,
    operatorPort: options.operatorPort ?? null,
    httpPort: options.httpPort ?? null,
    isLogOnStdout: options.stdoutLog,
    coordinator: options.coordinator ?? null,
    endpoints: (options.endpoints ?? "").split(",").filter((endpoint) => endpoint !== ""),
    tracePath: options.trace ?? null,
    isStoppedWithStdin: options.stopWithStdin,
    simulationControl: options.simulationControl ?? null,
  };
}

function parseLoopbackUrl(text: string): string {
  if (/^http:\/\/127\.0\.0\.1:\d{1,5}$/.test(text)) return text;
  throw new CommanderError(2, "url", `"${text}" is not allowed; write http://127.0.0.1:PORT`);
}

function parsePort(text: string): number {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 0 || port > 65535) {
    throw new CommanderError(2, "port", `"${text}" is no port; allowed are 0 to 65535`);
  }
  return port;
}
