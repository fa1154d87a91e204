import type { JSX } from "preact";
import { Icon } from "./icons.tsx";
import { setTheme, theme } from "./theme.ts";

export function ThemeButton(): JSX.Element {
  const isDark = theme.value === "dark";
  return (
    <button
      type="button"
      class="icon-button"
      onClick={() => setTheme(isDark ? "light" : "dark")}
      aria-label={isDark ? "Light colours" : "Dark colours"}
      title={isDark ? "Light colours (n)" : "Dark colours, for a bridge at night (n)"}
    >
      <Icon name={isDark ? "sun" : "moon"} />
    </button>
  );
}
