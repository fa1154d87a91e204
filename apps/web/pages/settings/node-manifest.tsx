import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { base, originOf } from "../../data/node-link.ts";
import { setUpAt } from "../../data/setup-state.ts";
import { nodes } from "../../data/store.ts";
import { tell } from "../../parts/notices.tsx";
import { SetupWizard } from "../setup/setup-wizard.tsx";

/**
 * The file of one node in the wizard: of the one that answers this page, unless somebody chooses another. Where the page goes on with another
 * node meanwhile, the file stays the one that was opened.
 */
export function NodeManifest(): JSX.Element {
  const [chosen, setChosen] = useState("");
  const own = nodes.value.find(({ isSelf }) => isSelf);
  useEffect(() => {
    if (chosen === "" && own !== undefined) setChosen(own.node);
  }, [chosen, own]);
  const node = nodes.value.find((one) => one.node === chosen) ?? own;
  if (node === undefined) return <p class="waiting">Asking which nodes there are …</p>;
  setUpAt(node.isSelf ? base.value : originOf(node.httpAddress));
  return (
    <div class="stack">
      <div class="toolbar">
        <label class="field">
          Node
          <select onChange={(event) => setChosen(event.currentTarget.value)}>
            {nodes.value.map((one) => (
              <option key={one.node} value={one.node} selected={one.node === node.node}>
                {one.node}
              </option>
            ))}
          </select>
        </label>
        <p class="quiet">
          Each node has a file of its own. What is saved here comes into force where the node starts
          anew, or by <code>r-emsctl config apply</code>.
        </p>
      </div>
      <SetupWizard
        key={node.node}
        node={node.node}
        onSaved={() => tell("The manifest is written; a restart of the node brings it into force.")}
      />
    </div>
  );
}
