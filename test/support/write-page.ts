import { readFileSync, writeFileSync } from "node:fs";
import { RemsError } from "../../kernel/errors.ts";

const BEGIN = "<!-- figures begin -->";
const END = "<!-- figures end -->";

/**
 * Puts a report between the marks of a page, as text of fixed width.
 * @throws {@link RemsError} `REMS_REQUEST_INVALID` where the page has no marks.
 */
export function writeIntoPage(path: string, command: string, report: string): void {
  writeFileSync(path, withReport(readFileSync(path, "utf8"), path, command, report));
}

/** The same for a report that is Markdown itself. */
export function writeMarkdownIntoPage(path: string, command: string, report: string): void {
  writeFileSync(path, withMarkdown(readFileSync(path, "utf8"), path, command, report));
}

export function withReport(page: string, path: string, command: string, report: string): string {
  return between(page, path, `\`${command}\`\n\n\`\`\`\n${report.trimEnd()}\n\`\`\`\n`);
}

export function withMarkdown(page: string, path: string, command: string, report: string): string {
  return between(page, path, `\`${command}\`\n\n${report.trim()}\n\n`);
}

function between(page: string, path: string, text: string): string {
  const from = page.indexOf(BEGIN);
  const to = page.indexOf(END);
  if (from < 0 || to < from) {
    throw new RemsError("REMS_REQUEST_INVALID", `${path} has no marks "${BEGIN}" and "${END}"`);
  }
  return `${page.slice(0, from)}${BEGIN}\n${text}${page.slice(to)}`;
}
