import { existsSync, readFileSync } from "node:fs";
import { networkInterfaces } from "node:os";
import { checkText } from "../../../api/config/manifest-in-force.ts";
import { findManifestPath, readNodeName } from "../../../configs/manifest-path.ts";
import type { Manifest } from "../../../configs/manifest.ts";
import { problemText } from "../../../configs/problem.ts";
import { type CommandContext, type CommonOptions, EXIT, isJson } from "../command-context.ts";
import { type Colour, linesFor, paint, type Terminal } from "../terminal.ts";
import { checkNodeClocks } from "./clock-checks.ts";
import { checkEtcd } from "./etcd-checks.ts";
import { failed, type Finding, ok, type Patient } from "./finding.ts";
import { checkClock, checkDisks, checkPorts, checkTimers, checkVersion } from "./local-checks.ts";
import { checkDevices, checkNodes } from "./plant-checks.ts";

const HELP = `
Looks at the manifest, ports, timers, disk and clock of this machine, at etcd, at every node and its clock, and at every device. It reads only; a device that a
running node serves is not connected to.

Examples:
  r-emsctl doctor
  r-emsctl --config my-site.toml doctor
  r-emsctl --json doctor | jq -r 'select(.outcome != "ok")'

Exit codes: 0 nothing failed (warnings are told); 1 something failed; 2 there is no manifest, or it is not right.`;

const MARKS: Readonly<Record<Finding["outcome"], readonly [string, Colour]>> = {
  ok: ["ok     ", "green"],
  warning: ["warning", "yellow"],
  failed: ["FAILED ", "red"],
};

export function addDoctor(context: CommandContext): void {
  context.program
    .command("doctor")
    .description("look for what is wrong: configuration, ports, clocks, etcd, nodes, devices, disk")
    .addHelpText("after", HELP)
    .action(() => examine(context));
}

async function examine(context: CommandContext): Promise<void> {
  const { terminal } = context;
  const all: Finding[] = [];
  const note = (findings: readonly Finding[]): void => {
    terminal.progress?.("");
    for (const finding of findings) {
      all.push(finding);
      terminal.out(isJson(context) ? JSON.stringify(finding) : findingText(terminal, finding));
    }
  };
  note([checkVersion()]);
  const manifest = checkManifest(context, note);
  if (manifest === null) {
    context.finish(EXIT.usage);
    return;
  }
  const patient: Patient = {
    manifest,
    localNodes: localNodesOf(manifest),
    timeoutMs: Math.min(context.timeoutMs(), 2000),
    signal: context.signal,
    told: (text) => terminal.progress?.(text),
  };
  note(await checkPorts(patient));
  note([await checkTimers(patient), await checkClock()]);
  note(await checkDisks(patient));
  note(await checkEtcd(patient));
  const { findings, statuses } = await checkNodes(patient);
  note(findings);
  note(
    await checkNodeClocks(
      patient,
      statuses.map(({ node }) => node),
    ),
  );
  note(await checkDevices(patient, statuses));
  const count = (outcome: Finding["outcome"]): number =>
    all.filter((one) => one.outcome === outcome).length;
  if (!isJson(context)) {
    terminal.out(`${all.length} checks: ${count("failed")} failed, ${count("warning")} warnings`);
  }
  context.finish(count("failed") > 0 ? EXIT.refused : EXIT.ok);
}

function checkManifest(
  { program }: CommandContext,
  note: (findings: readonly Finding[]) => void,
): Manifest | null {
  const { config } = program.opts<CommonOptions>();
  const path = findManifestPath(config, process.env);
  if (!existsSync(path)) {
    note([
      failed(
        "configuration",
        `there is no manifest at ${path}`,
        "r-emsctl setup wizard, or name it with --config",
      ),
    ]);
    return null;
  }
  const { manifest, problems } = checkText(readFileSync(path, "utf8"), path);
  if (manifest === null)
    note(problems.map((problem) => failed("configuration", problemText(problem), "mend the line")));
  else note([ok("configuration", `${path}: ${manifest.installation.name}, ${manifest.mode}`)]);
  return manifest;
}

/** Those whose address is one of this machine's, or the one that node.env names. */
function localNodesOf(manifest: Manifest): string[] {
  const named = readNodeName(manifest.path);
  if (named !== null) return [named];
  const own = Object.values(networkInterfaces()).flatMap((list) =>
    (list ?? []).map(({ address }) => address),
  );
  return manifest.nodes
    .filter(({ host }) => host === "localhost" || own.includes(host) || host.startsWith("127."))
    .map(({ id }) => id);
}

function findingText(terminal: Terminal, { check, outcome, found, advice }: Finding): string {
  const [mark, colour] = MARKS[outcome];
  const line = `${paint(terminal, colour, mark)}  ${check}: ${found}`;
  const text = advice === "" ? line : `${line}\n         ${paint(terminal, "dim", advice)}`;
  return linesFor(terminal, text);
}
