import { spawnSync } from "node:child_process";
import { expect, it } from "vitest";
import { runTool } from "./testing/test-device.ts";

/** What bash offers after these words. */
function offered(script: string, words: readonly string[]): string[] {
  const line = words.map((word) => `'${word}'`).join(" ");
  const program = `${script}\nCOMP_WORDS=(${line}); COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)); _r_emsctl; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout, stderr } = spawnSync("bash", ["-c", program], { encoding: "utf8" });
  expect(stderr).toBe("");
  return stdout.trim().split("\n");
}

it("bash completes commands, their commands and their options, past options that were given", async () => {
  const { out } = await runTool(["completion", "bash"]);
  expect(offered(out, ["r-emsctl", "st"])).toEqual(["status"]);
  expect(offered(out, ["r-emsctl", "config", "a"])).toEqual(["apply"]);
  expect(offered(out, ["r-emsctl", "--json", "config", "apply", "--acc"])).toEqual([
    "--accept-commands",
    "--accept-structure",
  ]);
  expect(offered(out, ["r-emsctl", "setup", ""])).toEqual(
    expect.arrayContaining(["wizard", "new", "discard"]),
  );
});

it("zsh and fish get every command as well; another shell is refused with what there is", async () => {
  for (const shell of ["zsh", "fish"]) {
    const { out } = await runTool(["completion", shell]);
    for (const word of ["doctor", "rollback", "accept-commands"]) expect(out).toContain(word);
  }
  expect(await runTool(["completion", "csh"])).toMatchObject({
    code: 2,
    error: expect.stringContaining('"bash"') as unknown,
  });
});

it("every command has help with an example", async () => {
  const { out } = await runTool(["completion", "bash"]);
  const paths = [...out.matchAll(/^ {4}"([a-z][^"]*)"\) words="([^"]*)"/gm)];
  // What has commands of its own shows them instead.
  const leaves = paths.filter(
    ([, path]) => !paths.some(([, other]) => other?.startsWith(`${path} `)),
  );
  expect(leaves.length).toBeGreaterThan(30);
  const without: string[] = [];
  for (const [, path = ""] of leaves) {
    const { out: help } = await runTool([...path.split(" "), "--help"]);
    if (!/Examples?:/.test(help)) without.push(path);
  }
  expect(without).toEqual([]);
});
