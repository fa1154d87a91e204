import type { ComponentChildren, JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { base, request } from "../data/node-link.ts";
import type { RecordQuery } from "../data/paths.ts";
import { grids } from "../data/store.ts";

export interface Column<Record> {
  readonly title: string;
  readonly cell: (record: Record) => ComponentChildren;
  readonly isTime?: boolean;
  readonly isQuiet?: boolean;
}

interface Choices {
  readonly name: "priority" | "kind" | "outcome";
  readonly title: string;
  readonly values: readonly string[];
}

interface RecordTableProps<Record> {
  readonly columns: readonly Column<Record>[];
  readonly pathOf: (filter: RecordQuery) => string;
  readonly keyOf: (record: Record) => string;
  readonly choices: Choices;
  readonly label: string;
}

interface Page<Record> {
  readonly records: readonly Record[];
  readonly nextPageToken: string;
}

const SPANS: readonly (readonly [string, number])[] = [
  ["last hour", 3_600_000],
  ["last day", 86_400_000],
  ["last week", 7 * 86_400_000],
  ["all that is kept", 0],
];
const PAGE_SIZE = 100;
const TYPING_MS = 300;

/** Records of the history, the newest first: filtered by the node, fetched page by page. */
export function RecordTable<Record>(props: RecordTableProps<Record>): JSX.Element {
  const { columns, pathOf, keyOf, choices, label } = props;
  const [filter, setFilter] = useState<RecordQuery>({});
  const [spanMs, setSpanMs] = useState(3_600_000);
  const [pages, setPages] = useState<readonly Page<Record>[]>([]);
  const [failure, setFailure] = useState("");
  const [isWaiting, setIsWaiting] = useState(true);
  const set = (part: RecordQuery): void => setFilter({ ...filter, ...part });
  const fetchPage = async (token: string, before: readonly Page<Record>[]): Promise<void> => {
    setIsWaiting(true);
    try {
      const from = spanMs === 0 ? {} : { fromMs: Date.now() - spanMs };
      const query = { ...filter, ...from, pageSize: PAGE_SIZE, pageToken: token };
      const page = await request<Page<Record>>(pathOf(query));
      setPages([...before, page]);
      setFailure("");
    } catch (error) {
      setFailure(error instanceof Error ? error.message : String(error));
    }
    setIsWaiting(false);
  };
  useEffect(() => {
    const timer = setTimeout(() => void fetchPage("", []), TYPING_MS);
    return () => clearTimeout(timer);
  }, [filter, spanMs, base.value]);
  const records = pages.flatMap((page) => page.records);
  const next = pages.at(-1)?.nextPageToken ?? "";
  return (
    <div class="stack">
      <div class="toolbar">
        <Choice
          title="Grid"
          values={grids.value.map(({ grid }) => grid)}
          onChange={(grid) => set({ grid })}
        />
        <Choice
          title={choices.title}
          values={choices.values}
          onChange={(value) => set({ [choices.name]: value })}
        />
        <label class="field">
          Time
          <select onChange={(event) => setSpanMs(Number(event.currentTarget.value))}>
            {SPANS.map(([text, ms]) => (
              <option key={text} value={ms} selected={ms === spanMs}>
                {text}
              </option>
            ))}
          </select>
        </label>
        <label class="field">
          Device or actor
          <input
            type="search"
            placeholder="port/dg1"
            onInput={(event) => set({ actorPrefix: event.currentTarget.value })}
          />
        </label>
        <label class="field">
          Text
          <input type="search" onInput={(event) => set({ text: event.currentTarget.value })} />
        </label>
        <button type="button" onClick={() => void fetchPage("", [])}>
          Refresh
        </button>
      </div>
      {failure === "" ? null : <p class="failure">{failure}</p>}
      <section class="panel table-scroll" aria-label={label} aria-busy={isWaiting}>
        <table>
          <thead>
            <tr>
              {columns.map(({ title }) => (
                <th key={title} scope="col">
                  {title}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {records.map((record, index) => (
              <tr key={`${keyOf(record)}${index}`}>
                {columns.map(({ title, cell, isTime, isQuiet }) => (
                  <td
                    key={title}
                    class={isTime === true ? "time" : isQuiet === true ? "quiet" : ""}
                  >
                    {cell(record)}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
        {records.length === 0 && !isWaiting && failure === "" ? (
          <p class="quiet nothing">Nothing fits.</p>
        ) : null}
        {next === "" ? null : (
          <button type="button" disabled={isWaiting} onClick={() => void fetchPage(next, pages)}>
            {isWaiting ? "Fetching …" : "Older ones"}
          </button>
        )}
      </section>
    </div>
  );
}

interface ChoiceProps {
  readonly title: string;
  readonly values: readonly string[];
  readonly onChange: (value: string) => void;
}

function Choice({ title, values, onChange }: ChoiceProps): JSX.Element {
  return (
    <label class="field">
      {title}
      <select onChange={(event) => onChange(event.currentTarget.value)}>
        <option value="">all</option>
        {values.map((value) => (
          <option key={value} value={value}>
            {value}
          </option>
        ))}
      </select>
    </label>
  );
}
