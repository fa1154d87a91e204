import { existsSync, readFileSync } from "node:fs";
import { basename } from "node:path";
import { type Command, Option } from "commander";
import { importCsv } from "../../../configs/import/import-csv.ts";
import { importSunspecModel } from "../../../configs/import/import-sunspec.ts";
import { type ConfigProblem, problemText } from "../../../configs/problem.ts";
import { DEVICE_KINDS, type DeviceKind } from "../../../kernel/device-kinds.ts";
import { RemsError } from "../../../kernel/errors.ts";
import { type CommandContext, EXIT, isJson } from "../command-context.ts";
import { writeOutput } from "../output-file.ts";

interface ImportCommandOptions {
  readonly kind: DeviceKind;
  readonly id?: string;
  readonly name?: string;
  readonly addressing?: "zero" | "one" | "modicon";
  readonly out?: string;
  readonly force: boolean;
}

const HELP = `
The list has a row of headings: address and type, name or point, and where it has them table, scale (or divisor, decimals), offset, unit,
access, word order, bit, labels, value, poll. Fields are divided by comma, semicolon, tab or bar. A row becomes a point where its column
"point" names one, or where its name is one that manuals use; everything else stays in the profile as a comment. Nothing is written
while anything in the list is wrong; an existing file is kept unless --force says otherwise.

A file that ends in .json is a SunSpec model as github.com/sunspec/models defines them, and makes a profile of family sunspec.

Examples:
  r-emsctl device import genset.csv --kind genset --addressing modicon
  r-emsctl device import "registers v2.csv" --kind meter --id acme-meter --out profiles/acme-meter.toml
  r-emsctl device import model_203.json --kind meter --id site-meter

Exit codes: 0 written; 1 something in the list is wrong; 2 wrong usage.`;

/** `r-emsctl device import`: a profile from a register list. */
export function addImportCommand(device: Command, context: CommandContext): void {
  device
    .command("import <file>")
    .description("make a device profile from a register list (CSV) or a SunSpec model (JSON)")
    .addOption(
      new Option("--kind <kind>", "kind of the device")
        .choices(Object.keys(DEVICE_KINDS))
        .makeOptionMandatory(),
    )
    .option("--id <id>", "id of the profile; from the name of the file otherwise")
    .option("--name <text>", "name for people; the id otherwise")
    .addOption(
      new Option(
        "--addressing <how>",
        "how addresses are written: from zero as on the wire, from one, or as modicon reference numbers (40001 …)",
      ).choices(["zero", "one", "modicon"]),
    )
    .option("--out <file>", "where to write the profile; <id>.toml otherwise")
    .option("--force", "overwrite the file", false)
    .addHelpText("after", HELP)
    .action((file: string, options: ImportCommandOptions) => importList(context, file, options));
}

function importList(context: CommandContext, file: string, options: ImportCommandOptions): void {
  const id = options.id ?? idOf(file);
  if (!/^[a-z0-9][a-z0-9-]{0,63}$/.test(id)) {
    throw new RemsError(
      "REMS_REQUEST_INVALID",
      `"${id}" is no id of a profile: 1 to 64 lower-case letters, digits and hyphens; name one with --id`,
    );
  }
  const out = options.out ?? `${id}.toml`;
  if (existsSync(out) && !options.force) {
    throw new RemsError(
      "REMS_REQUEST_INVALID",
      `${out} is there already; --force overwrites it with all that was edited in it`,
    );
  }
  const { addressing = null, kind, name = id } = options;
  const content = readList(file);
  const made = { file: basename(file), id, name, kind };
  const imported = file.endsWith(".json")
    ? importSunspecModel(content, made)
    : importCsv(content, { ...made, addressing });
  const { text, problems, remarks, open } = imported;
  if (text !== null) writeOutput(out, text);
  if (isJson(context)) {
    const written = text === null ? null : out;
    context.terminal.out(JSON.stringify({ file, written, problems, remarks, open }));
  } else if (text === null) {
    const count = problems.length === 1 ? "1 problem" : `${problems.length} problems`;
    context.terminal.error([`${count} in ${file}:`, ...lines(problems)].join("\n"));
  } else {
    const counts = `${countOf(text, "point")} points, ${countOf(text, "command")} commands`;
    context.terminal.out(`${out}: ${counts}`);
    for (const remark of remarks) context.terminal.out(`  ${remark}`);
    if (open.length > 0) context.terminal.out(["It still needs:", ...lines(open)].join("\n"));
  }
  context.finish(text === null ? EXIT.refused : EXIT.ok);
}

function idOf(file: string): string {
  const stem = basename(file).replace(/\.[^.]*$/, "");
  return stem
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .replaceAll(/^-|-$/g, "");
}

function readList(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    throw new RemsError("REMS_NOT_FOUND", `${file} cannot be read`, { cause });
  }
}

function lines(problems: readonly ConfigProblem[]): string[] {
  return problems.map((problem) => `  ${problemText(problem)}`);
}

function countOf(text: string, what: "point" | "command"): number {
  return text.split("\n").filter((line) => line.startsWith(`  { ${what} = `)).length;
}
