import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { previewOf, tryOut, type Wanted } from "../../data/configuration.ts";
import type { ConfigChange, PredictedCommand, PreviewConfigResponse } from "../../data/messages.ts";
import { wordsOf } from "../../parts/format.ts";
import { tell } from "../../parts/notices.tsx";

interface TryChangeProps {
  /** Null: nothing is edited. */
  readonly wanted: Wanted | null;
  readonly onForget: () => void;
  readonly onTried: () => void;
}

/** From an edit to a trial: first what it would change and bring, then in earnest, undone by itself unless somebody keeps it. */
export function TryChange({ wanted, onForget, onTried }: TryChangeProps): JSX.Element {
  const [preview, setPreview] = useState<PreviewConfigResponse | null>(null);
  const [isAccepted, setIsAccepted] = useState(false);
  const [isBusy, setIsBusy] = useState(false);
  const key = JSON.stringify(wanted);
  // What was found out is about the edit that it was asked of.
  useEffect(() => {
    setPreview(null);
    setIsAccepted(false);
  }, [key]);
  const busy = async (act: () => Promise<void>): Promise<void> => {
    setIsBusy(true);
    await act().catch((error: unknown) =>
      tell(error instanceof Error ? error.message : String(error), true),
    );
    setIsBusy(false);
  };
  const look = async (): Promise<void> => {
    if (wanted !== null) setPreview(await previewOf(wanted));
  };
  const apply = async (): Promise<void> => {
    if (wanted === null || preview === null) return;
    // What is on trial stands there with its time: said twice, one would cover the other.
    if ((await tryOut(wanted, preview, isAccepted)) === "") tell("Nothing changed");
    onTried();
  };
  return (
    <>
      {preview === null ? null : <Preview preview={preview} />}
      {preview?.needsAcceptance === true ? (
        <label class="check-field">
          <input
            type="checkbox"
            checked={isAccepted}
            onChange={(event) => setIsAccepted(event.currentTarget.checked)}
          />
          These starts, stops and breakers are wanted
        </label>
      ) : null}
      <div class="toolbar">
        <button
          type="button"
          class={preview === null ? "primary" : ""}
          disabled={wanted === null || isBusy}
          onClick={() => void busy(look)}
        >
          {isBusy && preview === null ? "Looking a minute ahead …" : "What would it change?"}
        </button>
        {preview !== null && mayTry(preview) ? (
          <button
            type="button"
            class="primary"
            disabled={isBusy || (preview.needsAcceptance && !isAccepted)}
            onClick={() => void busy(apply)}
          >
            Try it for 60 s
          </button>
        ) : null}
        <button type="button" disabled={wanted === null} onClick={onForget}>
          Forget the edits
        </button>
      </div>
    </>
  );
}

const mayTry = ({ problems, grids }: PreviewConfigResponse): boolean =>
  problems.length === 0 && grids.length > 0 && grids.every(({ refusal }) => refusal === "");

function Preview({ preview }: { preview: PreviewConfigResponse }): JSX.Element {
  const { problems, changes, grids, addedCommands, removedCommands, horizonS } = preview;
  if (problems.length > 0) {
    return (
      <div class="failure" role="alert">
        <h3>It is not right</h3>
        <ul class="reasons">
          {problems.map((problem) => (
            <li key={problem}>{problem}</li>
          ))}
        </ul>
      </div>
    );
  }
  const refusals = grids.filter(({ refusal }) => refusal !== "");
  const isQuiet = addedCommands.length === 0 && removedCommands.length === 0;
  return (
    <section aria-label="What it would change">
      <h3>{changes.length === 0 ? "Nothing would change" : "It would change"}</h3>
      <ul class="reasons">
        {changes.map((change) => (
          <li key={change.path}>{changeText(change)}</li>
        ))}
      </ul>
      {refusals.map(({ grid, refusal }) => (
        <p key={grid} class="check refused">
          {grid} would refuse: {refusal}
        </p>
      ))}
      <Commands title={`Commands that come with it within ${horizonS} s`} list={addedCommands} />
      <Commands title={`Commands that it prevents within ${horizonS} s`} list={removedCommands} />
      {grids.length > 0 && isQuiet ? (
        <p>Within {horizonS} s it brings no command and prevents none.</p>
      ) : null}
      {preview.unpredictedGrids.length === 0 ? null : (
        <p class="quiet">Not looked ahead in: {preview.unpredictedGrids.join(", ")}</p>
      )}
      {preview.needsRestart ? (
        <p>
          Some of it needs each node to start anew, one at a time:{" "}
          <code>
            r-emsctl config apply --restart{preview.isStructural ? " --accept-structure" : ""}
          </code>
          .{" "}
          {preview.isStructural
            ? "What the grids are made of changes: the last node to start anew has no standby, and its devices go on by themselves for some seconds. "
            : ""}
          {grids.length > 0 ? "The rest can be tried now." : ""}
        </p>
      ) : null}
    </section>
  );
}

const changeText = ({ path, fromJson, toJson, kind }: ConfigChange): string =>
  `${path}: ${fromJson || "none"} → ${toJson || "none"} (${wordsOf(kind.replace("CHANGE_KIND_", ""))})`;

interface CommandsProps {
  readonly title: string;
  readonly list: readonly PredictedCommand[];
}

function Commands({ title, list }: CommandsProps): JSX.Element | null {
  if (list.length === 0) return null;
  return (
    <>
      <h4>{title}</h4>
      <ul class="reasons">
        {list.map(({ grid, device, command, afterS, reason, isWritten }) => (
          <li key={`${grid}${device}${command}${afterS}`}>
            after {Math.round(afterS)} s: <strong>{command}</strong> {grid}/{device}
            {isWritten ? "" : " (not written)"}: {reason}
          </li>
        ))}
      </ul>
    </>
  );
}
