import { describe, expect, it } from "vitest";
import { projectFiles, read } from "./project-files.ts";

const SECTIONS = [
  "00-meta",
  "01-core-functionality",
  "02-messaging-ipc-data-model",
  "03-persistence-logging",
  "04-configuration-orchestration",
  "05-networking-external-interfaces",
  "06-security-access-control",
  "07-resilience-fault-tolerance",
  "08-energy-models-optimization",
  "09-integration-interoperability",
  "10-deployment-ci-cd-enhancements",
  "11-simulation-test-harness",
  "12-gui-setup-wizard",
  "13-documentation-contributor-guides",
  "14-versioning-licensing-system",
  "15-testing-qa-runbook",
];
const KEYS = [
  "ems_section",
  "ems_subsection",
  "ems_type",
  "ems_scope",
  "ems_description",
  "ems_version",
  "ems_owner",
];

/** Front matter of a page as key to value; null where there is none. */
function frontMatter(text: string): Map<string, string> | null {
  const match = /^---\n([\s\S]*?)\n---\n/.exec(text);
  if (match === null) return null;
  const lines = (match[1] ?? "").split("\n").map((line) => /^(\w+):\s*"?(.*?)"?$/.exec(line));
  return new Map(
    lines.flatMap((line) => (line === null ? [] : [[line[1] ?? "", line[2] ?? ""] as const])),
  );
}

describe("pages", () => {
  const pages = projectFiles().filter((path) => path.endsWith(".md") && path !== "README.md");

  it("finds the pages", () => {
    expect(pages.length).toBeGreaterThan(5);
  });

  it.each(pages)("%s has the front matter of docs/FRONTMATTER-GUIDE.md", (page) => {
    const found = frontMatter(read(page));
    expect(found, `${page} begins with a block between two lines of ---`).not.toBeNull();
    expect([...(found?.keys() ?? [])], "keys in this order").toEqual(KEYS);
    expect(SECTIONS).toContain(found?.get("ems_section"));
    for (const key of KEYS) expect(found?.get(key), `${key} is not empty`).toBeTruthy();
  });

  it("links between pages lead to files that exist", () => {
    const files = new Set(projectFiles());
    const broken: string[] = [];
    for (const page of [...pages, "README.md"]) {
      const folder = page.includes("/") ? page.slice(0, page.lastIndexOf("/")) : "";
      for (const match of read(page).matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)) {
        const target = match[1] ?? "";
        if (/^[a-z]+:/.test(target)) continue;
        const path = new URL(target, `file:///${folder === "" ? "" : `${folder}/`}`).pathname
          .slice(1)
          .replace(/\/$/, "");
        const isFolder = [...files].some((file) => file.startsWith(`${path}/`));
        if (!files.has(path) && !isFolder) broken.push(`${page}: ${target}`);
      }
    }
    expect(broken).toEqual([]);
  });

  it("nothing in the project speaks of the machine it was written on", () => {
    const wrong: string[] = [];
    for (const file of projectFiles()) {
      if (/\.(?:png|binpb|ico)$/.test(file) || file === "test/house/pages.test.ts") continue;
      const text = read(file);
      const found = /(^|[^A-Za-z0-9_.])\/(?:work|farm|root)\/|"resolved":\s*"https?:/.exec(text);
      if (found !== null) wrong.push(`${file}: ${found[0].trim()}`);
    }
    expect(wrong).toEqual([]);
  });
});
