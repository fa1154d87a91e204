import {
  COMMAND_LENGTH,
  MAP_VERSION,
  POINT_LENGTH,
  RESULT_LENGTH,
  type MapBlock,
  type ModbusMap,
} from "./modbus-map.ts";

/** One line of the map: a range of registers and what stands there. */
export interface MapRow {
  readonly unit: number;
  readonly address: number;
  readonly count: number;
  readonly access: "read" | "write";
  readonly block: string;
  readonly name: string;
  readonly type: string;
  readonly measuredIn: string;
  readonly meaning: string;
}

const HEADER_ROWS: readonly Omit<MapRow, "unit">[] = [
  headerRow(0, 2, "signature", "ASCII", "REMS"),
  headerRow(2, 1, "mapVersion", "uint16", `version of this layout: ${MAP_VERSION}`),
  headerRow(3, 1, "blockCount", "uint16", "blocks of grids and devices"),
  headerRow(4, 2, "mapHash", "uint32", "changes when any address, point or command does"),
  headerRow(6, 1, "mode", "uint16", "0 simulation, 1 production"),
  headerRow(7, 1, "heartbeat", "uint16", "counts up every second while the node lives"),
  headerRow(8, 1, "firstBlock", "uint16", "address of the first block"),
  headerRow(9, 1, "takesCommands", "uint16", "1 where commands are taken"),
  headerRow(10, 16, "installation", "ASCII", "id of the installation"),
  headerRow(26, 16, "node", "ASCII", "id of the node that answers"),
];

function headerRow(
  address: number,
  count: number,
  name: string,
  type: string,
  meaning: string,
): Omit<MapRow, "unit"> {
  const block = "header";
  return { address, count, access: "read", block, name, type, measuredIn: "", meaning };
}

/** Every register that is offered, in the order of the addresses. */
export function mapRows(map: ModbusMap): MapRow[] {
  return map.units.flatMap(({ unitId, blocks }) =>
    [...HEADER_ROWS, ...blocks.flatMap(blockRows)].map((row) => ({ unit: unitId, ...row })),
  );
}

function blockRows(block: MapBlock): Omit<MapRow, "unit">[] {
  const name = block.kind === "grid" ? block.id : `${block.grid}/${block.id}`;
  const base = { block: name, measuredIn: "", access: "read" as const };
  const rows: Omit<MapRow, "unit">[] = [
    {
      ...base,
      address: block.address,
      count: 24,
      name: "blockHeader",
      type: "block",
      meaning: `kind ${block.kindCode} (${block.kind}), length, next block, number of points, id, address of the commands`,
    },
    ...block.points.map((point): Omit<MapRow, "unit"> => {
      const labels = point.labels.map((label, index) => `${index} ${label}`).join(", ");
      return {
        ...base,
        address: point.address,
        count: POINT_LENGTH,
        name: point.name,
        type: "point",
        measuredIn: point.unit,
        meaning: labels === "" ? point.meaning : `${point.meaning}: ${labels}`,
      };
    }),
  ];
  if (block.commandAddress === 0) return rows;
  const commands = block.commands.map((command) => `${command.code} ${command.name}`).join(", ");
  rows.push(
    {
      ...base,
      access: "write",
      address: block.commandAddress,
      count: COMMAND_LENGTH,
      name: "command",
      type: "command",
      meaning: commands,
    },
    {
      ...base,
      address: block.commandAddress + COMMAND_LENGTH,
      count: RESULT_LENGTH,
      name: "commandResult",
      type: "result",
      meaning: "0 none, 1 pending, 2 accepted, 3 refused; count of requests; reason in ASCII",
    },
  );
  return rows;
}

const COLUMNS = [
  "unit",
  "address",
  "count",
  "access",
  "block",
  "name",
  "type",
  "measuredIn",
  "meaning",
] as const;

/** RFC 4180, with a header. */
export function mapCsv(map: ModbusMap): string {
  const cell = (value: string | number): string => {
    const text = String(value);
    return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  const rows = mapRows(map).map((row) => COLUMNS.map((column) => cell(row[column])).join(","));
  return [COLUMNS.join(","), ...rows].join("\n");
}

export function mapMarkdown(map: ModbusMap): string {
  const rows = mapRows(map).map((row) => {
    const cells = COLUMNS.map((column) => String(row[column]).replaceAll("|", "\\|"));
    return `| ${cells.join(" | ")} |`;
  });
  return [
    `| ${COLUMNS.join(" | ")} |`,
    `| ${COLUMNS.map(() => "---").join(" | ")} |`,
    ...rows,
  ].join("\n");
}

/** What a system that holds the older map would read wrongly: registers (`unit:address`) that moved or are gone, one sentence each. */
export function mapChanges(map: ModbusMap, olderCsv: string): string[] {
  const keyOf = (unit: string | number, block: string, name: string): string =>
    `${block === "header" ? `unit ${unit} ` : ""}${block} ${name}`;
  const now = new Map(mapRows(map).map((row) => [keyOf(row.unit, row.block, row.name), row]));
  const changes: string[] = [];
  const [, ...lines] = olderCsv.trim().split(/\r?\n/);
  for (const line of lines) {
    const [unit = "", address = "", count = "", , block = "", name = ""] = line.split(",");
    const key = keyOf(unit, block, name);
    const row = now.get(key);
    const before = `${unit}:${address}`;
    if (row === undefined) changes.push(`${key}, once at ${before}, is gone`);
    else if (`${row.unit}:${row.address}` !== before || String(row.count) !== count) {
      changes.push(`${key} moved from ${before} to ${row.unit}:${row.address}`);
    }
  }
  return changes;
}
