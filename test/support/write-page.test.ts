import { expect, it } from "vitest";
import { withMarkdown, withReport } from "./write-page.ts";

const page = "# Title\n\n<!-- figures begin -->\nold\n<!-- figures end -->\nafter\n";

it("puts a report between the marks, and replaces the one before", () => {
  const once = withReport(page, "page.md", "npm run it", "12 ms");
  expect(once).toContain("# Title\n\n<!-- figures begin -->\n`npm run it`\n\n```\n12 ms\n```\n");
  expect(once).toContain("<!-- figures end -->\nafter");
  expect(once).not.toContain("old");
  expect(withReport(once, "page.md", "npm run it", "12 ms")).toBe(once);
});

it("puts a table there as it is", () => {
  const once = withMarkdown(page, "page.md", "npm run it", "| a |\n|---|\n");
  expect(once).toContain(
    "<!-- figures begin -->\n`npm run it`\n\n| a |\n|---|\n\n<!-- figures end -->",
  );
  expect(withMarkdown(once, "page.md", "npm run it", "| a |\n|---|\n")).toBe(once);
});

it("refuses a page without marks", () => {
  expect(() => withReport("# Title", "page.md", "it", "12 ms")).toThrow("page.md has no marks");
});
