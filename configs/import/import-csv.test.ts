import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkProfileText } from "../load-profile.ts";
import { problemText } from "../problem.ts";
import type { Addressing } from "./csv-columns.ts";
import { type CsvImport, importCsv } from "./import-csv.ts";

function imported(
  csv: string,
  kind: "genset" | "meter" | "battery" = "meter",
  addressing: Addressing | null = null,
): CsvImport {
  return importCsv(csv, { file: "list.csv", id: "acme", name: "Acme", kind, addressing });
}

/** The lines of the profile's points, without where they came from. */
function pointLines(result: CsvImport): string[] {
  expect(result.problems.map(problemText)).toEqual([]);
  return (result.text ?? "")
    .split("\n")
    .filter((line) => line.startsWith("  { point") || line.startsWith("  { command"))
    .map((line) => line.replace(/^ {2}\{ (.*) \},.*$/, "$1"));
}

const problemsOf = (csv: string, addressing: Addressing | null = null) =>
  imported(csv, "meter", addressing).problems.map(problemText);

const one = (heading: string, row: string) =>
  pointLines(imported(`address,name,type,${heading}\n7,Voltage,int32,${row}\n`))[0];

describe("delimiters and quotes", () => {
  it.each([",", ";", "\t", "|"])("reads fields divided by %j", (delimiter) => {
    const rows = [
      ["Address", "Name", "Type", "Unit"],
      ["7", "Voltage", "int16", "V"],
    ];
    const csv = rows.map((row) => row.join(delimiter)).join("\r\n");
    expect(pointLines(imported(csv))).toEqual([
      'point = "voltageV", table = "holding", address = 7, type = "int16"',
    ]);
  });

  it("takes delimiters, doubled quotes and line ends in quotes as text", () => {
    const csv =
      '\uFEFFaddress,name,type\n1,"Room ""A"", temperature,\nnorth",int16\n2,Voltage,int16\n';
    const { text } = imported(csv);
    expect(text).toContain('line 2: "Room "A", temperature, north" holding 1 int16');
    expect(text).toContain("# line 4, by its name");
  });

  it("leaves out empty lines and comments", () => {
    expect(
      pointLines(imported("# list of 2026\n\naddress,name,type\n\n# ac side\n2,Voltage,int16\n")),
    ).toHaveLength(1);
  });
});

describe("addresses", () => {
  const address = (text: string, heading = "address", addressing: Addressing | null = null) => {
    const line = pointLines(
      imported(`${heading},name,type\n${text},Voltage,int16\n`, "meter", addressing),
    )[0];
    return /table = "(\w+)", address = (\d+)/
      .exec(line ?? "")
      ?.slice(1)
      .join(" ");
  };

  it.each([
    ["100", null, "holding 100"],
    ["0x1F", null, "holding 31"],
    ["1Fh", null, "holding 31"],
    ["$1f", null, "holding 31"],
    ["100", "one", "holding 99"],
    ["40001", "zero", "holding 40001"],
    ["40001", "modicon", "holding 0"],
    ["30011", "modicon", "input 10"],
    ["465536", "modicon", "holding 65535"],
    ["300001", "modicon", "input 0"],
  ] as const)("%s counted %s is %s", (text, addressing, expected) => {
    expect(address(text, "address", addressing)).toBe(expected);
  });

  it.each([
    ["Protocol address", "100", "holding 100"],
    ["Register (1-based)", "100", "holding 99"],
    ["Modbus reference", "40101", "holding 100"],
  ])("the heading %s says how it is counted", (heading, text, expected) => {
    expect(address(text, heading)).toBe(expected);
  });

  it("refuses to guess what 40001 means", () => {
    expect(problemsOf("address,name,type\n5,Voltage,int16\n40001,Frequency,uint16\n")).toEqual([
      "list.csv:3:1: address: found 40001; allowed: a notation that is stated: `--addressing modicon` (40001 is the first holding register) or `--addressing zero` (it is register 40001)",
    ]);
  });

  it("refuses to guess it as well where a function code agrees with the reference number", () => {
    expect(
      problemsOf("register,function code,name,type\n40001,3,Frequency,uint16\n").join(),
    ).toContain("found 40001; allowed: a notation that is stated");
  });

  it("takes 30775 with function code 3 for a register: it cannot be a reference number", () => {
    const list =
      "register,function code,name,type,scale\n30775,3,Voltage,int16,1\n40001,3,Frequency,uint16,0.01\n";
    expect(pointLines(imported(list)).join()).toContain('table = "holding", address = 40001');
  });

  it("says which notation it took where nothing was stated", () => {
    expect(imported("address,name,type\n5,Voltage,int16\n").remarks.join()).toContain(
      "counted from 0",
    );
  });

  it.each([
    ["holding register", "holding"],
    ["04", "input"],
    ["FC3", "holding"],
    ["FC 04", "input"],
    ["03/16", "holding"],
    ["3x", "input"],
  ])("takes %s for the table %s", (table, expected) => {
    const line = pointLines(imported(`address,name,type,function\n5,Voltage,int16,${table}\n`))[0];
    expect(line).toContain(`table = "${expected}"`);
  });
});

describe("types, scales and units", () => {
  it.each([
    ["type", "S16", 'type = "int16"'],
    ["type", "UDINT", 'type = "uint32"'],
    ["type", "unsigned 32", 'type = "uint32"'],
    ["type", "Float", 'type = "float32"'],
    ["type", "float32 (CDAB)", 'type = "float32", word_order = "little"'],
    ["type", "uint32_le", 'type = "uint32", word_order = "little"'],
    ["type", "INT32 BE", 'type = "int32"'],
  ])("%s %s is %s", (_heading, type, expected) => {
    const [line] = pointLines(imported(`address,name,type\n7,Voltage,${type}\n`));
    expect(line).toBe(`point = "voltageV", table = "holding", address = 7, ${expected}`);
  });

  it.each([
    ["scale", "0.1", "scale = 0.1"],
    ["scale", '"0,1"', "scale = 0.1"],
    ["scale", "1/10", "scale = 0.1"],
    ["divisor", "10", "scale = 0.1"],
    ["decimals", "2", "scale = 0.01"],
    ["unit", "kV", "scale = 1000"],
    ["unit", "0.1 V", "scale = 0.1"],
    ["unit", "mV", "scale = 0.001"],
    ["offset", "-20", "offset = -20"],
    ["not available", "0x7FFF", "not_available = 32767"],
    ["access", "R/W", 'access = "readWrite"'],
  ])("%s %s gives %s", (heading, field, expected) => {
    const csv = `address,name,type,${heading}\n7,Voltage,int32,${field}\n9,q setpoint,int16,${field}\n`;
    const { text, problems } = imported(csv, heading === "access" ? "genset" : "meter");
    if (heading === "access")
      expect(text).toContain(
        `point = "reactiveReferenceKvar", table = "holding", address = 9, type = "int16", ${expected}`,
      );
    else
      expect([problems.map(problemText), one(heading, field)]).toEqual([
        [],
        `point = "voltageV", table = "holding", address = 7, type = "int32", ${expected}`,
      ]);
  });

  it("turns watts into the unit of the point, without noise", () => {
    const [line] = pointLines(
      imported("address,name,type,unit,scale\n7,Active power,int32,W,0.3\n"),
    );
    expect(line).toContain("scale = 0.0003");
  });

  it("reads bits of registers, coils and labels", () => {
    const csv = [
      "address,name,type,table,bit,labels",
      "19.3,isClosed,uint16,input,,",
      "19,isOpen,bool,input,4,",
      "5,isTripped,,discrete,,",
      '20,state,uint16,input,,"0=off; 1=ready"',
    ].join("\n");
    expect(pointLines(imported(csv, "battery"))).toEqual([
      'point = "isClosed", table = "input", address = 19, type = "bit", bit = 3',
      'point = "isOpen", table = "input", address = 19, type = "bit", bit = 4',
      'point = "isTripped", table = "discrete", address = 5, type = "bit"',
      'point = "state", table = "input", address = 20, type = "uint16", labels = { 0 = "off", 1 = "ready" }',
    ]);
  });

  it("makes commands with their value and usual feedback", () => {
    const csv =
      "address,name,type,access,value\n2,Remote start,uint16,W,1\n2,Remote stop,uint16,W,2\n8.0,Running,uint16,R,\n";
    expect(pointLines(imported(csv, "genset")).slice(1)).toEqual([
      'command = "start", table = "holding", address = 2, value = 1, followed_by = { point = "isRunning", value = true, within_ms = 60000 }',
      'command = "stop", table = "holding", address = 2, value = 2, followed_by = { point = "isRunning", value = false, within_ms = 600000 }',
    ]);
  });
});

describe("points", () => {
  it("believes the column `point` before any name", () => {
    const csv =
      "address,name,point,type\n1,Voltage,-,int16\n2,Spannung,voltageV,int16\n3,Power,activePowerKw,int16\n";
    const result = imported(csv);
    expect(pointLines(result).map((line) => line.slice(0, 40))).toEqual([
      'point = "voltageV", table = "holding", a',
      'point = "activePowerKw", table = "holdin',
    ]);
    expect(result.text).toContain('2, type = "int16" }, # line 3\n');
  });

  it("keeps what it does not know as comments, types that a profile cannot carry too", () => {
    const { text } = imported(
      "address,name,type,unit\n2,Voltage,int16,V\n9,Serial number,string,\n30,Energy,uint64,kWh\n",
    );
    expect(text).toContain('#   line 3: "Serial number" holding 9 string');
    expect(text).toContain('#   line 4: "Energy" holding 30 uint64 kWh');
  });

  it("leaves a second row of the same name out and says so", () => {
    const { remarks } = imported("address,name,type\n2,Voltage,int16\n9,Voltage,int16\n");
    expect(remarks.join("\n")).toContain(
      'line 3: "Voltage" would be voltageV again and was left out',
    );
  });

  it("names all that the profile still lacks", () => {
    const { open } = imported("address,name,type\n2,Voltage,int16\n");
    expect(open.map(({ path, found }) => `${path}: ${found}`)).toEqual([
      "source: nothing",
      "sign_statement: nothing",
      "masters_max: nothing",
      "slot_release_ms: nothing",
      "points: no frequencyHz",
    ]);
  });

  it("becomes a right profile once that is stated", () => {
    const { text } = imported("address,name,type\n2,Voltage,uint16\n3,Frequency,float32\n");
    const facts =
      'source = "manual"\nsign_statement = "as in R-EMS"\nmasters_max = 2\nslot_release_ms = 0\n';
    const checked = checkProfileText(`${text ?? ""}${facts}`, "acme.toml");
    expect(checked.problems.map(problemText)).toEqual([]);
    expect(checked.profile?.points.map(({ point }) => point)).toEqual(["voltageV", "frequencyHz"]);
  });
});

describe("what is wrong", () => {
  it("is listed all at once, with line and column", () => {
    const csv = [
      "address,name,type,scale,unit,access,word order",
      "70000,Voltage,int16,1,V,R,",
      "8,Frequency,int17,1,Hz,R,",
      "9,Active power,int32,zero,kW,maybe,BADC",
      ",Reactive power,int32,1,kvar,R,",
    ].join("\n");
    const found = imported(csv).problems.map(
      ({ line, column, path, found: what }) => `${line}:${column} ${path} ${what}`,
    );
    expect(found).toEqual([
      '2:1 address "70000"',
      '3:13 type "int17"',
      '4:22 scale "zero"',
      '4:36 wordOrder "BADC"',
      '4:30 access "maybe"',
      '5:1 address ""',
    ]);
  });

  const rows: [name: string, csv: string, message: string][] = [
    [
      "nothing",
      "",
      "list.csv:1:1: found no rows; allowed: a row of headings and one row for each register",
    ],
    [
      "no known heading",
      "a,b\n1,2\n",
      "list.csv:1:1: header: found a, b; allowed: a column `address` (also: register, reference)",
    ],
    [
      "a heading twice",
      "address,addr,name,type\n1,1,Voltage,int16\n",
      "list.csv:1:9: address: found a second column for address; allowed: each column once",
    ],
    [
      "a quote that does not end",
      'address,name,type\n1,"Voltage,int16\n',
      'list.csv:2:3: found a quote that does not end; allowed: a closing " in the same field',
    ],
    [
      "a bit beyond 15",
      "address,name,type\n1.16,Voltage,bit\n",
      'list.csv:2:1: address: found "1.16"; allowed: a bit of 0 to 15 after the address',
    ],
    [
      "a unit of something else",
      "address,name,type,unit\n1,Voltage,int16,A\n",
      'list.csv:2:17: unit: found "A"; allowed: a unit of voltageV: V, v, kV, KV, mV',
    ],
    [
      "an unknown point",
      "address,point,type\n1,voltagV,int16\n",
      'list.csv:2:3: point: found "voltagV"; allowed: did you mean voltageV? a point or command of kind meter, or - for none: voltageV, frequencyHz, activePowerKw, reactivePowerKvar',
    ],
    [
      "a point twice",
      "address,point,type\n1,voltageV,int16\n2,voltageV,int16\n",
      "list.csv:3:3: point: found voltageV again; allowed: each point once (line 2 has it)",
    ],
    [
      "two scales",
      "address,name,type,scale,divisor\n1,Voltage,int16,0.1,10\n",
      'list.csv:2:21: divisor: found "10"; allowed: only one of scale, divisor and decimals',
    ],
    [
      "a range that cannot be",
      "address,name,type,scale\n1,Frequency,int16,100\n",
      "list.csv:2:3: Frequency: scale:",
    ],
    [
      "registers that overlap",
      "address,name,type\n1,Voltage,int32\n2,Frequency,int16\n",
      "list.csv:3:3: Frequency: address: found holding 2; allowed: registers that nothing else uses (voltageV does)",
    ],
  ];

  it.each(rows)("%s", (_name, csv, message) => {
    const found = problemsOf(csv).map((text) => text.slice(0, message.length));
    expect(found).toContain(message);
  });

  it("never throws, whatever the text, and never gives a profile that is not TOML", () => {
    const field = fc.oneof(
      fc.string(),
      fc.constantFrom(
        "address",
        "name",
        "type",
        "voltage",
        "int16",
        "40001",
        '"',
        "\n",
        "0x1F",
        "#",
        "point",
        "-",
      ),
    );
    const table = fc.array(fc.array(field, { maxLength: 6 }), { maxLength: 6 });
    fc.assert(
      fc.property(table, fc.constantFrom(",", ";", "\t", "|"), (rows_, delimiter) => {
        const body = rows_.map((row) => row.join(delimiter)).join("\n");
        for (const text of [body, `address${delimiter}name${delimiter}type\n${body}`]) {
          const result = imported(text);
          if (result.text !== null) {
            expect(
              result.open.some(({ found }) => found.startsWith("a text that is not TOML")),
            ).toBe(false);
          }
        }
      }),
    );
  });
});
