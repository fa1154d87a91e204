// The theme before the first paint: as chosen, else as the system has it.
(() => {
  let chosen = null;
  try {
    chosen = localStorage.getItem("r-ems.theme");
  } catch {
    // Private windows may refuse storage.
  }
  const isDark = matchMedia("(prefers-color-scheme: dark)").matches;
  document.documentElement.dataset.theme =
    chosen === "dark" || chosen === "light" ? chosen : isDark ? "dark" : "light";
})();
