import { copyFileSync, existsSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { InvalidArgumentError } from "commander";
import { parse } from "smol-toml";
import { findManifestPath } from "../../../configs/manifest-path.ts";
import { type ConfigProblem, problemText } from "../../../configs/problem.ts";
import { answersFor, type Table } from "../../../configs/setup/document.ts";
import { SETUP_STEPS, type StepId } from "../../../configs/setup/steps.ts";
import { SetupWizard } from "../../../configs/setup/wizard.ts";
import { oneOf } from "../../../configs/spelling.ts";
import { RemsError } from "../../../kernel/errors.ts";
import { type CommandContext, EXIT, isJson } from "../command-context.ts";
import { paint } from "../terminal.ts";
import { ASK_STEP } from "./ask-steps.ts";
import { createQuestions, type Questions } from "./questions.ts";

interface WizardOptions {
  readonly root?: string;
  readonly answers?: string;
  readonly dryRun: boolean;
}

const EXAMPLES = ["vessel", "land-battery", "single"] as const;
type Example = (typeof EXAMPLES)[number];

const WIZARD_HELP = `
Asks step by step and keeps every answer, so that an interruption loses nothing; run again to go on, or to edit a manifest that is there.
Files: r-ems.toml and node.env, beside them setup-draft.json while it is not finished, and setup.log with each step's outcome; in
--root, else $R_EMS_CONFIG_ROOT, else /etc/r-ems.

A file of answers is a manifest that may lack what can be proposed; it may have this_node = "n1" besides. "-" reads it from stdin.

Examples:
  r-emsctl setup wizard
  r-emsctl setup wizard --root ./my-site
  r-emsctl setup wizard --answers answers.toml
  r-emsctl --json setup wizard --answers - --dry-run < answers.toml

Exit codes: 0 saved (or nothing wrong, with --dry-run); 1 left before the end; 2 something is wrong with the answers.`;

const NEW_HELP = `
Examples:
  r-emsctl setup new my-site.toml
  r-emsctl setup new my-ship.toml --example vessel`;

export function addSetup(context: CommandContext): void {
  const setup = context.program
    .command("setup")
    .description("describe an installation: the wizard, or an example to start from");
  setup
    .command("wizard")
    .description("ask for everything, step by step, and write the manifest")
    .option("--root <directory>", "where the manifest goes")
    .option("--answers <file>", "answers in a TOML file instead of questions")
    .option("--dry-run", "with --answers: print the manifest, write nothing", false)
    .addHelpText("after", WIZARD_HELP)
    .action((options: WizardOptions) => runWizard(context, options));
  setup
    .command("new <file>")
    .description("copy an example installation to a file of your own")
    .option("--example <name>", `one of ${EXAMPLES.join(", ")}`, exampleOf, "single")
    .addHelpText("after", NEW_HELP)
    .action((file: string, { example }: { example: Example }) =>
      copyExample(context, file, example),
    );
  setup
    .command("discard")
    .description("forget a setup that was left half way")
    .option("--root <directory>", "where the manifest is")
    .addHelpText("after", "\nExample: r-emsctl setup discard --root ./my-site")
    .action((options: { readonly root?: string }) => {
      const wizard = openWizard(options.root);
      const text = wizard.isResumed
        ? `the draft in ${wizard.root} is gone`
        : `there is no draft in ${wizard.root}`;
      wizard.discard();
      context.terminal.out(text);
    });
}

function exampleOf(text: string): Example {
  const found = EXAMPLES.find((name) => name === text);
  if (found !== undefined) return found;
  throw new InvalidArgumentError(oneOf(text, EXAMPLES));
}

/** Beside the program, as it is shipped. */
function copyExample({ terminal }: CommandContext, file: string, example: Example): void {
  const target = resolve(file);
  if (existsSync(target)) {
    throw new RemsError("REMS_REQUEST_REFUSED", `${target} is there already; name another file`);
  }
  copyFileSync(shipped(`${example}.toml`), target);
  terminal.out(`${target} is the example ${example}; edit it, then: r-emsctl config check ${file}`);
}

function shipped(name: string): string {
  for (
    let folder = dirname(fileURLToPath(import.meta.url)), depth = 0;
    depth < 6;
    folder = dirname(folder), depth++
  ) {
    const path = join(folder, "configs", name);
    if (existsSync(path)) return path;
  }
  throw new RemsError("REMS_NOT_FOUND", `the example ${name} is not beside the program`);
}

function openWizard(
  root: string | undefined,
  how: { readonly isFresh?: boolean; readonly isDry?: boolean } = {},
): SetupWizard {
  const directory = root ?? dirname(findManifestPath(undefined, process.env));
  return new SetupWizard({ root: directory, client: "r-emsctl", nowMs: Date.now, ...how });
}

async function runWizard(context: CommandContext, options: WizardOptions): Promise<void> {
  if (options.answers !== undefined) {
    context.finish(runAnswers(context, options, options.answers));
    return;
  }
  const { input, output } = context.terminal;
  if (input === undefined || output === undefined) {
    throw new RemsError(
      "REMS_REQUEST_INVALID",
      "the wizard asks on a terminal, and here is none: give --answers FILE instead",
    );
  }
  const questions = createQuestions(input, output, context.signal);
  const wizard = openWizard(options.root);
  try {
    context.finish(await askAll(wizard, questions, context.signal));
  } catch (error) {
    if (!(error instanceof RemsError) || error.code !== "REMS_TIMEOUT") throw error;
    questions.end(
      `Left half way: what was answered is kept in ${wizard.root}. Run "r-emsctl setup wizard" again to go on.`,
    );
    context.finish(EXIT.refused);
  }
}

async function askAll(
  wizard: SetupWizard,
  questions: Questions,
  signal: AbortSignal,
): Promise<number> {
  questions.title(`R-EMS setup: ${wizard.manifestPath}`);
  if (wizard.isResumed) await askResume(wizard, questions);
  for (const step of SETUP_STEPS) {
    if (step.id === "review" || wizard.draft.doneSteps.includes(step.id)) continue;
    questions.tell("info", `${step.title}\n${step.explains}`);
    await askStep(wizard, questions, step.id, signal);
  }
  return askSave(wizard, questions, signal);
}

async function askResume(wizard: SetupWizard, questions: Questions): Promise<void> {
  const done = wizard.draft.doneSteps.join(", ") || "nothing yet";
  const choice = await questions.choose(`A setup was left half way (done: ${done}).`, [
    { value: "on", label: "Go on where it was" },
    { value: "anew", label: "Begin anew" },
  ]);
  if (choice === "anew") wizard.discard();
}

/** Asks again until the answers are right. */
async function askStep(
  wizard: SetupWizard,
  questions: Questions,
  step: Exclude<StepId, "review">,
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    const answers = await ASK_STEP[step](wizard, questions, signal);
    const { isOk, problems } = wizard.answer(step, answers);
    if (isOk) return;
    questions.note("Not right yet", problems.map(shortText).join("\n"));
  }
}

function shortText({ path, found, allowed }: ConfigProblem): string {
  return `${path}: found ${found}; allowed: ${allowed}`;
}

async function askSave(
  wizard: SetupWizard,
  questions: Questions,
  signal: AbortSignal,
): Promise<number> {
  for (;;) {
    const { manifestText, problems } = wizard.review();
    if (problems.length > 0) questions.note("Still wrong", problems.map(shortText).join("\n"));
    const again = SETUP_STEPS.filter(({ id }) => id !== "review");
    const choice = await questions.choose<"save" | "show" | "leave" | StepId>("What now?", [
      ...(problems.length === 0
        ? [{ value: "save" as const, label: `Write ${wizard.manifestPath}` }]
        : []),
      { value: "show" as const, label: "Show the manifest" },
      ...again.map(({ id, title }) => ({ value: id, label: `Change: ${title}` })),
      { value: "leave" as const, label: "Leave; everything answered is kept" },
    ]);
    if (choice === "leave") throw new RemsError("REMS_TIMEOUT", "interrupted");
    if (choice === "show") questions.note(wizard.manifestPath, manifestText);
    else if (choice === "save") {
      const { isEdit } = wizard.draft;
      const { path, previousPath, thisNode } = wizard.save();
      const kept = previousPath === null ? "" : ` What was there before is in ${previousPath}.`;
      const start = `Start this node: r-emsd${thisNode === "" ? " --node ID" : ""}`;
      const next = isEdit
        ? "A node that runs goes on as it is: r-emsctl config diff, then config apply."
        : start;
      questions.end(`${path} is written.${kept} ${next}`);
      return EXIT.ok;
    } else if (choice !== "review") await askStep(wizard, questions, choice, signal);
  }
}

/** All steps from a file: what it does not answer is proposed. @returns The exit code. */
function runAnswers(context: CommandContext, options: WizardOptions, file: string): number {
  const { terminal } = context;
  const json = isJson(context);
  const given = readAnswers(file);
  const wizard = openWizard(options.root, { isFresh: true, isDry: options.dryRun });
  let isAllRight = true;
  for (const { id, title } of SETUP_STEPS) {
    if (id === "review") continue;
    // The first pass sets what is given, so that the proposal fills in the rest.
    wizard.answer(id, answersFor(given, id));
    const { isOk, problems } = wizard.answer(id, wizard.propose(id));
    isAllRight &&= isOk;
    if (json) {
      terminal.out(JSON.stringify({ step: id, outcome: isOk ? "success" : "fault", problems }));
    } else if (!options.dryRun || !isOk) {
      terminal.out(
        `${isOk ? paint(terminal, "green", "ok   ") : paint(terminal, "red", "wrong")}  ${title}`,
      );
      for (const problem of problems) terminal.out(`       ${shortText(problem)}`);
    }
  }
  const { problems, manifestText } = wizard.review();
  if (!isAllRight || problems.length > 0) {
    if (isAllRight) for (const problem of problems) terminal.error(problemText(problem));
    return EXIT.usage;
  }
  if (options.dryRun) {
    terminal.out(json ? JSON.stringify({ manifest: manifestText }) : manifestText.trimEnd());
    return EXIT.ok;
  }
  const saved = wizard.save();
  terminal.out(
    json ? JSON.stringify({ saved }) : `${saved.path} is written; start this node: r-emsd`,
  );
  return EXIT.ok;
}

function readAnswers(file: string): Table {
  const isStdin = file === "-";
  if (!isStdin && !existsSync(file)) {
    throw new RemsError("REMS_CONFIG_NOT_FOUND", `there is no file of answers ${file}`);
  }
  try {
    return parse(readFileSync(isStdin ? 0 : file, "utf8")) as Table;
  } catch (cause) {
    const reason = cause instanceof Error ? (cause.message.split("\n")[0] ?? "") : "";
    throw new RemsError("REMS_CONFIG_INVALID", `${file} is no TOML: ${reason}`, { cause });
  }
}
