import { modbusFamily } from "../../drivers/modbus/modbus-device-io.ts";
import { device } from "../../drivers/modbus/profile-fixture.ts";
import type { PointValue } from "../../kernel/point.ts";
import type { FamilyCase, FamilyPeer } from "./family-peer.ts";
import { ModbusTestDevice } from "./modbus-device.ts";

const REGISTERS: Readonly<Record<string, { address: number; scale: number }>> = {
  isClosed: { address: 0, scale: 1 },
  activePowerKw: { address: 1, scale: 0.1 },
  sohPct: { address: 50, scale: 1 },
};

async function startModbusPeer(transport: "tcp" | "rtu-over-tcp"): Promise<FamilyPeer> {
  const peer = new ModbusTestDevice(transport === "tcp" ? "tcp" : "rtu");
  const port = await peer.listen();
  const honest = peer.behave;
  const show = (point: string, value: PointValue) => {
    const { address, scale } = REGISTERS[point] ?? { address: 99, scale: 1 };
    peer.registers.set(address, Math.round(Number(value) / scale) & 0xffff);
  };
  return {
    device: device({ port, transport }),
    show,
    held: () => (((peer.registers.get(102) ?? 0) << 16) >> 16) / 10,
    writeCount: () => peer.writes.length,
    silence() {
      peer.behave = () => {};
    },
    answer() {
      peer.behave = honest;
    },
    refuseWrites() {
      peer.behave = ({ socket, request, reply, exception }) =>
        socket.write(request.functionCode >= 5 ? exception(4) : reply());
    },
    connectionCount: () => peer.sockets.size,
    close: () => peer.close(),
  };
}

export const modbusCases: readonly FamilyCase[] = [
  { name: "modbus", family: modbusFamily, start: () => startModbusPeer("tcp") },
  {
    name: "modbus, RTU in TCP",
    family: modbusFamily,
    start: () => startModbusPeer("rtu-over-tcp"),
  },
];
