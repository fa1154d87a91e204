import { signal } from "@preact/signals";

export type Theme = "light" | "dark";

const KEY = "r-ems.theme";

/** Light, or dark for a bridge at night. `public/theme.js` has set it before the first paint. */
export const theme = signal<Theme>(
  document.documentElement.dataset["theme"] === "dark" ? "dark" : "light",
);

export function setTheme(next: Theme): void {
  theme.value = next;
  document.documentElement.dataset["theme"] = next;
  try {
    localStorage.setItem(KEY, next);
  } catch {
    // Private windows may refuse storage: it holds until the page is closed.
  }
}
