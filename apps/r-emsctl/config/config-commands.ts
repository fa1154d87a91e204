import { randomUUID } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import type { Command } from "commander";
import { loadManifest } from "../../../configs/load-manifest.ts";
import { findManifestPath } from "../../../configs/manifest-path.ts";
import { RemsError } from "../../../kernel/errors.ts";
import { ConfigService, rems, type Types } from "../../../proto/generated/rems-v1.ts";
import { checkText } from "../../../api/config/manifest-in-force.ts";
import { problemText } from "../../../configs/problem.ts";
import { type CommandContext, type CommonOptions, EXIT, isJson } from "../command-context.ts";
import { jsonText } from "../json-text.ts";
import type { OperatorClient } from "../operator-client.ts";
import { wholeBetween } from "../option-values.ts";
import { linesFor, paint, userName } from "../terminal.ts";
import { previewText, shownText } from "./config-text.ts";
import { restartNodes } from "./rolling-restart.ts";

type Preview = Types.rems.v1.PreviewConfigResponse;

interface ApplyOptions {
  readonly acceptCommands: boolean;
  readonly acceptStructure: boolean;
  readonly restart: boolean;
  readonly confirm: boolean;
  readonly confirmWithin: number;
}

const CHECK_HELP = `
Examples:
  r-emsctl config check
  r-emsctl config check my-site.toml
  r-emsctl --json config check my-site.toml | jq -r '.problems[].text'

Exit codes: 0 right; 2 something is wrong.`;
const SHOW_HELP = `
Examples:
  r-emsctl config show
  r-emsctl --json config show | jq '.grids[] | {grid, revision}'`;
const DIFF_HELP = `
Without FILE: the file of the node that is asked, as it is now, against what is in force.

Examples:
  r-emsctl config diff
  r-emsctl config diff new.toml
  r-emsctl --json config diff new.toml | jq .addedCommands

Exit codes: 0 compared, whether or not there is a difference; 2 the manifest is not right.`;
const APPLY_HELP = `
What changes while everything runs is put on trial in all grids that it concerns, and undone by itself unless "r-emsctl config confirm" comes in
time. On a terminal you are asked. Commands that it would bring need --accept-commands. What needs a restart needs --restart: each node in turn
hands over its grids, starts anew with the file, and is waited for.

Examples:
  r-emsctl config apply new.toml
  r-emsctl config apply new.toml --confirm-within 300
  r-emsctl config apply new.toml --restart --confirm
  r-emsctl config confirm

Exit codes: 0 applied (and confirmed, where asked); 1 refused, or rolled back; 2 the manifest is not right; 3 no node answers.`;

/** `r-emsctl config ...` */
export function addConfig(context: CommandContext): void {
  const config = context.program
    .command("config")
    .description(
      "check a manifest; look at and change the configuration of a running installation",
    );
  addCheck(config, context);
  config
    .command("show")
    .description("the manifest with the parameters that are in force, and who changed them")
    .addHelpText("after", SHOW_HELP)
    .action(() =>
      context.withClient(async (client, { json }) => {
        const shown = await client.call(ConfigService.getConfig, rems.v1.GetConfigRequest.create());
        context.terminal.out(json ? jsonText(shown) : shownText(context.terminal, shown));
        return EXIT.ok;
      }),
    );
  config
    .command("diff [file]")
    .description(
      "what another manifest would change, what that needs, and what would be commanded within a minute",
    )
    .addHelpText("after", DIFF_HELP)
    .action((file: string | undefined) =>
      context.withClient(async (client, { json }) => {
        const preview = await previewed(context, client, textOf(file));
        context.terminal.out(json ? jsonText(preview) : previewText(context.terminal, preview));
        return preview.problems.length > 0 ? EXIT.usage : EXIT.ok;
      }),
    );
  config
    .command("apply [file]")
    .description("bring another manifest into force, on trial where it can be")
    .option(
      "--confirm-within <seconds>",
      "undone unless confirmed within so long",
      wholeBetween(5, 600),
      60,
    )
    .option("--confirm", "confirm at once: for scripts that have looked before", false)
    .option("--accept-commands", "the commands that it would bring are wanted", false)
    .option("--restart", "start each node anew where that is needed", false)
    .option(
      "--accept-structure",
      "with --restart: nodes are out of sync with each other meanwhile",
      false,
    )
    .addHelpText("after", APPLY_HELP)
    .action((file: string | undefined, options: ApplyOptions) =>
      context.withClient((client) => apply(context, client, textOf(file), options)),
    );
  config
    .command("confirm")
    .description("keep what is on trial")
    .option("--grid <id>", "only this grid", "")
    .addHelpText("after", "\nExample: r-emsctl config confirm")
    .action((options: { readonly grid: string }) =>
      context.withClient((client) => settle(context, client, true, options.grid)),
    );
  config
    .command("rollback")
    .description(
      "undo what is on trial; where nothing is, put what held before the last change on trial",
    )
    .option("--grid <id>", "only this grid", "")
    .addHelpText("after", "\nExample: r-emsctl config rollback")
    .action((options: { readonly grid: string }) =>
      context.withClient((client) => rollBack(context, client, options.grid)),
    );
}

function addCheck(config: Command, context: CommandContext): void {
  config
    .command("check [file]")
    .description("everything that is wrong with a manifest; no node is asked")
    .addHelpText("after", CHECK_HELP)
    .action((file: string | undefined) => {
      const { config: named } = context.program.opts<CommonOptions>();
      const path = findManifestPath(file ?? named, process.env);
      if (!existsSync(path))
        throw new RemsError("REMS_CONFIG_NOT_FOUND", `there is no file ${path}`);
      const { problems, manifest } = checkText(readFileSync(path, "utf8"), path);
      const texts = problems.map((problem) => ({ ...problem, text: problemText(problem) }));
      context.finish(manifest === null ? EXIT.usage : EXIT.ok);
      if (isJson(context))
        context.terminal.out(jsonText({ path, isOk: manifest !== null, problems: texts }));
      else if (manifest === null) {
        for (const { text } of texts) context.terminal.out(linesFor(context.terminal, text));
      } else {
        const deviceCount = manifest.grids.reduce(
          (count, { devices }) => count + devices.length,
          0,
        );
        const { nodes, grids, mode, installation } = manifest;
        context.terminal.out(
          `${path} is right: ${installation.name}, ${mode}, nodes ${nodes.map(({ id }) => id).join(" ")}, grids ${grids.map(({ id }) => id).join(" ")}, ${deviceCount} devices`,
        );
      }
    });
}

/** "" lets the node take its own file. */
function textOf(file: string | undefined): string {
  if (file === undefined) return "";
  if (!existsSync(file)) throw new RemsError("REMS_CONFIG_NOT_FOUND", `there is no file ${file}`);
  return readFileSync(file, "utf8");
}

async function previewed(
  context: CommandContext,
  client: OperatorClient,
  manifestText: string,
): Promise<Preview> {
  context.terminal.progress?.("running the grids' cores a minute ahead");
  try {
    return await client.call(
      ConfigService.previewConfig,
      rems.v1.PreviewConfigRequest.create({ manifestText }),
    );
  } finally {
    context.terminal.progress?.("");
  }
}

async function apply(
  context: CommandContext,
  client: OperatorClient,
  manifestText: string,
  options: ApplyOptions,
): Promise<number> {
  const { terminal } = context;
  const json = isJson(context);
  const preview = await previewed(context, client, manifestText);
  if (!json) terminal.out(previewText(terminal, preview));
  if (preview.problems.length > 0) {
    if (json) terminal.out(jsonText(preview));
    return EXIT.usage;
  }
  if (preview.changes.length === 0) return EXIT.ok;
  const needs = missing(preview, options);
  if (needs !== null) throw new RemsError("REMS_REQUEST_REFUSED", needs);
  if (preview.grids.length > 0) {
    const code = await tryOut(context, client, preview, manifestText, options);
    if (code !== EXIT.ok) return code;
  }
  if (preview.needsRestart) await restartAll(context, client, manifestText, preview);
  return EXIT.ok;
}

function missing(preview: Preview, options: ApplyOptions): string | null {
  if (preview.needsAcceptance && !options.acceptCommands) {
    return "the change would bring the commands above: repeat with --accept-commands if they are wanted";
  }
  if (preview.needsRestart && !options.restart)
    return "some of the changes need a restart of each node: repeat with --restart";
  if (preview.needsRestart && preview.grids.length > 0 && !options.confirm) {
    return "parameters and what needs a restart are changed together: with --confirm, as the restart cannot wait for a trial";
  }
  if (preview.isStructural && !options.acceptStructure) {
    return "the structure changes: nodes are out of sync with each other until all have started anew. Repeat with --accept-structure when the plant is quiet";
  }
  return null;
}

async function tryOut(
  context: CommandContext,
  client: OperatorClient,
  preview: Preview,
  manifestText: string,
  options: ApplyOptions,
): Promise<number> {
  const { terminal } = context;
  const request = rems.v1.ApplyConfigRequest.create({
    requestId: randomUUID(),
    manifestText,
    // What needs a restart is not part of the trial.
    parametersOnly: preview.needsRestart,
    expectedRevisions: Object.fromEntries(
      preview.grids.map(({ grid, revision }) => [grid ?? "", revision ?? 0]),
    ),
    acceptCommands: options.acceptCommands,
    confirmWithinS: options.confirmWithin,
    user: userName(),
  });
  const answer = await client.call(ConfigService.applyConfig, request);
  if (isJson(context)) terminal.out(jsonText(answer));
  else for (const { grid, reason } of answer.trials) terminal.out(`${grid}: ${reason}`);
  if (options.confirm) return settle(context, client, true, "");
  const { input, output } = terminal;
  if (isJson(context) || input === undefined || output === undefined) {
    if (!isJson(context))
      terminal.out(`Keep it within ${options.confirmWithin} s: r-emsctl config confirm`);
    return EXIT.ok;
  }
  const { createQuestions } = await import("../setup/questions.ts");
  const late = AbortSignal.any([context.signal, AbortSignal.timeout(options.confirmWithin * 1000)]);
  const isKept = await createQuestions(input, output, late)
    .confirm(
      `Does the plant do what was meant? Undone by itself in ${options.confirmWithin} s. Keep it?`,
      false,
    )
    .catch(() => false);
  return settle(context, client, isKept, "");
}

async function restartAll(
  context: CommandContext,
  client: OperatorClient,
  manifestText: string,
  preview: Preview,
): Promise<void> {
  const { terminal } = context;
  const shown = await client.call(ConfigService.getConfig, rems.v1.GetConfigRequest.create());
  const running =
    checkText(shown.manifestText, shown.manifestPath).manifest ?? loadManifest(shown.manifestPath);
  const text = manifestText === "" ? readFileSync(shown.manifestPath, "utf8") : manifestText;
  await restartNodes({
    manifest: running,
    manifestText: text,
    isStructural: preview.isStructural,
    signal: context.signal,
    tell: (line) => terminal.out(isJson(context) ? jsonText({ progress: line }) : line),
  });
}

async function settle(
  context: CommandContext,
  client: OperatorClient,
  isConfirmed: boolean,
  grid: string,
): Promise<number> {
  const { terminal } = context;
  const request = rems.v1.SettleConfigRequest.create({
    requestId: randomUUID(),
    isConfirmed,
    grid,
    user: userName(),
  });
  const { grids } = await client.call(ConfigService.settleConfig, request);
  for (const one of grids) {
    const word = one.isAccepted
      ? paint(terminal, "green", isConfirmed ? "kept" : "undone")
      : paint(terminal, "red", "refused");
    terminal.out(isJson(context) ? jsonText(one) : `${word}: ${one.grid}: ${one.reason}`);
  }
  // What was applied and is not in force is no success of `apply`; `rollback` says so itself.
  return isConfirmed && grids.every(({ isAccepted }) => isAccepted) ? EXIT.ok : EXIT.refused;
}

async function rollBack(
  context: CommandContext,
  client: OperatorClient,
  grid: string,
): Promise<number> {
  const shown = await client.call(ConfigService.getConfig, rems.v1.GetConfigRequest.create());
  const isOnTrial = shown.grids.some((one) => one.isOnTrial && (grid === "" || one.grid === grid));
  if (isOnTrial) {
    await settle(context, client, false, grid);
    return EXIT.ok;
  }
  const request = rems.v1.ApplyConfigRequest.create({
    requestId: randomUUID(),
    revert: true,
    user: userName(),
    acceptCommands: true,
  });
  const { trials } = await client.call(ConfigService.applyConfig, request);
  for (const trial of trials)
    context.terminal.out(isJson(context) ? jsonText(trial) : `${trial.grid}: ${trial.reason}`);
  if (!isJson(context))
    context.terminal.out("What held before is on trial again; keep it: r-emsctl config confirm");
  return EXIT.ok;
}
