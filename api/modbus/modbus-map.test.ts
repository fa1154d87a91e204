import { describe, expect, it } from "vitest";
import { loadManifest } from "../../configs/load-manifest.ts";
import type { Manifest } from "../../configs/manifest.ts";
import { present } from "../../kernel/assert.ts";
import { DEVICE_KINDS, type DeviceKind } from "../../kernel/device-kinds.ts";
import { mapChanges, mapCsv, mapMarkdown, mapRows } from "./map-text.ts";
import { BLOCK_HEADER_LENGTH, COMMAND_CODES, createModbusMap, NO_BLOCK } from "./modbus-map.ts";

const vessel: Manifest = {
  ...loadManifest("configs/vessel.toml"),
  modbusServer: { takesCommands: true, role: "operator", expirySMax: 300 },
};
const map = createModbusMap(vessel);
const port = present(map.units[0], "the unit of grid port");
const blockOf = (id: string) =>
  present(
    port.blocks.find((block) => block.id === id),
    `block ${id}`,
  );

/** The vessel with the devices of its first grid changed. */
function withDevices(change: (devices: Manifest["grids"][number]["devices"]) => typeof devices) {
  const [first, ...rest] = vessel.grids;
  const grid = present(first, "a first grid");
  return { ...vessel, grids: [{ ...grid, devices: change(grid.devices) }, ...rest] };
}

describe("the map", () => {
  it("has a unit for each grid, with blocks one after the other that never overlap", () => {
    expect(map.units.map(({ unitId, grid }) => [unitId, grid])).toEqual([
      [1, "port"],
      [2, "starboard"],
    ]);
    expect(port.blocks.length).toBe(1 + (vessel.grids[0]?.devices.length ?? 0));
    port.blocks.forEach((block, index) => {
      const next = port.blocks[index + 1];
      expect(block.nextAddress).toBe(next?.address ?? NO_BLOCK);
      expect(block.address + block.length).toBeLessThanOrEqual(block.nextAddress);
      expect(block.points[0]?.address).toBe(block.address + BLOCK_HEADER_LENGTH);
    });
  });

  it("is where other systems have it in their configuration: these addresses never change", () => {
    expect(blockOf("port").address).toBe(100);
    const dg1 = blockOf("dg1");
    const power = dg1.points.find((point) => point.name === "activePowerKw");
    expect([dg1.address, dg1.kindCode, power?.address]).toEqual([750, 10, 824]);
    expect(COMMAND_CODES).toMatchObject({ start: 1, stop: 2, open: 4, limit: 9, auto: 20 });
  });

  it("does not move where a device or a grid is appended", () => {
    const older = mapCsv(map);
    const more = withDevices((devices) => [
      ...devices,
      { ...present(devices[1], "a device"), id: "dg9" },
    ]);
    const [first] = vessel.grids;
    const third = { ...present(first, "a grid"), id: "third" };
    const changed = createModbusMap({ ...more, grids: [...more.grids, third] });
    expect(mapChanges(changed, older)).toEqual([]);
  });

  it("has room for every kind of device", () => {
    for (const kind of Object.keys(DEVICE_KINDS) as DeviceKind[]) {
      const own = withDevices((devices) => devices.map((device) => ({ ...device, kind })));
      const blocks = createModbusMap(own).units.flatMap((unit) => unit.blocks);
      for (const block of blocks) expect(block.length).toBeLessThanOrEqual(250);
    }
  });

  it("offers what the profile lets command, and nothing where the manifest takes no commands", () => {
    expect(blockOf("dg1").commands.map(({ name }) => name)).toEqual([
      "start",
      "stop",
      "syncAndClose",
      "open",
      "reset",
    ]);
    expect(blockOf("bt1").commands).toEqual([{ name: "limit", code: 9 }]);
    const silent = { ...vessel.modbusServer, takesCommands: false };
    const { units } = createModbusMap({ ...vessel, modbusServer: silent });
    const blocks = units.flatMap((unit) => unit.blocks);
    expect(blocks.every((block) => block.commandAddress === 0)).toBe(true);
  });

  it("has a hash that changes with the devices and not with their addresses on the network", () => {
    const elsewhere = withDevices((devices) =>
      devices.map((one) => ({ ...one, host: "10.0.0.9" })),
    );
    expect(createModbusMap(elsewhere).units[0]?.hash).toBe(port.hash);
    const fewer = createModbusMap(withDevices((devices) => devices.slice(1)));
    expect(fewer.units[0]?.hash).not.toBe(port.hash);
    expect(fewer.units[1]?.hash).toBe(map.units[1]?.hash);
  });

  it("has room for the most devices that a grid may have", () => {
    const many = withDevices((devices) =>
      Array.from({ length: 200 }, (_value, index) => ({
        ...present(devices[1], "a device"),
        id: `d${index}`,
      })),
    );
    const last = present(createModbusMap(many).units[0]?.blocks.at(-1), "a last block");
    expect(last.address + last.length).toBeLessThan(NO_BLOCK);
  });
});

describe("the map as text", () => {
  it("names every register range once, in the order of the addresses", () => {
    const rows = mapRows(map);
    rows.slice(1).forEach((row, index) => {
      const before = present(rows[index], "the row before");
      if (row.unit !== before.unit) return;
      expect(row.address).toBeGreaterThanOrEqual(before.address + before.count);
    });
    expect(mapCsv(map).split("\n").length).toBe(rows.length + 1);
    expect(mapMarkdown(map)).toContain(
      "| 1 | 824 | 5 | read | port/dg1 | activePowerKw | point | kW |",
    );
    expect(mapCsv(map)).toContain(
      '"whether the busbar is certainly live or dead: 0 unknown, 1 live, 2 dead"',
    );
  });

  it("says what another system would read wrongly after a change", () => {
    const older = mapCsv(map);
    expect(mapChanges(map, older)).toEqual([]);
    const changed = createModbusMap(withDevices((devices) => devices.slice(1)));
    const changes = mapChanges(changed, older);
    expect(changes).toContain("port/msb-p voltageV, once at 1:524, is gone");
    expect(changes).toContain("port/dg1 activePowerKw moved from 1:824 to 1:574");
  });
});
