import { signal } from "@preact/signals";
import type { ComponentChildren, JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";

/** One question at a time, above everything; Escape says no. */
export interface Question {
  readonly title: string;
  /** What would happen, or why it would not. */
  readonly body: ComponentChildren;
  /** On the button; absent: there is nothing to confirm. */
  readonly confirm?: string;
  readonly isDangerous?: boolean;
  /** Shown on top once it is known: what the node says that it would answer. */
  readonly check?: () => Promise<{ readonly isAccepted: boolean; readonly reason: string }>;
  readonly act?: () => Promise<void>;
}

const question = signal<Question | null>(null);

export function ask(next: Question): void {
  question.value = next;
}

export function Dialogs(): JSX.Element | null {
  const asked = question.value;
  return asked === null ? null : <Dialog question={asked} key={asked.title} />;
}

type Check =
  | { readonly type: "none" | "waiting" }
  | { readonly type: "answered"; readonly isAccepted: boolean; readonly reason: string };

function Dialog({ question: asked }: { question: Question }): JSX.Element {
  const ref = useRef<HTMLDialogElement>(null);
  const [check, setCheck] = useState<Check>({
    type: asked.check === undefined ? "none" : "waiting",
  });
  const [isActing, setIsActing] = useState(false);
  useEffect(() => {
    const element = ref.current;
    element?.showModal();
    let isGone = false;
    asked.check?.().then(
      (answer) => {
        if (!isGone) setCheck({ type: "answered", ...answer });
      },
      (error: unknown) => {
        const reason = error instanceof Error ? error.message : String(error);
        if (!isGone) setCheck({ type: "answered", isAccepted: false, reason });
      },
    );
    return () => {
      isGone = true;
      element?.close();
    };
  }, [asked]);
  const close = (): void => {
    question.value = null;
  };
  const act = async (): Promise<void> => {
    setIsActing(true);
    await asked.act?.();
    close();
  };
  const isRefused = check.type === "answered" && !check.isAccepted;
  return (
    <dialog ref={ref} class="dialog" aria-labelledby="dialog-title" onClose={close}>
      <h2 id="dialog-title">{asked.title}</h2>
      <div class="dialog-body">{asked.body}</div>
      {check.type === "waiting" ? <p class="check">Asking the controller …</p> : null}
      {check.type === "answered" ? (
        <p class={check.isAccepted ? "check" : "check refused"}>
          {check.isAccepted ? "It would be accepted" : "It would be refused"}
          {check.reason === "" ? "." : `: ${check.reason}`}
        </p>
      ) : null}
      <div class="dialog-buttons">
        <button type="button" onClick={close} autoFocus>
          {asked.confirm === undefined ? "Close" : "Cancel"}
        </button>
        {asked.confirm === undefined ? null : (
          <button
            type="button"
            class={asked.isDangerous === true ? "primary danger" : "primary"}
            disabled={isRefused || isActing || check.type === "waiting"}
            onClick={() => void act()}
          >
            {isActing ? "…" : asked.confirm}
          </button>
        )}
      </div>
    </dialog>
  );
}
