import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { inProject } from "./program.ts";

/** What a browser fetches before it shows the overview, as `vite build` left it in dist/web. */
const ROOT = inProject("dist/web");
const FIRST_LOAD_BYTES_MAX = 300_000;

/** Compressed where a compressed copy lies beside it. */
function sizeOf(path: string): number {
  const names = [`${path}.br`, path].map((name) => join(ROOT, name));
  const found = names.find((name) => statSync(name, { throwIfNoEntry: false }) !== undefined);
  return found === undefined ? 0 : statSync(found).size;
}

/** The document, what it names, and what those import at once. */
function firstLoad(): string[] {
  const html = readFileSync(join(ROOT, "index.html"), "utf8");
  const named = [...html.matchAll(/(?:src|href)="\/([^"]+)"/g)].map((match) => match[1] ?? "");
  const seen = new Set(["index.html", ...named]);
  for (const path of seen) {
    if (!/\.(?:js|css)$/.test(path)) continue;
    const text = readFileSync(join(ROOT, path), "utf8");
    for (const [, name = ""] of text.matchAll(/(?:from|import)\s*"\.\/([^"]+\.js)"/g))
      seen.add(`assets/${name}`);
    for (const [, name = ""] of text.matchAll(/url\(\/?(assets\/[^)]+)\)/g)) seen.add(name);
  }
  return [...seen];
}

it("the first load of the overview stays below 300 kB, compressed, font included", () => {
  const parts = firstLoad().map((path) => ({ path, bytes: sizeOf(path) }));
  expect(parts.filter(({ bytes }) => bytes === 0)).toEqual([]);
  expect(parts.some(({ path }) => path.endsWith(".woff2"))).toBe(true);
  const total = parts.reduce((sum, { bytes }) => sum + bytes, 0);
  expect(total, JSON.stringify(parts)).toBeLessThan(FIRST_LOAD_BYTES_MAX);
});

it("nothing is asked for from elsewhere, and everything text has a compressed copy that says the same", () => {
  const names = readdirSync(ROOT, { recursive: true }).map(String);
  for (const name of names.filter((one) => /\.(?:js|css|html)$/.test(one))) {
    const text = readFileSync(join(ROOT, name), "utf8");
    expect(text, name).not.toMatch(/(?:src|href)="https?:|url\(["']?https?:|import\(["']https?:/);
    expect(names, name).toContain(`${name}.br`);
    expect(names, name).toContain(`${name}.gz`);
  }
});
