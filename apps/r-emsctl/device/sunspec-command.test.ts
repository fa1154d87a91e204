import { afterEach, expect, it } from "vitest";
import { deviceImage } from "../../../drivers/sunspec/sunspec-fixture.ts";
import { ModbusTestDevice } from "../../../test/support/modbus-device.ts";
import { runTool } from "../testing/test-device.ts";

let peer: ModbusTestDevice;
afterEach(() => peer.close());

/** The published IEEE 1547 device at base 0; every other address is refused. */
async function serve(): Promise<string> {
  const { registers } = deviceImage("device-1547");
  peer = new ModbusTestDevice();
  for (const [address, word] of registers.entries()) peer.registers.set(address, word);
  peer.behave = ({ socket, request, reply, exception }) =>
    socket.write(request.address + request.count <= registers.length ? reply() : exception(2));
  return `127.0.0.1:${await peer.listen()}`;
}

it("device sunspec shows every model decoded, by R-EMS's names", async () => {
  const host = await serve();
  const { code, out } = await runTool([
    "device",
    "sunspec",
    host,
    "--model",
    "1",
    "--model",
    "701",
  ]);
  expect(code).toBe(0);
  expect(out).toContain("SunSpec at 0: models 1, 701, 702, 703,");
  expect(out).toMatch(/manufacturer +SunSpecTest +Mn +holding 4$/m);
  expect(out).toMatch(/activePowerKw +9\.8 +W +holding/);
  expect(out).toMatch(/frequencyHz +60\.01 +Hz +holding/);
  expect(out).toMatch(/totalEnergyInjectedKwh +150 +TotWhInj +holding/);
  expect(out).not.toContain("InvSt");
});

it("device sunspec --all shows what is not implemented too, and names groups", async () => {
  const host = await serve();
  const argv = ["--json", "device", "sunspec", host, "--model", "701", "--model", "705", "--all"];
  const { out } = await runTool(argv);
  const lines = out.split("\n").map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(lines.find(({ point }) => point === "InvSt")).toMatchObject({
    value: null,
    absence: "notImplemented",
  });
  expect(lines.find(({ point }) => point === "Crv[0].Pt[0].V")).toMatchObject({
    model: 705,
    name: "Crv[0].Pt[0].voltagePct",
    value: 92,
  });
});

it("device sunspec says where there is none", async () => {
  const host = await serve();
  peer.registers.set(0, 0);
  const { code, error } = await runTool(["device", "sunspec", host]);
  expect(code).not.toBe(0);
  expect(error).toContain("has no SunSpec marker");
});
