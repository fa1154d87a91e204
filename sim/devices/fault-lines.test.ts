import { expect, it } from "vitest";
import { loadProfiles } from "../../configs/load-profile.ts";
import { present } from "../../kernel/assert.ts";
import { FAULT_HELP, parseFaultLine } from "./fault-lines.ts";

const battery = present(loadProfiles().get("sim-plain-battery"), "a shipped profile");

it.each([
  ["slow 300", { type: "slow", delayMs: 300 }],
  ["  silent ", { type: "silent" }],
  ["half-open", { type: "halfOpen" }],
  ["exception 40", { type: "exception", address: 40, code: 2 }],
  ["exception 40 4", { type: "exception", address: 40, code: 4 }],
  ["one-master", { type: "oneMaster" }],
  ["ignore-writes", { type: "ignoreWrites" }],
  ["stuck", { type: "stuck", point: null }],
  ["stuck socPct", { type: "stuck", point: "socPct" }],
  ["wrong-endian", { type: "wrongEndian", endian: "words" }],
  ["wrong-endian bytes", { type: "wrongEndian", endian: "bytes" }],
  ["set socPct=-0", { type: "set", point: "socPct", value: 0 }],
  ["set isClosed=true", { type: "set", point: "isClosed", value: true }],
  ["set state = forming", { type: "set", point: "state", value: "forming" }],
])("%s is read", (line, action) => {
  expect(parseFaultLine(line, battery)).toEqual(action);
});

it.each([
  ["sloww 3", "slow, silent"],
  ["slow", "slow MS"],
  ["slow 61000", "0 to 60000 ms"],
  ["exception 70000", "0 to 65535"],
  ["stuck soc", "socPct"],
  ["set soc=4", "socPct"],
  ["set socPct=full", "a number"],
  ["set isClosed=yes", "isClosed=true"],
  ["set state=broken", "forming"],
  ["silent now", '"silent" alone'],
])("%s is refused, with what is allowed", (line, allowed) => {
  expect(() => parseFaultLine(line, battery)).toThrow(allowed);
});

it("every line of the help is one that is read", () => {
  const examples: Record<string, string> = {
    POINT: "socPct",
    VALUE: "5",
    MS: "5",
    ADDRESS: "5",
    CODE: "2",
  };
  for (const [form] of FAULT_HELP) {
    const line = form
      .replaceAll(/\[.*?\]/g, "")
      .replaceAll(/[A-Z]+/g, (word) => examples[word] ?? word);
    expect(parseFaultLine(line, battery).type).toMatch(/\w/);
  }
});
