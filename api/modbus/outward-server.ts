import { ModbusServer, openLink } from "../../drivers/modbus-server/modbus-server.ts";
import type { CommandDesk } from "../control-service.ts";
import type { NodeView } from "../node-view.ts";
import { createModbusMap } from "./modbus-map.ts";
import { OutwardRegisters } from "./outward-registers.ts";

/** Until there is access control nobody beyond this machine is served, whatever the node's address is. */
const HOST = "127.0.0.1";
const MASTERS_MAX = 16;
const SLOT_RELEASE_MS = 30_000;

/**
 * Serves the node's points to other systems.
 *
 * @returns How to stop it, and the port.
 * @throws {@link RemsError} `REMS_PORT_IN_USE`.
 */
export async function startOutwardServer(
  view: NodeView,
  desk: Pick<CommandDesk, "decide">,
  port: number,
): Promise<{ readonly port: number; close(): Promise<void> }> {
  const units = createModbusMap(view.manifest).units.map(
    (unit) => [unit.unitId, new OutwardRegisters(view, desk, unit)] as const,
  );
  const server = new ModbusServer(new Map(units), {
    nowMs: () => performance.now(),
    mastersMax: MASTERS_MAX,
    slotReleaseMs: SLOT_RELEASE_MS,
  });
  const bound = await server.listen(HOST, port, openLink(view.node.id), "the Modbus server");
  return { port: bound, close: () => server.close() };
}
