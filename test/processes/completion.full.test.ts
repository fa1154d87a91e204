import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { inProject } from "./program.ts";

/** The scripts of `r-emsctl completion` in the shells that they are for: of this machine, or as `npm run tools` unpacked them. */
const folder = mkdtempSync(join(tmpdir(), "r-ems-completion-"));
const UNPACKED = inProject(".cache/debian");
const LIBRARIES = ["x86_64-linux-gnu", "aarch64-linux-gnu"].map((triplet) =>
  join(UNPACKED, "usr/lib", triplet),
);
const environment = {
  ...process.env,
  HOME: folder,
  ZDOTDIR: folder,
  XDG_CONFIG_HOME: folder,
  TERM: "dumb",
  LD_LIBRARY_PATH: LIBRARIES.join(":"),
};
const SHELL_MS_MAX = 30_000;

/** A line, and what may come next. */
const LINES: readonly (readonly [line: string, offered: readonly string[]])[] = [
  ["r-emsctl st", ["status"]],
  ["r-emsctl --json config a", ["apply"]],
  ["r-emsctl config apply --acc", ["--accept-commands", "--accept-structure"]],
  ["r-emsctl setup ", ["discard", "new", "wizard"]],
];

afterAll(() => rmSync(folder, { recursive: true }));

function scriptOf(shell: string): string {
  const program = inProject("bin/r-emsctl");
  return execFileSync(process.execPath, [program, "completion", shell], { encoding: "utf8" });
}

/** The shell on this machine, or the one that was unpacked. */
function find(name: string): string {
  const places = [`/usr/bin/${name}`, `/bin/${name}`];
  const unpacked = places.map((path) => join(UNPACKED, path));
  const found = [...places, ...unpacked].find((path) => existsSync(path));
  expect(found, `there is no ${name}: run "npm run tools"`).toBeDefined();
  return found ?? "";
}

const run = (program: string, args: readonly string[]): string =>
  execFileSync(program, args, { encoding: "utf8", env: environment, timeout: SHELL_MS_MAX });

it("fish offers what follows the words so far", () => {
  const fish = find("fish");
  const script = join(folder, "r-emsctl.fish");
  writeFileSync(script, scriptOf("fish"));
  for (const [line, offered] of LINES) {
    const out = run(fish, ["-N", "-c", `source ${script}; complete -C '${line}'`]);
    const words = out.split("\n").map((one) => one.split("\t")[0] ?? "");
    expect(words.filter(Boolean), line).toEqual(offered);
  }
});

it("zsh does so too at the first key, with the script in its fpath", () => {
  const zsh = find("zsh");
  const functions = join(folder, "functions");
  mkdirSync(functions);
  writeFileSync(join(functions, "_r-emsctl"), scriptOf("zsh"));
  const places = zsh.startsWith(UNPACKED) ? whereUnpacked() : "";
  writeFileSync(
    join(folder, ".zshrc"),
    `${places}
fpath=(${functions} $fpath)
autoload -Uz compinit; compinit -u -D
setopt no_prompt_sp no_list_ambiguous no_always_last_prompt
unset zle_bracketed_paste
PROMPT='ready> '`,
  );
  // Lines are completed on a terminal only: one zsh types, the other completes.
  const asked = LINES.map(
    ([line, offered]) => `ask '${line}' '${offered.map((word) => `*${word}`).join("")}*'`,
  );
  const typist = `${places}
zmodload zsh/zpty
zpty z ${zsh} -d -i
zpty -r z seen '*ready> '
ask() {
  zpty -n -w z "$1"$'\\t'
  zpty -r z seen "$2"
  zpty -n -w z $'\\C-uprint done\\n'
  zpty -r z rest '*done*done*ready> '
  print -r -- "offered: $1"
}
${asked.join("\n")}
zpty -d z`;
  const typed = run(zsh, ["-f", "-c", typist]).split("\n");
  expect(typed.filter(Boolean)).toEqual(LINES.map(([line]) => `offered: ${line}`));
});

/** What zsh was told of its own folders when it was compiled does not hold where it was unpacked. */
function whereUnpacked(): string {
  const modules = LIBRARIES.map((path) => join(path, "zsh")).find((path) => existsSync(path));
  const [version = ""] = readdirSync(modules ?? "");
  const functions = join(UNPACKED, "usr/share/zsh/functions");
  const all = readdirSync(functions, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ parentPath, name }) => join(parentPath, name));
  return `module_path=(${modules}/${version})\nfpath=(${[functions, ...all].join(" ")})\n`;
}
