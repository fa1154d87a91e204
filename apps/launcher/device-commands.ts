import type { Manifest } from "../../configs/manifest.ts";
import type { PointMapping, RegisterType } from "../../configs/profile.ts";

/** mbpoll's names of tables and types. */
const TABLES: Readonly<Record<PointMapping["table"], string>> = {
  coil: "0",
  discrete: "1",
  input: "3",
  holding: "4",
};
const TYPES: Readonly<Record<RegisterType, string>> = {
  int16: "",
  uint16: "",
  bit: ":hex",
  int32: ":int",
  uint32: ":int",
  float32: ":float",
};

/**
 * Complete command lines for a second terminal: what R-EMS says about a device, and what the device itself says.
 * @param publicPorts - Address of the manifest to where anybody finds the device.
 */
export function secondTerminalCommands(
  manifest: Manifest,
  publicPorts: Readonly<Record<string, string>>,
): string[] {
  const grid = manifest.grids[0];
  const sets = grid?.devices.filter(({ kind }) => kind === "genset" || kind === "battery") ?? [];
  const asked = sets[1] ?? sets[0];
  const read = sets[0];
  if (grid === undefined || asked === undefined || read === undefined) return [];
  const [node] = manifest.nodes;
  const address = node === undefined ? "" : `${node.host}:${node.operatorPort}`;
  const target = address === "127.0.0.1:7401" ? "" : ` --address ${address}`;
  const commands = [`bin/r-emsctl why ${grid.id}/${asked.id}${target}`];
  const point = read.profile.points.find(
    (one) => one.point === "activePowerKw" && one.table !== "coil" && one.table !== "discrete",
  );
  const place = publicPorts[`${read.host}:${read.port}`] ?? `${read.host}:${read.port}`;
  if (point === undefined) return commands;
  const colon = place.lastIndexOf(":");
  const isBig = TYPES[point.type] === ":int" && point.wordOrder === "big";
  commands.push(
    [
      `mbpoll -0 -1 -m tcp -p ${place.slice(colon + 1)} -a ${read.unitId}`,
      `-t ${TABLES[point.table]}${TYPES[point.type]}${isBig ? " -B" : ""}`,
      `-r ${point.address} -c 1 ${place.slice(0, colon)}`,
      ` # ${read.name}, kW × ${Math.round(1 / point.scale)}`,
    ].join(" "),
  );
  return commands;
}

/** Where the web application is, for a browser; any node serves it. */
export function webLines({ nodes }: Manifest): string[] {
  const [node] = nodes;
  return node === undefined
    ? []
    : [`http://${node.host}:${node.httpPort}  # in a browser: the same, and more`];
}
