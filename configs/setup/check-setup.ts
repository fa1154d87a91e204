import { checkManifestText } from "../load-manifest.ts";
import type { Manifest } from "../manifest.ts";
import { type ConfigProblem } from "../problem.ts";
import type { DeviceProfile } from "../profile.ts";
import type { SetupDocument } from "./document.ts";
import { manifestText } from "./manifest-text.ts";
import { STEP_IDS, type StepId, stepOf } from "./steps.ts";

export interface SetupReview {
  readonly manifestText: string;
  /** Null where there is any problem. */
  readonly manifest: Manifest | null;
  readonly problems: readonly ConfigProblem[];
  readonly problemsByStep: Readonly<Record<StepId, readonly ConfigProblem[]>>;
}

/** Checks a document by the manifest's own checks, and says in which step each problem is mended. Pure. */
export function reviewSetup(
  document: SetupDocument,
  surroundings: {
    readonly path: string;
    readonly profiles: ReadonlyMap<string, DeviceProfile>;
  },
): SetupReview {
  const text = manifestText(document);
  const { manifest, problems } = checkManifestText(text, surroundings);
  const byStep = Object.fromEntries(
    STEP_IDS.map((id) => [id, problems.filter((problem) => stepOf(problem) === id)]),
  ) as unknown as SetupReview["problemsByStep"];
  return { manifestText: text, manifest, problems, problemsByStep: byStep };
}

/**
 * What is wrong with one step, as far as it can be said before the later ones are answered: what the schema says of the step's own fields,
 * and the cross checks where the rest allows them.
 */
export function problemsOfStep(
  document: SetupDocument,
  step: StepId,
  surroundings: Parameters<typeof reviewSetup>[1],
): readonly ConfigProblem[] {
  const review = reviewSetup(document, surroundings);
  if (step === "review") return review.problems;
  return review.problemsByStep[step].filter(({ path }) => !isOfLaterStep(path, step));
}

/** A grid that has no controllers yet lacks them in a later step. */
function isOfLaterStep(path: string, step: StepId): boolean {
  return STEP_IDS.indexOf(stepOf({ path })) > STEP_IDS.indexOf(step);
}
