import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { hostname } from "node:os";
import { dirname, join, resolve } from "node:path";
import { parse } from "smol-toml";
import { z } from "zod";
import { RemsError } from "../../kernel/errors.ts";
import { readProfiles, shippedProfileDirectory } from "../load-profile.ts";
import { readNodeName } from "../manifest-path.ts";
import type { NodeConfig } from "../manifest.ts";
import { type ConfigProblem, problemText, problemsText } from "../problem.ts";
import type { DeviceProfile } from "../profile.ts";
import { oneOf } from "../spelling.ts";
import { problemsOfStep, reviewSetup, type SetupReview } from "./check-setup.ts";
import { type SetupDocument, type Table, tablesOf, takeAnswers, textOf } from "./document.ts";
import { proposeStep, type SetupFacts } from "./propose.ts";
import { isStepId, STEP_IDS, type StepId } from "./steps.ts";

/** Who answers: for the log. */
export type SetupClient = "r-emsctl" | "web";

/** The wizard between two answers: kept in a file, so that an interruption loses nothing. */
export interface SetupDraft {
  /** Grows by one with every answer. */
  readonly revision: number;
  readonly document: SetupDocument;
  /** Steps whose answers were right when they were given. */
  readonly doneSteps: readonly StepId[];
  /** Which of the nodes this machine is; "" while that is not said. */
  readonly thisNode: string;
  /** It began as the manifest that is in force. */
  readonly isEdit: boolean;
}

export interface StepOutcome {
  readonly step: StepId;
  readonly isOk: boolean;
  readonly problems: readonly ConfigProblem[];
  readonly draft: SetupDraft;
}

export interface SavedSetup {
  readonly path: string;
  /** Where the manifest before it was kept; null where there was none. */
  readonly previousPath: string | null;
  readonly thisNode: string;
}

export interface WizardOptions {
  /** Directory that holds the manifest. */
  readonly root: string;
  /** Name of the manifest in it, where it is another. */
  readonly fileName?: string;
  readonly client: SetupClient;
  readonly nowMs: () => number;
  /** Begins from nothing, whatever draft or manifest is there. */
  readonly isFresh?: boolean;
  /** Reads and writes no file but profiles: for trying answers out. */
  readonly isDry?: boolean;
}

const FILE_BYTES_MAX = 2_000_000;
const LOG_BYTES_MAX = 1_000_000;
const NOTHING: SetupDraft = {
  revision: 0,
  document: {},
  doneSteps: [],
  thisNode: "",
  isEdit: false,
};

let shipped: ReadonlyMap<string, DeviceProfile> | null = null;

const draftSchema = z.object({
  format: z.literal(1),
  revision: z.int().min(0),
  document: z.record(z.string(), z.unknown()),
  doneSteps: z.array(z.string()),
  thisNode: z.string(),
  isEdit: z.boolean(),
});

/** The setup wizard with its files: `r-ems.toml`, `setup-draft.json`, `setup.log` and `node.env` in one directory. */
export class SetupWizard {
  readonly root: string;
  readonly #options: WizardOptions;
  #draft: SetupDraft;

  /** @throws {@link RemsError} `REMS_CONFIG_INVALID` where the manifest to be edited is no TOML, or the draft no draft. */
  constructor(options: WizardOptions) {
    this.root = resolve(options.root);
    this.#options = options;
    const isFromNothing = options.isFresh === true || options.isDry === true;
    this.#draft = isFromNothing ? NOTHING : (this.#readDraft() ?? this.#begin());
  }

  get manifestPath(): string {
    return join(this.root, this.#options.fileName ?? "r-ems.toml");
  }

  get draft(): SetupDraft {
    return this.#draft;
  }

  /** A draft that somebody left half way. */
  get isResumed(): boolean {
    return existsSync(this.#draftPath);
  }

  profiles(): ReadonlyMap<string, DeviceProfile> {
    const own = this.#draft.document["profile_directories"];
    const directories = (Array.isArray(own) ? own.filter((one) => typeof one === "string") : [])
      .map((directory) => resolve(this.root, directory))
      .filter((directory) => existsSync(directory));
    // What comes with the program does not change while it runs; what people write does.
    shipped ??= readProfiles([shippedProfileDirectory()]).profiles;
    return new Map([...shipped, ...readProfiles(directories).profiles]);
  }

  propose(step: StepId): Table {
    return proposeStep(step, this.#draft.document, this.#facts());
  }

  review(): SetupReview {
    return reviewSetup(this.#draft.document, {
      path: this.manifestPath,
      profiles: this.profiles(),
    });
  }

  /**
   * Takes the answers of one step: they are kept whether or not they are right, and the step is done where they are.
   *
   * @param answers - Tables of the manifest as {@link takeAnswers} takes them; in step `nodes` also `this_node`.
   * @param revision - The draft that the client saw; absent: any.
   * @throws {@link RemsError} `REMS_REQUEST_INVALID` for what is not this step's; `REMS_REQUEST_REFUSED` where the draft has changed since.
   */
  answer(step: StepId, answers: Table, revision?: number): StepOutcome {
    if (revision !== undefined && revision !== this.#draft.revision) {
      throw new RemsError(
        "REMS_REQUEST_REFUSED",
        `the draft has been changed elsewhere: it is at revision ${this.#draft.revision}, not ${revision}; load it again`,
      );
    }
    const { this_node: node, ...rest } =
      step === "nodes" ? answers : { ...answers, this_node: undefined };
    const document = takeAnswers(this.#draft.document, step, rest);
    const thisNode = typeof node === "string" ? node : this.#draft.thisNode;
    const surroundings = { path: this.manifestPath, profiles: this.profiles() };
    const problems = [
      ...problemsOfStep(document, step, surroundings),
      ...(step === "nodes" ? this.#problemsOfThisNode(document, thisNode) : []),
    ];
    const isOk = problems.length === 0;
    const others = this.#draft.doneSteps.filter((id) => id !== step);
    const done = isOk ? [...others, step] : others;
    this.#keep({
      ...this.#draft,
      revision: this.#draft.revision + 1,
      document,
      thisNode,
      doneSteps: STEP_IDS.filter((id) => done.includes(id)),
    });
    this.#log(step, problems.map(problemText));
    return { step, isOk, problems, draft: this.#draft };
  }

  /** Keeps a part of a step's answers while the rest is being asked: it is neither judged nor noted. */
  keepPart(step: StepId, answers: Table): void {
    const document = takeAnswers(this.#draft.document, step, answers);
    this.#keep({ ...this.#draft, revision: this.#draft.revision + 1, document });
  }

  /**
   * Writes the manifest, and forgets the draft. What stood there before is kept as `r-ems.toml.previous`.
   *
   * @throws {@link RemsError} `REMS_CONFIG_INVALID` with everything that is wrong; nothing is written then.
   */
  save(): SavedSetup {
    const review = this.review();
    if (review.manifest === null) {
      this.#log("review", review.problems.map(problemText));
      throw new RemsError("REMS_CONFIG_INVALID", problemsText(review.problems));
    }
    const thisNode = this.nodeHere()?.id ?? "";
    const previousPath = existsSync(this.manifestPath) ? `${this.manifestPath}.previous` : null;
    if (previousPath !== null) writeWhole(previousPath, readFileSync(this.manifestPath, "utf8"));
    writeWhole(this.manifestPath, review.manifestText);
    if (thisNode !== "") writeWhole(join(this.root, "node.env"), `NODE=${thisNode}\n`);
    this.#log("review", []);
    this.discard();
    return { path: this.manifestPath, previousPath, thisNode };
  }

  /** The node that this machine would be; null while that is not said, or the manifest is not right. */
  nodeHere(): NodeConfig | null {
    const nodes = this.review().manifest?.nodes ?? [];
    const { thisNode } = this.#draft;
    return thisNode === "" && nodes.length === 1
      ? (nodes[0] ?? null)
      : (nodes.find(({ id }) => id === thisNode) ?? null);
  }

  /** Notes why the manifest was not written. */
  noteFault(problem: string): void {
    this.#log("review", [problem]);
  }

  /** Forgets the draft: the wizard begins anew, from the manifest where there is one. */
  discard(): void {
    rmSync(this.#draftPath, { force: true });
    this.#draft = this.#begin();
  }

  /** The last entries of the log, oldest first, as they stand in the file. */
  log(countMax: number): unknown[] {
    if (!existsSync(this.#logPath)) return [];
    const lines = readFileSync(this.#logPath, "utf8").trim().split("\n").slice(-countMax);
    return lines.flatMap((line) => {
      try {
        return [JSON.parse(line) as unknown];
      } catch {
        return [];
      }
    });
  }

  #problemsOfThisNode(document: SetupDocument, thisNode: string): ConfigProblem[] {
    const ids = tablesOf(document["nodes"]).map(({ id }) => textOf(id));
    if (thisNode === "" || ids.includes(thisNode)) return [];
    const found = `"${thisNode}"`;
    return [
      { file: this.manifestPath, line: 1, path: "this_node", found, allowed: oneOf(thisNode, ids) },
    ];
  }

  #facts(): SetupFacts {
    const isSystem = this.root === "/etc/r-ems";
    return {
      hostName: hostname(),
      stateRoot: isSystem ? "/var/lib/r-ems" : join(this.root, "data"),
      logDirectory: isSystem ? "/var/log/r-ems" : join(this.root, "logs"),
      profiles: this.profiles(),
    };
  }

  get #draftPath(): string {
    return join(this.root, "setup-draft.json");
  }

  get #logPath(): string {
    return join(this.root, "setup.log");
  }

  #begin(): SetupDraft {
    if (!existsSync(this.manifestPath)) return NOTHING;
    try {
      const document = parse(readFileSync(this.manifestPath, "utf8")) as SetupDocument;
      const thisNode = readNodeName(this.manifestPath) ?? "";
      return { ...NOTHING, document, thisNode, isEdit: true };
    } catch (cause) {
      throw new RemsError(
        "REMS_CONFIG_INVALID",
        `${this.manifestPath} is no TOML, so it cannot be edited here; "r-emsctl config check" says where`,
        { cause },
      );
    }
  }

  #readDraft(): SetupDraft | null {
    if (!existsSync(this.#draftPath)) return null;
    let value: unknown;
    try {
      value = JSON.parse(readFileSync(this.#draftPath, "utf8").slice(0, FILE_BYTES_MAX));
    } catch {
      value = null;
    }
    const checked = draftSchema.safeParse(value);
    if (!checked.success) {
      throw new RemsError(
        "REMS_CONFIG_INVALID",
        `${this.#draftPath} is no draft of this version of the wizard; move it away to begin anew`,
      );
    }
    const { format: _format, doneSteps, ...draft } = checked.data;
    return { ...draft, doneSteps: doneSteps.filter(isStepId) };
  }

  #keep(draft: SetupDraft): void {
    this.#draft = draft;
    if (this.#options.isDry === true) return;
    writeWhole(this.#draftPath, `${JSON.stringify({ format: 1, ...draft }, null, 1)}\n`);
  }

  /** One line per step: when, which, by whom, whether it was right, and if not what was wrong. */
  #log(step: StepId, problems: readonly string[]): void {
    if (this.#options.isDry === true) return;
    const entry = {
      at: new Date(this.#options.nowMs()).toISOString(),
      event: step === "review" ? "setup.save" : "setup.step",
      step,
      client: this.#options.client,
      outcome: problems.length === 0 ? "success" : "fault",
      revision: this.#draft.revision,
      problems,
    };
    if (existsSync(this.#logPath) && readFileSync(this.#logPath).length > LOG_BYTES_MAX) {
      renameSync(this.#logPath, `${this.#logPath}.old`);
    }
    appendFileSync(this.#logPath, `${JSON.stringify(entry)}\n`, { mode: 0o640 });
  }
}

/** Writes a file whole or not at all: a new one beside it takes its name. @throws {@link RemsError} `REMS_DIRECTORY_UNWRITABLE`. */
export function writeWhole(path: string, text: string): void {
  try {
    mkdirSync(dirname(path), { recursive: true });
    const beside = `${path}.new`;
    writeFileSync(beside, text, { mode: 0o640, flush: true });
    renameSync(beside, path);
  } catch (cause) {
    const reason = cause instanceof Error && "code" in cause ? String(cause.code) : "unknown";
    throw new RemsError("REMS_DIRECTORY_UNWRITABLE", `${path} cannot be written (${reason})`, {
      cause,
    });
  }
}
