import type { ComponentChildren, JSX } from "preact";
import type { SetupField, SetupProblem, Table } from "../../data/setup-state.ts";
import { capital } from "../../parts/format.ts";
import { FieldInput } from "./field-input.tsx";
import { forKind, listAt, tableAt, textAt, withValue, type FieldGroup } from "./field-tree.ts";

export interface GroupFormProps {
  readonly group: FieldGroup;
  readonly value: Table;
  /** Where the value stands: `grids[0].devices[2]`. */
  readonly path: string;
  readonly problems: readonly SetupProblem[];
  readonly onChange: (value: Table) => void;
  /** Lists whose entries another step names: nothing is added or taken away. */
  readonly fixedLists: ReadonlySet<string>;
  /** Beneath each entry of a list. */
  readonly below?: (
    list: string,
    entry: Table,
    path: string,
    set: (entry: Table) => void,
  ) => ComponentChildren;
  readonly choicesOf?: (field: SetupField, entry: Table) => readonly string[] | undefined;
  readonly newEntry?: (list: string, path: string) => Table;
}

/** At its field it needs no place. */
function problemAt(problems: readonly SetupProblem[], path: string): string {
  const problem = problems.find((one) => one.path === path);
  return problem === undefined ? "" : `Found ${problem.found}; allowed: ${problem.allowed}`;
}

const join = (path: string, key: string): string => (path === "" ? key : `${path}.${key}`);

/** Fields, tables and lists of any part of the manifest, drawn from what its schema says. */
export function GroupForm(props: GroupFormProps): JSX.Element {
  const { group, value, path, problems, onChange } = props;
  const plain = group.fields.filter(({ field }) => !field.isMore);
  const more = group.fields.filter(({ field }) => field.isMore);
  const input = ({ key, field }: { key: string; field: SetupField }): JSX.Element => (
    <FieldInput
      key={field.path}
      name={key}
      field={field}
      value={value[key]}
      problem={problemAt(problems, join(path, key))}
      choices={props.choicesOf?.(field, value)}
      onChange={(next) => onChange(withValue(value, key, next))}
    />
  );
  return (
    <div class="group-form">
      {plain.length === 0 ? null : <div class="fields">{plain.map(input)}</div>}
      {more.length === 0 ? null : (
        <details>
          <summary>More</summary>
          <div class="fields">{more.map(input)}</div>
        </details>
      )}
      {group.tables.map(({ key, group: within }) => (
        <fieldset key={key}>
          <legend>{capital(key.replaceAll("_", " "))}</legend>
          <GroupForm
            {...props}
            group={within}
            value={tableAt(value, key)}
            path={join(path, key)}
            onChange={(next) => onChange(withValue(value, key, next))}
          />
        </fieldset>
      ))}
      {group.lists.map(({ key, group: within }) => (
        <ListForm key={key} {...props} list={key} within={within} />
      ))}
    </div>
  );
}

interface ListFormProps extends GroupFormProps {
  readonly list: string;
  readonly within: FieldGroup;
}

function ListForm(props: ListFormProps): JSX.Element {
  const { list, within, value, path, onChange, fixedLists } = props;
  const entries = listAt(value, list);
  const set = (next: readonly Table[]): void => onChange(withValue(value, list, next));
  const one = capital(list.replaceAll("_", " ").replace(/s$/, ""));
  const isFixed = fixedLists.has(list);
  return (
    <div class="list-form">
      {entries.map((entry, index) => {
        const at = `${join(path, list)}[${index}]`;
        const name =
          ["name", "id", "node"].map((key) => textAt(entry, key)).find(Boolean) ?? index + 1;
        const setEntry = (next: Table): void =>
          set(entries.map((other, place) => (place === index ? next : other)));
        return (
          <fieldset key={at} class="entry">
            <legend>
              {one} {name}
            </legend>
            <GroupForm
              {...props}
              group={forKind(within, entry)}
              value={entry}
              path={at}
              onChange={setEntry}
            />
            {props.below?.(list, entry, at, setEntry)}
            {isFixed ? null : (
              <button
                type="button"
                class="small remove"
                onClick={() => set(entries.filter((_other, place) => place !== index))}
              >
                Remove {name}
              </button>
            )}
          </fieldset>
        );
      })}
      {isFixed ? null : (
        <button
          type="button"
          onClick={() => set([...entries, props.newEntry?.(list, join(path, list)) ?? {}])}
        >
          Add {one.toLowerCase()}
        </button>
      )}
    </div>
  );
}
