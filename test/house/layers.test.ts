import { posix } from "node:path";
import { describe, expect, it } from "vitest";
import { projectFiles, read } from "./project-files.ts";

/** What each folder may import from the project, besides itself. Arrows point down only. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  kernel: [],
  configs: ["kernel"],
  energy: ["kernel"],
  actors: ["kernel", "configs", "energy"],
  "cluster/core": ["kernel"],
  proto: ["kernel"],
  scan: ["kernel", "configs", "actors", "cluster/core"],
  "cluster/node": ["kernel", "configs", "proto", "cluster/core"],
  drivers: ["kernel", "configs"],
  history: ["kernel", "configs", "proto"],
  api: [
    "kernel",
    "configs",
    "energy",
    "actors",
    "cluster/core",
    "proto",
    "scan",
    "cluster/node",
    "drivers",
    "history",
  ],
  sim: [
    "kernel",
    "configs",
    "energy",
    "actors",
    "cluster/core",
    "proto",
    "scan",
    "cluster/node",
    "drivers",
    "history",
  ],
  apps: [
    "kernel",
    "configs",
    "energy",
    "actors",
    "cluster/core",
    "proto",
    "scan",
    "cluster/node",
    "drivers",
    "history",
    "api",
    "sim",
  ],
};

/** Pure folders: no packages but these, and from `configs` types only. */
const PURE_PACKAGES: Readonly<Record<string, readonly string[]>> = {
  kernel: ["@noble/hashes/sha2.js", "@noble/hashes/utils.js"],
  energy: [],
  actors: ["xstate"],
  "cluster/core": [],
  scan: ["xstate"],
  "sim/plant": [],
};

const IMPORT =
  /^\s*(?:import|export)\s+(type\s+)?[^"'`;]*?from\s+"([^"]+)"|^\s*import\s+"([^"]+)"|\bimport\("([^"]+)"\)/gm;

interface Import {
  readonly file: string;
  readonly isTypeOnly: boolean;
  readonly target: string;
}

function folderOf(path: string): string | undefined {
  return Object.keys(MAY_IMPORT).find((folder) => path.startsWith(`${folder}/`));
}

function sources(): string[] {
  return projectFiles().filter(
    (path) =>
      /\.tsx?$/.test(path) &&
      !path.endsWith(".test.ts") &&
      folderOf(path) !== undefined &&
      !path.startsWith("proto/generated/"),
  );
}

function importsOf(file: string): Import[] {
  const imports: Import[] = [];
  for (const match of read(file).matchAll(IMPORT)) {
    imports.push({
      file,
      isTypeOnly: match[1] !== undefined,
      target: match[2] ?? match[3] ?? match[4] ?? "",
    });
  }
  return imports;
}

/** Files beside tests that only tests use. */
const isTestSupport = (path: string) =>
  /-fixture\.ts$|\/test-[a-z-]+\.ts$|\/supervisor-model\.ts$/.test(path);

describe("layers", () => {
  const all = sources();

  it("finds the sources", () => {
    expect(all.length).toBeGreaterThan(20);
  });

  it("imports point down only", () => {
    const wrong: string[] = [];
    for (const file of all.filter((path) => !isTestSupport(path))) {
      const from = folderOf(file) ?? "";
      for (const { target } of importsOf(file)) {
        if (!target.startsWith(".")) continue;
        const to = folderOf(posix.normalize(posix.join(posix.dirname(file), target)));
        if (to === from || (to !== undefined && MAY_IMPORT[from]?.includes(to))) continue;
        wrong.push(
          `${file} imports ${target}: ${from} may import ${MAY_IMPORT[from]?.join(", ") || "nothing"}; move the code down or pass it in through a port`,
        );
      }
    }
    expect(wrong).toEqual([]);
  });

  it("pure folders use no package beyond their list and no runtime code of configs", () => {
    const wrong: string[] = [];
    for (const [folder, packages] of Object.entries(PURE_PACKAGES)) {
      for (const file of all.filter(
        (path) => path.startsWith(`${folder}/`) && !isTestSupport(path),
      )) {
        for (const { target, isTypeOnly } of importsOf(file)) {
          if (!target.startsWith(".") && !packages.includes(target)) {
            wrong.push(
              `${file} imports ${target}: ${folder} is pure; take a port from kernel/ports instead`,
            );
          }
          const to = posix.normalize(posix.join(posix.dirname(file), target));
          const isDataOnly = to === "configs/manifest-queries.ts";
          if (
            target.startsWith(".") &&
            to.startsWith("configs/") &&
            folder !== "sim/plant" &&
            !isTypeOnly &&
            !isDataOnly
          ) {
            wrong.push(
              `${file} imports ${target} at run time: only types of configs reach the core`,
            );
          }
        }
      }
    }
    expect(wrong).toEqual([]);
  });

  it("pure folders have no async code and read no clock", () => {
    const banned: readonly (readonly [RegExp, string])[] = [
      [/\basync\b(?! *:)(?!.*\/\/)/, "a callback of a port"],
      [/\bDate\b[.(]/, "the time in the event or frame"],
      [/\bMath\.random\b/, "the Random port"],
      [/\bperformance\b/, "the Clock port"],
    ];
    const wrong: string[] = [];
    for (const folder of ["kernel", "energy", "actors", "cluster/core"]) {
      for (const file of all.filter(
        (path) => path.startsWith(`${folder}/`) && !isTestSupport(path),
      )) {
        read(file)
          .split("\n")
          .forEach((line, index) => {
            if (/^\s*(?:\*|\/\/|\/\*)/.test(line)) return;
            for (const [pattern, instead] of banned) {
              if (pattern.test(line))
                wrong.push(`${file}:${index + 1}: ${line.trim()}: use ${instead}`);
            }
          });
      }
    }
    expect(wrong).toEqual([]);
  });

  it("the API worker loads no schemas and no parser of manifests before somebody asks for them", () => {
    const via = new Map([["api/api-worker.ts", ""]]);
    const wrong: string[] = [];
    for (const [file, chain] of via) {
      const text = read(file).replaceAll(/\bimport\("[^"]+"\)/g, "");
      for (const [, type, from, alone] of text.matchAll(IMPORT)) {
        const target = from ?? alone ?? "";
        if (type !== undefined) continue;
        if (target === "zod" || target === "smol-toml")
          wrong.push(
            `${file} imports ${target}, loaded by ${chain}: import() it where it is needed`,
          );
        if (!target.startsWith(".")) continue;
        const path = posix.normalize(posix.join(posix.dirname(file), target));
        if (!via.has(path)) via.set(path, `${file} ← ${chain}`);
      }
    }
    expect(via.size).toBeGreaterThan(50);
    expect(wrong).toEqual([]);
  });

  it("the web application imports nothing of the other folders, and only packages that are bundled", () => {
    const packages = ["preact", "preact/hooks", "@preact/signals", "uplot", "@dagrejs/dagre"];
    const wrong: string[] = [];
    const files = all.filter(
      (path) => path.startsWith("apps/web/") && !path.endsWith(".config.ts"),
    );
    expect(files.length).toBeGreaterThan(20);
    for (const file of files) {
      for (const { target } of importsOf(file)) {
        const to = posix.normalize(posix.join(posix.dirname(file), target));
        const isOwn = target.startsWith(".")
          ? to.startsWith("apps/web/")
          : packages.includes(target);
        // Types of what comes over HTTP, made from the protos.
        const isMessages = to === "proto/generated/rems-v1-json.ts";
        if (isOwn || isMessages || target.endsWith(".css")) continue;
        wrong.push(
          `${file} imports ${target}: a page knows what comes over HTTP (data/messages.ts)`,
        );
      }
    }
    expect(wrong).toEqual([]);
  });

  it("nothing throws a plain Error, and there are no barrels", () => {
    const wrong: string[] = [];
    for (const file of all) {
      const text = read(file);
      if (/\bnew Error\(/.test(text))
        wrong.push(
          `${file} throws a plain Error: use RemsError with a code, or InvariantError for a defect`,
        );
      if (/^export \* from/m.test(text))
        wrong.push(`${file} re-exports a file: import from where the thing lives`);
      if (/(?:^|\/)(?:utils|common|types|helpers|index)\.ts$/.test(file))
        wrong.push(`${file}: name the file for what it holds`);
    }
    expect(wrong).toEqual([]);
  });

  it("every folder with sources has a README", () => {
    const files = new Set(projectFiles());
    const folders = new Set(all.map((path) => posix.dirname(path)));
    const missing = [...folders].filter(
      // The web application's README speaks for the folders within it.
      (folder) =>
        !files.has(`${folder}/README.md`) &&
        !/\/testing$|^kernel\/ports$|^apps\/web\//.test(folder),
    );
    expect(missing).toEqual([]);
  });
});
