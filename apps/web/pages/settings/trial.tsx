import type { JSX } from "preact";
import { endTrial, plain } from "../../data/configuration.ts";
import type { GridConfiguration } from "../../data/messages.ts";
import { tell } from "../../parts/notices.tsx";
import { differenceOf } from "./parameter-groups.ts";

interface TrialProps {
  readonly grids: readonly GridConfiguration[];
  readonly onEnded: () => void;
}

/** What is on trial, of the grids that are shown, and the two ways to end it. */
export function Trial({ grids, onEnded }: TrialProps): JSX.Element | null {
  const onTrial = grids.filter(({ isOnTrial }) => isOnTrial);
  if (onTrial.length === 0) {
    const undone = grids.filter(({ isUndone }) => isUndone).map(({ grid }) => grid);
    if (undone.length === 0) return null;
    return (
      <p class="check refused" role="status">
        {undone.join(", ")}: the last change was undone by itself, as nobody kept it in time.
      </p>
    );
  }
  const end = async (isKept: boolean): Promise<void> => {
    try {
      for (const { grid } of onTrial) {
        const settled = await endTrial(isKept, grid);
        for (const { isAccepted, reason } of settled.grids) tell(`${grid}: ${reason}`, !isAccepted);
      }
    } catch (error) {
      tell(error instanceof Error ? error.message : String(error), true);
    }
    onEnded();
  };
  const leftS = Math.min(...onTrial.map(({ trialLeftS }) => trialLeftS));
  return (
    <section class="trial" role="status" aria-label="On trial">
      <div>
        <h2>On trial: undone in {Math.ceil(leftS)} s unless it is kept</h2>
        <ul>
          {onTrial.flatMap(({ grid, beforeTrial, parameters }) => {
            const before = plain(beforeTrial);
            const now = plain(parameters);
            const after = Object.fromEntries(
              Object.keys(before).map((name) => [name, now[name] ?? ""]),
            );
            return differenceOf(before, after).map((line) => (
              <li key={`${grid} ${line}`}>
                {grid}: {line}
              </li>
            ));
          })}
        </ul>
      </div>
      <div class="toolbar">
        <button type="button" class="primary" onClick={() => void end(true)}>
          Keep it
        </button>
        <button type="button" onClick={() => void end(false)}>
          Roll it back
        </button>
      </div>
    </section>
  );
}
