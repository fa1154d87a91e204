import { readFileSync } from "node:fs";
import { Option } from "commander";
import { mapChanges, mapCsv, mapMarkdown, mapRows } from "../../api/modbus/map-text.ts";
import { createModbusMap } from "../../api/modbus/modbus-map.ts";
import { loadManifest } from "../../configs/load-manifest.ts";
import { findManifestPath } from "../../configs/manifest-path.ts";
import { RemsError } from "../../kernel/errors.ts";
import { type CommandContext, EXIT, isJson } from "./command-context.ts";

interface MapOptions {
  readonly format: "csv" | "markdown";
  readonly compare?: string;
}

const HELP = `
Examples:
  r-emsctl --config r-ems.toml modbus-map > map.csv
  r-emsctl --config r-ems.toml modbus-map --format markdown
  r-emsctl --config r-ems.toml modbus-map --compare map.csv

Exit codes: 0 done, or nothing moved; 1 something moved or is gone; 2 wrong usage or configuration.`;

/** `r-emsctl modbus-map`: the registers that the nodes of an installation offer to other systems. */
export function addModbusMap(context: CommandContext): void {
  context.program
    .command("modbus-map")
    .description("the registers that R-EMS offers to other systems, from the manifest")
    .addOption(
      new Option("--format <format>", "how it is printed")
        .choices(["csv", "markdown"])
        .default("csv"),
    )
    .option("--compare <file>", "only say what moved since this CSV was printed")
    .addHelpText("after", HELP)
    .action((options: MapOptions) => {
      const { config } = context.program.opts<{ readonly config?: string }>();
      const map = createModbusMap(loadManifest(findManifestPath(config, process.env)));
      const { terminal } = context;
      if (options.compare === undefined) {
        if (isJson(context)) for (const row of mapRows(map)) terminal.out(JSON.stringify(row));
        else terminal.out(options.format === "csv" ? mapCsv(map) : mapMarkdown(map));
        return;
      }
      const changes = mapChanges(map, readOlder(options.compare));
      if (isJson(context)) terminal.out(JSON.stringify({ changes }));
      else terminal.out(changes.length === 0 ? "Nothing moved." : changes.join("\n"));
      context.finish(changes.length === 0 ? EXIT.ok : EXIT.refused);
    });
}

function readOlder(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw new RemsError("REMS_NOT_FOUND", `the map ${path} cannot be read`, { cause });
  }
}
