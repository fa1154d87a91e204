import { signal } from "@preact/signals";
import type { JSX } from "preact";
import { Icon } from "../shell/icons.tsx";

interface Notice {
  readonly id: number;
  readonly text: string;
  readonly isBad: boolean;
}

const SHOWN_MS = 7000;
const COUNT_MAX = 4;

const notices = signal<readonly Notice[]>([]);
let lastId = 0;

/** Says what came of something. What went wrong stays until it is put away. */
export function tell(text: string, isBad = false): void {
  const id = (lastId += 1);
  notices.value = [...notices.value, { id, text, isBad }].slice(-COUNT_MAX);
  if (!isBad) setTimeout(() => dismiss(id), SHOWN_MS);
}

function dismiss(id: number): void {
  notices.value = notices.value.filter((notice) => notice.id !== id);
}

export function Notices(): JSX.Element {
  return (
    <div class="notices" role="status" aria-live="polite">
      {notices.value.map(({ id, text, isBad }) => (
        <div key={id} class={isBad ? "notice bad" : "notice"}>
          <span>{text}</span>
          <button
            type="button"
            class="icon-button"
            aria-label="Dismiss"
            onClick={() => dismiss(id)}
          >
            <Icon name="close" size={16} />
          </button>
        </div>
      ))}
    </div>
  );
}
