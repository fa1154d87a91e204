import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { setup, type SetupReview, type SetupStep } from "../../data/setup-state.ts";
import { tell } from "../../parts/notices.tsx";

interface ReviewStepProps {
  readonly path: string;
  readonly steps: readonly SetupStep[];
  readonly onOpen: (step: string) => void;
  readonly onSaved: () => void;
}

/** The whole manifest as it would be written, with everything that is still wrong. */
export function ReviewStep({ path, steps, onOpen, onSaved }: ReviewStepProps): JSX.Element {
  const [review, setReview] = useState<SetupReview | null>(null);
  const [saved, setSaved] = useState("");
  useEffect(() => {
    setup.review().then(setReview, (error: unknown) => tell(String(error), true));
  }, []);
  const save = async (): Promise<void> => {
    try {
      const { message, path: written } = await setup.save();
      setSaved(`${written} is written; ${message}.`);
      onSaved();
    } catch (error) {
      tell(error instanceof Error ? error.message : String(error), true);
    }
  };
  if (review === null) return <p class="waiting">Checking …</p>;
  if (saved !== "") {
    return (
      <p class="check" role="status">
        {saved} This page goes on to it by itself.
      </p>
    );
  }
  const wrong = steps.filter(({ problems }) => problems.length > 0);
  return (
    <>
      {review.isOk ? <p class="check">Everything fits.</p> : null}
      {review.problems.length === 0 ? null : (
        <ul class="failure" role="alert">
          {review.problems.map(({ text }) => (
            <li key={text}>{text}</li>
          ))}
        </ul>
      )}
      {wrong.length === 0 ? null : (
        <p class="toolbar">
          {wrong.map(({ id, title }) => (
            <button key={id} type="button" class="small" onClick={() => onOpen(id)}>
              Mend {title}
            </button>
          ))}
        </p>
      )}
      <pre class="manifest" tabIndex={0} aria-label={`Manifest, ${path}`}>
        {review.manifestText}
      </pre>
      <div class="dialog-buttons">
        <button type="button" class="primary" disabled={!review.isOk} onClick={() => void save()}>
          Save {path}
        </button>
      </div>
    </>
  );
}
