import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { newId, userName } from "../../data/commands.ts";
import type {
  ApplyConfigResponse,
  ConfigChange,
  GetConfigResponse,
  PredictedCommand,
  PreviewConfigResponse,
  SettleConfigResponse,
} from "../../data/messages.ts";
import { request } from "../../data/node-link.ts";
import { paths } from "../../data/paths.ts";
import { wordsOf } from "../../parts/format.ts";
import { tell } from "../../parts/notices.tsx";
import { useAnswer } from "../../parts/use-answer.ts";

const EVERY_MS = 2000;

const said = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** The manifest that is in force, as text: edit it, see what would change and be commanded, try it, keep it or roll it back. */
export function ManifestText(): JSX.Element {
  const config = useAnswer<GetConfigResponse>(paths.config, EVERY_MS);
  const [text, setText] = useState<string | null>(null);
  const [preview, setPreview] = useState<PreviewConfigResponse | null>(null);
  const [isAccepted, setIsAccepted] = useState(false);
  const [isBusy, setIsBusy] = useState(false);
  useEffect(() => setPreview(null), [text]);
  const { value, failure } = config;
  if (value === null)
    return <p class="waiting">{failure === "" ? "Asking the node …" : failure}</p>;
  const onTrial = value.grids.filter((grid) => grid.isOnTrial);
  const busy = async (act: () => Promise<void>): Promise<void> => {
    setIsBusy(true);
    await act().catch((error: unknown) => tell(said(error), true));
    setIsBusy(false);
    config.again();
  };
  const apply = async (): Promise<void> => {
    const { trials } = await request<ApplyConfigResponse>(paths.configApply, {
      requestId: newId().slice(0, 40),
      manifestText: text ?? value.manifestText,
      expectedRevisions: Object.fromEntries(
        (preview?.grids ?? []).map(({ grid, revision }) => [grid, revision]),
      ),
      acceptCommands: isAccepted,
      parametersOnly: preview?.needsRestart === true,
      user: userName(),
    });
    tell(trials.map(({ grid, reason }) => `${grid}: ${reason}`).join("; ") || "nothing changed");
    setText(null);
  };
  return (
    <div class="stack">
      {onTrial.length === 0 ? null : (
        <section class="panel trial" role="status">
          <h2>
            On trial in {onTrial.map(({ grid }) => grid).join(", ")}: undone in{" "}
            {Math.ceil(Math.min(...onTrial.map(({ trialLeftS }) => trialLeftS)))} s unless it is
            kept
          </h2>
          <div class="toolbar">
            <button type="button" class="primary" onClick={() => void busy(() => settle(true))}>
              Keep it
            </button>
            <button type="button" onClick={() => void busy(() => settle(false))}>
              Roll it back
            </button>
          </div>
        </section>
      )}
      <section class="panel">
        <label class="field">
          Manifest with the parameters in force ({value.manifestPath})
          <textarea
            class="code"
            rows={22}
            spellcheck={false}
            value={text ?? value.manifestText}
            onInput={(event) => setText(event.currentTarget.value)}
          />
        </label>
        <div class="toolbar note">
          <button
            type="button"
            disabled={text === null || isBusy}
            onClick={() =>
              void busy(async () => {
                setPreview(
                  await request<PreviewConfigResponse>(paths.configPreview, { manifestText: text }),
                );
              })
            }
          >
            {isBusy ? "Asking …" : "What would it change?"}
          </button>
          <button type="button" disabled={text === null} onClick={() => setText(null)}>
            Forget the edits
          </button>
        </div>
      </section>
      {preview === null ? null : <Preview preview={preview} />}
      {preview === null || preview.problems.length > 0 || preview.changes.length === 0 ? null : (
        <div class="toolbar">
          {preview.needsAcceptance ? (
            <label class="check-field">
              <input
                type="checkbox"
                checked={isAccepted}
                onChange={(event) => setIsAccepted(event.currentTarget.checked)}
              />
              These starts, stops and breakers are wanted
            </label>
          ) : null}
          <button
            type="button"
            class="primary"
            disabled={isBusy || (preview.needsAcceptance && !isAccepted)}
            onClick={() => void busy(apply)}
          >
            Try it for 60 s
          </button>
          {preview.needsRestart ? (
            <p class="quiet">
              Some of it needs a restart of each node: r-emsctl config apply --restart. The rest is
              tried now.
            </p>
          ) : null}
        </div>
      )}
    </div>
  );
}

async function settle(isConfirmed: boolean): Promise<void> {
  const body = { requestId: newId().slice(0, 40), isConfirmed, user: userName() };
  const { grids } = await request<SettleConfigResponse>(paths.configSettle, body);
  const isBad = grids.some((grid) => !grid.isAccepted);
  tell(grids.map(({ grid, reason }) => `${grid}: ${reason}`).join("; "), isBad);
}

function Preview({ preview }: { preview: PreviewConfigResponse }): JSX.Element {
  const { problems, changes, grids, addedCommands, removedCommands, horizonS } = preview;
  if (problems.length > 0) {
    return (
      <ul class="failure" role="alert">
        {problems.map((problem) => (
          <li key={problem}>{problem}</li>
        ))}
      </ul>
    );
  }
  const refusals = grids.filter(({ refusal }) => refusal !== "");
  return (
    <section class="panel" aria-label="What it would change">
      <h2>{changes.length === 0 ? "Nothing would change" : "It would change"}</h2>
      <ul class="reasons">
        {changes.map((change) => (
          <li key={change.path}>{changeText(change)}</li>
        ))}
        {refusals.map(({ grid, refusal }) => (
          <li key={grid}>
            {grid} would refuse: {refusal}
          </li>
        ))}
      </ul>
      <Commands
        title={`Commands within ${horizonS} s that come with it`}
        commands={addedCommands}
      />
      <Commands
        title={`Commands within ${horizonS} s that it prevents`}
        commands={removedCommands}
      />
    </section>
  );
}

const changeText = ({ path, fromJson, toJson, kind }: ConfigChange): string =>
  `${path}: ${fromJson || "none"} → ${toJson || "none"} (${wordsOf(kind.replace("CHANGE_KIND_", ""))})`;

interface CommandsProps {
  readonly title: string;
  readonly commands: readonly PredictedCommand[];
}

function Commands({ title, commands }: CommandsProps): JSX.Element | null {
  if (commands.length === 0) return null;
  return (
    <>
      <h3>{title}</h3>
      <ul>
        {commands.map(({ grid, device, command, afterS, reason, isWritten }) => (
          <li key={`${grid}${device}${command}${afterS}`}>
            after {Math.round(afterS)} s: <strong>{command}</strong> {grid}/{device}
            {isWritten ? "" : " (not written)"}: {reason}
          </li>
        ))}
      </ul>
    </>
  );
}
