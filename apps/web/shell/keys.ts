import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { pages } from "./pages.ts";
import { go } from "./route.ts";
import { setTheme, theme } from "./theme.ts";

const PAIR_MS_MAX = 1200;
const KEPT = "r-ems.keys";

/** Whether single letters do something: who speaks to a computer, or rests on its keys, switches that off. */
export const areKeysOn = signal(readKept());

function readKept(): boolean {
  try {
    return localStorage.getItem(KEPT) !== "off";
  } catch {
    return true;
  }
}

export function setKeysOn(isOn: boolean): void {
  areKeysOn.value = isOn;
  try {
    localStorage.setItem(KEPT, isOn ? "on" : "off");
  } catch {
    // Private windows may refuse storage: it holds until the page is closed.
  }
}

/** `g` and a page's letter leads there; `n` changes day and night; `?` says so. Not while something is typed. */
export function useKeys(onHelp: () => void): void {
  useEffect(() => {
    let gAtMs = -Infinity;
    const onKey = (event: KeyboardEvent): void => {
      const target = event.target as HTMLElement;
      const isTyping =
        /^(?:input|textarea|select)$/i.test(target.tagName) || target.isContentEditable;
      const isInDialog = target.closest("dialog") !== null;
      if (!areKeysOn.value || isTyping || isInDialog) return;
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const entry = pages.value.find(({ key }) => key === event.key);
      if (event.timeStamp - gAtMs < PAIR_MS_MAX && entry !== undefined) {
        gAtMs = -Infinity;
        event.preventDefault();
        go(`/${entry.page}`);
      } else if (event.key === "g") gAtMs = event.timeStamp;
      else if (event.key === "n") setTheme(theme.value === "dark" ? "light" : "dark");
      else if (event.key === "?") onHelp();
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, []);
}
