import { copyFileSync, existsSync, renameSync } from "node:fs";
import { resolve } from "node:path";
import type { Logger } from "pino";
import { findManifestPath, readNodeName } from "../../configs/manifest-path.ts";
import type { Manifest, NodeConfig } from "../../configs/manifest.ts";
import { nodeOf } from "../../configs/manifest-queries.ts";
import { RemsError } from "../../kernel/errors.ts";
import { dialDirectly, readAddressMap } from "./address-map.ts";
import { type Daemon, startDaemon } from "./daemon.ts";
import { createLog, parseLogLevels } from "./log.ts";
import type { ReadManifest } from "./manifest-messages.ts";
import { needsSetup } from "./needs-setup.ts";
import { observerManifest } from "./observer-manifest.ts";
import type { DaemonOptions } from "./options.ts";
import { parseDaemonOptions } from "./options.ts";
import { readManifest } from "./read-manifest.ts";
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

async function chooseManifest(options: DaemonOptions): Promise<ReadManifest> {
  const { manifest: loaded, source } = await readManifest(
    findManifestPath(options.configPath ?? undefined, process.env),
  );
  const manifest: Manifest =
    options.coordinator === null
      ? loaded
      : { ...loaded, coordinator: { kind: options.coordinator, endpoints: options.endpoints } };
  if (!options.isObserver) return { manifest, source };
  const observed = observerManifest(manifest, {
    operatorPort: options.operatorPort ?? 0,
    httpPort: options.httpPort ?? 0,
  });
  return { manifest: observed, source };
}

/** A node that runs, and what it was started with. */
interface RunningNode {
  readonly daemon: Daemon;
  readonly log: Logger;
  readonly manifestPath: string;
}

/** @param onRestart - Somebody wants the node to start anew with its file. */
async function startNode(
  options: DaemonOptions,
  onRestart: (why: string) => void,
): Promise<RunningNode> {
  const { manifest, source } = await chooseManifest(options);
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
    source,
    node,
    dataDirectory: resolve(options.dataDirectory ?? node.dataDirectory),
    logDirectory,
    dial: options.addressMapPath === null ? dialDirectly : readAddressMap(options.addressMapPath),
    log,
    trace: options.tracePath === null ? null : openTrace(options.tracePath, node.id),
    version: VERSION,
    simulationControl: options.simulationControl,
    onRestart,
    onFatal(error) {
      mainLog.fatal({ err: error }, "cannot go on");
      end(error);
    },
  });
  process.stderr.write("ready\n");
  return { daemon, log: mainLog, manifestPath: manifest.path };
}

async function main(): Promise<void> {
  const options = parseDaemonOptions(process.argv.slice(2));
  if (needsSetup(options, process.env)) {
    // Only here: a node that runs would hold the wizard and its schemas for nothing.
    const { runFirstSetup } = await import("./first-setup.ts");
    await runFirstSetup(options, process.env);
  }
  let isStopping = false;
  let restarting: Promise<void> | null = null;
  const node: { running: RunningNode | null } = { running: null };
  const restart = (why: string): void => {
    if (isStopping || restarting !== null || node.running === null) return;
    node.running.log.info({ why }, "starting anew");
    restarting = startAnew(node.running, options, restart).then((next) => {
      node.running = next;
      restarting = null;
    }, end);
  };
  node.running = await startNode(options, restart);

  const stop = (why: string) => {
    if (isStopping) return;
    isStopping = true;
    node.running?.log.info({ why }, "stopping");
    const limit = setTimeout(() => process.exit(1), STOP_MS_MAX);
    limit.unref();
    // One that is just starting anew is let come up first: it then hands over what it leads.
    (restarting ?? Promise.resolve())
      .then(() => node.running?.daemon.stop())
      .then(() => process.exit(0), end);
  };
  process.once("SIGTERM", () => stop("SIGTERM"));
  process.once("SIGINT", () => stop("SIGINT"));
  process.on("SIGHUP", () => {
    void problemOf(options).then((problem) => {
      if (problem === null) restart("SIGHUP");
      else {
        const says = "SIGHUP: the manifest is not right, so nothing changes";
        node.running?.log.error({ problem }, says);
      }
    }, end);
  });
  if (options.isStoppedWithStdin) {
    process.stdin.once("end", () => stop("stdin closed"));
    process.stdin.once("error", () => stop("stdin failed"));
    process.stdin.resume();
  }
}

async function problemOf(options: DaemonOptions): Promise<string | null> {
  try {
    chooseNode((await chooseManifest(options)).manifest, options);
    return null;
  } catch (error) {
    if (error instanceof RemsError) return error.message;
    throw error;
  }
}

/** Hands over, comes down, and up again with the file as it is now; where it cannot start with that, with the one before. */
async function startAnew(
  { daemon, log, manifestPath }: RunningNode,
  options: DaemonOptions,
  onRestart: (why: string) => void,
): Promise<RunningNode> {
  const limit = setTimeout(() => process.exit(1), STOP_MS_MAX);
  await daemon.stop();
  clearTimeout(limit);
  try {
    return await startNode(options, onRestart);
  } catch (error) {
    const previous = `${manifestPath}.previous`;
    if (!(error instanceof RemsError) || !existsSync(previous)) throw error;
    process.stderr.write(`r-emsd: ${error.message}\nr-emsd: going back to ${previous}\n`);
    log.error({ err: error, previous }, "cannot start with the new manifest: going back");
    renameSync(manifestPath, `${manifestPath}.rejected`);
    copyFileSync(previous, manifestPath);
    return startNode(options, onRestart);
  }
}

process.on("uncaughtException", end);
process.on("unhandledRejection", end);
await main().catch(end);
