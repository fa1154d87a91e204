import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { RequestError } from "../../data/node-link.ts";
import { setup, type SetupState } from "../../data/setup-state.ts";
import { EnterCode } from "./enter-code.tsx";
import { ReviewStep } from "./review-step.tsx";
import { StepForm } from "./step-form.tsx";
import "./setup.css";

type View =
  | { readonly type: "waiting" }
  | { readonly type: "code" }
  | { readonly type: "failed"; readonly text: string }
  | { readonly type: "here"; readonly state: SetupState };

interface SetupWizardProps {
  /** Whose files these are; "" in a first start. */
  readonly node: string;
  readonly onSaved: () => void;
}

const PLACE = "r-ems.setup.step";

/** Step by step to a manifest. Every answer is kept by the node: a reload, or another browser, goes on where this one was left. */
export function SetupWizard({ node, onSaved }: SetupWizardProps): JSX.Element {
  const [view, setView] = useState<View>({ type: "waiting" });
  const [open, setOpen] = useState(() => sessionStorage.getItem(PLACE) ?? "");
  const load = async (): Promise<void> => {
    try {
      setView({ type: "here", state: await setup.state() });
    } catch (error) {
      const isLocked = error instanceof RequestError && error.code === "REMS_PERMISSION_DENIED";
      const text = error instanceof Error ? error.message : String(error);
      setView(isLocked ? { type: "code" } : { type: "failed", text });
    }
  };
  useEffect(() => void load(), []);
  const go = (step: string, revision?: number): void => {
    sessionStorage.setItem(PLACE, step);
    setOpen(step);
    // The next answer may come before the whole state does.
    if (revision !== undefined && view.type === "here") {
      setView({ ...view, state: { ...view.state, revision } });
    }
    void load();
  };
  if (view.type === "waiting")
    return <p class="waiting">Asking the node {node} for its manifest …</p>;
  if (view.type === "code") return <EnterCode onEntered={() => void load()} />;
  if (view.type === "failed") {
    return (
      <div class="stack">
        <p class="failure">
          {node === "" ? "" : `${node}: `}
          {view.text}
        </p>
        <div class="toolbar">
          <button type="button" onClick={() => void load()}>
            Ask again
          </button>
        </div>
      </div>
    );
  }
  const { state } = view;
  const { steps } = state;
  const first = steps.find(({ isDone }) => !isDone) ?? steps[0];
  const step = steps.find(({ id }) => id === open) ?? first;
  if (step === undefined) return <p class="failure">The node has no steps.</p>;
  return (
    <div class="setup">
      <nav class="panel setup-steps" aria-label="Steps">
        <ol>
          {steps.map(({ id, title, isDone, problems }, index) => (
            <li key={id}>
              <button
                type="button"
                aria-current={id === step.id ? "step" : undefined}
                onClick={() => go(id)}
              >
                <span
                  class={problems.length > 0 ? "mark wrong" : isDone ? "mark done" : "mark"}
                  aria-hidden="true"
                >
                  {problems.length > 0 ? "!" : isDone ? "✓" : index + 1}
                </span>
                {title}
                <span class="hidden">
                  {problems.length > 0 ? `, ${problems.length} to mend` : isDone ? ", done" : ""}
                </span>
              </button>
            </li>
          ))}
        </ol>
        <p class="quiet">
          {state.isEdit ? "Began as the manifest that is there. " : ""}
          {state.isResumed ? "Goes on from a draft. " : ""}
          Every step is kept at once.
        </p>
      </nav>
      <section class="panel setup-step" aria-labelledby="step-title">
        <h1 id="step-title">{step.title}</h1>
        <p class="quiet">{step.explains}</p>
        {step.id === "review" ? (
          <ReviewStep path={state.manifestPath} steps={steps} onOpen={go} onSaved={onSaved} />
        ) : (
          <StepForm key={step.id} step={step} state={state} onDone={go} />
        )}
      </section>
    </div>
  );
}
