import type { Command } from "commander";
import type { DeviceProfile } from "../../../configs/profile.ts";
import { present } from "../../../kernel/assert.ts";
import { DEVICE_KINDS } from "../../../kernel/device-kinds.ts";
import { RemsError } from "../../../kernel/errors.ts";
import { type CommandContext, EXIT, isJson } from "../command-context.ts";
import { positive, wholeBetween } from "../option-values.ts";
import { latencyText } from "./latencies.ts";
import { learnDevice, type Learned, type LearnPlan } from "./learn-device.ts";
import {
  OFFLINE_HELP,
  OfflineSession,
  parseLevels,
  withOfflineOptions,
  type OfflineOptions,
} from "./offline-session.ts";
import { findTarget } from "./point-source.ts";
import { withDeviceOptions } from "./read-commands.ts";

interface LearnOptions extends OfflineOptions {
  readonly level?: string;
  readonly reads: number;
  readonly watchS?: number;
}

/** Between two reads passes a fifth of a second: a watchdog is measured no finer. */
const RESOLUTION_MS = 400;
const TIMEOUT_MS_MIN = 100;
const TIMEOUT_FACTOR = 4;

const HELP = `
Reads, writes one set-point, stops writing, and sees when the device gives it up: the watchdog as it really is. Then it says what the profile
should state. A set-point that stood is put back to what it was.
${OFFLINE_HELP}

Example:
  r-emsctl device learn sim-plain-genset 127.0.0.1:5020 --offline-device sim-plain-genset

Exit codes: 0 as the profile states; 1 otherwise, or refused; 2 wrong usage; 3 the device does not answer.`;

export function addLearnCommand(device: Command, context: CommandContext): void {
  withOfflineOptions(
    withDeviceOptions(
      device
        .command("learn <what> [host]")
        .description(
          "measure latency and the real watchdog time of a device that is out of the plant",
        )
        .option(
          "--level <point=value>",
          "the set-point to write; otherwise the first of the profile, one unit off what it is",
        )
        .option("--reads <n>", "reads to measure", wholeBetween(1, 1000), 25)
        .option(
          "--watch-s <seconds>",
          "how long to wait for the watchdog; otherwise half as long again as the profile states",
          positive,
        ),
    ),
  )
    .addHelpText("after", HELP)
    .action((what: string, host: string | undefined, options: LearnOptions) =>
      learn(context, what, host, options),
    );
}

async function learn(
  context: CommandContext,
  what: string,
  host: string | undefined,
  options: LearnOptions,
): Promise<void> {
  const target = await findTarget(context, what, host, options);
  const { profile } = target;
  const session = await OfflineSession.open("device learn", context, target, options);
  const { progress } = context.terminal;
  let learned: Learned;
  try {
    const { plan, before } = await planOf(session, options);
    learned = await learnDevice(session, plan, (text) => progress?.(text), context.signal);
    if (learned.watchdog.outcome !== "fired" && before !== null) {
      await session.write({ levels: new Map([[plan.level, before]]) });
    }
  } finally {
    progress?.("");
    await session.close();
  }
  const advice = adviceOf(profile, learned);
  if (isJson(context))
    context.terminal.out(JSON.stringify({ profile: profile.id, ...learned, advice }));
  else context.terminal.out(learnedText(profile, learned, advice));
  context.finish(advice.length === 0 ? EXIT.ok : EXIT.refused);
}

async function planOf(
  session: OfflineSession,
  options: LearnOptions,
): Promise<{ readonly plan: LearnPlan; readonly before: number | null }> {
  const { profile, layout } = session;
  const first = layout.levels[0];
  if (first === undefined) {
    throw new RemsError(
      "REMS_REQUEST_INVALID",
      `${profile.id} has no set-point that could be given up`,
    );
  }
  const chosen = options.level === undefined ? null : parseLevels(layout, profile, [options.level]);
  const level = chosen === null ? first.point : present([...chosen.keys()][0], "one level");
  const shown = await session.read(level);
  const before = typeof shown.value === "number" ? shown.value : null;
  // One unit beside what it is: enough to be seen, too little to matter.
  const value =
    chosen?.get(level) ?? (before !== null && before >= 1 ? before - 1 : (before ?? 0) + 1);
  const statedMs = profile.fallback?.watchdogMs ?? 10_000;
  const watchMs = options.watchS === undefined ? statedMs * 1.5 : options.watchS * 1000;
  return { plan: { level, value, readCount: options.reads, watchMs }, before };
}

/** Where the device is otherwise than its profile says; empty where all fits. */
function adviceOf(
  profile: DeviceProfile,
  { reads, writeMs, shownAfterMs, watchdog, level }: Learned,
): string[] {
  const advice: string[] = [];
  const neededMs = Math.ceil(Math.max(TIMEOUT_MS_MIN, TIMEOUT_FACTOR * (reads?.p95Ms ?? 0)));
  if (neededMs > profile.requestTimeoutMs) {
    advice.push(
      `request_timeout_ms = ${neededMs}: four times what 95 % of the answers took; the profile has ${profile.requestTimeoutMs}`,
    );
  }
  if (writeMs > profile.writeMs) {
    advice.push(
      `write_ms = ${Math.ceil(writeMs * 1.5)}: the write took ${writeMs.toFixed(1)} ms; the profile has ${profile.writeMs}`,
    );
  }
  if (shownAfterMs === null)
    advice.push(
      `${level} was acknowledged and never shown: the read-back or the register is wrong, or the device is not on remote`,
    );
  const stated = profile.fallback;
  const { outcome, minMs, maxMs } = watchdog;
  if (stated === null || outcome === "invisible") return advice;
  if (outcome === "kept") {
    advice.push(
      `no watchdog was seen within ${Math.round(watchdog.watchedMs / 1000)} s; the profile states ${stated.watchdogMs} ms: is it switched on in the device?`,
    );
  } else if (minMs !== null && maxMs !== null) {
    const isWithin =
      stated.watchdogMs >= minMs - RESOLUTION_MS && stated.watchdogMs <= maxMs + RESOLUTION_MS;
    if (!isWithin)
      advice.push(
        `watchdog_ms = ${Math.floor(minMs)}: measured between ${Math.round(minMs)} and ${Math.round(maxMs)} ms; the profile states ${stated.watchdogMs}`,
      );
  }
  return advice;
}

function learnedText(profile: DeviceProfile, learned: Learned, advice: readonly string[]): string {
  const { reads, failedReadCount, level, value, writeMs, shownAfterMs, watchdog } = learned;
  const unit = DEVICE_KINDS[profile.kind].points[level]?.unit ?? "";
  const shown =
    shownAfterMs === null ? "never shown" : `shown after ${Math.round(shownAfterMs)} ms`;
  const failed = failedReadCount === 0 ? "" : `, ${failedReadCount} without a value`;
  const lines = [
    `reads: ${latencyText(reads)}${failed}`,
    `write of ${level} = ${value} ${unit}: acknowledged within ${writeMs.toFixed(1)} ms, ${shown}`,
    `watchdog: ${watchdogText(profile, learned)}`,
  ];
  if (watchdog.isServedByReads) lines.push("Any request serves the watchdog, not only writes.");
  if (advice.length === 0) lines.push(`All as ${profile.id} states.`);
  else lines.push("For the profile:", ...advice.map((text) => `  ${text}`));
  return lines.join("\n");
}

function watchdogText(profile: DeviceProfile, { watchdog, level }: Learned): string {
  const { outcome, minMs, maxMs, fallbackValue, watchedMs } = watchdog;
  if (outcome === "invisible") {
    const behaviour = profile.fallback?.behaviour ?? "none stated";
    return `not to be seen from outside (fallback ${behaviour})`;
  }
  if (outcome === "kept")
    return `${level} stood for ${(watchedMs / 1000).toFixed(1)} s, with requests and in silence`;
  const time =
    minMs === null
      ? `within ${Math.round(maxMs ?? 0)} ms of silence`
      : `between ${Math.round(minMs)} and ${Math.round(maxMs ?? 0)} ms after the last write`;
  return `${level} was given up ${time}; it went to ${fallbackValue}`;
}
