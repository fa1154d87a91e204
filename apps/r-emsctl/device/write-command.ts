import type { Command } from "commander";
import { present } from "../../../kernel/assert.ts";
import { RemsError } from "../../../kernel/errors.ts";
import { type CommandContext, EXIT, isJson } from "../command-context.ts";
import {
  OFFLINE_HELP,
  OfflineSession,
  parseLevels,
  withOfflineOptions,
  type OfflineOptions,
} from "./offline-session.ts";
import { findTarget } from "./point-source.ts";
import { withDeviceOptions } from "./read-commands.ts";

interface WriteOptions extends OfflineOptions {
  readonly command?: string;
}

/** A set-point that the device does not show by then was acknowledged without effect. */
const READ_BACK_MS_MAX = 3000;
const FOLLOW_MS_MAX = 60_000;

const HELP = `${OFFLINE_HELP}

Examples:
  r-emsctl device write sim-plain-genset 127.0.0.1:5020 powerReferenceKw=100 --offline-device sim-plain-genset
  r-emsctl --config r-ems.toml device write dg2 --command start --offline-device dg2

Exit codes: 0 written and read back; 1 refused, or acknowledged without effect; 2 wrong usage; 3 the device does not answer.`;

export function addWriteCommand(device: Command, context: CommandContext): void {
  withOfflineOptions(
    withDeviceOptions(
      device
        .command("write <what> [host] [values...]")
        .description("write set-points, or give one command, to a device that is out of the plant")
        .option("--command <name>", "a command of the profile instead of values"),
    ),
  )
    .addHelpText("after", HELP)
    .action(
      (what: string, host: string | undefined, values: readonly string[], options: WriteOptions) =>
        writeDevice(context, what, host, values, options),
    );
}

async function writeDevice(
  context: CommandContext,
  what: string,
  second: string | undefined,
  rest: readonly string[],
  options: WriteOptions,
): Promise<void> {
  // A device of the installation needs no host: then the second word is a value already.
  const isValue = second?.includes("=") === true;
  const host = isValue ? undefined : second;
  const texts = isValue ? [second, ...rest] : rest;
  const { command } = options;
  if ((texts.length === 0) === (command === undefined)) {
    throw new RemsError(
      "REMS_REQUEST_INVALID",
      "give either values, such as powerReferenceKw=100, or --command NAME",
    );
  }
  const target = await findTarget(context, what, host, options);
  const session = await OfflineSession.open("device write", context, target, options);
  try {
    if (command !== undefined) await giveCommand(context, session, command);
    else await writeLevels(context, session, parseLevels(session.layout, session.profile, texts));
  } finally {
    context.terminal.progress?.("");
    await session.close();
  }
}

async function writeLevels(
  context: CommandContext,
  session: OfflineSession,
  levels: ReadonlyMap<string, number>,
): Promise<void> {
  const latencyMs = await session.write({ levels });
  let isFollowed = true;
  for (const [point, wanted] of levels) {
    const level = present(
      session.layout.levels.find((one) => one.point === point),
      "a level",
    );
    const words = present(level.codec.encode(wanted), "it was written");
    const startedMs = performance.now();
    let reading = await session.read(point);
    const isShown = (): boolean =>
      reading.words !== null && level.codec.isSame(words, reading.words, 0);
    while (!isShown() && performance.now() - startedMs < READ_BACK_MS_MAX)
      reading = await session.read(point);
    isFollowed &&= isShown();
    const { unit } = reading.spec;
    if (isJson(context)) {
      const result = { point, wanted, shown: reading.value, unit, isShown: isShown(), latencyMs };
      context.terminal.out(JSON.stringify(result));
    } else {
      const took = `acknowledged within ${latencyMs.toFixed(1)} ms`;
      context.terminal.out(
        isShown()
          ? `${point} = ${wanted} ${unit}: ${took}, and read back`
          : `${point} = ${wanted} ${unit}: ${took}, but the device shows ${reading.value ?? reading.failure ?? "no value"} after ${READ_BACK_MS_MAX / 1000} s: acknowledged without effect`,
      );
    }
  }
  context.finish(isFollowed ? EXIT.ok : EXIT.refused);
}

async function giveCommand(
  context: CommandContext,
  session: OfflineSession,
  command: string,
): Promise<void> {
  const latencyMs = await session.write({ command });
  const mapping = session.profile.commands.find((one) => one.command === command);
  const followed = mapping?.followedBy ?? null;
  const tell = (isFollowed: boolean | null, text: string, tookMs: number | null): void => {
    if (isJson(context)) {
      context.terminal.out(JSON.stringify({ command, latencyMs, isFollowed, tookMs }));
    } else
      context.terminal.out(`${command}: acknowledged within ${latencyMs.toFixed(1)} ms${text}`);
    context.finish(isFollowed === false ? EXIT.refused : EXIT.ok);
  };
  if (followed === null) return tell(null, "; the profile names no point that would show it", null);
  const { point, value, withinMs } = followed;
  const limitMs = Math.min(withinMs, FOLLOW_MS_MAX);
  const startedMs = performance.now();
  for (;;) {
    const shown = await session.read(point);
    const tookMs = performance.now() - startedMs;
    if (shown.value === value) {
      return tell(true, `, ${point} was ${value} after ${(tookMs / 1000).toFixed(1)} s`, tookMs);
    }
    if (tookMs > limitMs) {
      return tell(
        false,
        `, but ${point} is ${shown.value ?? shown.failure} after ${(tookMs / 1000).toFixed(1)} s`,
        tookMs,
      );
    }
    context.terminal.progress?.(
      `waiting for ${point} = ${value}: ${Math.round(tookMs / 1000)} of ${limitMs / 1000} s`,
    );
  }
}
