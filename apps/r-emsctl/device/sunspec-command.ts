import type { Command } from "commander";
import { sunspecModel } from "../../../configs/sunspec/model-table.ts";
import { sunspecPointName } from "../../../configs/sunspec/point-names.ts";
import { decodeModel, type DecodedPoint } from "../../../drivers/sunspec/decode-model.ts";
import {
  discoverSunspec,
  type FoundModel,
  type SunspecChain,
} from "../../../drivers/sunspec/discovery.ts";
import { RemsError } from "../../../kernel/errors.ts";
import { type CommandContext, isJson } from "../command-context.ts";
import { wholeBetween } from "../option-values.ts";
import { table } from "../terminal.ts";
import { parseDeviceAddress } from "./device-address.ts";
import { DeviceLine } from "../../../api/device-probe/device-line.ts";

interface SunspecOptions {
  readonly unit: number;
  readonly timeoutMs: number;
  readonly model: readonly number[];
  readonly all: boolean;
}

/** One point as it is shown. */
interface Shown {
  readonly model: number;
  readonly point: string;
  readonly name: string;
  readonly value: number | string | null;
  readonly unit: string;
  readonly symbols: readonly string[];
  readonly register: number;
  readonly absence: DecodedPoint["absence"];
}

const READ_COUNT_MAX = 125;

const HELP = `
Reads every model of the device that SunSpec's public models know, decoded and scaled by the device's own scale factors, with the names that
R-EMS has for the points. What the device does not implement is left out; --all shows it too. Reads only.

Examples:
  r-emsctl device sunspec 192.168.1.20 --unit 126
  r-emsctl device sunspec 192.168.1.20 --model 701 --model 704
  r-emsctl --json device sunspec 192.168.1.20 --all`;

/** `r-emsctl device sunspec`: everything that a SunSpec device says. */
export function addSunspecCommand(device: Command, context: CommandContext): void {
  device
    .command("sunspec <host>")
    .description("every model of a SunSpec device, decoded; reads only")
    .option("--unit <n>", "Modbus unit id", wholeBetween(0, 255), 1)
    .option("--timeout-ms <ms>", "longest wait for an answer", wholeBetween(50, 10_000), 1000)
    .option("--model <id>", "only this model; repeat for more", collectModels, [])
    .option("--all", "also points that the device does not implement", false)
    .addHelpText("after", HELP)
    .action((host: string, options: SunspecOptions) => showSunspec(context, host, options));
}

function collectModels(text: string, others: readonly number[]): readonly number[] {
  return [...others, wholeBetween(1, 65534)(text)];
}

async function showSunspec(
  context: CommandContext,
  host: string,
  options: SunspecOptions,
): Promise<void> {
  const at = parseDeviceAddress(host);
  const { timeoutMs, unit } = options;
  const line = new DeviceLine({ ...at, timeoutMs, signal: context.signal });
  try {
    const chain = await chainOf(line, unit);
    const models = chain.models.filter(
      ({ id }) => options.model.length === 0 || options.model.includes(id),
    );
    if (!isJson(context)) context.terminal.out(chainText(chain));
    for (const found of models) {
      const shown = (await modelOf(line, unit, found)).filter(
        ({ absence }) => options.all || absence === null,
      );
      if (isJson(context)) for (const one of shown) context.terminal.out(JSON.stringify(one));
      else context.terminal.out(modelText(found, shown));
    }
  } finally {
    await line.close();
  }
}

async function chainOf(line: DeviceLine, unitId: number): Promise<SunspecChain> {
  const discovery = discoverSunspec();
  let step = discovery.next();
  while (step.done !== true) {
    const { address, count } = step.value;
    const { outcome } = await line.read(unitId, "holding", address, count);
    step = discovery.next(outcome.type === "data" ? outcome.words : null);
  }
  if (step.value !== null) return step.value;
  throw new RemsError(
    "REMS_DEVICE_EXCEPTION",
    `unit ${unitId} at ${line.address} has no SunSpec marker; r-emsctl device scan ${line.address} finds units that have`,
  );
}

async function modelOf(line: DeviceLine, unitId: number, found: FoundModel): Promise<Shown[]> {
  const model = sunspecModel(found.id);
  if (model === null) return [];
  const words: number[] = [];
  const end = found.address + 2 + found.length;
  for (let address = found.address; address < end; address += READ_COUNT_MAX) {
    const count = Math.min(READ_COUNT_MAX, end - address);
    const { outcome } = await line.read(unitId, "holding", address, count);
    if (outcome.type !== "data") {
      throw new RemsError(
        "REMS_DEVICE_EXCEPTION",
        `unit ${unitId} at ${line.address} does not give holding ${address} to ${address + count - 1} of model ${found.id}`,
      );
    }
    words.push(...outcome.words);
  }
  return decodeModel(model, words, found.length)
    .filter(({ path, point }) => point.type !== "sunssf" && path !== "ID" && path !== "L")
    .map((one) => shownOf(found, one));
}

function shownOf(found: FoundModel, decoded: DecodedPoint): Shown {
  const { path, point, value, symbols, offset, absence } = decoded;
  const { name, factor } = sunspecPointName(found.id, point);
  return {
    model: found.id,
    point: path,
    name: path.slice(0, path.length - point.name.length) + name,
    value: typeof value === "number" ? Number((value * factor).toPrecision(12)) : value,
    unit: point.unit,
    symbols,
    register: found.address + offset,
    absence,
  };
}

function chainText({ baseAddress, models, remark }: SunspecChain): string {
  const ids = models.map(({ id }) => (sunspecModel(id) === null ? `${id} (not public)` : `${id}`));
  return `SunSpec at ${baseAddress}: models ${ids.join(", ")}${remark === null ? "" : `; ${remark}`}`;
}

function modelText({ id, address, length }: FoundModel, shown: readonly Shown[]): string {
  const title = `\n${id} ${sunspecModel(id)?.name ?? ""} at ${address}, ${length} registers`;
  if (shown.length === 0) return `${title}: nothing that is known`;
  const rows = shown.map(({ point, name, value, symbols, register, absence }) => [
    `  ${name}`,
    absence === null ? String(value) : absence === "notImplemented" ? "none" : "no scale factor",
    symbols.join(" "),
    point,
    `holding ${register}`,
  ]);
  return `${title}\n${table(rows)}`;
}
