import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import {
  setup,
  type SetupField,
  type SetupProblem,
  type SetupState,
  type SetupStep,
  type Table,
} from "../../data/setup-state.ts";
import { tell } from "../../parts/notices.tsx";
import { DeviceTools } from "./device-tools.tsx";
import { fieldTree, listAt, textAt, withIdOfName } from "./field-tree.ts";
import { GroupForm } from "./group-form.tsx";

interface StepFormProps {
  readonly step: SetupStep;
  readonly state: SetupState;
  /** Leads to another step, or to this one again; the draft is at that revision now. */
  readonly onDone: (next: string, revision: number) => void;
}

const GRIDS: ReadonlySet<string> = new Set(["grids"]);
const NONE: ReadonlySet<string> = new Set();

/** One step: its fields from the manifest's schema, filled with what is known or proposed. */
export function StepForm({ step, state, onDone }: StepFormProps): JSX.Element {
  const [answers, setAnswers] = useState<Table | null>(null);
  const [thisNode, setThisNode] = useState(state.thisNode);
  const [problems, setProblems] = useState<readonly SetupProblem[]>(step.problems);
  const [isSaving, setIsSaving] = useState(false);
  useEffect(() => {
    setup.proposal(step.id).then(
      (proposal) => setAnswers(proposal.answers),
      (error: unknown) => tell(error instanceof Error ? error.message : String(error), true),
    );
  }, [step.id]);
  if (answers === null) return <p class="waiting">Asking the node …</p>;
  const send = async (): Promise<void> => {
    setIsSaving(true);
    try {
      const node = step.id === "nodes" && thisNode !== "" ? { this_node: thisNode } : {};
      const outcome = await setup.answer(step.id, { ...answers, ...node }, state.revision);
      setProblems(outcome.problems);
      onDone(outcome.isOk ? outcome.next : step.id, outcome.revision);
    } catch (error) {
      tell(error instanceof Error ? error.message : String(error), true);
    }
    setIsSaving(false);
  };
  const known = new Set(step.fields.map(({ path }) => path.replaceAll("[]", "")));
  const others = problems.filter(({ path }) => !known.has(path.replaceAll(/\[\d+\]/g, "")));
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        void send();
      }}
    >
      <GroupForm
        group={fieldTree(step.fields)}
        value={answers}
        path=""
        problems={problems}
        onChange={(next) =>
          setAnswers(step.id === "installation" ? withIdOfName(answers, next) : next)
        }
        fixedLists={step.id === "grids" ? NONE : GRIDS}
        choicesOf={(field, entry) => choicesOf(field, entry, state, answers)}
        below={(list, entry, path, set) =>
          list === "devices" ? (
            <DeviceTools device={entry} grid={gridAt(answers, path)} onChange={set} />
          ) : null
        }
      />
      {step.id === "nodes" ? (
        <ThisNode nodes={listAt(answers, "nodes")} chosen={thisNode} onChange={setThisNode} />
      ) : null}
      {others.length === 0 ? null : (
        <ul class="failure" role="alert">
          {others.map(({ text }) => (
            <li key={text}>{text}</li>
          ))}
        </ul>
      )}
      <div class="dialog-buttons">
        <button type="submit" class="primary" disabled={isSaving}>
          {isSaving ? "Checking …" : "Check and go on"}
        </button>
      </div>
    </form>
  );
}

/** The manifest's own words where a field names something that another step said. */
function choicesOf(
  field: SetupField,
  entry: Table,
  state: SetupState,
  answers: Table,
): readonly string[] | undefined {
  const { path } = field;
  const ids = (list: string): string[] =>
    listAt(state.document, list).map((entry) => textAt(entry, "id"));
  if (path.endsWith("controllers[].node")) return ids("nodes");
  if (path === "ties[].breakers") {
    return listAt(answers, "grids").flatMap((grid) =>
      listAt(grid, "devices")
        .filter((device) => device["kind"] === "busTie")
        .map((device) => `${textAt(grid, "id")}/${textAt(device, "id")}`),
    );
  }
  if (path.endsWith("devices[].profile")) {
    const isProduction = state.document["mode"] === "production";
    return state.profiles
      .filter(({ kind, isSimulated }) => kind === entry["kind"] && isSimulated !== isProduction)
      .map(({ id }) => id);
  }
  return undefined;
}

function gridAt(answers: Table, path: string): string {
  const index = Number(/^grids\[(\d+)\]/.exec(path)?.[1] ?? -1);
  return textAt(listAt(answers, "grids")[index] ?? {}, "id");
}

interface ThisNodeProps {
  readonly nodes: readonly Table[];
  readonly chosen: string;
  readonly onChange: (node: string) => void;
}

function ThisNode({ nodes, chosen, onChange }: ThisNodeProps): JSX.Element {
  return (
    <fieldset>
      <legend>This computer</legend>
      <label class="field">
        Which of the nodes is it?
        <select onChange={(event) => onChange(event.currentTarget.value)}>
          <option value="">{nodes.length === 1 ? "the only one" : "choose"}</option>
          {nodes.map((node) => (
            <option key={textAt(node, "id")} selected={node["id"] === chosen}>
              {textAt(node, "id")}
            </option>
          ))}
        </select>
      </label>
    </fieldset>
  );
}
