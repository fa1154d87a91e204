import { createPrivateKey, type KeyObject } from "node:crypto";
import { existsSync, readFileSync, statSync } from "node:fs";
import { basename } from "node:path";
import { manifestOf, withBehaviour } from "../../../api/replay/verify.ts";
import { assembleIncident, type NodeHistory } from "../../../history/assemble-incident.ts";
import { encodeIncident, type IncidentContent, readIncident } from "../../../history/incident.ts";
import { historyOfIncident, readNodeHistory } from "../../../history/node-history.ts";
import { RemsError } from "../../../kernel/errors.ts";
import { type CommandContext, EXIT, isJson } from "../command-context.ts";
import { collect } from "../option-values.ts";
import { writeOutput } from "../output-file.ts";
import { table } from "../terminal.ts";
import { fetchHistories, fetchIncident, listIncidents } from "./fetch-incident.ts";
import { loadIncident } from "./replay-command.ts";
import { incidentText, timeText } from "./replay-text.ts";
import { parseWhen, WHEN_HELP } from "../../../api/replay/when.ts";

interface ExportOptions {
  readonly grid: readonly string[];
  readonly from: string;
  readonly to: string;
  readonly output?: string;
  readonly sign?: string;
  readonly reason: string;
  readonly smallest: boolean;
}

const VERSION = "0.1.0";
const EXPORT_HELP = `
Sources are data directories (of nodes that run or not, or copies of them) and incident files, which merge. Without any the nodes are
asked: the one at --address, and every other that it names.
WHEN is ${WHEN_HELP.replace("its start", "an hour ago").replace("its end", "now")}.

Examples:
  r-emsctl incident export --grid port --from 00:10 --to 00:20 /var/lib/r-ems/n1 /mnt/copy-of-n2
  r-emsctl --address 10.0.0.11:7401 incident export --from -10m -o blackout.incident
  r-emsctl incident export --from start --sign key.pem n1 n2 n3     key: openssl genpkey -algorithm ed25519 -out key.pem`;

/** `r-emsctl incident …`. */
export function addIncident(context: CommandContext): void {
  const incident = context.program
    .command("incident")
    .description("recordings of what happened, as files that replay anywhere");
  incident
    .command("export [sources...]")
    .description("what was recorded of a time, merged from all nodes into one file")
    .option(
      "--grid <id>",
      "grid (switchboard section); repeat for more; all otherwise",
      collect,
      [],
    )
    .option("--from <when>", "begin here", "-10m")
    .option("--to <when>", "end here", "now")
    .option("-o, --output <file>", "file to write; named by installation and time otherwise")
    .option("--sign <file>", "sign with this Ed25519 private key (PEM)")
    .option("--reason <text>", "why it is kept, for who reads it", "exported")
    .option("--smallest", "compress best, which takes ten times as long", false)
    .addHelpText("after", EXPORT_HELP)
    .action((sources: string[], options: ExportOptions) =>
      exportIncident(context, sources, options),
    );
  incident
    .command("list [directories...]")
    .description(
      "incidents that a node captured by itself: in data directories, or of the node at --address",
    )
    .addHelpText("after", "\nExample: r-emsctl incident list")
    .action((directories: string[]) => listIncidents(context, directories));
  incident
    .command("fetch <name>")
    .description("one of them from the node at --address")
    .option("-o, --output <file>", "file to write; its own name otherwise")
    .addHelpText("after", "\nExample: r-emsctl incident fetch 20261126-001305-failover.incident")
    .action((name: string, { output }: { output?: string }) =>
      fetchIncident(context, name, output ?? basename(name)),
    );
  incident
    .command("show <file>")
    .description("what a file is, without re-running it")
    .option("--manifest", "print the manifest that was in force, as JSON", false)
    .option("--logs", "print the log lines that it holds", false)
    .addHelpText("after", "\nExample: r-emsctl incident show blackout.incident")
    .action((file: string, options: { manifest: boolean; logs: boolean }) =>
      show(context, file, options),
    );
}

function show(
  context: CommandContext,
  file: string,
  options: { readonly manifest: boolean; readonly logs: boolean },
): void {
  const { terminal } = context;
  const incident = loadIncident(file);
  if (options.manifest) terminal.out(JSON.stringify(manifestOf(incident).manifest, null, 2));
  else if (options.logs) for (const { text } of incident.logs) terminal.out(text.trimEnd());
  else if (isJson(context)) {
    terminal.out(JSON.stringify({ ...incident.summary, signedBy: incident.signedBy }));
  } else {
    terminal.out(incidentText(terminal, incident));
    const rows = incident.summary.sections.map((section) => [
      `  ${section.name}`,
      `${section.bytes} bytes`,
      `${section.rawBytes} before compression`,
    ]);
    terminal.out(table(rows));
  }
  context.finish(EXIT.ok);
}

const HOUR_MS = 3_600_000;

async function exportIncident(
  context: CommandContext,
  sources: readonly string[],
  options: ExportOptions,
): Promise<void> {
  const { terminal } = context;
  const nowMs = Date.now();
  const privateKey = options.sign === undefined ? undefined : readPrivateKey(options.sign);
  const frame = { startMs: nowMs - HOUR_MS, endMs: nowMs };
  const fromWallMs = options.from === "start" ? 0 : parseWhen(options.from, frame);
  const toWallMs = parseWhen(options.to, frame);
  if (toWallMs <= fromWallMs) {
    throw new RemsError(
      "REMS_REQUEST_INVALID",
      `--to (${timeText(toWallMs)}) must lie behind --from (${timeText(fromWallMs)})`,
    );
  }
  const range = { grids: options.grid, fromWallMs, toWallMs };
  const remarks: string[] = [];
  const histories =
    sources.length > 0
      ? sources.map((source) => readSource(source, fromWallMs, toWallMs))
      : await fetchHistories(context, range, remarks);
  terminal.progress?.("merging");
  const assembled = assembleIncident(histories, {
    ...range,
    reason: options.reason,
    version: VERSION,
    nowMs,
  });
  const content = addBehaviour(context, {
    ...assembled,
    remarks: [...remarks, ...assembled.remarks],
  });
  const bytes = encodeIncident(content, { privateKey, isSmallest: options.smallest });
  terminal.progress?.("");
  const output = options.output ?? nameOf(content, nowMs);
  if (existsSync(output)) {
    throw new RemsError("REMS_REQUEST_INVALID", `${output} is there already; name another with -o`);
  }
  writeOutput(output, bytes);
  const written = readIncident(bytes);
  if (isJson(context)) {
    const { sections: _sections, ...summary } = written.summary;
    const { signedBy } = written;
    terminal.out(JSON.stringify({ output, byteCount: bytes.length, ...summary, signedBy }));
  } else {
    terminal.out(incidentText(terminal, written));
    terminal.out(`  ${output}: ${bytes.length} bytes. Re-run it with  r-emsctl replay ${output}`);
  }
  context.finish(EXIT.ok);
}

/** What each frame brought about, as this build has it; without it, where this build cannot re-run the recording at all. */
function addBehaviour({ terminal }: CommandContext, content: IncidentContent): IncidentContent {
  try {
    const { manifest } = manifestOf(content);
    return withBehaviour(content, manifest, (grid, done, count) =>
      terminal.progress?.(`re-running ${grid}: ${done} of ${count} frames`),
    );
  } catch (error) {
    if (!(error instanceof RemsError)) throw error;
    const remark = `this build cannot re-run it (${error.message}), so what each frame brought about is not in the file`;
    return { ...content, remarks: [...content.remarks, remark.slice(0, 1000)] };
  }
}

function readSource(source: string, fromWallMs: number, toWallMs: number): NodeHistory {
  const isFile = existsSync(source) && statSync(source).isFile();
  return isFile
    ? historyOfIncident(source, loadIncident(source))
    : readNodeHistory(source, fromWallMs, toWallMs);
}

function readPrivateKey(path: string): KeyObject {
  try {
    return createPrivateKey(readFileSync(path));
  } catch (cause) {
    throw new RemsError(
      "REMS_REQUEST_INVALID",
      `${path} is no private key in PEM; make one with "openssl genpkey -algorithm ed25519"`,
      { cause },
    );
  }
}

function nameOf({ installation, grids }: IncidentContent, nowMs: number): string {
  const { installation: configured } = installation.manifest as { installation: { id: string } };
  const stamp = new Date(nowMs)
    .toISOString()
    .slice(0, 19)
    .replaceAll(/[-:]/g, "")
    .replace("T", "-");
  const [only, ...others] = grids;
  const grid = only !== undefined && others.length === 0 ? `-${only.grid}` : "";
  return `${configured.id}${grid}-${stamp}.incident`;
}
