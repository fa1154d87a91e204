import { afterEach, expect, it } from "vitest";
import { openTestDevice, runTool } from "../testing/test-device.ts";

const opened: { readonly server: { close(): Promise<void> } }[] = [];
afterEach(async () => {
  for (const { server } of opened.splice(0)) await server.close();
});
async function device(...args: Parameters<typeof openTestDevice>) {
  const one = await openTestDevice(...args);
  opened.push(one);
  return one;
}

it("device check asks a SunSpec device where it keeps what, then reads it", async () => {
  const { host } = await device("sunspec-inverter", { set: ["activePowerKw=120"] });
  const { code, out } = await runTool(["device", "check", "sunspec-inverter", host]);
  expect([code, out]).toEqual([0, expect.stringContaining("6 points in 1 request: 6 ok")]);
  expect(out).toMatch(/activePowerKw +120 +kW +holding 400\d\d /);
});

it("device check says which models are missing", async () => {
  const { host } = await device("sunspec-meter");
  const { code, error } = await runTool(["device", "check", "sunspec-inverter", host]);
  expect(code).not.toBe(0);
  expect(error).toContain(
    "has no model 103 or 102 or 101 or 113 or 112 or 111, no model 123; its models are 1, 203",
  );
});
