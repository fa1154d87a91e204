import type { FastifyInstance } from "fastify";
import { z } from "zod";
import { problemText } from "../../configs/problem.ts";
import { isTable, type Table } from "../../configs/setup/document.ts";
import { proposeDevice } from "../../configs/setup/propose.ts";
import {
  fieldsOf,
  isStepId,
  SETUP_STEPS,
  STEP_IDS,
  type StepId,
} from "../../configs/setup/steps.ts";
import type { SavedSetup, SetupWizard } from "../../configs/setup/wizard.ts";
import type { ConfigProblem } from "../../configs/problem.ts";
import { RemsError } from "../../kernel/errors.ts";
import { createDeviceLook, scanSchema, testReadSchema } from "./setup-devices.ts";

export interface SetupRoutesOptions {
  /** As its files are now: others may answer beside this browser. */
  readonly openWizard: () => SetupWizard;
  /** The node serves no plant yet. */
  readonly isFirstStart: boolean;
  /** Devices of the running plant that a scan must not reach past the daemon; none before there is one. */
  readonly servedDevices: () => readonly {
    readonly host: string;
    readonly port: number;
    readonly device: string;
  }[];
  /** Throws where the node could not start with what would be saved. */
  readonly beforeSave?: (wizard: SetupWizard) => Promise<void>;
  /** What happens after the manifest was saved, for people: "the node starts now". */
  readonly afterSave: (saved: SavedSetup) => string;
}

const PREFIX = "/api/v1/setup";
const LOG_COUNT_MAX = 200;
const answerSchema = z.object({
  answers: z.record(z.string().max(64), z.unknown()),
  revision: z.int().min(0).optional(),
});
const deviceSchema = z.object({
  grid: z.string().max(64),
  device: z.record(z.string().max(64), z.unknown()),
});

/** The wizard over HTTP: see the page on the setup wizard for what each route takes and gives. */
export function addSetupRoutes(server: FastifyInstance, options: SetupRoutesOptions): void {
  const { openWizard } = options;
  const look = createDeviceLook(() => openWizard().profiles(), options.servedDevices);

  server.get(PREFIX, () => stateOf(options));
  server.get(`${PREFIX}/log`, () => ({ entries: openWizard().log(LOG_COUNT_MAX) }));
  server.get<{ Params: { step: string } }>(`${PREFIX}/steps/:step/proposal`, (request) => ({
    answers: openWizard().propose(stepParam(request.params.step)),
  }));
  server.put<{ Params: { step: string } }>(`${PREFIX}/steps/:step`, (request) => {
    const step = stepParam(request.params.step);
    const { answers, revision } = parsed(answerSchema, request.body);
    const wizard = openWizard();
    const outcome = wizard.answer(step, answers, revision);
    const next = STEP_IDS[STEP_IDS.indexOf(step) + 1] ?? "review";
    return {
      isOk: outcome.isOk,
      problems: outcome.problems.map(problemJson),
      revision: outcome.draft.revision,
      doneSteps: outcome.draft.doneSteps,
      document: outcome.draft.document,
      next,
      proposal: wizard.propose(next),
    };
  });
  server.post(`${PREFIX}/device-proposal`, (request) => {
    const { grid, device } = parsed(deviceSchema, request.body);
    const wizard = openWizard();
    return {
      device: proposeDevice(wizard.draft.document, grid, device as Table, wizard.profiles()),
    };
  });
  server.post(`${PREFIX}/scan`, (request) => look.scan(parsed(scanSchema, request.body)));
  server.post(`${PREFIX}/test-read`, (request) =>
    look.testRead(parsed(testReadSchema, request.body)),
  );
  server.get(`${PREFIX}/review`, () => {
    const { manifestText, problems, manifest } = openWizard().review();
    return { manifestText, isOk: manifest !== null, problems: problems.map(problemJson) };
  });
  server.post(`${PREFIX}/save`, async () => {
    await options.beforeSave?.(openWizard());
    const saved = openWizard().save();
    return { ...saved, message: options.afterSave(saved) };
  });
  server.post(`${PREFIX}/discard`, async (_request, reply) => {
    openWizard().discard();
    return reply.code(204).send();
  });
}

function stateOf({ openWizard, isFirstStart }: SetupRoutesOptions): object {
  const wizard = openWizard();
  const { draft } = wizard;
  const { problemsByStep } = wizard.review();
  return {
    isFirstStart,
    isEdit: draft.isEdit,
    isResumed: wizard.isResumed,
    root: wizard.root,
    manifestPath: wizard.manifestPath,
    revision: draft.revision,
    thisNode: draft.thisNode,
    document: draft.document,
    steps: SETUP_STEPS.map((step) => ({
      id: step.id,
      title: step.title,
      explains: step.explains,
      isDone: draft.doneSteps.includes(step.id),
      // Of a step that nobody answered yet, nothing is wrong.
      problems:
        draft.doneSteps.includes(step.id) || draft.isEdit
          ? problemsByStep[step.id].map(problemJson)
          : [],
      fields: fieldsOf(step),
    })),
    profiles: [...wizard.profiles().values()].map(({ id, name, kind, signature, family }) => ({
      id,
      name,
      kind,
      family,
      isSimulated: signature !== null,
    })),
  };
}

function problemJson(problem: ConfigProblem): object {
  const { path, line, found, allowed } = problem;
  return { path, line, found, allowed, text: problemText(problem) };
}

function stepParam(text: string): StepId {
  if (isStepId(text)) return text;
  throw new RemsError(
    "REMS_NOT_FOUND",
    `there is no step "${text}"; the steps are ${STEP_IDS.join(", ")}`,
  );
}

/** @throws {@link RemsError} `REMS_REQUEST_INVALID` that names the first thing that is wrong. */
function parsed<T>(schema: z.ZodType<T>, body: unknown): T {
  const checked = schema.safeParse(body);
  if (checked.success) return checked.data;
  const [issue] = checked.error.issues;
  const where = issue?.path.join(".") || "the body";
  throw new RemsError(
    "REMS_REQUEST_INVALID",
    `${where}: ${issue?.message ?? (isTable(body) ? "not allowed" : "no JSON object")}`,
  );
}
