import { join } from "node:path";
import { loadManifest } from "../../configs/load-manifest.ts";
import { findManifestPath } from "../../configs/manifest-path.ts";
import type { Manifest } from "../../configs/manifest.ts";
import { RemsError } from "../../kernel/errors.ts";
import { webLines } from "./device-commands.ts";
import type { HostPauses } from "./host-pauses.ts";
import { machineMonotonicMs, watchHostPauses } from "./host-pauses.ts";
import type { LauncherEvent } from "./events.ts";
import { endLines, eventLine } from "./json-lines.ts";
import type { LauncherOptions } from "./options.ts";
import { parseLauncherOptions } from "./options.ts";
import { clockText, endTexts, eventText } from "./plain-lines.ts";
import { findProjectDirectory } from "./project.ts";
import { openPlayback, startPlayback } from "./playback.ts";
import type { RunContext, RunOutcome } from "./run.ts";
import { runInstallation } from "./run.ts";
import { SOAK_MS_DEFAULT, startSoak } from "./soak.ts";
import { startTour } from "./tour.ts";
import { openTerminalView } from "./view.ts";

/** A pause of the host longer than this spoils a measurement of milliseconds. */
const HOST_PAUSE_MS_MAX = 40;
const REPEAT_COUNT_MAX = 3;
/** Ctrl-C, the second time or after this, ends at once. */
const END_MS_MAX = 5000;

function loadExample(options: LauncherOptions, projectDirectory: string): Manifest {
  const shipped = join(projectDirectory, "configs", `${options.example}.toml`);
  return loadManifest(findManifestPath(options.configPath ?? shipped, process.env));
}

interface Surface {
  readonly onEvent: (event: LauncherEvent) => void;
  readonly onRunning?: (context: RunContext) => () => void;
  readonly onEnd: (outcome: RunOutcome, exitCode: number) => void;
  readonly close: () => void;
}

/** The picture; what happened stands in the terminal's ordinary text once it is closed. */
function viewSurface(end: () => void): Surface {
  const view = openTerminalView(end);
  const kept: string[] = [];
  return {
    onEvent(event) {
      const isEnd = event.type === "node" && event.state === "ended";
      if (isEnd || event.type === "note") kept.push(eventText(event));
      view.onEvent(event);
    },
    onRunning: (context) => view.onRunning(context),
    onEnd(outcome, exitCode) {
      view.close();
      for (const line of [...kept, ...endTexts(outcome, exitCode)]) {
        process.stdout.write(`${line}\n`);
      }
    },
    close: () => view.close(),
  };
}

function linesSurface(mode: LauncherOptions["mode"]): Surface {
  const print = (line: string) => process.stdout.write(`${line}\n`);
  const startedAtMs = machineMonotonicMs();
  return mode === "json"
    ? {
        onEvent: (event) => print(eventLine(event, machineMonotonicMs())),
        onEnd: (outcome, exitCode) => endLines(outcome, exitCode).forEach(print),
        close() {},
      }
    : {
        onEvent(event) {
          // Every write that a device refuses would drown the rest; they are counted.
          if (event.type === "plant" && event.kind === "refused") return;
          print(`${clockText(machineMonotonicMs() - startedAtMs)}  ${eventText(event)}`);
        },
        onEnd: (outcome, exitCode) => endTexts(outcome, exitCode).forEach(print),
        close() {},
      };
}

async function runScript(
  options: LauncherOptions,
  manifest: Manifest,
  surface: Surface,
  hostPauses: HostPauses,
  signal: AbortSignal,
): Promise<number> {
  const { playback } = options;
  const played = playback === null ? null : openPlayback(manifest, playback);
  const isMeasured = options.durationMs !== null && options.schedule.length > 0 && !options.isKept;
  for (let attempt = 1; ; attempt++) {
    const outcome = await runInstallation({
      manifest,
      attempt,
      hostPauses,
      signal,
      projectDirectory: findProjectDirectory(),
      coordinator: options.coordinator,
      // A soak and a tour end themselves, once what they began is over.
      durationMs: options.isSoak || options.isTour ? null : options.durationMs,
      schedule: options.schedule,
      seed: options.seed,
      isKept: options.isKept,
      onEvent: surface.onEvent,
      onRunning(context) {
        const ends = [surface.onRunning?.(context)];
        if (options.mode === "lines") {
          for (const text of webLines(manifest)) context.tell({ type: "note", text });
        }
        if (options.isTour) ends.push(startTour(context));
        if (options.isSoak) {
          ends.push(startSoak(context, options.durationMs ?? SOAK_MS_DEFAULT, options.seed));
        }
        if (playback !== null && played !== null) {
          ends.push(
            startPlayback(
              played,
              playback.speed,
              (command) => context.installation.simulate(command),
              (text) => context.tell({ type: "note", text }),
            ),
          );
        }
        return () => ends.forEach((end) => end?.());
      },
    });
    const isSpoilt = isMeasured && outcome.faultPauseMsMax > HOST_PAUSE_MS_MAX;
    if (isSpoilt) {
      const pause = `this machine paused for ${Math.round(outcome.faultPauseMsMax)} ms around the fault`;
      const mayRepeat = attempt <= REPEAT_COUNT_MAX && !signal.aborted;
      const text = mayRepeat
        ? `${pause}: the run is repeated (${attempt} of ${REPEAT_COUNT_MAX})`
        : `${pause}, in every run: times may be too long`;
      surface.onEvent({ type: "note", text });
      if (mayRepeat) continue;
    }
    const exitCode = outcome.failures.length === 0 ? 0 : 1;
    surface.onEnd(outcome, exitCode);
    return exitCode;
  }
}

async function main(): Promise<number> {
  const isTerminal = process.stdout.isTTY && process.stdin.isTTY;
  const options = parseLauncherOptions(process.argv.slice(2), isTerminal);
  const manifest = loadExample(options, findProjectDirectory());
  const end = () => {
    if (abort.signal.aborted) process.exit(1);
    abort.abort();
    setTimeout(() => process.exit(1), END_MS_MAX).unref();
  };
  process.on("SIGINT", end);
  process.on("SIGTERM", end);
  process.on("SIGHUP", end);
  const hostPauses = watchHostPauses();
  const surface = options.mode === "view" ? viewSurface(end) : linesSurface(options.mode);
  try {
    return await runScript(options, manifest, surface, hostPauses, abort.signal);
  } finally {
    surface.close();
    await hostPauses.close();
  }
}

const abort = new AbortController();

main().then(
  (exitCode) => {
    process.exitCode = exitCode;
    // Sockets of clients that no longer matter must not hold the process.
    setTimeout(() => process.exit(exitCode), 200).unref();
  },
  (error: unknown) => {
    // What Ctrl-C broke off needs no explanation.
    if (abort.signal.aborted) process.exit(1);
    const isExpected = error instanceof RemsError;
    const text =
      error instanceof Error ? (isExpected ? error.message : error.stack) : String(error);
    process.stderr.write(`${text ?? ""}\n`);
    process.exit(isExpected ? 2 : 1);
  },
);
