import { InspectionService, rems, type Types } from "../../proto/generated/rems-v1.ts";
import { type CommandContext, EXIT } from "./command-context.ts";
import { jsonText } from "./json-text.ts";
import { paint, tableFor, type Terminal } from "./terminal.ts";

type Grid = Types.rems.v1.IGridStatus;
type Device = Types.rems.v1.IDeviceStatus;

/** `r-emsctl grids` and `r-emsctl devices`: one line each, for people and scripts that want no more. */
export function addGridCommands({ program, terminal, withClient }: CommandContext): void {
  program
    .command("grids")
    .description("one line for each grid (switchboard section): who leads, load, reserve, alarms")
    .addHelpText(
      "after",
      "\nExamples: r-emsctl grids\n          r-emsctl --json grids | jq -r 'select(.isN1Held == false).grid'",
    )
    .action(() =>
      withClient(async (client, { json }) => {
        const { grids } = await client.call(
          InspectionService.getStatus,
          rems.v1.GetStatusRequest.create(),
        );
        if (json) for (const grid of grids) terminal.out(jsonText(grid));
        else terminal.out(gridsTable(terminal, grids));
        return EXIT.ok;
      }),
    );
  program
    .command("devices [grid]")
    .description("one line for each device: state, breaker, power, connection")
    .addHelpText(
      "after",
      "\nExamples: r-emsctl devices\n          r-emsctl devices port\n          r-emsctl --json devices | jq -r 'select(.connection != \"online\").device'",
    )
    .action((wanted: string | undefined) =>
      withClient(async (client, { json }) => {
        const { grids } = await client.call(
          InspectionService.getStatus,
          rems.v1.GetStatusRequest.create(),
        );
        const chosen = grids.filter(({ grid }) => wanted === undefined || grid === wanted);
        if (chosen.length === 0) {
          terminal.error(
            `r-emsctl: there is no grid "${wanted ?? ""}"; there is ${grids.map(({ grid }) => grid).join(", ")}`,
          );
          return EXIT.refused;
        }
        const devices = chosen.flatMap(({ grid, devices }) =>
          (devices ?? []).map((device) => ({ grid: grid ?? "", device })),
        );
        if (json)
          for (const { grid, device } of devices)
            terminal.out(jsonText({ grid, ...plain(device) }));
        else terminal.out(devicesTable(terminal, devices));
        return EXIT.ok;
      }),
    );
}

function gridsTable(terminal: Terminal, grids: readonly Grid[]): string {
  const rows = grids.map((grid) => {
    const { plant } = grid;
    const alarmCount = grid.alarms?.length ?? 0;
    return [
      grid.grid ?? "",
      grid.mode ?? "",
      grid.leader ? grid.leader : paint(terminal, "red", "nobody"),
      String(Number(grid.epoch)),
      (grid.inSync ?? []).join(" ") || "-",
      grid.control ?? "",
      plant ? kw(plant.generationKw) : "-",
      plant ? kw(plant.freeKw) : "-",
      grid.isN1Held === true ? "ok" : paint(terminal, "yellow", "NO"),
      alarmCount === 0 ? "0" : paint(terminal, "red", String(alarmCount)),
    ];
  });
  const head = [
    "GRID",
    "MODE",
    "LEADER",
    "EPOCH",
    "IN SYNC",
    "CONTROL",
    "LOAD",
    "FREE",
    "N-1",
    "ALARMS",
  ];
  return tableFor(terminal, [head, ...rows]);
}

function devicesTable(
  terminal: Terminal,
  devices: readonly { readonly grid: string; readonly device: Device }[],
): string {
  const rows = devices.map(({ grid, device }) => [
    `${grid}/${device.device ?? ""}`,
    device.state ?? "",
    device.isClosed === true ? "closed" : device.isClosed === false ? "open" : "-",
    device.activePowerKw === null || device.activePowerKw === undefined
      ? "-"
      : kw(device.activePowerKw),
    device.socPct === null || device.socPct === undefined ? "-" : `${device.socPct.toFixed(0)} %`,
    device.connection === "online" ? "online" : paint(terminal, "yellow", device.connection ?? ""),
  ]);
  return tableFor(terminal, [
    ["DEVICE", "STATE", "BREAKER", "POWER", "SOC", "CONNECTION"],
    ...rows,
  ]);
}

function kw(value: number | null | undefined): string {
  return `${(value ?? 0).toFixed(0)} kW`;
}

/** The fields of a message without its class. */
function plain(message: Device): Record<string, unknown> {
  return Object.fromEntries(Object.entries(message));
}
