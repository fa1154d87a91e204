import { setTimeout } from "node:timers/promises";
import { endSignal } from "../end-signal.ts";
import type { Command } from "commander";
import type { PointMapping } from "../../../configs/profile.ts";
import { RemsError } from "../../../kernel/errors.ts";
import { type CommandContext, EXIT, isJson } from "../command-context.ts";
import { positive, wholeBetween } from "../option-values.ts";
import { paint } from "../terminal.ts";
import { plotLines, rangeOf } from "./plot.ts";
import { findTarget, openSource, type DeviceOptions, type PointSource } from "./point-source.ts";
import { chosen, withDeviceOptions } from "./read-commands.ts";
import type { PointReading } from "../../../api/device-probe/read-points.ts";

interface ScopeOptions extends DeviceOptions {
  readonly profile?: string;
  readonly host?: string;
  readonly everyMs: number;
  readonly for?: number;
}

/** The pace of tools: five requests a second. */
const EVERY_MS_MIN = 200;
const SAMPLE_COUNT_MAX = 2000;
const PLOT_HEIGHT = 12;
const AXIS_WIDTH = 12;
/** A device that answers nothing for so long ends the plot; one that starts anew comes back sooner. */
const SILENCE_MS_MAX = 60_000;
/** After so many reads without an answer the connection is opened anew: it may be one that only looks open. */
const SILENT_COUNT_MAX = 2;

const HELP = `
Draws the curve where a person looks at a terminal, and prints one line per value elsewhere. Ctrl-C ends.

Examples:
  r-emsctl device scope dg1.activePowerKw
  r-emsctl device scope activePowerKw --profile my-meter.toml --host 192.168.1.20 --unit 3
  r-emsctl --json device scope bat1.socPct --every-ms 5000 --for 3600 > soc.jsonl

Exit codes: 0 ended by Ctrl-C or --for; 1 the device refuses the point; 2 wrong usage; 3 nothing answers.`;

export function addScopeCommand(device: Command, context: CommandContext): void {
  withDeviceOptions(
    device
      .command("scope <point>")
      .description(
        "watch a point as a live curve: DEVICE.POINT, or POINT with --profile and --host",
      )
      .option("--profile <profile>", "profile of a device that is asked itself")
      .option("--host <host>", "its address, HOST[:PORT]")
      .option(
        "--every-ms <ms>",
        "time between two values",
        wholeBetween(EVERY_MS_MIN, 3_600_000),
        EVERY_MS_MIN,
      )
      .option("--for <seconds>", "end after so long", positive),
  )
    .addHelpText("after", HELP)
    .action((point: string, options: ScopeOptions) => scope(context, point, options));
}

async function scope(context: CommandContext, name: string, options: ScopeOptions): Promise<void> {
  const { device, host, point } = placeOf(name, options);
  const target = await findTarget(context, device, host, options);
  const source = openSource(context, target, options);
  const mappings = chosen(source.profile, [point]);
  const end = endSignal(context.signal, options.for);
  const show = isJson(context) ? jsonShow(context) : textShow(context, source, options.everyMs);
  let last: PointReading | null = null;
  let answeredMs = performance.now();
  let silentCount = 0;
  try {
    while (!end.aborted) {
      const startedMs = performance.now();
      const reading: PointReading | null = await readOne(source, mappings, last);
      if (reading === null) break;
      if (reading.failure === "illegal") {
        throw new RemsError("REMS_DEVICE_EXCEPTION", `${point} is refused: ${reading.failureText}`);
      }
      last = reading;
      if (reading.failure === null) {
        answeredMs = performance.now();
        silentCount = 0;
      } else if (++silentCount % SILENT_COUNT_MAX === 0) source.renew();
      if (performance.now() - answeredMs > SILENCE_MS_MAX) {
        throw new RemsError("REMS_DEVICE_TIMEOUT", `${source.label} does not answer any more`);
      }
      show(reading);
      const waitMs = options.everyMs - (performance.now() - startedMs);
      // An abort ends the wait and the loop.
      if (waitMs > 0) await setTimeout(waitMs, undefined, { signal: end }).catch(() => {});
    }
  } catch (error) {
    // Ctrl-C in the middle of a read is an end like any other.
    if (!end.aborted) throw error;
  } finally {
    await source.close();
  }
  context.finish(EXIT.ok);
}

/** A device that was there and takes no connection now is silent like one that does not answer: it may be starting. */
async function readOne(
  source: PointSource,
  mappings: readonly PointMapping[],
  last: PointReading | null,
): Promise<PointReading | null> {
  try {
    return (await source.read(mappings, () => {})).readings[0] ?? null;
  } catch (error) {
    if (last === null || !RemsError.find(error, "REMS_DEVICE_OFFLINE")) throw error;
    const failureText = error instanceof Error ? error.message : String(error);
    return { ...last, value: null, words: null, failure: "silent", failureText };
  }
}

function placeOf(
  name: string,
  { profile, host }: ScopeOptions,
): { readonly device: string; readonly host: string | undefined; readonly point: string } {
  if (profile !== undefined && host !== undefined) return { device: profile, host, point: name };
  const at = name.indexOf(".");
  if (at > 0 && profile === undefined && host === undefined) {
    return { device: name.slice(0, at), host: undefined, point: name.slice(at + 1) };
  }
  throw new RemsError(
    "REMS_REQUEST_INVALID",
    `"${name}"; allowed is DEVICE.POINT, such as dg1.activePowerKw, or POINT with both --profile and --host`,
  );
}

function jsonShow({ terminal }: CommandContext): (reading: PointReading) => void {
  return ({ mapping, value, spec, latencyMs, failureText }) => {
    const at = new Date().toISOString();
    const sample = { at, point: mapping.point, value, unit: spec.unit, latencyMs };
    terminal.out(JSON.stringify(failureText === "" ? sample : { ...sample, reason: failureText }));
  };
}

function textShow(
  { terminal }: CommandContext,
  source: PointSource,
  everyMs: number,
): (reading: PointReading) => void {
  const samples: (number | null)[] = [];
  if (terminal.draw === undefined) terminal.out(source.label);
  return (reading) => {
    const { value, spec, failure, failureText, mapping, latencyMs } = reading;
    const isNumeric = typeof value === "number" || typeof value === "boolean";
    samples.push(isNumeric ? Number(value) : null);
    if (samples.length > SAMPLE_COUNT_MAX) samples.shift();
    const shown = value === null ? (failure ?? "no value") : `${value} ${spec.unit}`.trimEnd();
    const remark = failureText === "" ? "" : ` (${failureText})`;
    if (terminal.draw === undefined) {
      terminal.out(`${new Date().toISOString().slice(11, 23)}  ${shown}${remark}`);
      return;
    }
    const width = Math.max(10, Math.min(terminal.columns?.() ?? 80, 200) - AXIS_WIDTH);
    const visible = samples.slice(-2 * width);
    const range = rangeOf(visible);
    const lines = plotLines(visible, width, PLOT_HEIGHT, range).map((line, index) => {
      const label = index === 0 ? range.max : index === PLOT_HEIGHT - 1 ? range.min : null;
      const axis = label === null ? "" : label.toPrecision(5);
      return `${axis.padStart(AXIS_WIDTH - 2)} ${line}`;
    });
    const windowS = Math.round((visible.length * everyMs) / 1000);
    const head = `${paint(terminal, "bold", mapping.point)}  ${shown}${remark}   last ${windowS} s, answered in ${latencyMs.toFixed(1)} ms`;
    terminal.draw([paint(terminal, "dim", source.label), head, ...lines]);
  };
}
