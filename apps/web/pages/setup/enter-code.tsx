import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { setup } from "../../data/setup-state.ts";

/** First start: who may read the node's log may set it up. */
export function EnterCode({ onEntered }: { onEntered: () => void }): JSX.Element {
  const [code, setCode] = useState("");
  const [failure, setFailure] = useState("");
  const enter = async (): Promise<void> => {
    try {
      await setup.enter(code);
      onEntered();
    } catch (error) {
      setFailure(error instanceof Error ? error.message : String(error));
    }
  };
  return (
    <section class="panel empty">
      <h1>Set up this node</h1>
      <p>
        r-emsd has printed a code where it was started, or into its journal (
        <code>journalctl -u r-emsd</code>).
      </p>
      <form
        class="toolbar"
        onSubmit={(event) => {
          event.preventDefault();
          void enter();
        }}
      >
        <label class="field">
          Setup code
          <input
            class="code-input"
            value={code}
            placeholder="K7QD-M2PX"
            autocomplete="off"
            onInput={(event) => setCode(event.currentTarget.value)}
          />
        </label>
        <button type="submit" class="primary">
          Begin
        </button>
      </form>
      {failure === "" ? null : (
        <p class="failure" role="alert">
          {failure}
        </p>
      )}
    </section>
  );
}
