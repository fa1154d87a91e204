import { createWriteStream } from "node:fs";
import { parseArgs } from "node:util";
import { loadManifest } from "../../configs/load-manifest.ts";
import { findManifestPath } from "../../configs/manifest-path.ts";
import { RemsError } from "../../kernel/errors.ts";
import { LineReader } from "./line-reader.ts";
import { loadPlantFile } from "./load-plant-file.ts";
import { type SimulatorMessage, simulatorCommand } from "./protocol.ts";
import { Simulator } from "./simulator.ts";

/** The plant and its devices as one process: started by the launcher, spoken to in JSON lines. */

const USAGE =
  "usage: simulator --config <manifest> [--seed <n>] [--public-port-base <n>] [--window-ms <n>] [--plant <file>] [--write-log <file>]";
const TICK_MS = 5;
/** Orderly stop must not take longer. */
const STOP_MS = 800;

function nowMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

function send(message: SimulatorMessage): void {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}

function integerOption(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (Number.isInteger(value) && value >= 0) return value;
  throw new RemsError("REMS_REQUEST_INVALID", `--${name} needs a whole number ≥ 0, not "${text}"`);
}

async function run(): Promise<void> {
  const { values } = parseArgs({
    options: {
      config: { type: "string" },
      seed: { type: "string" },
      "public-port-base": { type: "string" },
      "window-ms": { type: "string" },
      plant: { type: "string" },
      "write-log": { type: "string" },
    },
  });
  const manifest = loadManifest(findManifestPath(values.config, process.env));
  const path = values["write-log"];
  const writeLog = path === undefined ? null : createWriteStream(path, { flags: "a" });
  writeLog?.on("error", (error) => process.stderr.write(`simulator: ${path}: ${error.message}\n`));
  const simulator = await Simulator.open(manifest, loadPlantFile(manifest, values.plant), {
    seed: integerOption("seed", values.seed) ?? 1,
    publicPortBase: integerOption("public-port-base", values["public-port-base"]),
    windowMs: integerOption("window-ms", values["window-ms"]),
    nowMs,
    send,
    onWrite: (entry) => writeLog?.write(`${JSON.stringify(entry)}\n`),
  });
  let isStopping = false;
  const stop = () => {
    if (isStopping) return;
    isStopping = true;
    clearTimeout(timer);
    setTimeout(() => process.exit(0), STOP_MS).unref();
    void simulator.close().then(() => {
      if (writeLog === null) process.exit(0);
      writeLog.end(() => process.exit(0));
    });
  };
  // Absolute deadlines: a late tick does not move the next one.
  let dueMs = nowMs();
  let timer: NodeJS.Timeout;
  const tick = () => {
    simulator.advance();
    dueMs = Math.max(dueMs + TICK_MS, nowMs());
    timer = setTimeout(tick, Math.max(0, dueMs - nowMs()));
  };
  timer = setTimeout(tick, 0);
  const lines = new LineReader((line) => {
    if (execute(simulator, line) === "stop") stop();
  });
  process.stdin.on("data", (chunk: Buffer) => lines.push(chunk));
  process.stdin.on("end", stop);
  process.stdin.on("error", stop);
  // Whoever read us is gone: nothing is left to simulate for.
  process.stdout.on("error", () => process.exit(0));
  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);
}

/** One line of input. What is wrong with it is answered, never fatal. */
function execute(simulator: Simulator, line: string): "stop" | "done" {
  try {
    const parsed = simulatorCommand.safeParse(JSON.parse(line));
    if (!parsed.success) {
      const problems = parsed.error.issues.map(
        (issue) => `${issue.path.join(".")}: ${issue.message}`,
      );
      send({ type: "error", text: `not a command: ${problems.join("; ")}` });
      return "done";
    }
    if (parsed.data.type === "stop") return "stop";
    simulator.execute(parsed.data);
  } catch (error) {
    send({ type: "error", text: error instanceof Error ? error.message : "unreadable line" });
  }
  return "done";
}

run().catch((error: unknown) => {
  const isExpected = error instanceof RemsError || error instanceof TypeError;
  const text = error instanceof Error ? (isExpected ? error.message : error.stack) : String(error);
  process.stderr.write(`simulator: ${text ?? ""}\n`);
  if (error instanceof TypeError) process.stderr.write(`${USAGE}\n`);
  process.exit(2);
});
