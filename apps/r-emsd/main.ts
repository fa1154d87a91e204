import { resolve } from "node:path";
import { loadManifest, findManifestPath } from "../../configs/load-manifest.ts";
import type { Manifest, NodeConfig } from "../../configs/manifest.ts";
import { nodeOf } from "../../configs/manifest-queries.ts";
import { readNodeName } from "../../configs/setup/wizard.ts";
import { RemsError } from "../../kernel/errors.ts";
import { dialDirectly, readAddressMap } from "./address-map.ts";
import { startDaemon } from "./daemon.ts";
import { createLog, parseLogLevels } from "./log.ts";
import { observerManifest } from "./observer-manifest.ts";
import type { DaemonOptions } from "./options.ts";
import { parseDaemonOptions } from "./options.ts";
import { needsSetup, runFirstSetup } from "./first-setup.ts";
import { openTrace } from "./trace-file.ts";

const VERSION = "0.1.0";
const STOP_MS_MAX = 4000;

/** One message, no stack trace: the user's matter. A defect keeps its stack. */
function end(error: unknown): never {
  if (error instanceof RemsError) {
    process.stderr.write(`r-emsd: ${error.message}\n`);
    process.exit(2);
  }
  process.stderr.write(
    `r-emsd: defect, please report: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
  );
  process.exit(1);
}

function chooseNode(manifest: Manifest, options: DaemonOptions): NodeConfig {
  const [only, ...others] = manifest.nodes;
  const chosen = options.node === null && only !== undefined && others.length === 0 ? only : null;
  const name = options.node ?? readNodeName(manifest.path);
  if (chosen === null && name === null) {
    throw new RemsError(
      "REMS_REQUEST_INVALID",
      `which node is this? Give --node, one of ${manifest.nodes.map((node) => node.id).join(", ")}`,
    );
  }
  const node = chosen ?? nodeOf(manifest, name ?? "");
  return {
    ...node,
    operatorPort: options.operatorPort ?? node.operatorPort,
    httpPort: options.httpPort ?? node.httpPort,
  };
}

function chooseManifest(options: DaemonOptions): Manifest {
  const loaded = loadManifest(findManifestPath(options.configPath ?? undefined, process.env));
  const manifest: Manifest =
    options.coordinator === null
      ? loaded
      : { ...loaded, coordinator: { kind: options.coordinator, endpoints: options.endpoints } };
  if (!options.isObserver) return manifest;
  return observerManifest(manifest, {
    operatorPort: options.operatorPort ?? 0,
    httpPort: options.httpPort ?? 0,
  });
}

async function main(): Promise<void> {
  const options = parseDaemonOptions(process.argv.slice(2));
  if (needsSetup(options, process.env)) await runFirstSetup(options, process.env);
  const manifest = chooseManifest(options);
  const node = chooseNode(manifest, options);
  for (const [option, value] of [
    ["--address-map", options.addressMapPath],
    ["--trace", options.tracePath],
    ["--simulation-control", options.simulationControl],
  ]) {
    if (value === null || manifest.mode === "simulation") continue;
    throw new RemsError(
      "REMS_CONFIG_INVALID",
      `${option} is for simulation only; ${manifest.path} has mode = "${manifest.mode}"`,
    );
  }
  const logDirectory = resolve(options.logDirectory ?? manifest.logging.directory);
  const log = createLog({
    directory: logDirectory,
    node: node.id,
    keepDays: manifest.logging.keepDays,
    levels: parseLogLevels(
      process.env["R_EMS_LOG"] ?? process.env["R-EMS_LOG"] ?? manifest.logging.level,
    ),
    isOnStdout: options.isLogOnStdout,
    base: {
      installation: manifest.installation.id,
      ...(manifest.mode === "simulation" ? { mode: "SIMULATION" } : {}),
    },
  });
  const mainLog = log("main");
  const daemon = await startDaemon({
    manifest,
    node,
    dataDirectory: resolve(options.dataDirectory ?? node.dataDirectory),
    logDirectory,
    dial: options.addressMapPath === null ? dialDirectly : readAddressMap(options.addressMapPath),
    log,
    trace: options.tracePath === null ? null : openTrace(options.tracePath, node.id),
    version: VERSION,
    simulationControl: options.simulationControl,
    onFatal(error) {
      mainLog.fatal({ err: error }, "cannot go on");
      end(error);
    },
  });
  process.stderr.write("ready\n");

  let isStopping = false;
  const stop = (why: string) => {
    if (isStopping) return;
    isStopping = true;
    mainLog.info({ why }, "stopping");
    const limit = setTimeout(() => process.exit(1), STOP_MS_MAX);
    limit.unref();
    daemon.stop().then(() => process.exit(0), end);
  };
  process.once("SIGTERM", () => stop("SIGTERM"));
  process.once("SIGINT", () => stop("SIGINT"));
  if (options.isStoppedWithStdin) {
    process.stdin.once("end", () => stop("stdin closed"));
    process.stdin.once("error", () => stop("stdin failed"));
    process.stdin.resume();
  }
}

process.on("uncaughtException", end);
process.on("unhandledRejection", end);
await main().catch(end);
