import type { JSX } from "preact";
import { setUserName, userName } from "../data/commands.ts";
import { ask } from "../parts/dialog.tsx";
import { Icon } from "./icons.tsx";
import { areKeysOn, setKeysOn } from "./keys.ts";
import { pages } from "./pages.ts";

const NAME_LENGTH_MAX = 64;

/** What belongs to this screen alone: whose name the audit gets, and which keys do something. */
export function showThisScreen(): void {
  ask({ title: "This screen", body: <ThisScreen /> });
}

export function ThisScreenButton(): JSX.Element {
  return (
    <button
      type="button"
      class="icon-button"
      onClick={showThisScreen}
      aria-label="This screen: your name, keys"
      title="This screen: your name, keys (?)"
    >
      <Icon name="person" />
    </button>
  );
}

function ThisScreen(): JSX.Element {
  return (
    <div class="stack">
      <label class="field">
        Your name
        <input
          value={userName()}
          maxLength={NAME_LENGTH_MAX}
          onChange={(event) => setUserName(event.currentTarget.value)}
        />
        <small>Stands in the audit beside all that is asked for here. There is no login yet.</small>
      </label>
      <dl class="facts keys">
        {pages.value.map(({ page, title, key }) => (
          <>
            <dt key={page}>
              <kbd>g</kbd> <kbd>{key}</kbd>
            </dt>
            <dd>{title}</dd>
          </>
        ))}
        <dt>
          <kbd>n</kbd>
        </dt>
        <dd>day and night colours</dd>
        <dt>
          <kbd>Tab</kbd> <kbd>Enter</kbd>
        </dt>
        <dd>everything else, the devices in the diagram too</dd>
      </dl>
      <label class="check-field">
        <input
          type="checkbox"
          checked={areKeysOn.value}
          onChange={(event) => setKeysOn(event.currentTarget.checked)}
        />
        Single letters do that
      </label>
    </div>
  );
}
