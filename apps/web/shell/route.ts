import { computed, signal } from "@preact/signals";

/** The place within the application: `#/devices/dg1?tab=points`. Any static server can serve it, and a link can be sent. */
const hash = signal(location.hash);
addEventListener("hashchange", () => {
  hash.value = location.hash;
});

export interface Route {
  /** First part; empty for the overview. */
  readonly page: string;
  /** The rest, decoded: an id or an address. */
  readonly rest: string;
  readonly query: URLSearchParams;
}

export const route = computed<Route>(() => parseRoute(hash.value));

export function parseRoute(text: string): Route {
  const [path = "", query = ""] = text.replace(/^#\/?/, "").split("?");
  const [page = "", ...rest] = path.split("/");
  return { page, rest: decodeURIComponent(rest.join("/")), query: new URLSearchParams(query) };
}

export function go(path: string): void {
  location.hash = path;
}

export const linkTo = (page: string, rest = ""): string =>
  rest === "" ? `#/${page}` : `#/${page}/${rest.split("/").map(encodeURIComponent).join("/")}`;
