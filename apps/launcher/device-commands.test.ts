import { expect, it } from "vitest";
import { loadManifest } from "../../configs/load-manifest.ts";
import { secondTerminalCommands } from "./device-commands.ts";

it("gives complete lines: what R-EMS says about a set, and what the set's own registers say", () => {
  const manifest = loadManifest(new URL("../../configs/vessel.toml", import.meta.url).pathname);
  const ports = { "127.0.0.1:5021": "127.0.0.1:6021" };
  expect(secondTerminalCommands(manifest, ports)).toEqual([
    "bin/r-emsctl why port/dg2",
    "mbpoll -0 -1 -m tcp -p 6021 -a 1 -t 3:int -B -r 1 -c 1 127.0.0.1  # DG1, kW × 10",
  ]);
});
