import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { encodeAnswer, takeFrame } from "./modbus-frames.ts";

const bytesOf = (hex: string) => Buffer.from(hex.replaceAll(" ", ""), "hex");

const frameOf = (hex: string) => {
  const taken = takeFrame(bytesOf(hex));
  return taken.kind === "frame" ? taken.frame : taken.kind;
};

describe("a frame is taken from the stream", () => {
  it.each([
    ["00 01 00 00 00 06 01 03 00 02", "incomplete"],
    ["", "incomplete"],
    ["00 01 00 01 00 06 01 03 00 02 00 01", "broken"],
    ["00 01 00 00 00 01 01", "broken"],
    ["00 01 00 00 00 ff 01", "broken"],
  ])("%s is %s", (hex, kind) => {
    expect(frameOf(hex)).toBe(kind);
  });

  it("leaves what follows", () => {
    const taken = takeFrame(bytesOf("00 01 00 00 00 06 01 03 00 02 00 01 aa bb"));
    expect(taken).toMatchObject({ kind: "frame", rest: bytesOf("aa bb") });
  });
});

describe("requests are read strictly", () => {
  const pdu = (hex: string) => {
    const length = bytesOf(hex).length + 1;
    return frameOf(`00 01 00 00 00 ${length.toString(16).padStart(2, "0")} 01 ${hex}`);
  };

  it.each([
    ["01 00 10 00 08", { kind: "read", table: "coil", address: 16, count: 8 }],
    ["02 00 00 07 d0", { kind: "read", table: "discrete", address: 0, count: 2000 }],
    ["03 00 02 00 7d", { kind: "read", table: "holding", address: 2, count: 125 }],
    ["04 ff ff 00 01", { kind: "read", table: "input", address: 65535, count: 1 }],
    ["05 00 03 ff 00", { kind: "writeCoils", address: 3, values: [true], isSingle: true }],
    ["06 00 02 80 00", { kind: "writeRegisters", address: 2, values: [32768], isSingle: true }],
    [
      "0f 00 00 00 0a 02 05 02",
      {
        kind: "writeCoils",
        address: 0,
        values: [true, false, true, false, false, false, false, false, false, true],
        isSingle: false,
      },
    ],
    [
      "10 00 01 00 02 04 00 0a 01 02",
      { kind: "writeRegisters", address: 1, values: [10, 258], isSingle: false },
    ],
  ])("%s", (hex, request) => {
    expect(pdu(hex)).toMatchObject({ request });
  });

  it.each([
    ["an unknown function", "07", 1],
    ["a read of nothing", "03 00 00 00 00", 3],
    ["a read of 126 registers", "03 00 00 00 7e", 3],
    ["a read of 2001 coils", "01 00 00 07 d1", 3],
    ["a read past the end", "03 ff ff 00 02", 2],
    ["a read with trailing bytes", "03 00 00 00 01 00", 3],
    ["a truncated read", "03 00 00", 3],
    ["a coil that is neither on nor off", "05 00 00 00 01", 3],
    ["a byte count that does not fit", "10 00 01 00 02 03 00 0a 01 02", 3],
    ["missing registers", "10 00 01 00 02 04 00 0a 01", 3],
    ["a write of nothing", "10 00 01 00 00 00", 3],
    ["a write past the end", "10 ff ff 00 02 04 00 0a 01 02", 2],
  ])("%s is answered with exception", (_name, hex, exception) => {
    expect(pdu(hex)).toMatchObject({ request: null, exception });
  });

  it("never throws for any bytes, and always gets shorter", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        const taken = takeFrame(Buffer.from(bytes));
        if (taken.kind === "frame") expect(taken.rest.length).toBeLessThan(bytes.length);
      }),
    );
  });
});

describe("answers", () => {
  const answered = (request: string, answer: Parameters<typeof encodeAnswer>[1]) => {
    const taken = takeFrame(bytesOf(request));
    return taken.kind === "frame" ? encodeAnswer(taken.frame, answer) : null;
  };

  it("echo transaction, unit and function", () => {
    expect(
      answered("12 34 00 00 00 06 07 03 00 02 00 02", { kind: "registers", values: [1, 65535] }),
    ).toEqual(bytesOf("12 34 00 00 00 07 07 03 04 00 01 ff ff"));
  });

  it("pack bits from the lowest", () => {
    const values = [true, false, true, false, false, false, false, false, true];
    expect(answered("00 01 00 00 00 06 01 01 00 00 00 09", { kind: "bits", values })).toEqual(
      bytesOf("00 01 00 00 00 05 01 01 02 05 01"),
    );
  });

  it.each([
    ["06 00 02 80 00", "06 00 02 80 00"],
    ["05 00 03 ff 00", "05 00 03 ff 00"],
    ["10 00 01 00 01 02 00 0a", "10 00 01 00 01"],
  ])("to %s is %s once written", (request, answer) => {
    const length = (bytesOf(request).length + 1).toString(16).padStart(2, "0");
    expect(answered(`00 01 00 00 00 ${length} 01 ${request}`, { kind: "written" })).toEqual(
      bytesOf(`00 01 00 00 00 06 01 ${answer}`),
    );
  });

  it("set the high bit of the function for an exception", () => {
    expect(answered("00 01 00 00 00 06 01 03 00 02 00 02", { kind: "exception", code: 2 })).toEqual(
      bytesOf("00 01 00 00 00 03 01 83 02"),
    );
  });
});
