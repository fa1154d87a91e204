import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { present } from "../../kernel/assert.ts";
import { type DaemonProgram, freePorts, useInstallation } from "./installation.ts";
import { inProject } from "./program.ts";

const installation = useInstallation();

describe("a machine without a manifest", () => {
  const root = mkdtempSync(join(tmpdir(), "r-ems-first-"));
  afterAll(() => rmSync(root, { recursive: true, force: true }));

  it("serves the wizard behind a code that it prints, and goes on as the node that it was told it is", async () => {
    const [peer, operator, http] = await freePorts(3);
    const main = inProject("dist/apps/r-emsd/main.js");
    const program = installation.start("r-emsd", process.execPath, [main, "--http-port", "0"], {
      R_EMS_CONFIG_ROOT: root,
    });
    const printed = () =>
      /127\.0\.0\.1:(\d+)\/#\/setup, code ([A-Z0-9-]+)/.exec(program.err.join("\n"));
    await program.until("the code", () => printed() !== null);
    const [, port = "", code = ""] = present(printed(), "it was waited for");
    let cookie = "";
    const ask = async (
      method: string,
      path: string,
      body: unknown,
    ): Promise<Record<string, unknown>> => {
      const response = await fetch(`http://127.0.0.1:${port}/api/v1/setup${path}`, {
        method,
        headers: { cookie, "content-type": "application/json" },
        body: JSON.stringify(body),
      });
      cookie = response.headers.get("set-cookie")?.split(";")[0] ?? cookie;
      const text = await response.text();
      expect(response.status, text).toBeLessThan(300);
      return text === "" ? {} : (JSON.parse(text) as Record<string, unknown>);
    };
    await ask("POST", "/session", { code });
    const put = (step: string, answers: unknown) => ask("PUT", `/steps/${step}`, { answers });
    await put("installation", { installation: { id: "site", name: "Site", kind: "land" } });
    await put("mode", { mode: "simulation" });
    const ports = { peer_port: peer, operator_port: operator, http_port: http };
    const node = { id: "n1", host: "127.0.0.1", ...ports, data_directory: join(root, "data") };
    await put("nodes", { nodes: [node], coordinator: { kind: "embedded" }, this_node: "n1" });
    const { proposal } = await put("grids", {
      grids: [{ id: "site", nominal_voltage_v: 400, nominal_frequency_hz: 50 }],
    });
    await put("controllers", proposal);
    const meter = {
      id: "msb",
      kind: "meter",
      profile: "sim-plain-meter",
      host: "127.0.0.1",
      port: 9,
    };
    await put("devices", { grids: [{ id: "site", devices: [meter] }] });
    await put("timings", { logging: { directory: join(root, "logs") } });
    expect(await ask("POST", "/save", {})).toMatchObject({ thisNode: "n1" });
    await program.until("ready", () => program.err.includes("ready"));
    expect(readFileSync(join(root, "setup.log"), "utf8")).toContain('"event":"setup.save"');
    expect((await program.end("SIGTERM")).code).toBe(0);
  });
});

describe("the configuration of a running node", () => {
  let manifest: string;
  let daemon: DaemonProgram;
  let options: string[];

  beforeAll(async () => {
    manifest = await installation.manifest("single");
    const simulator = await installation.simulator(manifest);
    options = installation.towards(simulator, "n1");
    daemon = await installation.daemon(manifest, options);
    await daemon.untilRole("leading", 5000);
  });

  interface Shown {
    readonly grids: readonly {
      readonly revision: number;
      readonly isOnTrial: boolean;
      readonly parameters: Readonly<
        Record<string, { readonly text?: string; readonly number?: number }>
      >;
    }[];
  }
  async function shown(): Promise<Shown["grids"][number]> {
    const { code, out, err } = await installation.ctl(daemon, "--json", "config", "show");
    expect(code, err).toBe(0);
    return present((JSON.parse(out) as Shown).grids[0], "one grid");
  }
  const changed = (name: string, change: (text: string) => string): string =>
    installation.file(name, change(readFileSync(manifest, "utf8")));
  const withControl = (control: string) => (text: string) =>
    text.replace('name = "Site"\n', `name = "Site"\ncontrol = "${control}"\n`);

  it("changes by trial and confirmation, reaches the file, and survives a kill", async () => {
    const file = changed("observe.toml", withControl("observe"));
    const diff = await installation.ctl(daemon, "config", "diff", file);
    expect(diff.out).toMatch(/grids\.site\.control +- +→ +"observe" +live/);
    const applied = await installation.ctl(daemon, "config", "apply", file, "--confirm");
    expect(applied.code, applied.err).toBe(0);
    expect(applied.out).toMatch(/kept: site: revision 2 is in force/);
    expect((await shown()).parameters["control"]?.text).toBe("observe");
    await expect
      .poll(() => readFileSync(manifest, "utf8"), { timeout: 5000 })
      .toContain('control = "observe"');
    await daemon.end("SIGKILL");
    daemon = await installation.daemon(manifest, options);
    await daemon.untilRole("leading", 8000);
    expect(await shown()).toMatchObject({
      revision: 2,
      parameters: { control: { text: "observe" } },
    });
  });

  it("is undone by itself where nobody confirms it", async () => {
    const before = readFileSync(manifest, "utf8");
    const file = changed("advise.toml", (text) =>
      text.replace('control = "observe"', 'control = "advise"'),
    );
    const applied = await installation.ctl(
      daemon,
      "config",
      "apply",
      file,
      "--confirm-within",
      "5",
    );
    expect(applied.out).toMatch(/config confirm/);
    expect(await shown()).toMatchObject({ revision: 3, isOnTrial: true });
    await expect
      .poll(async () => (await shown()).revision, { timeout: 10_000, interval: 500 })
      .toBe(4);
    expect((await shown()).parameters["control"]?.text).toBe("observe");
    expect(readFileSync(manifest, "utf8")).toBe(before);
  });

  it("what needs a restart is refused without the word for it, and done with it", async () => {
    const file = changed("days.toml", (text) => text.replace("keep_days = 7", "keep_days = 8"));
    const refused = await installation.ctl(daemon, "config", "apply", file);
    expect(refused).toMatchObject({
      code: 1,
      err: expect.stringContaining("--restart") as unknown,
    });
    const done = await installation.ctl(daemon, "config", "apply", file, "--restart");
    expect(done.code, done.err).toBe(0);
    expect(done.out).toMatch(/n1: back after/);
    expect(readFileSync(manifest, "utf8")).toContain("keep_days = 8");
    expect(daemon.err.filter((line) => line === "ready")).toHaveLength(2);
    expect((await shown()).parameters["control"]?.text).toBe("observe");
  });

  it("a manifest that is wrong changes nothing, by SIGHUP either", async () => {
    const file = changed("wrong.toml", (text) =>
      text.replace("nominal_frequency_hz = 50", "nominal_frequency_hz = 55"),
    );
    const { code, out } = await installation.ctl(daemon, "config", "apply", file);
    expect([code, out]).toEqual([2, expect.stringContaining("nominal_frequency_hz: found 55")]);
    expect((await installation.ctl(daemon, "config", "check", file)).code).toBe(2);
  });
});
