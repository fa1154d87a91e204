import { SUPERVISION, type DeviceProfile } from "../../configs/profile.ts";
import type { SunspecNeeds, SunspecPointNeed } from "../../configs/sunspec/needs.ts";
import { nominalLayout } from "../../configs/sunspec/nominal-layout.ts";
import { device, profile } from "../../drivers/modbus/profile-fixture.ts";
import { sunspecFamily } from "../../drivers/sunspec/sunspec-family.ts";
import { present } from "../../kernel/assert.ts";
import type { PointValue } from "../../kernel/point.ts";
import type { FamilyCase, FamilyPeer } from "./family-peer.ts";
import { ModbusTestDevice } from "./modbus-device.ts";

const need = (
  values: Partial<SunspecPointNeed> & Pick<SunspecPointNeed, "point" | "model" | "name">,
): SunspecPointNeed => ({
  access: "read",
  poll: "fast",
  isNegated: false,
  trueSymbols: null,
  labels: null,
  constant: null,
  supervision: SUPERVISION,
  writeWith: {},
  ...values,
});

/** A storage system of which the contract of families needs four points and a command. */
const NEEDS: SunspecNeeds = {
  baseAddresses: [],
  models: [[701], [704], [715], [802]],
  points: [
    need({ point: "isClosed", model: 701, name: "ConnSt", trueSymbols: ["CONNECTED"] }),
    need({ point: "activePowerKw", model: 701, name: "W" }),
    need({ point: "sohPct", model: 802, name: "SoH", poll: "slow" }),
    need({
      point: "powerSetpointKw",
      model: 704,
      name: "WSet",
      access: "readWrite",
      writeWith: { WSetEna: "ENABLED", WSetMod: "WATTS" },
    }),
  ],
  commands: [{ command: "open", model: 715, name: "OpCtl", value: "STOP", followedBy: null }],
};

export function storageProfile(values: Partial<SunspecNeeds> = {}): DeviceProfile {
  const needs = { ...NEEDS, ...values };
  const { points, commands, fixedRegisters } = nominalLayout(needs, "battery", "test-storage");
  const sunspec = { needs, fixedRegisters };
  return profile({ id: "test-storage", family: "sunspec", sunspec, points, commands });
}

/** Registers of a device that has a profile's own layout; it stands where the test puts it, and refuses everything beside. */
export class SunspecTestDevice {
  readonly wire = new ModbusTestDevice();
  readonly base: number;
  readonly #nominal: DeviceProfile;
  readonly #wordCount: number;
  readonly #shift: number;

  constructor(nominal: DeviceProfile, base: number) {
    const { fixedRegisters } = present(nominal.sunspec, "a SunSpec profile");
    this.#nominal = nominal;
    this.base = base;
    this.#shift = base - fixedRegisters.address;
    this.#wordCount = fixedRegisters.words.length;
    for (const [index, word] of fixedRegisters.words.entries())
      this.wire.registers.set(base + index, word);
    this.wire.behave = ({ socket, request, reply, exception }) => {
      const isThere = this.isThere(request.address, request.count);
      socket.write(isThere ? reply() : exception(2));
    };
  }

  isThere(address: number, count: number): boolean {
    return address >= this.base && address + count <= this.base + this.#wordCount;
  }

  /** Where a point of the profile stands in this device. */
  addressOf(point: string): number {
    const mapping = this.#nominal.points.find((one) => one.point === point);
    return present(mapping, "a point of the profile").address + this.#shift;
  }

  /** Sets a register of this device by its place in the profile's own layout. */
  set(address: number, word: number): void {
    this.wire.registers.set(address + this.#shift, word & 0xffff);
  }

  word(point: string, index = 0): number {
    return this.wire.registers.get(this.addressOf(point) + index) ?? 0;
  }
}

async function startSunspecPeer(): Promise<FamilyPeer> {
  const nominal = storageProfile();
  const peer = new SunspecTestDevice(nominal, 40000);
  const port = await peer.wire.listen();
  const honest = peer.wire.behave;
  const show = (point: string, value: PointValue) => {
    const scale = present(
      nominal.points.find((one) => one.point === point),
      "a point of the profile",
    ).scale;
    const raw = typeof value === "boolean" ? Number(value) : Math.round(Number(value) / scale);
    peer.wire.registers.set(peer.addressOf(point), raw & 0xffff);
  };
  return {
    device: device({ port, profile: nominal }),
    show,
    held: () =>
      (((peer.word("powerSetpointKw") << 16) | peer.word("powerSetpointKw", 1)) >> 0) / 10,
    writeCount: () => peer.wire.writes.length,
    silence() {
      peer.wire.behave = () => {};
    },
    answer() {
      peer.wire.behave = honest;
    },
    refuseWrites() {
      peer.wire.behave = (served) =>
        served.request.functionCode >= 5
          ? served.socket.write(served.exception(4))
          : honest(served);
    },
    connectionCount: () => peer.wire.sockets.size,
    close: () => peer.wire.close(),
  };
}

export const sunspecCase: FamilyCase = {
  name: "sunspec",
  family: sunspecFamily,
  start: startSunspecPeer,
};
