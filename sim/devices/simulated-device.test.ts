import { describe, expect, it } from "vitest";
import type { ModbusRequest } from "../../drivers/modbus-server/modbus-frames.ts";
import { SimulatedDevice, type WriteEntry } from "./simulated-device.ts";
import { RecordingPlant, vesselDevice } from "./testing/test-rig.ts";

/** A device of the vessel on a clock that the test moves. */
function rig(id: string) {
  const plant = new RecordingPlant();
  const log: WriteEntry[] = [];
  const clock = { nowMs: 1000 };
  const device = new SimulatedDevice(
    vesselDevice(id),
    "port",
    plant,
    () => clock.nowMs,
    (entry) => log.push(entry),
  );
  const ask = (request: ModbusRequest, writer = "n1") =>
    device.answer(request, { id: 1, writer, openedAtMs: 0 });
  const write = (address: number, values: readonly number[], writer = "n1") =>
    ask({ kind: "writeRegisters", address, values, isSingle: false }, writer);
  const read = (table: "holding" | "input", address: number, count: number) =>
    ask({ kind: "read", table, address, count });
  return { plant, log, clock, device, ask, write, read };
}

const WRITTEN = { kind: "written" };
const ILLEGAL_ADDRESS = { kind: "exception", code: 2 };
const ILLEGAL_VALUE = { kind: "exception", code: 3 };

describe("a genset with an epoch register (epoch, two set-points, command from register 0)", () => {
  it("takes set-points under an epoch and remembers it", () => {
    const { write, read, plant, log } = rig("dg1");
    expect(write(0, [0, 7, 3500, 100])).toEqual(WRITTEN);
    expect(plant.calls).toEqual(["powerReferenceKw=350", "reactiveReferenceKvar=10"]);
    expect(read("holding", 0, 4)).toEqual({ kind: "registers", values: [0, 7, 3500, 100] });
    expect(log).toMatchObject([
      { writer: "n1", epoch: 7, isFenced: true, refusal: null, levels: [{ unit: "kW" }, {}] },
    ]);
  });

  it("refuses a lower epoch ever after, and nothing of it acts", () => {
    const { write, plant, log } = rig("dg1");
    write(0, [1, 0, 3500, 0]);
    expect(write(0, [0, 65535, 9000, 0, 4], "n2")).toEqual(ILLEGAL_VALUE);
    expect(plant.calls).toEqual(["powerReferenceKw=350", "reactiveReferenceKvar=0"]);
    expect(log[1]).toMatchObject({ writer: "n2", epoch: 65535 });
    expect(log[1]?.refusal).toContain("65535 is below 65536");
  });

  it.each([
    ["the same epoch again", [0, 7, 3600, 0], WRITTEN],
    ["a higher epoch", [0, 8, 3600, 0], WRITTEN],
    ["the epoch alone", [0, 9], WRITTEN],
    ["a lower epoch alone", [0, 6], ILLEGAL_VALUE],
    ["half an epoch", [0], ILLEGAL_ADDRESS],
  ])("after epoch 7 answers %s", (_name, values, answer) => {
    const { write } = rig("dg1");
    write(0, [0, 7, 3500, 0]);
    expect(write(0, values)).toEqual(answer);
  });

  it("takes neither set-point nor command without the epoch", () => {
    const { write, plant } = rig("dg1");
    expect(write(2, [3500])).toEqual(ILLEGAL_VALUE);
    expect(write(4, [1])).toEqual(ILLEGAL_VALUE);
    expect(plant.calls).toEqual([]);
  });

  it("does a command that stands at the end of the block, and nothing for code 0", () => {
    const { write, plant } = rig("dg1");
    expect(write(0, [0, 1, 3500, 0, 1])).toEqual(WRITTEN);
    expect(write(0, [0, 1, 3500, 0, 0])).toEqual(WRITTEN);
    expect(plant.calls.filter((call) => !call.includes("="))).toEqual(["start"]);
  });

  it("answers a command that the device refuses with a device failure", () => {
    const { write, plant } = rig("dg1");
    plant.refusal = "not ready";
    expect(write(0, [0, 1, 3500, 0, 3])).toEqual({ kind: "exception", code: 4 });
  });
});

describe("a plain genset", () => {
  it("takes set-points and commands by themselves, from anybody", () => {
    const { write, plant, log } = rig("dg2");
    expect(write(0, [0xfc18])).toEqual(WRITTEN);
    expect(write(2, [2], "n2")).toEqual(WRITTEN);
    expect(plant.calls).toEqual(["powerReferenceKw=-100", "stop"]);
    expect(log.map(({ writer, epoch }) => [writer, epoch])).toEqual([
      ["n1", null],
      ["n2", null],
    ]);
  });

  it("refuses what it does not know", () => {
    const { write, ask, read } = rig("dg2");
    expect(write(2, [99])).toEqual(ILLEGAL_VALUE);
    expect(write(0, [1, 1, 1, 1, 1, 1])).toEqual(ILLEGAL_ADDRESS);
    expect(write(500, [1])).toEqual(ILLEGAL_ADDRESS);
    expect(read("input", 500, 1)).toEqual(ILLEGAL_ADDRESS);
    expect(ask({ kind: "read", table: "coil", address: 0, count: 1 })).toEqual(ILLEGAL_ADDRESS);
  });
});

describe("the register image", () => {
  it("shows switches as bits and powers as scaled integers", () => {
    const { read, plant } = rig("dg1");
    Object.assign(plant.values, {
      isClosed: true,
      isOpen: false,
      isReadyToLoad: true,
      activePowerKw: -12.34,
      voltageV: 690,
      frequencyHz: 60.01,
      powerReferenceKw: 350,
    });
    expect(read("input", 0, 9)).toEqual({
      kind: "registers",
      values: [0x0201, 0xffff, 0xff85, 0, 0, 6900, 6001, 3500, 0],
    });
  });

  it("answers the simulator's signature", () => {
    expect(rig("dg1").read("holding", 60000, 1)).toEqual({ kind: "registers", values: [21069] });
  });

  it("shows a label as its code, low word first where the profile says so", () => {
    const { read, plant } = rig("bat1");
    Object.assign(plant.values, { state: "forming", activePowerKw: 100 });
    const { points } = vesselDevice("bat1").profile;
    const state = points.find(({ point }) => point === "state");
    expect(read("input", state?.address ?? 0, 1)).toEqual({ kind: "registers", values: [4] });
  });
});

describe("the command watchdog", () => {
  it("starts with the first set-point, runs out after 5 s, and ends with the next write", () => {
    const { device, clock, write, plant } = rig("dg2");
    clock.nowMs += 60_000;
    device.checkWatchdog();
    expect(plant.calls).toEqual([]);
    write(0, [1000]);
    clock.nowMs += 4999;
    device.checkWatchdog();
    expect(device.isInFallback).toBe(false);
    clock.nowMs += 1;
    device.checkWatchdog();
    device.checkWatchdog();
    expect(device.isInFallback).toBe(true);
    write(0, [1000]);
    expect(device.isInFallback).toBe(false);
    expect(plant.calls).toEqual([
      "powerReferenceKw=100",
      "fallback true",
      "fallback false",
      "powerReferenceKw=100",
    ]);
  });

  it("need not run out where a master gives the device back", () => {
    const { device, clock, write, plant } = rig("bat1");
    expect(write(0, [0, 5, 100, 0, 0])).toEqual(WRITTEN);
    expect(device.isInFallback).toBe(false);
    expect(write(0, [0, 5, 100, 0, 9])).toEqual(WRITTEN);
    expect([device.isInFallback, device.wasReleased]).toEqual([true, true]);
    clock.nowMs += 60_000;
    device.checkWatchdog();
    expect(write(0, [0, 6, 100, 0, 0])).toEqual(WRITTEN);
    expect([device.isInFallback, device.wasReleased]).toEqual([false, false]);
    expect(plant.calls).toEqual([
      "powerSetpointKw=10",
      "reactiveSetpointKvar=0",
      "powerSetpointKw=10",
      "reactiveSetpointKvar=0",
      "fallback true",
      "fallback false",
      "powerSetpointKw=10",
      "reactiveSetpointKvar=0",
    ]);
  });

  it("is not there where nothing happens without a master, nor before the first set-point", () => {
    for (const id of ["btp", "dg2"]) {
      const { device, clock, write, log } = rig(id);
      const isTie = id === "btp";
      expect(isTie ? write(0, [0, 1, 4]) : write(2, [2])).toEqual(WRITTEN);
      expect(log[0]?.hasWatchdog).toBe(!isTie);
      clock.nowMs += 60_000;
      device.checkWatchdog();
      expect(device.isInFallback).toBe(false);
    }
  });

  it("is not served by a refused write nor by reading", () => {
    const { device, clock, write, read } = rig("dg1");
    write(0, [0, 5, 0, 0]);
    clock.nowMs += 4000;
    write(0, [0, 4, 0, 0]);
    read("holding", 0, 4);
    clock.nowMs += 1000;
    device.checkWatchdog();
    expect(device.isInFallback).toBe(true);
  });
});

describe("fault switches", () => {
  it("answer with an exception where a request touches the register", () => {
    const { device, read } = rig("dg1");
    device.faults.exceptions.set(5, 6);
    expect(read("input", 0, 9)).toEqual({ kind: "exception", code: 6 });
    expect(read("input", 6, 1)).toMatchObject({ kind: "registers" });
  });

  it("make the device silent", () => {
    const { device } = rig("dg1");
    device.faults.isSilent = true;
    expect(device.answerDelayMs).toBe(Infinity);
  });
});
