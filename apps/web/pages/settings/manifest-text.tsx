import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { GetConfigResponse } from "../../data/messages.ts";
import { paths } from "../../data/paths.ts";
import { useAnswer } from "../../parts/use-answer.ts";
import { Trial } from "./trial.tsx";
import { TryChange } from "./try-change.tsx";

const EVERY_MS = 1000;

/** The manifest that is in force, as text: edit it, see what would change and be commanded, try it, keep it or roll it back. */
export function ManifestText(): JSX.Element {
  const config = useAnswer<GetConfigResponse>(paths.config);
  const parameters = useAnswer<GetConfigResponse>(paths.parameters, EVERY_MS);
  const [text, setText] = useState<string | null>(null);
  const revisions = parameters.value?.grids.map(({ revision }) => revision).join();
  // The text is made anew where somebody changed what is in force.
  useEffect(() => {
    if (revisions !== undefined) config.again();
  }, [revisions]);
  const { value, failure } = config;
  if (value === null)
    return <p class="waiting">{failure === "" ? "Asking the node …" : failure}</p>;
  const isEdited = text !== null && text !== value.manifestText;
  return (
    <div class="stack">
      <Trial grids={parameters.value?.grids ?? []} onEnded={parameters.again} />
      <FileState config={value} />
      <section class="panel">
        <label class="field">
          Manifest with the parameters in force ({value.manifestPath})
          <textarea
            class="code"
            rows={20}
            spellcheck={false}
            value={text ?? value.manifestText}
            onInput={(event) => setText(event.currentTarget.value)}
          />
        </label>
        <div class="stack note">
          <TryChange
            wanted={isEdited ? { manifestText: text } : null}
            onForget={() => setText(null)}
            onTried={() => {
              setText(null);
              parameters.again();
            }}
          />
        </div>
      </section>
    </div>
  );
}

/** Where the node's file says something else than what is in force. */
function FileState({ config }: { config: GetConfigResponse }): JSX.Element | null {
  const { fileProblems, fileChanges, manifestPath } = config;
  if (fileProblems.length === 0 && fileChanges.length === 0) return null;
  const lines =
    fileProblems.length > 0
      ? fileProblems
      : fileChanges.map(
          ({ path, fromJson, toJson }) =>
            `${path}: in force ${fromJson || "none"}, in the file ${toJson || "none"}`,
        );
  return (
    <section class="panel" aria-label="The file of this node">
      <h2>{fileProblems.length > 0 ? "The file is not right" : "The file says otherwise"}</h2>
      <p class="quiet">
        {manifestPath} was edited by hand. It comes into force with{" "}
        <code>r-emsctl config apply</code>, or where the node starts anew.
      </p>
      <ul class="reasons">
        {lines.map((line) => (
          <li key={line}>{line}</li>
        ))}
      </ul>
    </section>
  );
}
