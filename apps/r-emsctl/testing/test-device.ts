import { loadProfiles } from "../../../configs/load-profile.ts";
import { present } from "../../../kernel/assert.ts";
import { parseFaultLine, parseSetting } from "../../../sim/devices/fault-lines.ts";
import { ProfileServer } from "../../../sim/devices/profile-server.ts";
import type { WriteEntry } from "../../../sim/devices/simulated-device.ts";
import { runCli } from "../cli.ts";

interface TestDeviceOptions {
  readonly set?: readonly string[];
  readonly faults?: readonly string[];
  /** Instead of what the profile states. */
  readonly watchdogMs?: number;
}

/** A shipped profile served on a free port of this machine, and what was written to it. */
export async function openTestDevice(profileId: string, options: TestDeviceOptions = {}) {
  const { set = [], faults = [], watchdogMs } = options;
  const shipped = present(loadProfiles().get(profileId), "a shipped profile");
  const { fallback } = shipped;
  const profile =
    watchdogMs === undefined || fallback === null
      ? shipped
      : { ...shipped, fallback: { ...fallback, watchdogMs } };
  const writes: WriteEntry[] = [];
  const server = await ProfileServer.open({
    profile,
    host: "127.0.0.1",
    port: 0,
    unitId: 1,
    nameplate: { powerKw: 500, voltageV: 400, frequencyHz: 50 },
    settings: set.map((text) => parseSetting(text, profile)),
    nowMs: () => performance.now(),
    onWrite: (entry) => void writes.push(entry),
    onFallback: () => {},
  });
  const apply = (line: string) => server.apply(parseFaultLine(line, profile));
  for (const line of faults) apply(line);
  return { host: `127.0.0.1:${server.port}`, profile, writes, apply, server };
}

/** Runs r-emsctl as a script would; no node answers unless the arguments name one. */
export async function runTool(
  argv: readonly string[],
  signal: AbortSignal = new AbortController().signal,
): Promise<{ readonly code: number; readonly out: string; readonly error: string }> {
  const out: string[] = [];
  const error: string[] = [];
  const terminal = {
    out: (text: string) => void out.push(text),
    error: (text: string) => void error.push(text),
    hasColours: false,
  };
  const code = await runCli(["--address=127.0.0.1:9", ...argv], terminal, signal);
  return { code, out: out.join("\n"), error: error.join("\n") };
}
