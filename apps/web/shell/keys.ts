import { useEffect } from "preact/hooks";
import { pages } from "./pages.ts";
import { go } from "./route.ts";
import { setTheme, theme } from "./theme.ts";

const PAIR_MS_MAX = 1200;

/** `g` and a page's letter leads there; `n` changes day and night. Not while something is typed. */
export function useKeys(): void {
  useEffect(() => {
    let gAtMs = -Infinity;
    const onKey = (event: KeyboardEvent): void => {
      const target = event.target as HTMLElement;
      const isTyping =
        /^(?:input|textarea|select)$/i.test(target.tagName) || target.isContentEditable;
      const isInDialog = target.closest("dialog") !== null;
      if (isTyping || isInDialog || event.ctrlKey || event.metaKey || event.altKey) return;
      const entry = pages.value.find(({ key }) => key === event.key);
      if (event.timeStamp - gAtMs < PAIR_MS_MAX && entry !== undefined) {
        gAtMs = -Infinity;
        event.preventDefault();
        go(`/${entry.page}`);
      } else if (event.key === "g") gAtMs = event.timeStamp;
      else if (event.key === "n") setTheme(theme.value === "dark" ? "light" : "dark");
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, []);
}
